"""What staff say about the people who judge -> who, how much of it, and what share of the pairs, checked."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from batches.admin.access import people as seen_people
from batches.admin.forms import PlainForm
from batches.conf import cj_settings
from batches.models import Assessment, Project
from batches.pipeline import panel

PAIRS = {
    "repeat": gettext_lazy("also judged by the model"),
    "instead": gettext_lazy("not judged by the model"),
}


ABOUT_PEOPLE = ("people", "quota", "share", "pairs")
OF_GROUPS = "django.contrib.auth.backends.ModelBackend"  # where roles give permissions


def members(project_id: int, user: Any) -> QuerySet[User]:
    """Those of a project who may log in, in the order of their names."""
    return seen_people(user).filter(projects=project_id, is_active=True).order_by("username").distinct()


def who_may_judge(project_id: int, user: Any) -> QuerySet[User]:
    """The members with the role judge, or with another that lets them."""
    able = User.objects.with_perm(panel.MAY_JUDGE, backend=OF_GROUPS)
    return members(project_id, user).filter(pk__in=able.values("pk"))


def named(user: User) -> str:
    return f"{user.get_full_name()} ({user.username})" if user.get_full_name() else user.username


class QuotaField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        given = {
            "label": gettext_lazy("Comparisons at most"),
            "help_text": gettext_lazy("Empty: as many as there are."),
        }
        widget = UnfoldAdminIntegerFieldWidget
        super().__init__(required=False, min_value=1, max_value=panel.MOST, widget=widget, **given | kwargs)


class ShareField(forms.DecimalField):
    """A share of the pairs, in per cent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Share of the pairs for people (%)"),
            required=False,
            min_value=Decimal(0),
            max_value=Decimal(100),
            max_digits=5,
            decimal_places=2,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
            **kwargs,
        )


class PairsField(forms.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        given = {
            "label": gettext_lazy("These pairs are"),
            "help_text": gettext_lazy(
                "Pairs that both judge show how far people and model agree; without the model they cost less."
            ),
        }
        widget = UnfoldAdminSelectWidget
        super().__init__(required=False, choices=list(PAIRS.items()), widget=widget, **given | kwargs)


class NameForm(PlainForm):
    """Somebody of the project, and how much is asked of them."""

    username = forms.ChoiceField(label=gettext_lazy("Person"), widget=UnfoldAdminSelectWidget)
    quota = QuotaField()

    def __init__(self, *args: Any, of: Assessment, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(one.username, named(one)) for one in members(of.project_id, user)]
        self.fields["username"].choices = [("", _("Choose a person")), *known]  # type: ignore[attr-defined]


class ShareForm(PlainForm):
    """What share of the next rounds' pairs people are given."""

    share = ShareField(
        help_text=gettext_lazy("Of the rounds planned from now on. Without a model, people judge all pairs.")
    )
    pairs = PairsField()

    def __init__(self, *args: Any, of: Assessment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = cj_settings.of(of.overrides)
        self.initial["share"] = (settings.human_share * 100).normalize().__format__("f")
        self.initial["pairs"] = settings.human_pairs


class PeopleOfSketch(PlainForm):
    """The people who are to judge a new assessment; asked only of those who may name judges."""

    people = forms.MultipleChoiceField(
        label=gettext_lazy("People"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": gettext_lazy("%(value)s cannot judge in this project: choose the people again.")
        },
    )
    quota = QuotaField(
        label=gettext_lazy("Comparisons at most, for each person"),
        help_text=gettext_lazy("Empty: as many as there are. It can be changed for one of them later."),
    )
    share = ShareField(
        help_text=gettext_lazy(
            "Such as 10: enough to see how far people and model agree. Without a model, people judge all pairs."
        )
    )
    pairs = PairsField()

    def __init__(self, *args: Any, project: Project, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user.has_perm(panel.PERMISSION):
            known = [(one.username, named(one)) for one in who_may_judge(project.pk, user)]
            self.fields["people"].choices = known  # type: ignore[attr-defined]
        else:
            for name in ABOUT_PEOPLE:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "people" in cleaned and not cleaned["people"] and cleaned.get("share"):
            self.add_error("share", _("Choose the people who are given this share, or leave it empty."))
        return cleaned

    def given(self) -> dict[str, Any]:
        """What a sketch keeps of it; what was said before does not stay in force where it is no longer asked."""
        found = self.cleaned_data
        share = found.get("share")
        return {
            "people": found.get("people") or [],
            "quota": found.get("quota"),
            "share": None if share is None else str(share),
            "pairs": found.get("pairs") or "",
        }
