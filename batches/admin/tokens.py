"""API tokens: made for a machine, shown once, revoked for ever."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from batches.admin.access import visible
from batches.admin.base import Screen
from batches.admin.deeds import counted, deed
from batches.admin.filters import one_of, own
from batches.admin.forms import PlainForm
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.words import moment
from batches.models import ApiToken, Project, Scope
from batches.models.api import GRANTS, MARK
from batches.pipeline.refused import Refused

LONGEST = 366  # days
USUAL = 90
COLOURS = {gettext_noop("usable"): "success", gettext_noop("expired"): "warning", gettext_noop("revoked"): ""}


class NewToken(PlainForm):
    """For which machine, in which project, to do what, and until when."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(), empty_label=gettext_lazy("Choose a project"), widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(
        max_length=100, widget=UnfoldAdminTextInputWidget, help_text=gettext_lazy("Which machine or service uses it.")
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label=gettext_lazy("It may"),
        help_text=gettext_lazy("No more than it needs."),
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST,
        initial=USUAL,
        label=gettext_lazy("Days until it expires"),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = request.user
        self.fields["project"].queryset = visible(Project, request.user)  # type: ignore[attr-defined]

    def clean_scopes(self) -> list[str]:
        """Nobody gives a machine more than they may do themselves."""
        for scope in self.cleaned_data["scopes"]:
            if any(not self.user.has_perm(f"batches.{permission}") for permission in GRANTS[scope]):
                raise ValidationError(
                    _("You may not do what %(scope)s allows: ask somebody who may to make this token.")
                    % {"scope": scope}
                )
        return list(self.cleaned_data["scopes"])

    def issue(self) -> tuple[ApiToken, str]:
        given = self.cleaned_data
        return ApiToken.issue(
            project=given["project"],
            name=given["name"],
            scopes=given["scopes"],
            expires_at=timezone.now() + timedelta(days=given["days"]),
            created_by_id=self.user.pk,
        )


def state_of(row: ApiToken) -> str:
    if row.revoked_at:
        return "revoked"
    return "usable" if row.is_usable else "expired"


@admin.register(ApiToken)
class ApiTokenScreen(Screen):
    nothing_yet = gettext_lazy("A token lets a program act for a project.")
    add_words = gettext_lazy("New API token")
    page_template = "cj/token.html"
    list_display = ("name", "project", "begins", "may_do", "state", "expires", "used")
    list_filter = (
        own("project"),
        one_of(
            gettext_lazy("state"),
            "state",
            revoked=(gettext_lazy("revoked"), Q(revoked_at__isnull=False)),
            not_=(gettext_lazy("not revoked"), Q(revoked_at=None)),
        ),
    )
    list_select_related = ("project", "created_by")
    not_listed = ("secret_sha256",)
    exact_search = ("prefix__exact", "name__exact")
    search_help_text = format_lazy(gettext_lazy("Name, or the eight characters after {mark}_"), mark=MARK)
    ordering = ("-id",)
    actions = ("revoke",)
    has_revoke_apitoken_permission = may("revoke_apitoken")

    @admin.display(description=gettext_lazy("begins with"))
    def begins(self, row: ApiToken) -> str:
        return f"{MARK}_{row.prefix}"

    @admin.display(description=gettext_lazy("may"))
    def may_do(self, row: ApiToken) -> str:
        return ", ".join(row.scopes)

    @labelled(gettext_lazy("state"), COLOURS)
    def state(self, row: ApiToken) -> str:
        return state_of(row)

    @admin.display(description=gettext_lazy("expires"), ordering="expires_at")
    def expires(self, row: ApiToken) -> Any:
        return moment(row.expires_at)

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def used(self, row: ApiToken) -> Any:
        return moment(row.last_used_at)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @deed(permission="revoke_apitoken", title=gettext_lazy("Revoke"), icon="block", main=True)
    def revoke(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        revoked = [row for row in rows if row.revoke()]
        if not revoked:
            raise Refused(_("None of these could still be used: there is nothing to revoke."))
        for row in revoked:
            self.record(request, "revoke", row)
        return _("%(tokens)s cannot be used any more.") % {"tokens": capfirst(counted(len(revoked), "token"))}

    def senseless(self, row: ApiToken) -> set[str]:
        return {"revoke"} if row.revoked_at else set()

    def page(self, request: HttpRequest, row: ApiToken) -> dict[str, Any]:
        scopes = [label for value, label in Scope.choices if value in row.scopes]
        return {
            **super().page(request, row),
            "title": row.name,
            "begins": self.begins(row),
            "scopes": scopes,
            "state": state_of(row),
            "colour": COLOURS[state_of(row)],
        }

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The token is in the answer to the POST, and nowhere else: not in a message, a session or a log."""
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        form = NewToken(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid():
            row, secret = form.issue()
            self.record(request, "create", row, scopes=row.scopes, expires_at=row.expires_at.isoformat())
            shown = TemplateResponse(request, self.page_template, self.page(request, row) | {"secret": secret})
            shown["Cache-Control"] = "no-store"
            return shown
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "title": _("New API token"),
        }
        return TemplateResponse(
            request, "cj/form_page.html", {**context, "button": _("Make this token"), "media": self.media + form.media}
        )
