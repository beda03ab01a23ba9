"""Assessments with a deadline -> the tail of a slow batch, asked in single calls while there is time for them.

Until that moment the batch may still end by itself, at half the price. Then it is cancelled, what it finished is
collected, and the rest leaves at once in single calls; or, where the assessment allows a race, the rest is asked in
single calls beside the running batch, both are paid for, and whoever answers first wins.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db.models import Count, QuerySet
from django.utils import timezone

from batches.conf import cj_settings
from batches.models import Assessment, AuditEntry, BatchItem, BatchJob, Comparison, Judge
from batches.models.fields import DatabaseClock
from batches.pipeline import submit
from batches.pipeline.history import history
from batches.pipeline.strategies import Packing

log = logging.getLogger(__name__)
SAFETY = 2.0  # single calls may take so many times as long as they did
CANCELLING = timedelta(minutes=10)  # a provider's longest way from the wish to the results
SLACK = timedelta(minutes=5)  # for our own polls, and a second attempt of the last few
Status = Comparison.Status


def last_moment(deadline: datetime, *, calls: int, in_flight: int, seconds: float, race: bool) -> datetime:
    """Until when a batch may be waited for, if so many single calls are to be through by the deadline."""
    waves = ceil(calls / in_flight)
    fill = timedelta(seconds=waves * seconds * SAFETY)
    return deadline - fill - SLACK - (timedelta(0) if race else CANCELLING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What an assessment with a deadline still waits for, and until when it may."""

    assessment: Assessment
    comparisons: int
    race: bool
    until: datetime


def tails(now: datetime | None = None) -> list[Tail]:
    """The assessments with a deadline ahead that wait for batches, or for a batch to leave."""
    ahead = Assessment.objects.filter(deadline__gt=now or timezone.now(), rounds__comparisons__in=_left())
    return [_tail(one) for one in ahead.distinct().select_related("project")]


def _left() -> QuerySet[Comparison]:
    """Comparisons of models that staff have let go, not asked in single calls yet."""
    live = Comparison.objects.filter(status__in=[Status.PENDING, Status.IN_FLIGHT], held=False, strategy="")
    slow = [name for name, one in submit.STRATEGIES.items() if one.packing == Packing.PROVIDER_BATCH]
    return live.filter(round__submitted_at__isnull=False, round__strategy__in=slow, judge__kind=Judge.Kind.MODEL)


def _tail(assessment: Assessment) -> Tail:
    own = _left().filter(round__assessment=assessment)
    by_judge = dict(own.order_by().values_list("judge").annotate(n=Count("pk")))
    judges = Judge.objects.select_related("account").in_bulk(by_judge)
    seconds = max(history(judge, Packing.SINGLE).seconds for judge in judges.values())
    race = bool(cj_settings.of(assessment.overrides).deadline_race)
    n = sum(by_judge.values())
    until = last_moment(
        assessment.deadline or timezone.now(),  # `tails` asks for those that have one
        calls=n,
        in_flight=cj_settings.sync_in_flight,
        seconds=seconds,
        race=race,
    )
    return Tail(assessment=assessment, comparisons=n, race=race, until=until)


def due(now: datetime | None = None) -> bool:
    """Whether some batch has been waited for long enough."""
    now = now or timezone.now()
    return any(tail.until <= now for tail in tails(now))


def meet(now: datetime | None = None) -> int:
    """Turn to single calls wherever the last moment for it has come; the number of comparisons concerned."""
    now = now or timezone.now()
    return sum(_turn(tail) for tail in tails(now) if tail.until <= now)


def _turn(tail: Tail) -> int:
    own = _left().filter(round__assessment=tail.assessment)
    ids = list(own.values_list("pk", flat=True))
    in_batches = _in_batches(ids)
    act = _race if tail.race else _cancel
    act(in_batches)
    n = Comparison.objects.filter(pk__in=ids).update(strategy="per_round", released_at=DatabaseClock(), not_before=None)
    AuditEntry.record(
        "deadline", tail.assessment, actor=None, project=tail.assessment.project, comparisons=n, race=tail.race
    )
    log.info("deadline near assessment=%s comparisons=%d race=%s", tail.assessment.slug, n, tail.race)
    return n


def _in_batches(ids: list[int]) -> QuerySet[BatchItem]:
    live = [status for status in BatchJob.LIVE if status != BatchJob.Status.COLLECTING]
    packing = BatchJob.Packing.PROVIDER_BATCH
    return BatchItem.objects.filter(comparison__in=ids, outcome=None, job__packing=packing, job__status__in=live)


def _cancel(items: QuerySet[BatchItem]) -> None:
    """Ask for an end of the batches: what else is in them goes back to wait for its own next batch."""
    jobs = BatchJob.objects.filter(pk__in=items.values("job"), cancel_asked_at=None)
    jobs.update(cancelled_for="deadline", cancel_asked_at=DatabaseClock(), next_poll_at=DatabaseClock())


def _race(items: QuerySet[BatchItem]) -> None:
    """Ask beside the batches; those that the budget does not cover are left to them."""
    judges = Judge.objects.select_related("account").in_bulk(items.values_list("comparison__judge", flat=True))
    for pk, judge in sorted(judges.items()):
        submit.open_race(judge, list(items.filter(comparison__judge=pk).values_list("comparison", flat=True)))
