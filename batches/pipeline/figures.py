"""The whole installation -> the figures that are watched, in seven queries that read no item."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Q, Sum

from batches.models import Assessment, BatchItem, BatchJob, Comparison, ProviderAccount
from batches.models.fields import DatabaseClock
from batches.pipeline import relay

RECENT = timedelta(hours=1)
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
OUTCOMES = {outcome: f"n_{outcome.lower()}" for outcome in BatchItem.Outcome.values}
POLLED = (BatchJob.Status.IN_PROGRESS, BatchJob.Status.CANCELLING, BatchJob.Status.IN_DOUBT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look at everything. Seconds are seconds; jobs carry their own sums, so that items need not be read."""

    jobs: list[dict[str, Any]]  # by status, packing, provider and model: n, outcomes, tokens, cost_usd
    polls_overdue: int
    poll_overdue_seconds: float  # the latest of them; 0 when all are on time
    collect_seconds_average: float  # last hour's provider batches, from their end there to their end here
    collect_seconds_longest: float
    comparisons: dict[str, int]  # that wait or are in flight
    callbacks_waiting: int
    callbacks_failing: int  # of those, tried in vain
    callback_lag_seconds: float  # age of the oldest that has not left
    reserved_usd: Decimal
    spent_usd: Decimal
    overrun_usd: Decimal
    accounts_paused: int


def figures() -> Figures:
    """Look at the whole installation."""
    overdue, late = _polls()
    average, longest = _collecting()
    callbacks = relay.lag()
    money = Assessment.objects.aggregate(
        reserved=Sum("reserved_usd", default=0),
        spent=Sum("spent_usd", default=0),
        overrun=Sum("overrun_usd", default=0),
    )
    live = [Comparison.Status.PENDING, Comparison.Status.IN_FLIGHT]
    by_status = dict(
        Comparison.objects.filter(status__in=live).order_by().values_list("status").annotate(n=Count("pk"))
    )
    return Figures(
        jobs=list(_jobs()),
        polls_overdue=overdue,
        poll_overdue_seconds=late,
        collect_seconds_average=average,
        collect_seconds_longest=longest,
        comparisons={str(status): by_status.get(status, 0) for status in live},
        callbacks_waiting=callbacks.waiting,
        callbacks_failing=callbacks.failing,
        callback_lag_seconds=callbacks.oldest_seconds,
        reserved_usd=money["reserved"],
        spent_usd=money["spent"],
        overrun_usd=money["overrun"],
        accounts_paused=ProviderAccount.objects.filter(paused_at__isnull=False).count(),
    )


def _jobs() -> Any:
    grouped = BatchJob.objects.order_by().values("status", "packing", "provider", model=F("judge__model_id"))
    sums = {column: Sum(column) for column in (*OUTCOMES.values(), *TOKENS, "cost_usd")}
    return grouped.annotate(n=Count("pk"), **{f"sum_{name}": total for name, total in sums.items()})


def _polls() -> tuple[int, float]:
    """Jobs whose poll should have been by now, and by how many seconds the latest is late."""
    late = ExpressionWrapper(DatabaseClock() - F("next_poll_at"), output_field=DurationField())
    overdue = BatchJob.objects.filter(status__in=POLLED, next_poll_at__lt=DatabaseClock())
    found = overdue.aggregate(n=Count("pk"), late=Max(late))
    return found["n"], _seconds(found["late"])


def _collecting() -> tuple[float, float]:
    """Average and longest time from a provider batch's end at the provider to its end here, over the last hour."""
    took = ExpressionWrapper(F("closed_at") - F("ended_at"), output_field=DurationField())
    recent = BatchJob.objects.filter(
        Q(packing=BatchJob.Packing.PROVIDER_BATCH, ended_at__isnull=False), closed_at__gt=DatabaseClock() - RECENT
    )
    found = recent.aggregate(average=Avg(took), longest=Max(took))
    return _seconds(found["average"]), _seconds(found["longest"])


def _seconds(took: timedelta | None) -> float:
    return max(0.0, took.total_seconds()) if took else 0.0
