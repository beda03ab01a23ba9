"""A press of a button -> a file of scores or judgements, sent as it is written, and an entry in the record."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.permissions import may
from batches.models import Assessment, AuditEntry, Comparison, Scale
from batches.pipeline import export, workbook
from batches.pipeline.refused import Refused

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES = {  # what a button sends: the words on it, and the type of the file
    "results.xlsx": (gettext_lazy("Workbook (XLSX)"), XLSX),
    "scores.csv": (gettext_lazy("Scores, CSV"), "text/csv; charset=utf-8"),
    "scores.jsonl": (gettext_lazy("Scores, JSONL"), "application/x-ndjson"),
    "judgements.csv": (gettext_lazy("Judgements, CSV"), "text/csv; charset=utf-8"),
    "judgements.jsonl": (gettext_lazy("Judgements, JSONL"), "application/x-ndjson"),
}
WRITERS: dict[str, Callable[[Any], Iterator[str]]] = {"csv": export.as_csv, "jsonl": export.as_jsonl}
MOST_IN_A_WORKBOOK = 50_000  # judgements: more would keep a browser, and a web worker, waiting
PIECE = 1 << 16


class Exporting:
    """A screen whose rows can be taken away as files, each of them put on record."""

    has_export_results_permission = may("export_results")

    def export_urls(self) -> list[URLPattern]:
        screen: Any = self
        view = screen.admin_site.admin_view(self.export_view)
        return [path("<int:object_id>/export/", view, name=f"batches_{screen.opts.model_name}_export")]

    def export_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        screen: Any = self
        row = screen.get_object(request, str(object_id))
        if row is None:
            raise Http404
        if not self.has_export_results_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            return _sent(row, request.POST.get("file", ""), request.user)
        except Refused as no:
            screen.message_user(request, str(no), "ERROR")
            return HttpResponseRedirect(reverse(f"admin:batches_{screen.opts.model_name}_change", args=[row.pk]))

    def export_context(self, request: HttpRequest, row: Any, scale: Scale | None) -> dict[str, Any]:
        """What `cj/exports.html` shows: nothing to those who may not take results away."""
        if not self.has_export_results_permission(request):
            return {}
        name = row._meta.model_name
        files = [(file, words) for file, (words, _type) in FILES.items() if scale or not file.startswith("scores")]
        address = reverse(f"admin:batches_{name}_export", args=[row.pk])
        return {"export_address": address, "export_files": files, "print_scale": scale}


def _sent(row: Assessment | Scale, name: str, user: Any) -> StreamingHttpResponse:
    if name not in FILES:
        raise Refused(_("There is no such file: choose one of the buttons."))
    scale, assessment = (row, row.assessment) if isinstance(row, Scale) else (export.newest(row), row)
    what, _dot, kind = name.partition(".")
    if kind == "xlsx":
        pieces: Any = _workbook(assessment, scale)
    else:
        pieces = WRITERS[kind](export.scores(assessment, scale) if what == "scores" else export.judgements(assessment))
    AuditEntry.record("export", row, actor=user, project=assessment.project, what=what, format=kind)
    file = f"{assessment.slug}-{name}" if scale is None else f"{assessment.slug}-scale-{scale.number}-{name}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(pieces, content_type=FILES[name][1], headers=headers)


def _workbook(assessment: Assessment, scale: Scale | None) -> Iterator[bytes]:
    """The bytes of a workbook, from a folder that is gone when they are sent."""
    rows: QuerySet[Comparison] = Comparison.objects.filter(round__assessment=assessment)
    if rows.order_by()[: MOST_IN_A_WORKBOOK + 1].count() > MOST_IN_A_WORKBOOK:
        raise Refused(
            _(
                "There are more than %(n)s comparisons, too many for a workbook over the web: take CSV, or have "
                "somebody run `export %(slug)s --format xlsx`."
            )
            % {"n": f"{MOST_IN_A_WORKBOOK:,}", "slug": assessment.slug}
        )
    return _pieces(assessment, scale)


def _pieces(assessment: Assessment, scale: Scale | None) -> Iterator[bytes]:
    with TemporaryDirectory(prefix="cj-workbook-") as folder:
        made = Path(folder) / "results.xlsx"
        workbook.write(assessment, made, scale=scale)
        with made.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
