"""Provider results -> resolved comparisons, exactly once each."""

import hashlib
import itertools
import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from batches.conf import cj_settings
from batches.models import BatchItem, BatchJob, LostLease, RawFile, StrayLine
from batches.models.fields import DatabaseClock
from batches.pipeline import account, pace, queues, raw, recover, resolve
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.providers.base import BatchState, FileKind, Outcome, Progress, Provider, ProviderError, Result

log = logging.getLogger(__name__)
CHUNK = 2000  # results written in one transaction
LINE = 20_000  # characters of a stray line that are kept


def collect(job: BatchJob) -> None:
    """Write down every result of an ended job whose lease we hold; what is never mentioned is MISSING."""
    try:
        provider = account.provider_of(job.account)
        progress = provider.poll(job.provider_batch_id)
        _collect(job, provider, progress)
    except Refused as problem:
        return pace.later(job, seconds=pace.CLOSED, error=str(problem)[:1000])
    except ProviderError as error:
        return recover.asked_in_vain(job, error)
    account.note_success(job.account)
    crash_point("collected")
    _tidy(job, provider, progress)
    crash_point("tidied")


def _collect(job: BatchJob, provider: Provider, progress: Progress) -> None:
    if progress.state == BatchState.FAILED:
        why = queues.why_over(job) if progress.error_code == queues.OVER else progress.error_code
        resolve.resolve_rest(job, Outcome.ERRORED, why or "batch_failed", error=progress.error)
    elif progress.results_gone and not job.raw_files.exists():
        resolve.resolve_rest(job, Outcome.MISSING, "results_gone", error="The provider no longer keeps the results.")
    else:
        for file in raw.fetch(job, provider, progress):
            _read(job, provider, file)
        _refuse_foreign(job)
        crash_point("before_missing")
        resolve.resolve_rest(job, Outcome.MISSING, "missing", error="The results never mentioned it.")
    with transaction.atomic():
        job.hold()
        crash_point("before_collected_commit")
        closed = {"closed_at": DatabaseClock(), "lease_until": None, "error": "", "recoveries": 0}
        if not job.advance(BatchJob.Status.COLLECTED, **closed):
            raise LostLease(f"{job} is not ours any more.")
    log.info("collected job=%s items=%d", job.pk, job.n_items)


def _refuse_foreign(job: BatchJob) -> None:
    """Not MISSING but mistaken: results that are all about other jobs' items. They are fetched again."""
    if job.items.exclude(outcome=None).exists():
        return
    strangers = job.stray_lines.filter(kind=StrayLine.Kind.STRANGER).values("custom_id")
    if not BatchItem.objects.filter(custom_id__in=strangers).exists():
        return
    job.raw_files.all().delete()
    message = "The results that came are about other jobs' comparisons; none is about this one's."
    raise ProviderError(message, accepted=None, transient=False, code="foreign_results")


def _read(job: BatchJob, provider: Provider, file: RawFile) -> None:
    """Resolve the lines that are not written down yet, chunk by chunk; each chunk is remembered with its results."""
    if file.lines_read >= file.n_lines:
        return
    try:
        with raw.opened(file) as path:
            read = zip(raw.raw_lines(path), provider.read_results(path, FileKind(file.kind)), strict=True)
            for chunk in itertools.batched(itertools.islice(read, file.lines_read, None), CHUNK):
                _write(job, file, chunk)
                crash_point("mid_collect")
    except raw.Damaged as problem:
        file.delete()
        raise raw.as_error(problem) from None


def _write(job: BatchJob, file: RawFile, chunk: Sequence[tuple[bytes, Result]]) -> None:
    with transaction.atomic():
        tally = resolve.resolve(job, [result for _, result in chunk], lease=pace.LEASE)
        _keep_strays(job, chunk, tally)
        crash_point("before_chunk_commit")
        RawFile.objects.filter(pk=file.pk).update(lines_read=F("lines_read") + len(chunk))
    for _, result in chunk:
        if result.account_fault:
            error = ProviderError(
                result.error or result.reason, accepted=False, transient=False, code=result.reason, account_fault=True
            )
            return account.note_failure(job.account, error)


def _keep_strays(job: BatchJob, chunk: Sequence[tuple[bytes, Result]], tally: resolve.Tally) -> None:
    """Put the lines that resolved nothing where a person can look at them; a plain repetition is only counted."""
    rows = []
    for place, kind in tally.strays.items():
        line, result = chunk[place]
        unreadable = kind == StrayLine.Kind.STRANGER and not result.custom_id
        rows.append(
            StrayLine(
                job=job,
                kind=StrayLine.Kind.UNREADABLE if unreadable else kind,
                custom_id=result.custom_id[:100],
                line_sha256=hashlib.sha256(line).hexdigest(),
                line=resolve.storable(line.decode("utf-8", "replace"), LINE),
            )
        )
    StrayLine.objects.bulk_create(rows, ignore_conflicts=True)


def _tidy(job: BatchJob, provider: Provider, progress: Progress) -> None:
    """Leave nothing at the provider that is not needed any more; failing at it changes nothing."""
    if not cj_settings.delete_provider_files:
        return
    try:
        provider.delete_files(progress)
    except ProviderError as error:
        log.warning("provider files left behind job=%s code=%s", job.pk, error.code)
        return
    BatchJob.objects.filter(pk=job.pk, forgotten_at=None).update(forgotten_at=DatabaseClock())
