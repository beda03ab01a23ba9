"""Batch jobs at the provider -> what the provider says of them."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from batches.models import AuditEntry, BatchJob, IncomingWebhook
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.pipeline import account, ownership, pace, recover
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.providers.base import BatchState, Progress, Provider, ProviderError

log = logging.getLogger(__name__)
Status = BatchJob.Status
REMEMBERED = timedelta(hours=1)  # webhooks: an older one is refused for its age


def ask(jobs: QuerySet[BatchJob], *, actor: Person | None) -> int:
    """Have the provider asked about these jobs now; the number that it knows."""
    known = jobs.filter(status__in=[Status.IN_PROGRESS, Status.CANCELLING, Status.IN_DOUBT, Status.COLLECTING])
    n = BatchJob.objects.filter(pk__in=list(known.values_list("pk", flat=True))).update(next_poll_at=DatabaseClock())
    for job in known:
        AuditEntry.record("poll", job, actor=actor, project=None)
    return n


def hinted(provider: str, provider_batch_id: str, *, webhook_id: str) -> bool:
    """Make the job of this batch due now, because a webhook says that it has ended; False where that changes nothing.

    A webhook is heeded once. It is a hint only: what has become of the batch, the provider is asked.
    """
    with transaction.atomic():
        IncomingWebhook.objects.filter(received_at__lt=timezone.now() - REMEMBERED).delete()
        _, new = IncomingWebhook.objects.get_or_create(provider=provider, webhook_id=webhook_id[:200])
        if not new:
            return False
        jobs = BatchJob.objects.filter(provider=provider, status__in=[Status.IN_PROGRESS, Status.CANCELLING])
        due = jobs.filter(provider_batch_id=provider_batch_id).exclude(provider_batch_id="")
        return bool(due.update(next_poll_at=DatabaseClock()))


def poll(job: BatchJob) -> None:
    """Ask the provider about a job whose lease we hold; an ended one is ready to be collected."""
    try:
        provider = account.provider_of(job.account)
        progress = _look(job, provider)
    except Refused as problem:
        return pace.later(job, seconds=pace.CLOSED, error=str(problem)[:1000])
    except ProviderError as error:
        return recover.asked_in_vain(job, error)
    account.note_success(job.account)
    crash_point("polled")
    _note(job, progress)
    if progress.state == BatchState.FAILED or (progress.state == BatchState.ENDED and _to_collect(job, progress)):
        return _ended(job, provider, progress)
    pace.later(job, seconds=pace.interval(job))


def _to_collect(job: BatchJob, progress: Progress) -> bool:
    """Whether an ended batch's results are there, or will not come any more: their files may lag, but not for ever."""
    return progress.results_ready or progress.results_gone or pace.overdue(job)


def _look(job: BatchJob, provider: Provider) -> Progress:
    """Poll; or ask for an end first, where staff want one and the batch is surely ours."""
    if job.cancel_asked_at and job.status == Status.IN_PROGRESS and not job.is_provisional:
        progress = provider.cancel(job.provider_batch_id)
        crash_point("cancel_answered")
        job.advance(Status.CANCELLING)
        return progress
    return provider.poll(job.provider_batch_id)


def _note(job: BatchJob, progress: Progress) -> None:
    BatchJob.objects.filter(pk=job.pk, fence=job.fence).update(
        provider_status=progress.provider_status[:40],
        provider_done=progress.done,
        output_file_id=progress.output_file_id,
        error_file_id=progress.error_file_id,
        expires_at=pace.moment(progress.expires_at) or job.expires_at,
        polled_at=DatabaseClock(),
        ended_at=job.ended_at or (DatabaseClock() if progress.state == BatchState.ENDED else None),
        provider_answered=progress.answered,
        poll_failures=0,
        recoveries=0,
        error="",
    )


def _ended(job: BatchJob, provider: Provider, progress: Progress) -> None:
    if job.is_provisional and not ownership.confirm(job, provider, progress):
        return
    job.advance(
        Status.COLLECTING,
        ended_at=pace.moment(progress.ended_at) or DatabaseClock(),
        error_code=progress.error_code[:60],
        error=progress.error[:1000],
        next_poll_at=DatabaseClock(),
        lease_until=None,
    )
    crash_point("end_noted")
