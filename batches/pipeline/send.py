"""A planned provider batch -> the one POST, and what became of it."""

import logging
import tempfile
from datetime import timedelta
from pathlib import Path

from django.db import IntegrityError, transaction

from batches.conf import cj_settings
from batches.models import BatchJob, Deployment, LostLease
from batches.models.fields import DatabaseClock
from batches.pipeline import account, erased, ownership, pace, payload, queues, resolve
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.providers.base import ENVIRONMENT_KEY, NONCE_KEY, Outcome, Provider, ProviderError, Submission

log = logging.getLogger(__name__)
Status = BatchJob.Status
TRY_LATER = "rate_limited"  # a refusal that says nothing about the requests


def send(job: BatchJob) -> None:
    """Send a planned job whose lease we hold, once. Whatever happens, the job says afterwards what is known."""
    crash_point("job_taken")
    if erased.open_items(job):
        return withdraw(job, reason=erased.GONE)
    if job.cancel_asked_at:
        return withdraw(job)
    if job.account.paused_at:
        return withdraw(job, reason="account_fault", error=job.account.paused_reason)
    if not account.is_open(job.account):
        return pace.later(job, seconds=pace.CLOSED)
    try:
        provider = account.provider_of(job.account)
    except Refused as problem:
        log.warning("send refused job=%s reason=%s", job.pk, problem)
        return pace.later(job, seconds=pace.CLOSED)
    with tempfile.TemporaryDirectory(prefix="cj-send-") as folder:
        path = Path(folder) / f"cj-{job.nonce}.jsonl"
        if payload.write(job, provider, path) != job.payload_sha256:
            return withdraw(job, reason="payload_changed")
        crash_point("payload_written")
        if _upload(job, provider, path) and _claim(job):
            _post(job, provider, path)


def _upload(job: BatchJob, provider: Provider, path: Path) -> bool:
    """Upload the input file where the provider wants one: free of charge, so it may be done again."""
    if job.input_file_id:
        return True
    try:
        job.input_file_id = provider.upload(path, name=path.name)
    except ProviderError as error:
        account.note_failure(job.account, error)
        if error.accepted is False and not error.transient:
            withdraw(job, reason="account_fault" if error.account_fault else "upload_refused", error=str(error))
        elif error.never_connected:
            withdraw(job, reason=error.code, error=str(error))
        else:
            pace.later(job, seconds=error.retry_after or pace.CLOSED, error=str(error)[:1000])
        return False
    crash_point("uploaded")
    BatchJob.objects.filter(pk=job.pk, fence=job.fence).update(input_file_id=job.input_file_id)
    return True


def _claim(job: BatchJob) -> bool:
    """PLANNED -> SENDING; not while another batch of the account may be on its way (Anthropic)."""
    try:
        with transaction.atomic():
            job.hold(seconds=cj_settings.call_timeout + pace.MARGIN)
            if BatchJob.objects.filter(pk=job.pk, cancel_asked_at__isnull=False).exists():
                withdraw(job)
                return False
            if erased.open_items(job):
                withdraw(job, reason=erased.GONE)
                return False
            if not job.advance(Status.SENDING, sent_at=DatabaseClock(), recoveries=0):
                raise LostLease(f"{job} is not ours any more.")
            crash_point("before_sending_commit")
    except IntegrityError:
        pace.later(job, seconds=pace.BUSY)
        return False
    crash_point("sending_committed")
    return _still_in_time(job)


def _still_in_time(job: BatchJob) -> bool:
    """Whether the lease outlasts the longest POST. A process that was paused since it claimed the job sends nothing."""
    with transaction.atomic():
        job.hold()
        needed = DatabaseClock() + timedelta(seconds=cj_settings.call_timeout)
        if BatchJob.objects.filter(pk=job.pk, status=Status.SENDING, lease_until__gt=needed).exists():
            return True
    log.warning("paused before sending job=%s", job.pk)
    refuse(job, never_sent())
    return False


def never_sent() -> ProviderError:
    message = "The worker was paused before it could send this job; nothing was sent."
    return ProviderError(message, accepted=False, transient=True, code="never_connected")


def _post(job: BatchJob, provider: Provider, path: Path) -> None:
    metadata = {NONCE_KEY: job.nonce, "cj_job": str(job.pk), ENVIRONMENT_KEY: Deployment.name()}
    crash_point("before_post")
    if not (n := job.n_open()):
        raise LostLease(f"{job} was ended by another worker: nobody waits for its answers.")
    try:
        submission = provider.submit(path, n=n, input_file_id=job.input_file_id, metadata=metadata)
    except ProviderError as error:
        log.warning("submit failed job=%s accepted=%s code=%s", job.pk, error.accepted, error.code)
        crash_point("post_failed")
        account.note_failure(job.account, error)
        return refuse(job, error) if error.accepted is False else doubt(job, str(error))
    crash_point("post_answered")
    if not accept(job, submission):
        ownership.late_answer(job, submission)
    crash_point("acceptance_committed")
    account.note_success(job.account)


def accept(job: BatchJob, submission: Submission) -> bool:
    """The provider has it: -> IN_PROGRESS; False when the job is not ours any more."""
    moved = job.advance(
        Status.IN_PROGRESS,
        provider_batch_id=submission.provider_batch_id,
        is_provisional=False,
        input_file_id=submission.input_file_id or job.input_file_id,
        expires_at=submission.expires_at or None,
        accepted_at=DatabaseClock(),
        next_poll_at=pace.soon(cj_settings.poll_interval_min),
        lease_until=None,
        recoveries=0,
    )
    log.info("submitted job=%s provider_batch_id=%s", job.pk, submission.provider_batch_id)
    return moved


def refuse(job: BatchJob, error: ProviderError) -> None:
    """A definite no: every comparison waits again, the reservation is given back."""
    with transaction.atomic():
        resolve.resolve_rest(job, Outcome.ERRORED, _why_refused(job, error), error=str(error))
        crash_point("before_refused_commit")
        moved = job.advance(
            Status.REFUSED,
            error_code=error.code[:60],
            error=str(error)[:1000] or "refused without a word",
            closed_at=DatabaseClock(),
            lease_until=None,
        )
        if not moved:
            raise LostLease(f"{job} is not ours any more.")


def _why_refused(job: BatchJob, error: ProviderError) -> str:
    """The reason of its items: one that does not use up an attempt where the requests are not to blame."""
    if error.account_fault:
        return "account_fault"
    if error.code == queues.OVER:
        return queues.why_over(job)
    return error.code if error.never_connected or error.code == TRY_LATER else "job_refused"


def doubt(job: BatchJob, error: str) -> None:
    """Sent, and nobody knows whether it arrived: it is looked for before anything else happens."""
    job.advance(
        Status.IN_DOUBT,
        error=error[:1000],
        next_poll_at=pace.soon(min(pace.BUSY, pace.LOOK)),
        lease_until=None,
        looks=0,
        recoveries=0,
    )
    crash_point("doubt_committed")


def withdraw(job: BatchJob, *, reason: str = "cancelled_by_staff", error: str = "") -> None:
    """Close a job of which nothing was sent."""
    with transaction.atomic():
        resolve.resolve_rest(job, Outcome.CANCELLED, reason, error=error)
        crash_point("before_cancelled_commit")
        moved = job.advance(
            Status.CANCELLED, error_code=reason, error=error[:1000], closed_at=DatabaseClock(), lease_until=None
        )
        if not moved:
            raise LostLease(f"{job} is not ours any more.")
