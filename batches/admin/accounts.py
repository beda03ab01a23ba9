"""Provider accounts: whether each can be used, and taking up a paused one. Keys stay in the environment."""

import os
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

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
COLOURS = {"ready": "success", "paused": "danger", "waiting": "warning", "no key": "danger"}


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
    page_template = "cj/account.html"
    list_display = ("alias", "provider", "kind", "state", "key", "failures", "next_try")
    list_filter = (
        choice("provider"),
        one_of("state", "state", paused=("paused", Q(paused_at__isnull=False)), open=("not paused", Q(paused_at=None))),
    )
    exact_search = ("alias__exact",)
    search_help_text = "Alias"
    actions = ("resume",)
    has_resume_provideraccount_permission = may("resume_provideraccount")

    @labelled("kind", {"local": "warning", "real": "info"})
    def kind(self, row: ProviderAccount) -> str:
        return "local" if row.is_local else "real"

    @labelled("state", COLOURS)
    def state(self, row: ProviderAccount) -> str:
        return state_of(row)

    @admin.display(description="key in the environment")
    def key(self, row: ProviderAccount) -> str:
        if row.is_local:
            return "not needed"
        return f"{account.KEY_VARIABLE[row.provider]}: {'yes' if has_key(row) else 'no'}"

    @admin.display(description="next try")
    def next_try(self, row: ProviderAccount) -> Any:
        return moment(row.blocked_until) if state_of(row) == "waiting" else "–"

    @deed(permission="resume_provideraccount", title="Resume", icon="play_arrow", main=True)
    def resume(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = account.resume(rows, actor=request.user)
        if not n:
            raise Refused("None of these was paused or waiting: there is nothing to resume.")
        tasks.ring()
        return f"{counted(n, 'account').capitalize()} can be used again."

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
