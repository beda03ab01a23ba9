"""What leaves for the outside: every message, and how far the outside is behind."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.access import visible
from batches.admin.base import ReadOnly
from batches.admin.deeds import counted, deed
from batches.admin.filters import one_of
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.words import link, moment
from batches.conf import sink_in_force
from batches.models import Callback, Relay
from batches.pipeline import relay
from batches.pipeline.refused import Refused

STATES = {
    "waiting": (gettext_lazy("waiting"), Q(delivered_at=None)),
    "failing": (gettext_lazy("tried in vain"), Q(delivered_at=None, tries__gt=0)),
    "delivered": (gettext_lazy("delivered"), Q(delivered_at__isnull=False)),
}


@admin.register(Callback)
class CallbackScreen(ReadOnly):
    nothing_yet = gettext_lazy("A callback is written for every comparison that is resolved, where a sink is set.")
    page_template = "cj/callback.html"
    list_before_template = "cj/callbacks_behind.html"
    list_display = ("event_id", "about", "revision", "state", "tries", "created", "delivered")
    list_filter = (one_of(gettext_lazy("delivery"), "delivery", **STATES),)
    linked_by = ("assessment__id__exact",)
    not_listed = ("payload", "scale__judgement_ids", "scale__report")
    exact_search = ("pk", "event_id__exact")
    search_help_text = gettext_lazy("Event id")
    ordering = ("-id",)
    sortable_by = ()  # there are as many as comparisons: by anything but the id all of them would be read
    actions = ("try_now",)
    has_view_callback_permission = may("view_callback")

    def found(self, request: HttpRequest, rows: Any, term: str) -> Any:
        """An event id is a UUID; anything else that is typed finds nothing."""
        try:
            return rows.filter(event_id=UUID(term))
        except ValueError:
            return rows.none()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("comparison", "scale")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "behind": behind(request)})

    @admin.display(description=gettext_lazy("tells of"))
    def about(self, row: Callback) -> Any:
        if row.comparison_id:
            return link(row.comparison, _("Comparison %(number)s") % {"number": row.comparison_id})
        return link(
            row.scale,
            _("Scale %(number)s of %(key)s") % {"number": row.scale.number, "key": row.key} if row.scale else None,
        )

    @labelled(gettext_lazy("state"), {"delivered": "success", "waiting": "warning", "failing": "danger"})
    def state(self, row: Callback) -> tuple[str, str]:
        name = "delivered" if row.delivered_at else "failing" if row.tries else "waiting"
        return name, str(STATES[name][0])

    @admin.display(description=gettext_lazy("written"))
    def created(self, row: Callback) -> Any:
        return moment(row.created_at)

    @admin.display(description=gettext_lazy("delivered"))
    def delivered(self, row: Callback) -> Any:
        return moment(row.delivered_at)

    def page(self, request: HttpRequest, row: Callback) -> dict[str, Any]:
        payload = json.dumps(row.payload, indent=2, ensure_ascii=False)
        return {
            **super().page(request, row),
            "title": _("Callback %(event_id)s") % {"event_id": row.event_id},
            "payload": payload,
        }

    def senseless(self, row: Callback) -> set[str]:
        return {"try_now"} if row.delivered_at else set()

    @deed(permission="view_callback", title=gettext_lazy("Try again now"), icon="send")
    def try_now(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = relay.hurry(rows)
        if not n:
            raise Refused(_("All of these are delivered already."))
        return _("%(callbacks)s will be tried again at once.") % {"callbacks": capfirst(counted(n, "callback"))}


def behind(request: HttpRequest) -> dict[str, Any]:
    """How many of the viewer's callbacks wait and since when, and whether anything gets through at the moment."""
    waiting = visible(Callback, request.user).filter(delivered_at=None)
    held_up = Relay.objects.filter(failures__gt=0).first()
    return {
        **waiting.aggregate(n=Count("pk"), failing=Count("pk", filter=Q(tries__gt=0)), since=Min("created_at")),
        "off": sink_in_force() == "none",
        "held_up": held_up,
        "is_due": bool(held_up and held_up.next_try_at and held_up.next_try_at <= timezone.now()),
    }
