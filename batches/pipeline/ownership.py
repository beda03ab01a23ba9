"""Batches at the provider -> the job that each was sent for, once that is known for sure."""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from batches.models import AuditEntry, BatchJob, LostLease, Stranger
from batches.models.fields import DatabaseClock
from batches.pipeline import account, pace
from batches.pipeline.crashes import crash_point
from batches.providers.base import Progress, Provider, ProviderError, Submission

log = logging.getLogger(__name__)
Status = BatchJob.Status
NAMES_NO_JOB = "names_no_job"  # the error code of a job whose batch only a person can tell to be its own
NONCE = 12  # characters of a custom_id that name its job
TAKES: dict[str, tuple[BatchJob.Status, ...]] = {  # jobs that may still be given their batch -> their moves to it
    Status.PLANNED: (Status.SENDING, Status.IN_PROGRESS),  # sent before the database was set back
    Status.SENDING: (Status.IN_PROGRESS,),
    Status.IN_DOUBT: (Status.IN_PROGRESS,),
    Status.IN_PROGRESS: (),
    Status.NEEDS_ATTENTION: (Status.IN_PROGRESS,),
}


def confirm(job: BatchJob, provider: Provider, progress: Progress) -> bool:
    """Whether an ended, provisionally adopted batch carries the job's nonce.

    If it carries that of another job of ours, that job gets it; if nobody's of ours, it is a stranger; either way
    this job is in doubt again. If it carries none at all, a person decides.
    """
    try:
        found = Counter(nonces(provider, progress))
    except ProviderError as error:
        if error.code == "results_gone":
            return _ask_a_person(job, str(error))
        account.note_failure(job.account, error)
        pace.later(job, seconds=error.retry_after or pace.interval(job), error=str(error)[:1000])
        return False
    crash_point("nonces_read")
    if found[job.nonce]:
        BatchJob.objects.filter(pk=job.pk, fence=job.fence).update(is_provisional=False)
        job.is_provisional = False
        crash_point("confirmed")
        return True
    if not found:
        why = "The batch has ended, and none of its results says for which job it was sent."
        return _ask_a_person(job, why, NAMES_NO_JOB)
    _part(job, found.most_common(1)[0][0])
    return False


def nonces(provider: Provider, progress: Progress) -> Iterator[str]:
    """The first part of every custom_id that a batch's results name. A line that names none is passed over."""
    with tempfile.TemporaryDirectory(prefix="cj-nonces-") as folder:
        for file in provider.download(progress, Path(folder)):
            for result in provider.read_results(file.path, file.kind):
                if result.custom_id:
                    yield result.custom_id.partition("-")[0][:NONCE]


def _ask_a_person(job: BatchJob, error: str, code: str = "") -> bool:
    job.advance(Status.NEEDS_ATTENTION, error=error[:1000], error_code=code, lease_until=None)
    return False


def _part(job: BatchJob, nonce: str) -> None:
    """Part a job from the batch that it took for its own: the job is in doubt again, and the batch with its owner."""
    right: BatchJob | None = None
    try:
        with transaction.atomic():
            right = _locked(job, nonce)
            if right is None or not give(right, job.provider_batch_id):
                _record(job, nonce, right)
                _doubt_again(_set_free(BatchJob.objects.get(pk=job.pk)))  # ours stays as it is, should this not do
            crash_point("before_disowned_commit")
    except IntegrityError:  # another batch of the account is in doubt, and there may be one at a time:
        _record(job, nonce, right)  # that one need not wait to hear whose this is
        pace.later(job, seconds=pace.BUSY)


def _locked(job: BatchJob, nonce: str) -> BatchJob | None:
    """The job with this nonce; both locked, and our lease on the first still good."""
    rows = {row.nonce: row for row in _lock(Q(pk=job.pk) | Q(account=job.account, nonce=nonce))}
    if rows[job.nonce].fence != job.fence:
        raise LostLease(f"{job} is not ours any more.")
    return rows.get(nonce)


def _lock(which: Q) -> QuerySet[BatchJob]:
    """Lock rows in one order everywhere, so that nobody waits for another in a ring."""
    return BatchJob.objects.select_for_update(of=("self",)).filter(which).order_by("pk")


def _record(job: BatchJob, nonce: str, right: BatchJob | None) -> None:
    """Write down whose it is: somebody else's, or another job's of ours, where it may be on record as an orphan."""
    made = {"taken_for": job, "nonce": nonce, "is_ours": right is not None, "n_requests": job.n_items}
    Stranger.objects.get_or_create(account=job.account, provider_batch_id=job.provider_batch_id, defaults=made)


