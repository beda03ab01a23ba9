"""The record: who did what. It is only read."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from batches.admin.base import ReadOnly
from batches.admin.filters import one_of, own
from batches.admin.words import moment, usd
from batches.models import AuditEntry

TARGETS = {
    "assessment": "an assessment",
    "round": "a round",
    "batchjob": "a batch job",
    "scale": "a scale",
    "essay": "an essay",
    "project": "a project",
    "judge": "a judge",
    "provideraccount": "an account",
    "user": "a person",
    "apitoken": "an API token",
}


@admin.register(AuditEntry)
class AuditScreen(ReadOnly):
    page_template = "cj/audit.html"
    list_display = ("when", "actor_name", "act", "target", "project", "cost")
    list_display_links = ("when",)
    list_filter = (
        own("project"),
        one_of("target", "target", **{name: (words, Q(target_type=name)) for name, words in TARGETS.items()}),
    )
    linked_by = ("target_type", "target_id")
    list_select_related = ("project",)
    exact_search = ("actor_name__exact", "target_name__exact", "act__exact")
    search_help_text = "User name, act, or the name of what it was done to"
    ordering = ("-id",)

    @admin.display(description="when", ordering="id")
    def when(self, row: AuditEntry) -> Any:
        return moment(row.at)

    @admin.display(description="what it was done to")
    def target(self, row: AuditEntry) -> str:
        return f"{row.target_name} ({row.target_type} {row.target_id})"

    @admin.display(description="cost")
    def cost(self, row: AuditEntry) -> str:
        return usd(row.cost_usd)

    def page(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:
        detail = json.dumps(row.detail, indent=2, ensure_ascii=False) if row.detail else ""
        return {**super().page(request, row), "title": f"{row.actor_name}: {row.act}", "detail": detail}
