"""How often a job is looked at, on the database's clock."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from batches.conf import cj_settings
from batches.models import BatchJob
from batches.models.fields import DatabaseClock

# All in seconds. Read where they are used, so that the chaos harness can turn the clock faster in its own processes.
MARGIN: float = 60  # by which a lease outlasts the longest wait under it
LEASE: float = 120  # for a step that renews its lease as it goes
RENEW: float = 10  # after which a step that is at work renews its lease
BUSY: float = 5  # before another try, where another batch of the account is on its way
CLOSED: float = 60  # before another try, where the account cannot be used
LOOK: float = 60  # between two looks for a batch that may have arrived
RESULTS: float = 3600  # after which an ended batch without result files is believed to have none
FETCH: float = 5  # before a download that looks too short is made again
RECOVERIES = 3  # in a row without getting any further, before a person is asked
FIRST_PAUSE: float = 15  # of an account whose provider fails; doubles with each failure in a row
LONGEST_PAUSE: float = 15 * 60
POLLS_A_MINUTE = 30  # of one real account: the lowest tier allows 50 requests a minute, and some are for other things


def soon(seconds: float) -> CombinedExpression:
    """So many seconds from now."""
    return DatabaseClock() + timedelta(seconds=seconds)


def now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


def moment(text: str) -> datetime | None:
    """A provider's ISO 8601 time."""
    return parse_datetime(text) if text else None


def interval(job: BatchJob) -> float:
    """Seconds until the next poll: a tenth of the job's age, within the settings; longer where an account has so many
    live jobs that asking about all of them would pass its rate limit."""
    by_age = min(cj_settings.poll_interval_max, max(cj_settings.poll_interval_min, age(job) / 10))
    return float(max(by_age, _fair_share(job)))


def _fair_share(job: BatchJob) -> float:
    """Seconds in which each job of the account is asked about once. Nobody counts what the local provider is asked."""
    if job.account.is_local:
        return 0
    polled = BatchJob.objects.filter(account=job.account, status__in=POLLED)
    return polled.count() * 60 / POLLS_A_MINUTE


POLLED = (BatchJob.Status.IN_PROGRESS, BatchJob.Status.CANCELLING)


def age(job: BatchJob) -> float:
    """Seconds since the job was sent (or made), on the database's clock."""
    since = Coalesce("sent_at", "created_at")
    row = BatchJob.objects.annotate(
        age=ExpressionWrapper(DatabaseClock() - since, output_field=DurationField())
    ).values_list("age", flat=True)
    return float(row.get(pk=job.pk).total_seconds())


class Lease:
    """The lease of a long step, renewed as it goes along."""

    def __init__(self, job: BatchJob) -> None:
        self._job = job
        self._renewed = time.monotonic()

    def keep(self) -> None:
        """Renew the lease if that is due; LostLease when it is no longer ours."""
        if time.monotonic() - self._renewed > RENEW:
            self._renewed = time.monotonic()
            with transaction.atomic():
                self._job.hold(seconds=LEASE)


def overdue(job: BatchJob) -> bool:
    """Whether the batch was first seen to have ended so long ago that its results should be there."""
    late = DatabaseClock() - timedelta(seconds=RESULTS)
    return BatchJob.objects.filter(pk=job.pk, ended_at__lt=late).exists()


def later(job: BatchJob, *, seconds: float, **changes: Any) -> None:
    """Give the lease back and look again then."""
    job.release(next_poll_at=soon(seconds), **changes)
