"""Comparisons that gather -> released to leave, when enough wait, one has waited long enough, or the night has come.

The decisions are pure; `strike` is the thin skin that asks the database and writes. Scheduler and `submit_due` both
come through it, and any number of them may run: a night is struck once because its row is unique.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import ngettext

from batches.conf import cj_settings
from batches.models import Assessment, Comparison, Judge, NightlyRun
from batches.models.fields import DatabaseClock
from batches.numbers import grouped
from batches.pipeline.strategies import STRATEGIES, Trigger

log = logging.getLogger(__name__)


def enough(*, waiting: int, oldest: float, pairs: int, most_wait: float) -> bool:
    """Whether an accumulated batch leaves: so many wait, or the oldest has waited so many seconds."""
    return waiting > 0 and (waiting >= pairs or oldest >= most_wait)


def night_begins(day: date, at: time_of_day, zone: ZoneInfo) -> datetime:
    """The moment of a local date's submission, in UTC.

    A wall-clock time that daylight saving skips counts as if the clock had not been changed yet, so it falls an hour
    later by the new one; of a time that comes twice the first is meant.
    """
    return datetime.combine(day, at, tzinfo=zone).replace(fold=0).astimezone(UTC)


def night(now: datetime, *, at: time_of_day, zone: ZoneInfo, catch_up: timedelta) -> date | None:
    """The local date whose submission is due now or was missed at most `catch_up` ago; None between nights."""
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        if timedelta(0) <= now - night_begins(day, at, zone) < catch_up:
            return day
    return None


def next_night(now: datetime, *, at: time_of_day, zone: ZoneInfo) -> datetime:
    """When the next nightly submission is due."""
    today = now.astimezone(zone).date()
    moments = (night_begins(today + timedelta(days=n), at, zone) for n in range(3))
    return next(moment for moment in moments if moment > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """Comparisons of one judge that wait for company or for the night: what a page shows of them."""

    strategy: str
    judge: Judge
    waiting: int  # across all rounds and assessments
    own: int  # of those, the assessment's that was asked about
    threshold: int | None  # so many set them off; None for the night
    oldest_at: datetime
    leaves_by: datetime  # at the latest

    @property
    def sentence(self) -> str:
        said = {"n": grouped(self.waiting), "judge": self.judge, "threshold": grouped(self.threshold or 0)}
        if self.threshold is None:
            words = ngettext(
                "%(n)s comparison for %(judge)s waits for the night.",
                "%(n)s comparisons for %(judge)s wait for the night.",
                self.waiting,
            )
        else:
            words = ngettext(
                "%(n)s comparison for %(judge)s waits until there are %(threshold)s.",
                "%(n)s comparisons for %(judge)s wait until there are %(threshold)s.",
                self.waiting,
            )
        return words % said


def strike(now: datetime | None = None) -> int:
    """Release all whose time has come; the number of comparisons released."""
    return sum(_release_full(judge) for judge in _full()) + _strike_night(now or timezone.now())


def due(now: datetime | None = None) -> bool:
    """Whether `strike` would do anything."""
    return bool(_full()) or _night_due(now or timezone.now()) is not None


def gatherings(assessment: Assessment, judges: Iterable[Judge] = ()) -> list[Gathering]:
    """Where those of an assessment's comparisons that gather stand, by strategy and judge.

    `judges`: those that the caller has; others are looked up.
    """
    mine = _gathered(Comparison.objects.filter(round__assessment=assessment)).order_by()
    own = Count("pk", filter=Q(round__assessment=assessment))
    rows = [row for row in _everywhere(mine.values("judge")).annotate(own=own) if row[-1]]
    known = {judge.pk: judge for judge in judges}
    if others := {row[1] for row in rows} - known.keys():
        known |= Judge.objects.select_related("account").in_bulk(others)
    return _sorted(_gathering(name, known[judge], n, own, at) for name, judge, n, at, own in rows)


def gathered(counts: Mapping[tuple[str, int], int], judges: Mapping[int, Judge]) -> list[Gathering]:
    """Where these stand that are known by strategy and judge: with whom else they wait, and until when."""
    if not counts:
        return []
    rows = _everywhere({judge for _, judge in counts})
    return _sorted(
        _gathering(name, judges[judge], n, counts[name, judge], at)
        for name, judge, n, at in rows
        if (name, judge) in counts
    )


def _everywhere(judges: Any) -> QuerySet[Any, tuple[Any, ...]]:
    """(strategy, judge, how many gather, since when), of all assessments."""
    rows = _gathered(Comparison.objects.filter(judge__in=judges)).order_by().values_list("round__strategy", "judge")
    return rows.annotate(n=Count("pk"), oldest=Min("round__submitted_at"))


def _sorted(found: Iterable[Gathering]) -> list[Gathering]:
    return sorted(found, key=lambda one: (one.strategy, str(one.judge)))


def _gathering(name: str, judge: Judge, waiting: int, own: int, oldest: datetime) -> Gathering:
    by_count = STRATEGIES[name].leaves == Trigger.COUNT
    latest = oldest + timedelta(seconds=cj_settings.accumulate_max_wait)
    return Gathering(
        strategy=name,
        judge=judge,
        waiting=waiting,
        own=own,
        threshold=cj_settings.accumulate_pairs if by_count else None,
        oldest_at=oldest,
        leaves_by=latest if by_count else next_night(timezone.now(), **_clock()),
    )


def _gathered(comparisons: QuerySet[Comparison], *triggers: Trigger) -> QuerySet[Comparison]:
    """Those of them that staff have let go and that nothing has released yet."""
    wanted = triggers or (Trigger.COUNT, Trigger.NIGHT)
    names = [name for name, one in STRATEGIES.items() if one.leaves in wanted]
    return comparisons.filter(
        status=Comparison.Status.PENDING,
        held=False,
        released_at=None,
        judge__kind=Judge.Kind.MODEL,
        round__submitted_at__isnull=False,
        round__strategy__in=names,
    )


def _full() -> list[int]:
    """The judges whose gathered comparisons are enough."""
    age = ExpressionWrapper(DatabaseClock() - F("round__submitted_at"), output_field=DurationField())
    gathered = _gathered(Comparison.objects.all(), Trigger.COUNT).order_by()
    rows = gathered.values_list("judge").annotate(n=Count("pk"), oldest=Max(age))
    return [judge for judge, n, oldest in rows if _is_enough(n, oldest)]


def _is_enough(n: int, oldest: timedelta) -> bool:
    most_wait = cj_settings.accumulate_max_wait
    return enough(waiting=n, oldest=oldest.total_seconds(), pairs=cj_settings.accumulate_pairs, most_wait=most_wait)


def _release_full(judge: int) -> int:
    n = _release(_gathered(Comparison.objects.filter(judge=judge), Trigger.COUNT))
    log.info("accumulated judge=%s released=%d", judge, n)
    return n


def _release(comparisons: QuerySet[Comparison]) -> int:
    ids = list(comparisons.values_list("pk", flat=True))
    return Comparison.objects.filter(pk__in=ids, released_at=None).update(released_at=DatabaseClock())


def _clock() -> dict:
    return {"at": cj_settings.nightly_at, "zone": ZoneInfo(cj_settings.nightly_timezone)}


def _night_due(now: datetime) -> date | None:
    """The night to be struck now, if nobody has."""
    day = night(now, **_clock(), catch_up=timedelta(seconds=cj_settings.nightly_catch_up))
    struck = day is not None and NightlyRun.objects.filter(strategy="nightly", run_date=day).exists()
    return None if struck else day


def _strike_night(now: datetime) -> int:
    """Release what was submitted before the night began, once for each local date; later ones wait for the next."""
    day = _night_due(now)
    if day is None:
        return 0
    with transaction.atomic():
        run, is_ours = NightlyRun.objects.get_or_create(strategy="nightly", run_date=day)
        if not is_ours:
            return 0
        began = night_begins(day, **_clock())
        due = _gathered(Comparison.objects.filter(round__submitted_at__lte=began), Trigger.NIGHT)
        run.n_comparisons = _release(due)
        run.save(update_fields=["n_comparisons"])
    log.info("night struck date=%s released=%d", day, run.n_comparisons)
    return run.n_comparisons
