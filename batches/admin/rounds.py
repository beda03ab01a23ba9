"""Rounds: what was planned, and letting it go."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from batches.admin.base import ReadOnly
from batches.admin.deeds import counted, deed
from batches.admin.filters import choice, one_of, own
from batches.admin.held_rounds import ask_before_asking_again, ask_before_releasing, known_pairs, the_held_round
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.spending import question_before_submitting, submit_once
from batches.admin.words import link, moment
from batches.models import Comparison, Round
from batches.numbers import grouped
from batches.pipeline import canaries
from batches.pipeline.counted import PEOPLE, by_round

Status = Comparison.Status
COLOURS = {
    gettext_noop("finished"): "success",
    gettext_noop("planned"): "warning",
    gettext_noop("under way"): "info",
    gettext_noop("waiting"): "info",
    gettext_noop("with people"): "info",
    gettext_noop("some failed"): "danger",
    gettext_noop("held"): "danger",
    gettext_noop("asked again"): "warning",
}
DOUBTED = {Round.Trust.HELD: "held", Round.Trust.ASKED_AGAIN: "asked again"}


@admin.register(Round)
class RoundScreen(ReadOnly):
    nothing_yet = gettext_lazy("Rounds are planned on the page of their assessment.")
    deletable = True
    page_template = "cj/round.html"
    list_display = ("name", "assessment_link", "state", "progress", "strategy", "pairing", "purpose", "submitted")
    list_filter = (
        own("assessment"),
        choice("strategy"),
        choice("purpose"),
        one_of(
            gettext_lazy("submission"),
            "submission",
            planned=(gettext_lazy("planned only"), Q(submitted_at=None)),
            submitted=(gettext_lazy("submitted"), Q(submitted_at__isnull=False)),
        ),
    )
    list_select_related = ("assessment",)
    not_listed = ("assessment__rubric", "assessment__instructions")
    exact_search = ("pk", "assessment__slug__exact")
    search_help_text = gettext_lazy("Round id, or the assessment's slug")
    ordering = ("-id",)
    actions = ("submit", "release", "ask_again")
    has_submit_round_permission = may("submit_round")
    has_decide_round_permission = may("decide_round")

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        count_by_status(rows)

    @admin.display(description=gettext_lazy("round"), ordering="number")
    def name(self, row: Round) -> str:
        return _("Round %(number)s") % {"number": row.number}

    @admin.display(description=gettext_lazy("assessment"))
    def assessment_link(self, row: Round) -> Any:
        return link(row.assessment)

    @labelled(gettext_lazy("state"), COLOURS)
    def state(self, row: Any) -> str:
        return state_of(row)

    @admin.display(description=gettext_lazy("resolved"))
    def progress(self, row: Any) -> str:
        return _("%(resolved)s of %(n_comparisons)s") % {
            "resolved": grouped(row.resolved),
            "n_comparisons": grouped(row.n_comparisons),
        }

    @admin.display(description=gettext_lazy("submitted"), ordering="submitted_at")
    def submitted(self, row: Round) -> Any:
        return moment(row.submitted_at)

    @deed(
        permission="submit_round",
        title=gettext_lazy("Submit"),
        icon="send",
        main=True,
        confirm=lambda screen, request, rows: question_before_submitting(rows),
    )
    def submit(self, request: HttpRequest, rows: Any) -> str:
        return submit_once(request, rows)

    @deed(
        permission="decide_round",
        title=gettext_lazy("Use its judgements all the same"),
        icon="check",
        confirm=lambda screen, request, rows: ask_before_releasing(rows),
    )
    def release(self, request: HttpRequest, rows: Any) -> str:
        cj_round = the_held_round(rows)
        canaries.release(cj_round, actor=request.user)
        return _("Round {number} counts: the next scale uses its judgements.").format(number=cj_round.number)

    @deed(
        permission="decide_round",
        title=gettext_lazy("Ask all of it again"),
        icon="refresh",
        main=True,
        confirm=lambda screen, request, rows: ask_before_asking_again(rows),
    )
    def ask_again(self, request: HttpRequest, rows: Any) -> str:
        again = canaries.ask_again(the_held_round(rows), actor=request.user)
        return _("Planned as round {number}: submit it when you are ready.").format(number=again.number)

    def senseless(self, row: Round) -> set[str]:
        waiting = Comparison.objects.filter(round__in=canaries.with_canaries([row]), status=Status.PENDING)
        idle = waiting.filter(Q(round__submitted_at=None) | Q(held=True)).exists()
        decided = set() if row.trust == Round.Trust.HELD else {"release", "ask_again"}
        return decided if idle else {"submit", *decided}

    def may_go(self, row: Round) -> bool:
        """A plan that nobody has acted on may be thrown away."""
        return row.submitted_at is None and not row.comparisons.exclude(status=Status.PENDING).exists()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A count in place of a list: a round's comparisons are rows of a plan, thousands of them."""
        rounds = list(objs)
        n = Comparison.objects.filter(round__in=rounds).count()
        kept = [str(row) for row in rounds if not self.may_go(row)]
        listed = [f"{row} ({counted(row.n_comparisons, 'planned comparison')})" for row in rounds]
        return listed, {"rounds": len(rounds), "comparisons": n}, set(), kept

    def page(self, request: HttpRequest, row: Round) -> dict[str, Any]:
        count_by_status([row])
        return {
            **super().page(request, row),
            "title": _("Round %(number)s") % {"number": row.number},
            "state": state_of(row),
            "colour": COLOURS[state_of(row)],
            "known_pairs": known_pairs(row),
        }


def count_by_status(rows: list[Any]) -> None:
    """Give rounds their comparisons' counts, in one query that reads the index by round and status."""
    counts = by_round(row.pk for row in rows)
    for row in rows:
        row.by_status = {status: counts[row.pk, status] for status in Status}
        row.with_people = counts[row.pk, PEOPLE]
        row.resolved = sum(row.by_status[status] for status in (Status.JUDGED, Status.FAILED, Status.WITHDRAWN))
        row.percent = round(100 * row.resolved / row.n_comparisons) if row.n_comparisons else 0


def state_of(row: Any) -> str:
    """A round's state in words, from its counts; what was made of its known pairs says more than that it is over."""
    if row.submitted_at is None:
        return "planned"
    if row.by_status[Status.IN_FLIGHT]:
        return "under way"
    if row.by_status[Status.PENDING]:
        return "waiting" if row.by_status[Status.PENDING] > row.with_people else "with people"
    if row.trust in DOUBTED:
        return DOUBTED[row.trust]
    return "some failed" if row.by_status[Status.FAILED] else "finished"
