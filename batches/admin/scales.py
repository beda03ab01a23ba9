"""Scales: scores with their errors, how far they can be trusted, and publishing one."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from batches.admin import grades
from batches.admin.base import ReadOnly
from batches.admin.deeds import Question, deed
from batches.admin.exports import Exporting
from batches.admin.filters import one_of, own
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.print_page import print_context
from batches.admin.scale_report import answer, report_context
from batches.admin.trust import picture, trust
from batches.admin.words import link, moment
from batches.models import Scale, Score
from batches.numbers import decimal, grouped
from batches.pipeline import grading, score
from batches.pipeline.refused import Refused

SCORES_PER_PAGE = 100


def ask_before_publishing(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    scale = one_scale(rows)
    score.check_publishable(scale)
    sentence = trust(scale)[1]
    warnings = [_("A published scale is frozen: it can never be changed or deleted.")]
    if scale.is_local:
        warnings.append(_("It comes from the local provider's feature judge and says nothing about pupils' work."))
    return Question(
        title=_("Publish a scale"),
        facts=[
            (_("Scale"), str(scale)),
            (_("Essays"), grouped(scale.n_essays)),
            (_("Judgements"), grouped(scale.n_comparisons)),
            (_("Grades"), grades.written(scale) or _("none")),
            (_("Reliability"), "–" if scale.eb_reliability is None else decimal(scale.eb_reliability, 2)),
            (_("What that means"), sentence),
        ],
        button=_("Publish"),
        warnings=tuple(warnings),
    )


def ask_grades(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    scale = grades.the_one(rows)
    if scale.published_at:
        raise Refused(_("This scale is published: its grades stay as they are."))
    return grades.ask_for_grades(scale)


def one_scale(rows: QuerySet[Any]) -> Scale:
    found = list(rows.defer("judgement_ids").select_related("assessment__project")[:2])
    if len(found) != 1:
        raise Refused(_("Publish one scale at a time: choose a single one."))
    return found[0]


@admin.register(Scale)
class ScaleScreen(Exporting, ReadOnly):
    nothing_yet = gettext_lazy("A scale is computed on the page of its assessment, once something was judged.")
    page_template = "cj/scale.html"
    list_display = ("name", "assessment_link", "reliability", "n_essays", "n_comparisons", "state", "computed")
    list_filter = (
        own("assessment"),
        one_of(
            gettext_lazy("state"),
            "state",
            draft=(gettext_lazy("not published"), Q(published_at=None)),
            out=(gettext_lazy("published"), Q(published_at__isnull=False)),
        ),
    )
    list_select_related = ("assessment",)
    not_listed = ("judgement_ids", "assessment__rubric", "assessment__instructions")
    exact_search = ("pk", "assessment__slug__exact")
    search_help_text = gettext_lazy("Scale id, or the assessment's slug")
    ordering = ("-id",)
    actions = ("publish", "set_grades")
    has_set_grades_permission = may("set_grades")
    has_publish_scale_permission = may("publish_scale")

    @admin.display(description=gettext_lazy("scale"), ordering="number")
    def name(self, row: Scale) -> str:
        return _("Scale %(number)s") % {"number": row.number}

    @admin.display(description=gettext_lazy("assessment"))
    def assessment_link(self, row: Scale) -> Any:
        return link(row.assessment)

    @labelled(gettext_lazy("reliability"), {"success": "success", "warning": "warning", "danger": "danger"})
    def reliability(self, row: Scale) -> tuple[str, str]:
        colour = trust(row)[0]
        words = (
            _("not connected")
            if not row.connected
            else "–"
            if row.eb_reliability is None
            else decimal(row.eb_reliability, 2)
        )
        return colour, words

    @labelled(gettext_lazy("state"), {gettext_noop("published"): "success", gettext_noop("draft"): ""})
    def state(self, row: Scale) -> str:
        return "published" if row.published_at else "draft"

    @admin.display(description=gettext_lazy("computed"), ordering="created_at")
    def computed(self, row: Scale) -> Any:
        return moment(row.created_at)

    @deed(
        permission="publish_scale",
        title=gettext_lazy("Publish"),
        icon="campaign",
        main=True,
        confirm=ask_before_publishing,
    )
    def publish(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        scale = score.publish(one_scale(rows), actor=request.user)
        return _("Scale %(number)s of %(assessment)s is published and frozen.") % {
            "number": scale.number,
            "assessment": scale.assessment,
        }

    @deed(permission="set_grades", title=gettext_lazy("Set grades"), icon="grading", confirm=ask_grades)
    def set_grades(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        scale = grades.the_one(rows)
        grading.set_grades(scale, grades.read(grades.asked_for(request), scale), actor=request.user)
        scale.refresh_from_db()
        return (
            _("Grades of scale %(number)s: %(grades)s.") % {"number": scale.number, "grades": grades.written(scale)}
            if scale.grades
            else _("The grades are gone.")
        )

    def senseless(self, row: Scale) -> set[str]:
        if row.published_at:
            return {"publish", "set_grades"}
        return set() if row.connected else {"set_grades"}

    def get_urls(self) -> list[URLPattern]:
        reports = [
            path(
                f"<int:object_id>/report.{kind}",
                self.admin_site.admin_view(self.report_view),
                {"kind": kind},
                name=f"batches_scale_report_{kind}",
            )
            for kind in ("json", "txt")
        ]
        printed = path(
            "<int:object_id>/print/", self.admin_site.admin_view(self.print_view), name="batches_scale_print"
        )
        return [*reports, printed, *self.export_urls(), *super().get_urls()]

    def print_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        scale = self.get_object(request, str(object_id))
        if scale is None:
            raise Http404
        if not self.has_view_permission(request, scale):
            raise PermissionDenied
        return TemplateResponse(request, "cj/print.html", print_context(scale))

    def report_view(self, request: HttpRequest, object_id: int, kind: str) -> HttpResponse:
        scale = self.get_object(request, str(object_id))
        if scale is None:
            raise Http404
        if not self.has_view_permission(request, scale):
            raise PermissionDenied
        return answer(request, scale, kind)

    def page(self, request: HttpRequest, row: Scale) -> dict[str, Any]:
        colour, sentence = trust(row)
        scores = Score.objects.filter(scale=row).select_related("essay").defer("essay__text").order_by("rank", "id")
        return {
            **super().page(request, row),
            "title": _("Scale %(number)s") % {"number": row.number},
            "trust_colour": colour,
            "trust": sentence,
            "chart": picture(row),
            **report_context(row),
            **self.export_context(request, row, row),
            "scores": Paginator(scores, SCORES_PER_PAGE).get_page(request.GET.get("p")),
        }
