"""Provider accounts: whether each can be used, and taking up a paused one. Keys stay in the environment."""

import os
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from batches import tasks
from batches.admin.base import ReadOnly
from batches.admin.deeds import counted, deed
from batches.admin.filters import choice, one_of
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.words import moment
from batches.models import ProviderAccount
from batches.pipeline import account
from batches.pipeline.refused import Refused

MOST_STRANGERS = 50  # newest first; what is older is on record
COLOURS = {
    gettext_noop("ready"): "success",
    gettext_noop("paused"): "danger",
    gettext_noop("waiting"): "warning",
    gettext_noop("no key"): "danger",
}


def state_of(row: ProviderAccount) -> str:
    """Whether the account can be used now, in a word or two."""
    if row.paused_at:
        return "paused"
    if row.blocked_until and row.blocked_until > timezone.now():
        return "waiting"
    return "ready" if row.is_local or has_key(row) else "no key"


def has_key(row: ProviderAccount) -> bool:
    return bool(os.environ.get(account.KEY_VARIABLE[row.provider]))


@admin.register(ProviderAccount)
class ProviderAccountScreen(ReadOnly):
    nothing_yet = gettext_lazy("An account appears when a judge of its provider is first chosen.")
    page_template = "cj/account.html"
    list_display = ("alias", "provider", "kind", "state", "key", "failures", "next_try")
    list_filter = (
        choice("provider"),
        one_of(
            gettext_lazy("state"),
            "state",
            paused=(gettext_lazy("paused"), Q(paused_at__isnull=False)),
            open=(gettext_lazy("not paused"), Q(paused_at=None)),
        ),
    )
    exact_search = ("alias__exact",)
    search_help_text = gettext_lazy("Alias")
    actions = ("resume",)
    has_resume_provideraccount_permission = may("resume_provideraccount")

    @labelled(gettext_lazy("kind"), {"local": "warning", "real": "info"})
    def kind(self, row: ProviderAccount) -> str:
        return gettext_noop("local") if row.is_local else gettext_noop("real")

    @labelled(gettext_lazy("state"), COLOURS)
    def state(self, row: ProviderAccount) -> str:
        return state_of(row)

    @admin.display(description=gettext_lazy("key in the environment"))
    def key(self, row: ProviderAccount) -> str:
        if row.is_local:
            return _("not needed")
        held = _("yes") if has_key(row) else _("no")
        return f"{account.KEY_VARIABLE[row.provider]}: {held}"

    @admin.display(description=gettext_lazy("next try"))
    def next_try(self, row: ProviderAccount) -> Any:
        return moment(row.blocked_until) if state_of(row) == "waiting" else "–"

    @deed(permission="resume_provideraccount", title=gettext_lazy("Resume"), icon="play_arrow", main=True)
    def resume(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = account.resume(rows, actor=request.user)
        if not n:
            raise Refused(_("None of these was paused or waiting: there is nothing to resume."))
        tasks.ring()
        return _("%(accounts)s can be used again.") % {"accounts": capfirst(counted(n, "account"))}

    def senseless(self, row: ProviderAccount) -> set[str]:
        return set() if row.paused_at or row.blocked_until else {"resume"}

    def page(self, request: HttpRequest, row: ProviderAccount) -> dict[str, Any]:
        return {
            **super().page(request, row),
            "title": row.alias,
            "state": state_of(row),
            "colour": COLOURS[state_of(row)],
            "key": self.key(row),
            "strangers": row.strangers.select_related("taken_for")[:MOST_STRANGERS],
        }
