"""Whether one request goes ahead of a batch, so that all others find its prefix in the provider's cache."""

from datetime import timedelta
from enum import StrEnum

from django.db.models import Q

from batches.conf import cj_settings
from batches.models import BatchJob, Judge
from batches.models.fields import DatabaseClock

KEPT = timedelta(minutes=50)  # of the hour that a written prefix lasts
PATIENCE = timedelta(minutes=30)  # with a primer that the provider is slow to answer


class Step(StrEnum):
    GO = "GO"  # the cache is warm, or nobody wants it warmed
    PRIME = "PRIME"  # one request first
    WAIT = "WAIT"  # until that one is answered


def step(judge: Judge, strategy: str) -> Step:
    """What the next batch of this judge has to do about the cache."""
    if not cj_settings.prime_cache:
        return Step.GO
    primers = BatchJob.objects.filter(judge=judge, strategy=strategy, primes_cache=True)
    fresh = Q(sent_at=None) | Q(sent_at__gt=DatabaseClock() - PATIENCE)
    if primers.filter(fresh, status__in=BatchJob.LIVE).exists():
        return Step.WAIT
    recent = primers.filter(sent_at__gt=DatabaseClock() - KEPT)
    return Step.GO if recent.exists() else Step.PRIME
