"""A person's wish to stop -> jobs that end early, with what they had finished kept."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from batches.models import AuditEntry, BatchItem, BatchJob
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.pipeline.refused import Refused


def ask(jobs: QuerySet[BatchJob], *, actor: Person | None) -> int:
    """Ask for an end of these jobs, wherever they are; the number that were not over yet."""
    return sum(_ask_one(job, actor) for job in jobs.filter(status__in=BatchJob.LIVE, cancel_asked_at=None))


def refuse_shared(jobs: QuerySet[BatchJob], own: QuerySet[BatchItem]) -> None:
    """Refuse jobs with items that are not among `own`: a job may hold comparisons of several projects."""
    shared = BatchItem.objects.filter(job__in=jobs).exclude(pk__in=own.values("pk")).values_list("job", flat=True)
    if numbers := sorted(set(shared[:1000])):
        named = ", ".join(str(number) for number in numbers[:5])
        raise Refused(
            _(
                "Batch job %(jobs)s also holds comparisons of projects you are not in: ask somebody who is in "
                "all of them."
            )
            % {"jobs": named}
        )


def _ask_one(job: BatchJob, actor: Person | None) -> bool:
    """Leave the wish with the job: whichever step it is at sees it. False where another person was faster."""
    with transaction.atomic():
        asked = BatchJob.objects.filter(pk=job.pk, cancel_asked_at=None, status__in=BatchJob.LIVE).update(
            cancel_asked_at=DatabaseClock(), next_poll_at=DatabaseClock()
        )
        if asked:
            AuditEntry.record("cancel", job, actor=actor, project=None, status=job.status)
        return bool(asked)
