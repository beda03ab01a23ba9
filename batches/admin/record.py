"""The record: who did what, and what left for the outside. Both are only read."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from batches.admin.base import ReadOnly
from batches.admin.filters import one_of, own
from batches.admin.labels import labelled
from batches.admin.words import link, moment, usd
from batches.models import AuditEntry, Callback

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


@admin.register(Callback)
class CallbackScreen(ReadOnly):
    page_template = "cj/callback.html"
    list_display = ("event_id", "about", "revision", "state", "tries", "created", "delivered")
    list_filter = (
        one_of(
            "delivery",
            "delivery",
            waiting=("waiting", Q(delivered_at=None)),
            delivered=("delivered", Q(delivered_at__isnull=False)),
        ),
    )
    not_listed = ("payload",)
    exact_search = ("pk", "event_id__exact")
    search_help_text = "Event id"
    ordering = ("-id",)

    def found(self, request: HttpRequest, rows: Any, term: str) -> Any:
        """An event id is a UUID; anything else that is typed finds nothing."""
        from uuid import UUID

        try:
            return rows.filter(event_id=UUID(term))
        except ValueError:
            return rows.none()

    @admin.display(description="tells of")
    def about(self, row: Callback) -> Any:
        if row.comparison_id:
            return link(row.comparison, f"Comparison {row.comparison_id}")
        return link(row.scale, f"Scale {row.scale.number} of {row.key}" if row.scale else None)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("comparison", "scale")

    @labelled("state", {"delivered": "success", "waiting": "warning"})
    def state(self, row: Callback) -> str:
        return "delivered" if row.delivered_at else "waiting"

    @admin.display(description="written")
    def created(self, row: Callback) -> Any:
        return moment(row.created_at)

    @admin.display(description="delivered")
    def delivered(self, row: Callback) -> Any:
        return moment(row.delivered_at)

    def page(self, request: HttpRequest, row: Callback) -> dict[str, Any]:
        payload = json.dumps(row.payload, indent=2, ensure_ascii=False)
        return {**super().page(request, row), "title": f"Callback {row.event_id}", "payload": payload}