def give(job: BatchJob, provider_batch_id: str, **known: Any) -> bool:
    """Let a job have the batch that was surely sent for it, whatever was believed of either; both rows change together.

    Needs this row locked, and that of a job that has held the batch until now. False where the job is over, or has
    another batch for sure: then this one is a batch too many, and on record as an orphan. IntegrityError, with nothing
    done, where the one that held it would be in doubt beside another job of its account.
    """
    if job.provider_batch_id == provider_batch_id:
        BatchJob.objects.filter(pk=job.pk).update(is_provisional=False)
        return True
    if job.status not in TAKES or (job.provider_batch_id and not job.is_provisional):
        note_orphan(job, provider_batch_id)
        return False
    holder = BatchJob.objects.filter(account=job.account, provider_batch_id=provider_batch_id).first()
    if holder is not None:
        _set_free(holder)
    _take(job, provider_batch_id, **known)
    if holder is not None:
        _doubt_again(holder)
        took = {"provider_batch_id": provider_batch_id, "taken_from": holder.pk}
        AuditEntry.record("hand over", job, actor=None, project=None, **took)
        log.warning("batch handed over job=%s taken_from=%s batch=%s", job.pk, holder.pk, provider_batch_id)
        crash_point("before_hand_over_commit")
    return True


def _set_free(job: BatchJob) -> BatchJob:
    """Take its batch from a job that held it provisionally. It rests with a person until it may be in doubt again."""
    _stop_worker(job)
    if not job.advance(Status.NEEDS_ATTENTION, provider_batch_id="", is_provisional=False, ended_at=None):
        raise LostLease(f"{job} was moved on.")
    return job


def _doubt_again(job: BatchJob) -> None:
    job.advance(Status.IN_DOUBT, next_poll_at=DatabaseClock(), lease_until=None, looks=0)


def _take(job: BatchJob, provider_batch_id: str, **known: Any) -> None:
    _stop_worker(job)
    Stranger.objects.filter(account=job.account, provider_batch_id=provider_batch_id).delete()
    for move in TAKES[job.status][:-1]:
        job.advance(move, sent_at=DatabaseClock())
    changes = {
        "provider_batch_id": provider_batch_id,
        "is_provisional": False,
        "accepted_at": DatabaseClock(),
        "next_poll_at": DatabaseClock(),
        "lease_until": None,
        "ended_at": None,
        "recoveries": 0,
        "error": "",
        **known,
    }
    if job.status == Status.IN_PROGRESS:  # with a batch that is not its own: whose it is will be found out in time
        BatchJob.objects.filter(pk=job.pk).update(**changes)
    else:
        job.advance(Status.IN_PROGRESS, **changes)


def _stop_worker(job: BatchJob) -> None:
    """Whoever has this job in hands has lost it."""
    job.fence += 1
    BatchJob.objects.filter(pk=job.pk).update(fence=job.fence)


def late_answer(job: BatchJob, submission: Submission) -> None:
    """An answer that came after others had taken the job over: they may still need it; else it is a batch too many."""
    known = {"expires_at": submission.expires_at or None}
    if submission.input_file_id:
        known["input_file_id"] = submission.input_file_id
    try:
        with transaction.atomic():
            held = Q(account=job.account, provider_batch_id=submission.provider_batch_id)
            now = {row.pk: row for row in _lock(Q(pk=job.pk) | held)}[job.pk]
            give(now, submission.provider_batch_id, **known)
    except IntegrityError:  # held provisionally by a job that will find out, and hand it over
        log.warning("late answer left job=%s batch=%s", job.pk, submission.provider_batch_id)


def note_orphan(job: BatchJob, provider_batch_id: str) -> Stranger:
    """Write down a batch that was sent for this job and that it does not own: the reconciliation stops it."""
    log.error("orphan job=%s provider_batch_id=%s", job.pk, provider_batch_id)
    stranger, _ = Stranger.objects.update_or_create(
        account=job.account,
        provider_batch_id=provider_batch_id,
        defaults={"taken_for": job, "nonce": job.nonce, "is_ours": True},
        create_defaults={"taken_for": job, "nonce": job.nonce, "is_ours": True, "n_requests": job.n_items},
    )
    return stranger
