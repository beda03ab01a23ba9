"""An assessment -> its counters: what a watcher asks for every few seconds, from indexes, whatever its size."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from django.db.models import Count, Exists, OuterRef, QuerySet

from batches.models import Assessment, BatchItem, BatchJob, Comparison, Judge, Round, Scale, SetAside

Status = Comparison.Status


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
    with_people: int  # of those that wait and were let go, what waits for people to judge it
    scale: int | None  # the number of the newest
    scale_published: bool
    scale_judgements: int  # that the newest scale was made from
    scorable: int  # judgements that a scale could be made from now
    judged_for_scale: int  # the same with those that were set aside
    by_round: Mapping[tuple[int, str], int] = field(
        repr=False
    )  # (round, status) -> comparisons; those held back as "HELD" once more

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
    """Look at an assessment, in six queries; one less with its newest scale in hand, one more while something waits."""
    rounds = list(_rounds(assessment).values_list("pk", "submitted_at", "purpose", "trust"))
    by_round = _by_round(pk for pk, *_ in rounds)
    columns = assessment.scales.only("number", "published_at", "n_comparisons")
    scale = newest or columns.order_by("-number").first()
    jobs = _live_jobs([pk for pk, *_ in rounds])
    for_scale = [pk for pk, _, purpose, trust in rounds if _counts_in_scales(purpose, trust)]
    judged = sum(by_round[pk, Status.JUDGED] for pk in for_scale)
    counts = _counts(by_round, {pk for pk, submitted, *_ in rounds if submitted is None})
    return Progress(
        counts=counts,
        rounds=sum(purpose != Round.Purpose.CANARY for _, _, purpose, _ in rounds),
        jobs_live=jobs.total(),
        jobs_needing_attention=jobs[BatchJob.Status.NEEDS_ATTENTION],
        budget_usd=assessment.budget_usd,
        reserved_usd=assessment.reserved_usd,
        spent_usd=assessment.spent_usd,
        overrun_usd=assessment.overrun_usd,
        with_people=_with_people([pk for pk, submitted, *_ in rounds if submitted]) if counts.let_go else 0,
        scale=scale.number if scale else None,
        scale_published=bool(scale and scale.published_at),
        scale_judgements=scale.n_comparisons if scale else 0,
        scorable=judged - _set_aside(for_scale),
        judged_for_scale=judged,
        by_round=by_round,
    )


def _rounds(assessment: Assessment) -> QuerySet[Round]:
    """Known pairs with them: they are under way, and paid for, like all the others."""
    return Round.everything.filter(assessment=assessment).order_by()


def _counts_in_scales(purpose: str, trust: str) -> bool:
    return purpose == Round.Purpose.SCALE and trust in Round.TRUSTED


def _set_aside(rounds: list[int]) -> int:
    """Judgements of these rounds that no scale uses for the time being."""
    return SetAside.objects.filter(comparison__round__in=rounds, comparison__status=Status.JUDGED).count()


def _with_people(submitted: list[int]) -> int:
    """Comparisons of these rounds that wait, and that no provider is asked about."""
    waiting = Comparison.objects.filter(round__in=submitted, status=Status.PENDING, held=False)
    return waiting.filter(judge__kind=Judge.Kind.PERSON).count()


def counts_of(cj_round: Round) -> Counts:
    """The comparisons of one round."""
    return _counts(_by_round([cj_round.pk]), set() if cj_round.submitted_at else {cj_round.pk})


def _by_round(rounds: Iterable[int]) -> Counter[tuple[int, str]]:
    """(round, status) -> how many; those held back by a person as (round, "HELD") once more."""
    mine = Comparison.objects.filter(round__in=list(rounds)).order_by()
    found = {(pk, status): n for pk, status, n in mine.values_list("round", "status").annotate(n=Count("pk"))}
    held = mine.filter(status=Status.PENDING, held=True).values_list("round").annotate(n=Count("pk"))
    return Counter(found | {(pk, "HELD"): n for pk, n in held})


def _counts(by_round: Counter[tuple[int, str]], unsubmitted: set[int]) -> Counts:
    by_status: Counter[str] = Counter()
    for (_, status), n in by_round.items():
        by_status[status] += n
    return Counts(
        waiting=by_status[Status.PENDING],
        unsubmitted=sum(by_round[pk, Status.PENDING] for pk in unsubmitted),
        held=sum(n for (pk, status), n in by_round.items() if status == "HELD" and pk not in unsubmitted),
        in_flight=by_status[Status.IN_FLIGHT],
        judged=by_status[Status.JUDGED],
        failed=by_status[Status.FAILED],
        withdrawn=by_status[Status.WITHDRAWN],
    )


def _live_jobs(rounds: list[int]) -> Counter[str]:
    """Live jobs that still owe an answer to one of these rounds, by status: of each job one such item is looked for."""
    owed = BatchItem.objects.filter(job=OuterRef("pk"), outcome=None, comparison__round__in=rounds)
    live = BatchJob.objects.filter(Exists(owed), status__in=BatchJob.LIVE).order_by()
    return Counter(dict(live.values_list("status").annotate(n=Count("pk"))))
