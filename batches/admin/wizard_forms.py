"""The steps of a new assessment -> what each of them asks for, checked."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from batches.admin.access import visible
from batches.admin.assessment_forms import BudgetField
from batches.admin.forms import PlainForm
from batches.admin.judges import check_model, model_choices
from batches.admin.people_forms import PeopleOfSketch
from batches.admin.words import duration, usd
from batches.conf import cj_settings
from batches.models import Assessment, Judge, Project
from batches.models.judging import Strategy
from batches.pipeline.strategies import STRATEGIES
from batches.providers import manifest

DATED = re.compile(r"-20\d\d-?\d\d-?\d\d$")
NO_NAME = gettext_lazy("Type a short name: the title has no letters it could be made from.")


class Basics(PlainForm):
    """What is judged."""

    project = forms.ModelChoiceField(
        label=gettext_lazy("Project"),
        queryset=Project.objects.none(),
        empty_label=gettext_lazy("Choose a project"),
        widget=UnfoldAdminSelectWidget,
    )
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200, widget=UnfoldAdminTextInputWidget)
    slug = forms.SlugField(
        max_length=80,
        required=False,
        label=gettext_lazy("Short name"),
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("For commands and addresses; made from the title when left empty."),
    )
    instructions = forms.CharField(
        label=gettext_lazy("Instructions"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=gettext_lazy("The task the pupils were given. The judge reads it."),
    )
    rubric = forms.CharField(
        label=gettext_lazy("Rubric"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=gettext_lazy("What makes one essay better than another. The judge reads it."),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = visible(Project, request.user)
        self.fields["project"].queryset = own  # type: ignore[attr-defined]
        if own.count() == 1:
            self.fields["project"].initial = own.first()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "slug" not in self.errors and cleaned.get("title"):
            cleaned["slug"] = cleaned.get("slug") or slugify(cleaned["title"])[:80].strip("-")
            if not cleaned["slug"]:
                self.add_error("slug", NO_NAME)
            elif Assessment.objects.filter(slug=cleaned["slug"]).exists():
                taken = _("There is already an assessment called {slug}: choose another short name.")
                self.add_error("slug", taken.format(slug=cleaned["slug"]))
        return cleaned

    def given(self) -> dict[str, Any]:
        """What a sketch keeps of it."""
        return {key: self.cleaned_data[key] for key in ("title", "slug", "instructions", "rubric")}


class TargetField(forms.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_digits=4,
            decimal_places=3,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
            **kwargs,
        )


class Judging(PeopleOfSketch):
    """Who judges, how the comparisons leave, what it may cost, and when it is enough."""

    judges = forms.MultipleChoiceField(
        label=gettext_lazy("Models"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("One model, or several as a panel: a panel shares the comparisons evenly."),
    )
    strategy = forms.ChoiceField(label=gettext_lazy("Strategy"), required=False, widget=forms.RadioSelect)
    budget = BudgetField()
    target_reliability = TargetField(
        label=gettext_lazy("Stop at a reliability of"),
        min_value=Decimal("0.1"),
        max_value=Decimal("0.99"),
        help_text=gettext_lazy("Such as 0.90 for decisions about single pupils, 0.80 for groups. Empty: you decide."),
    )
    target_certain_grades = TargetField(
        label=gettext_lazy("Or when this share of the essays has a certain grade"),
        min_value=Decimal("0.01"),
        max_value=Decimal("1"),
        help_text=gettext_lazy("Such as 0.95. It needs essays whose grade is known, or boundaries set by you."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["budget"].initial = cj_settings.default_budget_usd
        self.fields["judges"].choices = [  # type: ignore[attr-defined]
            (group, [(value, words) for value, words in models]) for group, models in judge_choices()
        ]
        self.fields["judges"].valid_value = lambda value: True  # type: ignore[attr-defined]  # clean_judges says why not
        self.fields["strategy"].choices = [(name, label) for name, label, _why in strategy_choices()]  # type: ignore[attr-defined]

    def clean_judges(self) -> list[str]:
        known = {value for _group, models in judge_choices() for value, _words in models}
        for name in self.cleaned_data["judges"]:
            if name.startswith("judge:"):
                if name not in known:
                    raise ValidationError(_("One of the judges is no longer there: choose the judges again."))
            else:
                check_model(name)
        return list(self.cleaned_data["judges"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        people, models = cleaned.get("people"), cleaned.get("judges")
        if not models and not people and not {"judges", "people"} & set(self.errors):
            self.add_error("judges", _("Choose at least one judge: a model, several, or people."))
        share = cleaned.get("share")
        if models and people and not (cj_settings.human_share if share is None else share):
            asked = _("Say what share of the pairs people are given: without one they would judge nothing.")
            self.add_error("share", asked)
        return cleaned

    def given(self) -> dict[str, Any]:
        """What a sketch keeps of it."""
        found = self.cleaned_data
        numbers = ("budget", "target_reliability", "target_certain_grades")
        return super().given() | {
            "judges": found["judges"],
            "strategy": found["strategy"],
            **{key: None if found[key] is None else str(found[key]) for key in numbers},
        }


def judge_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Models by provider, then judges with settings of their own that were made here."""
    made = Judge.objects.filter(kind=Judge.Kind.MODEL).exclude(effort="", answer_by=Judge.AnswerBy.SCHEMA)
    own = [(f"judge:{judge.pk}", str(judge)) for judge in made.select_related("account").order_by("-pk")[:50]]
    models = [(str(group), list(choices)) for group, choices in model_choices(timezone.localdate())]
    return [*models, *([(_("Judges made here"), own)] if own else [])]


