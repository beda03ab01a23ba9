"""Jobs that nobody knows the fate of -> found at the provider, never arrived, or put before a person."""

import logging

from django.db import IntegrityError, transaction
from django.db.models import F

from batches.conf import cj_settings
from batches.models import BatchJob, LostLease, Stranger
from batches.models.fields import DatabaseClock
from batches.pipeline import account, ownership, pace, resolve, send
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.providers.base import Outcome, Progress, Provider, ProviderError

log = logging.getLogger(__name__)
Status = BatchJob.Status
LOOKS = 2  # that must both find nothing, after the settle time, before a batch is believed absent


def worker_died(job: BatchJob) -> None:
    """SENDING with a lease that ran out: the POST may have been made."""
    send.doubt(job, "The worker that was sending this job stopped before it had an answer.")


def crashed_again(job: BatchJob) -> None:
    """A job at which worker after worker has died: no more of them."""
    error = f"{job.recoveries} workers in a row stopped while they had this job."
    log.error("job stops workers job=%s status=%s recoveries=%d", job.pk, job.status, job.recoveries)
    if job.status == Status.PLANNED:  # nothing was sent: its comparisons wait until staff submit them again
        return send.withdraw(job, reason="stopped_workers", error=error)
    if job.status == Status.SENDING:
        return worker_died(job)
    job.advance(Status.NEEDS_ATTENTION, error=error, lease_until=None)


def look(job: BatchJob) -> None:
    """Look for an IN_DOUBT job at its provider: found, still unknown, or absent for good."""
    try:
        provider = account.provider_of(job.account)
        found = _find(job, provider)
    except Refused as problem:
        return pace.later(job, seconds=pace.CLOSED, error=str(problem)[:1000])
    except ProviderError as error:
        account.note_failure(job.account, error)
        return _failed_look(job, error)
    crash_point("looked")
    free = [progress for progress in found if progress.provider_batch_id not in _held_provisionally(job)]
    if free:
        _adopt(job, free[0])
        return _stop_others(job, provider, free[1:])
    if found:
        why = f"{found[0].provider_batch_id} may be this job's. Another job holds it until its results say whose it is."
        return pace.later(job, seconds=pace.interval(job), recoveries=0, looks=0, error=why)
    if not _settled(job):
        return pace.later(job, seconds=_until_next_look(), recoveries=0)
    if job.looks + 1 >= LOOKS:
        return absent(job)
    pace.later(job, seconds=_until_next_look(), looks=F("looks") + 1, recoveries=0)


def _find(job: BatchJob, provider: Provider) -> list[Progress]:
    """The batches at the provider that may be this job, oldest first, without those that are surely others'."""
    candidates = provider.find(
        nonce=job.nonce,
        watermark=job.watermark,
        n=job.n_open(),
        input_file_id=job.input_file_id,
        since=(job.sent_at or job.created_at).isoformat(),
    )
    owned = BatchJob.objects.filter(account=job.account, is_provisional=False).exclude(provider_batch_id="")
    strangers = Stranger.objects.filter(account=job.account).exclude(nonce__in=("", job.nonce))
    taken = {batch for rows in (owned, strangers) for batch in rows.values_list("provider_batch_id", flat=True)}
    return [candidate for candidate in candidates if candidate.provider_batch_id not in taken]


def _held_provisionally(job: BatchJob) -> set[str]:
    """Batches that other jobs of the account took for theirs by their size."""
    others = BatchJob.objects.filter(account=job.account, is_provisional=True).exclude(provider_batch_id="")
    return set(others.values_list("provider_batch_id", flat=True))


def _adopt(job: BatchJob, found: Progress) -> None:
    """Take the batch as ours: for good where it carries our nonce, provisionally where only its size matches."""
    sure = found.nonce == job.nonce
    known = {"provider_batch_id": found.provider_batch_id, "is_provisional": not sure, "accepted_at": DatabaseClock()}
    after = {"next_poll_at": DatabaseClock(), "lease_until": None, "recoveries": 0, "error": ""}
    try:
        with transaction.atomic():
            moved = job.advance(Status.IN_PROGRESS, **known, **after)
    except IntegrityError:  # somebody else took it a moment ago
        return pace.later(job, seconds=pace.BUSY)
    if not moved:
        raise LostLease(f"{job} is not ours any more.")
    crash_point("adopted")
    log.info("adopted job=%s provider_batch_id=%s provisional=%s", job.pk, found.provider_batch_id, not sure)


def _stop_others(job: BatchJob, provider: Provider, others: list[Progress]) -> None:
    """More batches with our own nonce than one: the oldest is kept, the others are stopped."""
    for other in others:
        if other.nonce == job.nonce:
            stop_orphan(ownership.note_orphan(job, other.provider_batch_id), provider)


def stop_orphan(orphan: Stranger, provider: Provider) -> bool:
    """Ask the provider to stop a batch that is surely ours and that no job owns; False when it could not be asked."""
    try:
        progress = provider.cancel(orphan.provider_batch_id)
    except ProviderError as error:
        log.warning("orphan not stopped provider_batch_id=%s code=%s", orphan.provider_batch_id, error.code)
        return False
    Stranger.objects.filter(pk=orphan.pk).update(
        cancel_asked_at=DatabaseClock(), provider_status=progress.provider_status[:40]
    )
    crash_point("orphan_stopped")
    return True


def _settled(job: BatchJob) -> bool:
    """Whether every batch that could have been made by now would be in the provider's list.

    A POST begins within MARGIN of the claim, or not at all (`send`), and is waited for until its time-out.
    """
    return pace.age(job) > pace.MARGIN + cj_settings.call_timeout + cj_settings.settle_time


def _until_next_look() -> float:
    return float(min(pace.LOOK, max(1.0, cj_settings.settle_time / 4)))


def _failed_look(job: BatchJob, error: ProviderError) -> None:
    """The provider did not say. While it may only be down for a moment, or the key is at fault, nobody is asked."""
    changes = {"error": str(error)[:1000]}
    if error.account_fault or not _settled(job):
        return pace.later(job, seconds=error.retry_after or _until_next_look(), **changes)
    if job.recoveries + 1 < pace.RECOVERIES:
        wait = error.retry_after or _until_next_look()
        return pace.later(job, seconds=wait, recoveries=F("recoveries") + 1, **changes)
    job.advance(Status.NEEDS_ATTENTION, recoveries=F("recoveries") + 1, lease_until=None, **changes)


def asked_in_vain(job: BatchJob, error: ProviderError) -> None:
    """Asking in vain: again later; a person is asked where the provider says for good that it will not tell."""
    account.note_failure(job.account, error)
    changes = {"error": str(error)[:1000], "poll_failures": F("poll_failures") + 1}
    if error.transient or error.account_fault:
        return pace.later(job, seconds=error.retry_after or pace.interval(job), **changes)
    if job.recoveries + 1 < pace.RECOVERIES:
        return pace.later(job, seconds=pace.interval(job), recoveries=F("recoveries") + 1, **changes)
    job.advance(Status.NEEDS_ATTENTION, lease_until=None, **changes)


def absent(job: BatchJob) -> None:
    """Not at the provider: final. The comparisons wait again, and a new job will have a new nonce."""
    with transaction.atomic():
        resolve.resolve_rest(job, Outcome.ERRORED, "absent")
        crash_point("before_absent_commit")
        if not job.advance(Status.ABSENT, closed_at=DatabaseClock(), lease_until=None):
            raise LostLease(f"{job} is not ours any more.")
    crash_point("absent_committed")
