"""Live batch jobs -> the one step that each needs now."""

import logging
from collections.abc import Callable

from django.db.models import Q

from batches.models import BatchJob, LostLease
from batches.models.fields import DatabaseClock
from batches.pipeline import calls, canaries, collect, pace, poll, recover, send

log = logging.getLogger(__name__)
S = BatchJob.Status

BATCH_STEPS: dict[str, Callable[[BatchJob], None]] = {
    S.PLANNED: send.send,
    S.SENDING: recover.worker_died,
    S.IN_DOUBT: recover.look,
    S.IN_PROGRESS: poll.poll,
    S.CANCELLING: poll.poll,
    S.COLLECTING: collect.collect,
}
CALL_STEPS: dict[str, Callable[[BatchJob], None]] = {S.PLANNED: calls.run, S.RUNNING: calls.run}
STEPS = {
    BatchJob.Packing.PROVIDER_BATCH: BATCH_STEPS,
    BatchJob.Packing.SINGLE: CALL_STEPS,
    BatchJob.Packing.BUNDLE: CALL_STEPS,
}


def due() -> list[tuple[int, int]]:
    """Jobs that need a step now and that nobody holds, each with its fence."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=DatabaseClock())
    now = Q(next_poll_at__isnull=True) | Q(next_poll_at__lte=DatabaseClock())
    steps = [*BATCH_STEPS, *CALL_STEPS]
    jobs = BatchJob.objects.filter(free, now, status__in=steps)
    return list(jobs.order_by("pk").values_list("pk", "fence"))


def step(job_id: int) -> str:
    """Do what a job needs now, if nobody else is doing it; the status it has afterwards, "" if it was left alone."""
    job = BatchJob.objects.take(job_id, seconds=pace.LEASE)
    if job is None:
        return ""
    act = STEPS[BatchJob.Packing(job.packing)].get(job.status)
    if job.recoveries >= pace.RECOVERIES and act is not None:
        act = recover.crashed_again
    try:
        if act is None:
            job.release()
        else:
            act(job)
    except LostLease:
        log.warning("lease lost job=%s", job_id)
        return ""
    status = str(BatchJob.objects.values_list("status", flat=True).get(pk=job_id))
    if status == S.COLLECTED:
        canaries.weigh_open()  # a query for each job, none for each answer
    return status
