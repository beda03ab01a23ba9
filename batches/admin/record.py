"""The record: who did what. It is only read."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from batches.admin.base import ReadOnly
from batches.admin.filters import one_of, own
from batches.admin.words import moment, usd
from batches.models import AuditEntry

TARGETS = {
    "assessment": gettext_lazy("an assessment"),
    "round": gettext_lazy("a round"),
    "batchjob": gettext_lazy("a batch job"),
    "scale": gettext_lazy("a scale"),
    "essay": gettext_lazy("an essay"),
    "project": gettext_lazy("a project"),
    "judge": gettext_lazy("a judge"),
    "provideraccount": gettext_lazy("an account"),
    "user": gettext_lazy("a person"),
    "apitoken": gettext_lazy("an API token"),
}


@admin.register(AuditEntry)
class AuditScreen(ReadOnly):
    nothing_yet = gettext_lazy("Whatever changes money or results is written down here.")
    page_template = "cj/audit.html"
    list_display = ("when", "actor_name", "act", "target", "project", "cost")
    list_display_links = ("when",)
    list_filter = (
        own("project"),
        one_of(
            gettext_lazy("target"), "target", **{name: (words, Q(target_type=name)) for name, words in TARGETS.items()}
        ),
    )
    linked_by = ("target_type", "target_id")
    list_select_related = ("project",)
    exact_search = ("actor_name__exact", "target_name__exact", "act__exact")
    search_help_text = gettext_lazy("User name, act, or the name of what it was done to")
    ordering = ("-id",)
    sortable_by = ("when",)  # by anything else the whole record would be read

    @admin.display(description=gettext_lazy("when"), ordering="id")
    def when(self, row: AuditEntry) -> Any:
        return moment(row.at)

    @admin.display(description=gettext_lazy("what it was done to"))
    def target(self, row: AuditEntry) -> str:
        return f"{row.target_name} ({row.target_type} {row.target_id})"

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, row: AuditEntry) -> str:
        return usd(row.cost_usd)

    def page(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:
        detail = json.dumps(row.detail, indent=2, ensure_ascii=False) if row.detail else ""
        return {**super().page(request, row), "title": f"{row.actor_name}: {row.act}", "detail": detail}
