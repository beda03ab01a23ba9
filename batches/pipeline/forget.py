"""Batch jobs that are over -> nothing of them left at the provider, as far as a provider lets us delete."""

import logging
from datetime import timedelta

from django.utils import timezone

from batches.models import BatchJob, Stranger
from batches.models.fields import DatabaseClock
from batches.pipeline import account
from batches.pipeline.refused import Refused
from batches.providers.base import BatchState, Progress, Provider, ProviderError

log = logging.getLogger(__name__)
KEPT_AT_MOST = timedelta(days=31)  # both providers delete batches and their files by themselves after 29 or 30 days
FINAL = (BatchState.ENDED, BatchState.FAILED)


def forget(job: BatchJob) -> str:
    """Delete what the provider keeps of a job that is over; "" when nothing is left, else a sentence that says why not.

    Anthropic: the batch with its results. OpenAI: the input, output and error file; the batch's own entry, without any
    text, cannot be deleted there. Batches too many that were sent for the same job are deleted with it.
    """
    if job.forgotten_at:
        return ""
    BatchJob.objects.filter(pk=job.pk, forget_asked_at=None).update(forget_asked_at=DatabaseClock())
    if not _holds_anything(job):
        return _done(job)
    try:
        provider = account.provider_of(job.account)
        left = [_delete(provider, batch, job) for batch in _batches(job)]
    except Refused as problem:
        return _unless_overdue(job, f"{job} is kept at {job.get_provider_display()}: {problem}")
    except ProviderError as error:
        log.warning("not forgotten job=%s code=%s", job.pk, error.code)
        return _unless_overdue(job, f"{job} is kept at {job.get_provider_display()}, which answered {error.code}.")
    if not all(left):
        return f"A batch of {job} is still running at {job.get_provider_display()}: it was asked to stop."
    return _done(job)


def _holds_anything(job: BatchJob) -> bool:
    batch = job.packing == BatchJob.Packing.PROVIDER_BATCH
    return batch and bool(job.provider_batch_id or job.input_file_id or _strangers(job))


def _strangers(job: BatchJob) -> list[str]:
    mine = Stranger.objects.filter(account=job.account, nonce=job.nonce, is_ours=True)
    return list(mine.values_list("provider_batch_id", flat=True))


def _batches(job: BatchJob) -> list[str]:
    """The ids of a job's batches; "" for an input file without a batch."""
    return [job.provider_batch_id, *_strangers(job)]


def _delete(provider: Provider, batch: str, job: BatchJob) -> bool:
    """False where it must end first."""
    try:
        progress = provider.poll(batch) if batch else _only_a_file(job)
        if progress.state not in FINAL:
            provider.cancel(batch)
            return False
        if batch or progress.input_file_id:
            provider.delete_files(progress)
    except ProviderError as error:
        if error.code != "not_found":
            raise
    return True


def _only_a_file(job: BatchJob) -> Progress:
    file = job.input_file_id if job.provider == "openai" else ""
    return Progress(provider_batch_id="", state=BatchState.ENDED, input_file_id=file)


def _done(job: BatchJob) -> str:
    BatchJob.objects.filter(pk=job.pk, forgotten_at=None).update(forgotten_at=DatabaseClock())
    return ""


def _unless_overdue(job: BatchJob, sentence: str) -> str:
    """The sentence, but not for ever: after a month the provider has deleted by itself what nobody can delete there."""
    over = (job.closed_at or job.created_at) < timezone.now() - KEPT_AT_MOST
    return _done(job) if over else sentence
