"""A job that needs attention, and what a person says of it -> back to work, or closed."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from batches.models import AuditEntry, BatchJob, Stranger
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.pipeline import calls, ownership, pace, resolve
from batches.pipeline.refused import Refused
from batches.providers.base import Outcome

Status = BatchJob.Status
BATCH = BatchJob.Packing.PROVIDER_BATCH


def adopt(job: BatchJob, provider_batch_id: str, *, actor: Person | None) -> None:
    """This batch at the provider is the job's. Its results are believed only if they carry the job's nonce.

    Where they were seen to carry nobody's, nothing can be read from them either: the person is taken at their word.
    """
    mine = _taken(job)
    batch = provider_batch_id.strip()
    if mine.packing != BATCH or not batch:
        raise Refused(_("Name the batch at the provider that was sent for this job, such as msgbatch_... or batch_..."))
    unnamed = mine.error_code == ownership.NAMES_NO_JOB
    known = mine.provider_batch_id == batch and (unnamed or not mine.is_provisional)
    changes = {"provider_batch_id": batch, "is_provisional": not known, "accepted_at": DatabaseClock()}
    if BatchJob.objects.filter(account=mine.account, provider_batch_id=batch).exclude(pk=mine.pk).exists():
        mine.release()
        raise Refused(_("The batch %(batch)s belongs to another job already.") % {"batch": batch})
    _decide(mine, Status.IN_PROGRESS, "adopt", actor, provider_batch_id=batch, changes=changes)


def declare_absent(job: BatchJob, *, actor: Person | None) -> None:
    """Whatever was sent brings nothing more: what has no outcome waits again, or was lost with its call."""
    mine = _taken(job)
    with transaction.atomic():
        if mine.packing != BATCH:
            resolve.resolve_rest(mine, Outcome.LOST, "worker_died", sent=True)
            resolve.resolve_rest(mine, Outcome.CANCELLED, "stopped_workers", sent=False)
            calls.close(mine)
            AuditEntry.record("declare absent", mine, actor=actor, project=None)
            return
        if mine.provider_batch_id:  # it stays on record, and is stopped if it runs
            given_up = {"taken_for": mine, "nonce": mine.nonce, "is_ours": not mine.is_provisional}
            Stranger.objects.update_or_create(
                account=mine.account, provider_batch_id=mine.provider_batch_id, defaults=given_up
            )
        resolve.resolve_rest(mine, Outcome.ERRORED, "absent")
        batch = mine.provider_batch_id
        changes = {"provider_batch_id": "", "is_provisional": False, "closed_at": DatabaseClock()}
        _decide(mine, Status.ABSENT, "declare absent", actor, provider_batch_id=batch, changes=changes)


def carry_on(job: BatchJob, *, actor: Person | None) -> None:
    """Let the workers try once more: look again, ask and collect again, or make the calls that are left."""
    mine = _taken(job)
    back_to = Status.IN_PROGRESS if mine.provider_batch_id else Status.IN_DOUBT
    to = back_to if mine.packing == BATCH else Status.RUNNING
    _decide(mine, to, "carry on", actor, changes={"looks": 0})


def _taken(job: BatchJob) -> BatchJob:
    """The job with its lease, so that no worker moves it meanwhile."""
    mine = BatchJob.objects.take(job.pk, seconds=pace.LEASE)
    if mine is None:
        raise Refused(_("A worker has this job in its hands: wait a minute and try again."))
    if mine.status != Status.NEEDS_ATTENTION:
        mine.release()
        raise Refused(
            _("This job does not wait for a decision: it is %(status)s.") % {"status": mine.get_status_display()}
        )
    return mine


def _decide(
    job: BatchJob, to: Status, act: str, actor: Person | None, *, changes: dict[str, object], **detail: str
) -> None:
    after = {
        "recoveries": 0,
        "poll_failures": 0,
        "error": "",
        "error_code": "",
        "next_poll_at": DatabaseClock(),
        "lease_until": None,
    }
    try:
        with transaction.atomic():
            job.advance(to, **after, **changes)
            AuditEntry.record(act, job, actor=actor, project=None, **detail)
    except IntegrityError:
        job.release()
        raise Refused(_("Another batch of this account is in doubt: wait until that is settled.")) from None


def candidates(job: BatchJob) -> list[Stranger]:
    """Batches on record that may be the job's, newest first: those sent for it, then those of its size."""
    same = Stranger.objects.filter(account=job.account, made_at__gte=job.created_at)
    sure = Stranger.objects.filter(account=job.account, nonce=job.nonce)
    return [*sure, *same.filter(n_requests=job.n_items, nonce="").exclude(pk__in=sure)]
