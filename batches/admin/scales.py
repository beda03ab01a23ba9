"""Scales: scores with their errors, how far they can be trusted, and publishing one."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from batches.admin import grades
from batches.admin.base import ReadOnly
from batches.admin.chart import chart
from batches.admin.deeds import Question, deed
from batches.admin.filters import one_of, own
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.scale_report import answer, report_context
from batches.admin.words import link, moment
from batches.models import Scale, Score
from batches.pipeline import grading, score
from batches.pipeline.refused import Refused
from batches.pipeline.report import red_flag

SCORES_PER_PAGE = 100
MOST_DRAWN = 5000
# at least this reliability: (colour, one plain sentence)
TRUST = (
    (
        0.90,
        "success",
        "The order of the essays can be relied on, also for decisions about single pupils near a boundary.",
    ),
    (0.80, "success", "The order is dependable for most purposes; look again at essays close to a boundary."),
    (0.70, "warning", "Good enough to compare groups; for single pupils, plan another round first."),
    (0.00, "danger", "Too uncertain to rank single pupils by it: plan another round."),
)


def trust(scale: Scale) -> tuple[str, str]:
    """Colour and sentence for a scale's reliability."""
    if scale.connected and (flag := red_flag(scale)):
        return "danger", flag
    if not scale.connected:
        return "danger", (
            f"The essays fall into {scale.components} groups that were never compared with one another, "
            "so there is no common order yet: plan another round."
        )
    if scale.eb_reliability is None:
        return "warning", "The reliability cannot be estimated from so few judgements: plan another round."
    known = max(scale.eb_reliability, 0.0)
    return next((colour, sentence) for least, colour, sentence in TRUST if known >= least)


def picture(scale: Scale) -> Any:
    rows = scale.scores.filter(logit__isnull=False).values_list("essay__candidate", "logit", "standard_error")
    anchors = scale.scores.filter(essay__anchor_score__isnull=False).values_list("essay__candidate", flat=True)
    parts = [(one["name"], one["from"]) for one in scale.grades]
    return chart(list(rows[:MOST_DRAWN]), grades=parts, anchors=set(anchors[:MOST_DRAWN]))


def ask_before_publishing(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    scale = one_scale(rows)
    _, sentence = trust(scale)
    warnings = ["A published scale is frozen: it can never be changed or deleted."]
    if scale.is_local:
        warnings.append("It comes from the local provider's feature judge and says nothing about pupils' work.")
    return Question(
        title="Publish a scale",
        facts=[
            ("Scale", str(scale)),
            ("Essays", f"{scale.n_essays:,}"),
            ("Judgements", f"{scale.n_comparisons:,}"),
            ("Grades", grades.written(scale) or "none"),
            ("Reliability", "–" if scale.eb_reliability is None else f"{scale.eb_reliability:.2f}"),
            ("What that means", sentence),
        ],
        button="Publish",
        warnings=tuple(warnings),
    )


def ask_grades(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    scale = grades.the_one(rows)
    if scale.published_at:
        raise Refused("This scale is published: its grades stay as they are.")
    return grades.ask_for_grades(scale)


def one_scale(rows: QuerySet[Any]) -> Scale:
    found = list(rows.defer("judgement_ids").select_related("assessment__project")[:2])
    if len(found) != 1:
        raise Refused("Publish one scale at a time: choose a single one.")
    return found[0]


@admin.register(Scale)
class ScaleScreen(ReadOnly):
    page_template = "cj/scale.html"
    list_display = ("name", "assessment_link", "reliability", "n_essays", "n_comparisons", "state", "computed")
    list_filter = (
        own("assessment"),
        one_of(
            "state",
            "state",
            draft=("not published", Q(published_at=None)),
            out=("published", Q(published_at__isnull=False)),
        ),
    )
    list_select_related = ("assessment",)
    not_listed = ("judgement_ids", "assessment__rubric", "assessment__instructions")
    exact_search = ("pk", "assessment__slug__exact")
    search_help_text = "Scale id, or the assessment's slug"
    ordering = ("-id",)
    actions = ("publish", "set_grades")
    has_set_grades_permission = may("set_grades")
    has_publish_scale_permission = may("publish_scale")

    @admin.display(description="scale", ordering="number")
    def name(self, row: Scale) -> str:
        return f"Scale {row.number}"

    @admin.display(description="assessment")
    def assessment_link(self, row: Scale) -> Any:
        return link(row.assessment)

    @labelled("reliability", {"success": "success", "warning": "warning", "danger": "danger"})
    def reliability(self, row: Scale) -> tuple[str, str]:
        colour, _ = trust(row)
        words = (
            "not connected" if not row.connected else "–" if row.eb_reliability is None else f"{row.eb_reliability:.2f}"
        )
        return colour, words

    @labelled("state", {"published": "success", "draft": ""})
    def state(self, row: Scale) -> str:
        return "published" if row.published_at else "draft"

    @admin.display(description="computed", ordering="created_at")
    def computed(self, row: Scale) -> Any:
        return moment(row.created_at)

    @deed(permission="publish_scale", title="Publish", icon="campaign", main=True, confirm=ask_before_publishing)
    def publish(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        scale = score.publish(one_scale(rows), actor=request.user)
        return f"Scale {scale.number} of {scale.assessment} is published and frozen."

    @deed(permission="set_grades", title="Set grades", icon="grading", confirm=ask_grades)
    def set_grades(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        scale = grades.the_one(rows)
        grading.set_grades(scale, grades.read(grades.asked_for(request), scale), actor=request.user)
        scale.refresh_from_db()
        return f"Grades of scale {scale.number}: {grades.written(scale)}." if scale.grades else "The grades are gone."

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
        return [*reports, *super().get_urls()]

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
            "title": f"Scale {row.number}",
            "trust_colour": colour,
            "trust": sentence,
            "chart": picture(row),
            **report_context(row),
            "scores": Paginator(scores, SCORES_PER_PAGE).get_page(request.GET.get("p")),
        }
