"""A job of single calls, or of bundles -> answers, written down as they come in."""

import asyncio
import logging
import resource
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction

from batches.conf import cj_settings
from batches.models import BatchItem, BatchJob
from batches.models.fields import DatabaseClock
from batches.pipeline import account, bundles, erased, pace, requests, resolve, send
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.pipeline.requests import Call
from batches.pipeline.resolve import Ended
from batches.providers import manifest
from batches.providers.base import Calls, Outcome, Provider, ProviderError, Result

log = logging.getLogger(__name__)
Status = BatchJob.Status
RENEW = 5  # seconds between looks at the lease and at a wish to cancel
GATHER = 0.05  # seconds between two writes at least: one transaction for many answers
TRIES = 5  # of one call that the provider asks to repeat later
OTHER_FILES = 256  # of a worker, beside its calls
LONGEST_WAIT = 60  # seconds a call may be put off within the job; longer, and it goes back to waiting


def run(job: BatchJob) -> None:
    """Make the calls of a job whose lease we hold, and resolve every item of it."""
    if job.status == Status.PLANNED:
        if job.cancel_asked_at:
            return send.withdraw(job)
        if not job.advance(Status.RUNNING, sent_at=DatabaseClock()):
            return
        crash_point("calls_begun")
    else:  # its worker died: what was asked may have been answered and billed, and cannot be looked up
        resolve.resolve_rest(job, Outcome.LOST, "worker_died", sent=True)
    _leave_out(job)
    try:
        provider = account.provider_of(job.account)
    except Refused as problem:
        resolve.resolve_rest(job, Outcome.CANCELLED, "account_fault", error=str(problem))
    else:
        Flight(job, provider).fly()
    close(job)


def _leave_out(job: BatchJob) -> None:
    """End the items about essays whose text is gone: they are not sent."""
    resolve.resolve(job, [_gone(custom_id) for custom_id in erased.open_items(job)])


def _gone(custom_id: str) -> Result:
    return Result(custom_id=custom_id, outcome=Outcome.CANCELLED, reason=erased.GONE)


def close(job: BatchJob) -> None:
    """RUNNING -> COLLECTED, every item having an outcome."""
    with transaction.atomic():
        job.hold()
        crash_point("before_calls_closed")
        job.advance(Status.COLLECTED, closed_at=DatabaseClock(), ended_at=DatabaseClock(), lease_until=None)
    log.info("calls done job=%s", job.pk)