def judge_groups(chosen: Sequence[str]) -> list[dict[str, Any]]:
    """The same for a page, with prices, what was chosen marked, and the models that few will want apart."""
    return [_group(name, models, chosen) for name, models in judge_choices()]


def _group(name: str, models: Iterable[tuple[str, str]], chosen: Sequence[str]) -> dict[str, Any]:
    rows = [
        {"value": value, "words": words, "price": _price(value), "chosen": value in chosen} for value, words in models
    ]
    rest = [row for row in rows if _is_second_choice(str(row["value"]))]
    return {
        "name": name,
        "models": [row for row in rows if row not in rest],
        "rest": rest,
        "rest_chosen": any(row["chosen"] for row in rest),
    }


def _is_second_choice(name: str) -> bool:
    """Whether a model retires soon, or is another name of one that stands there without its date."""
    model = manifest.load().get(name.partition(":")[2])
    soon = model is not None and bool(manifest.retirement_warning(model, timezone.localdate()))
    return soon or DATED.search(name) is not None


def _price(name: str) -> str:
    """What a million tokens cost, read and written; "" for a judge that was made here."""
    model = manifest.load().get(name.partition(":")[2])
    if model is None:
        return ""
    return f"{usd(model.prices.input)} / {usd(model.prices.output)}"


def strategy_choices() -> Iterable[tuple[str, str, str]]:
    """(value, name, one sentence on when it answers and what it costs)."""
    default = Strategy(cj_settings.llm_batching_strategy)
    yield "", _("As set for this installation"), _("At present: {name}.").format(name=default.label)
    for name in STRATEGIES:
        yield name, str(Strategy(name).label).capitalize(), sentence_of(name)


def sentence_of(strategy: str) -> str:
    sentences = {
        "per_round": _("One call for each comparison, many at a time: answers within minutes, at the full price."),
        "serial_bundle": _(
            "Several comparisons in one prompt: answers within minutes, and less is paid for reading the rubric."
        ),
        "provider_batch": _("A whole round in one parcel: answers within a day, usually an hour, at half the price."),
        "accumulate": ngettext(
            "Waits until {n} comparison is there, or {time} have passed, then as one parcel at half the price.",
            "Waits until {n} comparisons are there, or {time} have passed, then as one parcel at half the price.",
            cj_settings.accumulate_pairs,
        ).format(n=cj_settings.accumulate_pairs, time=duration(cj_settings.accumulate_max_wait)),
        "nightly": _("Leaves once a night at {time} as one parcel: answers the next day, at half the price.").format(
            time=f"{cj_settings.nightly_at:%H:%M}"
        ),
    }
    return sentences[strategy]
