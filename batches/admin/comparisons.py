"""Comparisons: the list, and one comparison as the judge saw it."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from batches import tasks
from batches.admin.access import visible
from batches.admin.base import ReadOnly
from batches.admin.comparison_page import comparison_context
from batches.admin.deeds import Question, deed
from batches.admin.filters import OfAssessment, choice, own
from batches.admin.ids import id_in
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.words import COMPARISON_COLOURS, link, moment, reason_words
from batches.models import BatchItem, Comparison, Essay, Project
from batches.pipeline import retry

Status = Comparison.Status


def ask_before_retrying(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    n = rows.filter(status=Status.FAILED).count()
    return Question(
        title=_("Retry failed comparisons"),
        facts=[(_("Failed comparisons"), f"{n:,}")],
        button=ngettext("Retry %(n)s comparison", "Retry %(n)s comparisons", n) % {"n": f"{n:,}"},
        warnings=(_("They are asked again, and paid for again, within the budget of their assessment."),),
    )


@admin.register(Comparison)
class ComparisonScreen(ReadOnly):
    nothing_yet = gettext_lazy("Comparisons come with the rounds of an assessment.")
    page_template = "cj/comparison.html"
    list_display = ("pair", "round_link", "judge", "state", "winner", "attempts", "reason", "resolved")
    list_filter = (choice("status"), ("round__assessment", OfAssessment), own("judge"))
    linked_by = ("round__id__exact", "fail_reason", "round__strategy__exact", "held__exact", "judge__kind__exact")
    list_select_related = ("round__assessment", "essay_a", "essay_b", "judge__account", "judge__user", "judgement")
    not_listed = (
        "essay_a__text",
        "essay_b__text",
        "round__assessment__rubric",
        "round__assessment__instructions",
        "judgement__justification",
    )
    exact_search = ("pk", "custom_id", "candidate")
    search_help_text = gettext_lazy("Comparison id, custom id or candidate")
    ordering = ("-id",)
    sortable_by = ()  # by judge or attempts PostgreSQL would read and sort a million rows: filters find, the id orders
    actions = ("retry",)
    has_retry_comparison_permission = may("retry_comparison")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The person's rows, their projects named outright: from the numbers PostgreSQL tells small from big."""
        mine = list(visible(Project, request.user).values_list("pk", flat=True))
        return Comparison.objects.in_projects(mine).order_by(*self.ordering)

    def found(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """By candidate first to the essays, then by the indexes on them: a join of both would read every comparison."""
        essays = list(Essay.objects.for_user(request.user).filter(candidate=term).values_list("pk", flat=True)[:1000])
        wanted = Q(essay_a__in=essays) | Q(essay_b__in=essays) if essays else Q(pk__in=[])
        items = BatchItem.objects.for_user(request.user).filter(custom_id=term)
        ids = [*items.values_list("comparison", flat=True), *([id_in(term)] if id_in(term) is not None else [])]
        return rows.filter(wanted | Q(pk__in=ids))

    @admin.display(description=gettext_lazy("first / second essay"))
    def pair(self, row: Comparison) -> str:
        return f"{row.essay_a.candidate} / {row.essay_b.candidate}"

    @admin.display(description=gettext_lazy("round"))
    def round_link(self, row: Comparison) -> Any:
        if row.round.watches_id:
            return _("known pairs of round {number}").format(number=row.round.number)
        return link(row.round)

    @labelled(gettext_lazy("state"), COMPARISON_COLOURS)
    def state(self, row: Comparison) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description=gettext_lazy("winner"))
    def winner(self, row: Comparison) -> str:
        judgement = getattr(row, "judgement", None)
        if judgement is None:
            return "–"
        return (row.essay_a if judgement.winner == "A" else row.essay_b).candidate

    @admin.display(description=gettext_lazy("why it failed"))
    def reason(self, row: Comparison) -> str:
        return reason_words(row.fail_reason) if row.fail_reason else "–"

    @admin.display(description=gettext_lazy("resolved"))
    def resolved(self, row: Comparison) -> Any:
        return moment(row.resolved_at)

    @deed(
        permission="retry_comparison",
        title=gettext_lazy("Retry failed"),
        icon="replay",
        main=True,
        confirm=ask_before_retrying,
    )
    def retry(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = retry.failed(rows, actor=request.user)
        tasks.ring()
        return ngettext(
            "%(n)s failed comparison will be asked again.", "%(n)s failed comparisons will be asked again.", n
        ) % {"n": f"{n:,}"}

    def senseless(self, row: Comparison) -> set[str]:
        return set() if row.status == Status.FAILED else {"retry"}

    def page(self, request: HttpRequest, row: Comparison) -> dict[str, Any]:
        return {**super().page(request, row), **comparison_context(row)}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is None:
            return None
        whole = Comparison.objects.select_related(*self.list_select_related)
        return whole.get(pk=row.pk)
