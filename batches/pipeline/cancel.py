"""A person's wish to stop -> jobs that end early, with what they had finished kept."""

from django.db import transaction
from django.db.models import QuerySet

from batches.models import AuditEntry, BatchJob
from batches.models.fields import DatabaseClock
from batches.models.project import Person


def ask(jobs: QuerySet[BatchJob], *, actor: Person | None) -> int:
    """Ask for an end of these jobs, wherever they are; the number that were not over yet."""
    return sum(_ask_one(job, actor) for job in jobs.filter(status__in=BatchJob.LIVE, cancel_asked_at=None))


def _ask_one(job: BatchJob, actor: Person | None) -> bool:
    """Leave the wish with the job: whichever step it is at sees it. False where another person was faster."""
    with transaction.atomic():
        asked = BatchJob.objects.filter(pk=job.pk, cancel_asked_at=None, status__in=BatchJob.LIVE).update(
            cancel_asked_at=DatabaseClock(), next_poll_at=DatabaseClock()
        )
        if asked:
            AuditEntry.record("cancel", job, actor=actor, project=None, status=job.status)
        return bool(asked)
