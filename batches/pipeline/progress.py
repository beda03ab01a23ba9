"""An assessment -> its counters: what a watcher asks for every few seconds, from indexes, whatever its size."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Count, Min, Q, Window

from batches.models import Assessment, BatchJob, Comparison, JobPart, Round, Scale
from batches.models.parts import ENDED
from batches.pipeline.counted import ASIDE, HELD, PEOPLE, by_round

Status = Comparison.Status
MOST_JOBS = 15  # that a display shows one by one


class State(StrEnum):
    """Where an assessment is, in one word."""

    EMPTY = "empty"  # nothing was planned
    PLANNED = "planned"  # nothing was let go yet
    HELD = "held"  # what is left waits until a person submits it again
    WAITING = "waiting"  # to leave: for a worker, for company, for the night
    WITH_PEOPLE = "with_people"  # all that is left waits for people to judge it
    UNDER_WAY = "under_way"
    NEEDS_ATTENTION = "needs_attention"  # a batch job waits for a person's decision
    RESOLVED = "resolved"  # every comparison was judged, failed or was withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Comparisons by what is happening to them; `unsubmitted` and `held` are part of `waiting`."""

    waiting: int
    unsubmitted: int
    held: int
    in_flight: int
    judged: int
    failed: int
    withdrawn: int

    @property
    def total(self) -> int:
        return self.waiting + self.in_flight + self.judged + self.failed + self.withdrawn

    @property
    def resolved(self) -> int:
        return self.judged + self.failed + self.withdrawn

    @property
    def let_go(self) -> int:
        """Waiting for a judge, and for nothing that staff would have to do."""
        return self.waiting - self.unsubmitted - self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The newest jobs of an assessment; how many of all still owe it an answer, and which one is stuck."""

    live: int
    stuck: int  # of those, wait for a person
    first_stuck: int | None
    newest: tuple[JobPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Everything that a live display shows; equal while nothing has happened."""

    counts: Counts
    rounds: int
    jobs_live: int
    jobs_needing_attention: int
    budget_usd: Decimal
    reserved_usd: Decimal
    spent_usd: Decimal
    overrun_usd: Decimal
    known_pairs: int  # of all these comparisons, those by which the judges are tested
    with_people: int  # of those that wait and were let go, what waits for people to judge it
    scale: int | None  # the number of the newest
    scale_published: bool
    scale_judgements: int  # that the newest scale was made from
    scorable: int  # judgements that a scale could be made from now
    judged_for_scale: int  # the same with those that were set aside
    by_round: Mapping[tuple[int, str], int] = field(repr=False)  # as `counted.by_round` has it
    all_rounds: tuple[Round, ...] = field(repr=False)  # the newest first; known pairs are under way, and paid for, too
    jobs: Jobs = field(repr=False)

    @property
    def state(self) -> State:
        """One word: the first row that holds."""
        counts = self.counts
        rows = (
            (self.jobs_needing_attention, State.NEEDS_ATTENTION),
            (counts.in_flight, State.UNDER_WAY),
            (counts.let_go - self.with_people, State.WAITING),
            (counts.held, State.HELD),
            (self.with_people, State.WITH_PEOPLE),
            (counts.unsubmitted, State.PLANNED),
            (counts.resolved, State.RESOLVED),
            (True, State.EMPTY),
        )
        return next(word for holds, word in rows if holds)


def progress(assessment: Assessment, *, newest: Scale | None = None) -> Progress:
    """Look at an assessment, in four queries; one less for a caller who has its newest scale."""
    rounds = list(Round.everything.filter(assessment=assessment).order_by("-number"))
    counted = by_round(one.pk for one in rounds)
    columns = assessment.scales.only("number", "published_at", "n_comparisons")
    scale = newest or columns.order_by("-number").first()
    jobs = _jobs(assessment)
    for_scale = [one.pk for one in rounds if one.purpose == Round.Purpose.SCALE and one.trust in Round.TRUSTED]
    judged = sum(counted[pk, Status.JUDGED] for pk in for_scale)
    return Progress(
        counts=_counts(counted, {one.pk for one in rounds if one.submitted_at is None}),
        rounds=sum(one.purpose != Round.Purpose.CANARY for one in rounds),
        jobs_live=jobs.live,
        jobs_needing_attention=jobs.stuck,
        budget_usd=assessment.budget_usd,
        reserved_usd=assessment.reserved_usd,
        spent_usd=assessment.spent_usd,
        overrun_usd=assessment.overrun_usd,
        known_pairs=sum(_all(counted, one.pk) for one in rounds if one.purpose == Round.Purpose.CANARY),
        with_people=sum(counted[one.pk, PEOPLE] for one in rounds if one.submitted_at),
        scale=scale.number if scale else None,
        scale_published=bool(scale and scale.published_at),
        scale_judgements=scale.n_comparisons if scale else 0,
        scorable=judged - sum(counted[pk, ASIDE] for pk in for_scale),
        judged_for_scale=judged,
        by_round=counted,
        all_rounds=tuple(rounds),
        jobs=jobs,
    )


def _all(counted: Counter[tuple[int, str]], cj_round: int) -> int:
    return sum(counted[cj_round, status] for status in Status.values)


def counts_of(cj_round: Round) -> Counts:
    """The comparisons of one round."""
    return _counts(by_round([cj_round.pk]), set() if cj_round.submitted_at else {cj_round.pk})


def _counts(counted: Counter[tuple[int, str]], unsubmitted: set[int]) -> Counts:
    totals: Counter[str] = Counter()
    let_go: Counter[str] = Counter()
    for (pk, what), n in counted.items():
        totals[what] += n
        let_go[what] += 0 if pk in unsubmitted else n
    return Counts(
        waiting=totals[Status.PENDING],
        unsubmitted=totals[Status.PENDING] - let_go[Status.PENDING],
        held=let_go[HELD],
        in_flight=totals[Status.IN_FLIGHT],
        judged=totals[Status.JUDGED],
        failed=totals[Status.FAILED],
        withdrawn=totals[Status.WITHDRAWN],
    )


def _jobs(assessment: Assessment) -> Jobs:
    """One query, by what the assessment has in each job: no item is read."""
    owed = Q(job__status__in=BatchJob.LIVE, n_items__gt=ENDED)
    stuck = owed & Q(job__status=BatchJob.Status.NEEDS_ATTENTION)
    parts = assessment.job_parts.select_related("job__judge__account", "job__judge__user").annotate(
        live=Window(Count("pk", filter=owed)),
        stuck=Window(Count("pk", filter=stuck)),
        first_stuck=Window(Min("job", filter=stuck)),
    )
    newest: list[Any] = list(parts.order_by("-job_id")[:MOST_JOBS])
    if not newest:
        return Jobs(live=0, stuck=0, first_stuck=None, newest=())
    sums = {name: getattr(newest[0], name) for name in ("live", "stuck", "first_stuck")}
    return Jobs(**sums, newest=tuple(newest))