def allow_files(in_flight: int) -> None:
    """Each call in flight is an open file; many systems begin with 1,024 of them, and let a process ask for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * in_flight + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Flight:
    """The calls of one job: never more in flight, or answered and not yet written, than sync_in_flight."""

    def __init__(self, job: BatchJob, provider: Provider) -> None:
        self.job = job
        self.provider = provider
        self.model = manifest.find(job.provider, job.judge.model_id)
        self.in_flight: int = cj_settings.sync_in_flight
        allow_files(self.in_flight)
        self.not_before = 0.0  # monotonic seconds: the provider asked for quiet until then
        self.fault: Result | None = None  # why nothing more is sent
        self.cancelled = False
        self.looked_at = time.monotonic()
        self.priming = True  # the first call goes alone where its prefix is worth caching, so that the others find it
        self.primed = False

    def fly(self) -> None:
        waiting = deque(requests.calls_of_job(self.job))
        async_to_sync(self._fly)(waiting)
        if self.fault:
            error = self.fault.error
            account.note_failure(self.job.account, _as_error(self.fault))
            reason = "account_fault" if self.fault.account_fault else "never_connected"
            resolve.resolve_rest(self.job, Outcome.CANCELLED, reason, error=error, sent=False)
            BatchJob.objects.filter(pk=self.job.pk).update(error=error[:1000], error_code=self.fault.reason[:60])
        elif self.cancelled:
            resolve.resolve_rest(self.job, Outcome.CANCELLED, "cancelled_by_staff", sent=False)
        else:
            account.note_success(self.job.account)

    async def _fly(self, waiting: deque[Call]) -> None:
        under_way: set[asyncio.Task[list[Ended | Result]]] = set()
        async with self.provider.open_calls() as calls:
            try:
                while under_way or (waiting and not self._stopped):
                    under_way |= await self._launch(calls, waiting, self.in_flight - len(under_way))
                    if not under_way:  # all of the wave was left out
                        continue
                    await asyncio.wait(under_way, timeout=RENEW, return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.sleep(max(0.0, self.looked_at + GATHER - time.monotonic()))
                    done = {task for task in under_way if task.done()}
                    under_way -= done
                    await self._write([end for task in done for end in task.result()])
            finally:
                for task in under_way:
                    task.cancel()

    @property
    def _stopped(self) -> bool:
        return self.fault is not None or self.cancelled

    async def _launch(self, calls: Calls, waiting: deque[Call], room: int) -> set[asyncio.Task[list[Ended | Result]]]:
        """Send as many as there is room for, each marked as sent beforehand."""
        if self._stopped or not waiting or (room := self._behind_primer(waiting[0], room)) <= 0:
            return set()
        wave = [waiting.popleft() for _ in range(min(room, len(waiting)))]
        gone = await _in_database(self._mark_sent, [custom_id for call in wave for custom_id in call.custom_ids])
        crash_point("calls_marked")
        left_out = [call for call in wave if gone & set(call.custom_ids)]
        await self._write(_gone(custom_id) for call in left_out for custom_id in call.custom_ids)
        return {asyncio.create_task(self._answer(calls, call)) for call in wave if call not in left_out}

    def _behind_primer(self, call: Call, room: int) -> int:
        """How many calls may go now: where the cache is primed, one first, and none beside it."""
        if not self.priming:
            return room
        if room < self.in_flight:
            return 0
        self.priming = not self.primed and any(part.shared for part in call.request.parts)
        self.primed = True
        return 1 if self.priming else room

    def _mark_sent(self, custom_ids: list[str]) -> set[str]:
        """Mark them as sent; those that must not be, because an essay was withdrawn since the job was read."""
        with transaction.atomic():
            self.job.hold(seconds=pace.LEASE)
            gone = erased.open_items(self.job, custom_ids)
            BatchItem.objects.filter(job=self.job, custom_id__in=custom_ids).update(sent_at=DatabaseClock())
            return gone

    async def _answer(self, calls: Calls, call: Call) -> list[Ended | Result]:
        """One call, and what its answer means for each comparison in it."""
        return bundles.unpack(call, await self._complete(calls, call), self.model)

    async def _complete(self, calls: Calls, call: Call) -> Result:
        """One call; where the provider asks for patience, the same call again after its time."""
        request = call.request
        for _ in range(TRIES):
            await asyncio.sleep(max(0.0, self.not_before - time.monotonic()))
            if self._stopped:
                return Result(custom_id=request.custom_id, outcome=Outcome.CANCELLED, reason="stopped")
            result = await calls.complete(request)
            if result.reason != "rate_limited" or (result.retry_after or 1) > LONGEST_WAIT:
                break
            self.not_before = max(self.not_before, time.monotonic() + (result.retry_after or 1))
        if result.account_fault or result.reason == "never_connected":
            self.fault = self.fault or result
        return result

    async def _write(self, results: Iterable[Ended | Result]) -> None:
        results = list(results)
        if results or time.monotonic() - self.looked_at > RENEW:
            self.looked_at = time.monotonic()
            await _in_database(self._write_now, results)

    def _write_now(self, results: list[Ended | Result]) -> None:
        crash_point("calls_answered")
        resolve.resolve(self.job, results, lease=pace.LEASE)
        crash_point("calls_written")
        self.cancelled = BatchJob.objects.filter(pk=self.job.pk, cancel_asked_at__isnull=False).exists()


def _in_database[**P](step: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """Run a step on the worker's own database connection."""
    return sync_to_async(step, thread_sensitive=True)(*args, **kwargs)


def _as_error(result: Result) -> ProviderError:
    return ProviderError(
        result.error or result.reason,
        accepted=result.accepted,
        transient=not result.account_fault,
        code=result.reason,
        retry_after=result.retry_after,
        account_fault=result.account_fault,
    )
