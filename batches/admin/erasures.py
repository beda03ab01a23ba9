"""Certificates of what was removed for good: a list, a page that can be printed, and JSON."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from batches.admin.base import ReadOnly
from batches.admin.filters import one_of, own
from batches.admin.labels import labelled
from batches.admin.words import moment
from batches.models import Erasure
from batches.pipeline.certificate import document


@admin.register(Erasure)
class ErasureScreen(ReadOnly):
    nothing_yet = gettext_lazy("A certificate appears here when a pupil is withdrawn or an assessment is purged.")
    page_template = "cj/erasure.html"
    list_display = ("asked", "kind", "assessment_slug", "candidate", "actor_name", "state")
    list_filter = (
        own("project"),
        one_of(
            gettext_lazy("kind"),
            "kind",
            purge=(gettext_lazy("purge of an assessment"), Q(kind="PURGE")),
            withdrawal=(gettext_lazy("withdrawal of a pupil"), Q(kind="WITHDRAWAL")),
        ),
    )
    not_listed = ("hashes",)
    exact_search = ("pk", "assessment_slug__exact", "candidate__exact")
    search_help_text = gettext_lazy("Assessment or candidate, exactly")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("asked for"), ordering="asked_at")
    def asked(self, row: Erasure) -> Any:
        return moment(row.asked_at)

    @labelled(gettext_lazy("state"), {gettext_noop("complete"): "success", gettext_noop("under way"): "warning"})
    def state(self, row: Erasure) -> str:
        return "complete" if row.completed_at else "under way"

    def page(self, request: HttpRequest, row: Erasure) -> dict[str, Any]:
        removed = sorted(row.removed.items())
        return {
            **super().page(request, row),
            "title": _("Certificate %(certificate)s") % {"certificate": row.certificate},
            "removed": removed,
        }

    def get_urls(self) -> list[URLPattern]:
        as_json = path("<int:object_id>/json/", self.admin_site.admin_view(self.json_view), name="batches_erasure_json")
        return [as_json, *super().get_urls()]

    def json_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        name = f'attachment; filename="certificate-{row.certificate}.json"'
        return JsonResponse(document(row), headers={"Content-Disposition": name})
