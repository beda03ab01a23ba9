"""Result files as the provider sent them <-> compressed rows, so that any host can go on reading them."""

import hashlib
import logging
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction

from batches.models import BatchJob, RawChunk, RawFile
from batches.pipeline import pace
from batches.pipeline.crashes import crash_point
from batches.providers.base import Progress, Provider, ProviderError, ResultFile
from batches.providers.lines import custom_ids

log = logging.getLogger(__name__)
PIECE = 1 << 20  # bytes before compression
DOWNLOADS = 4  # of a copy with too few answers, before the provider is believed to have no more


class Damaged(Exception):
    """A stored file is not what it was when it was stored."""


def fetch(job: BatchJob, provider: Provider, progress: Progress) -> list[RawFile]:
    """The job's result files as rows: those stored before, else fetched now and stored whole, all or none."""
    stored = list(job.raw_files.all())
    if stored:
        return stored
    lease = pace.Lease(job)
    with TemporaryDirectory(prefix="cj-results-") as folder:
        crash_point("before_download")
        files = _download(job, provider, progress, Path(folder), lease)
        crash_point("downloaded")
        with transaction.atomic():
            job.hold(seconds=pace.LEASE)
            stored = [_store(job, file) for file in files]
            crash_point("before_raw_commit")
    crash_point("raw_stored")
    return stored


def _download(
    job: BatchJob, provider: Provider, progress: Progress, folder: Path, lease: pace.Lease
) -> list[ResultFile]:
    """The copy that answers most of the job's requests: fewer than the provider counts, and it was cut off, or lines
    are missing. Lines alone would not tell: one that is repeated would make up for one that is not there."""
    best: list[ResultFile] = []
    answered = -1
    for attempt in range(DOWNLOADS):
        if attempt:
            time.sleep(pace.FETCH)
        place = folder / str(attempt)
        place.mkdir()
        files = _files(provider, progress, place)
        lease.keep()
        found = len({one for file in files for one in custom_ids(file.path) if one.startswith(f"{job.nonce}-")})
        if found > answered:
            best, answered = files, found
        if answered >= (progress.done or 0):
            break
        log.warning("short results batch=%s answers=%d counted=%s", progress.provider_batch_id, found, progress.done)
    return best


def _files(provider: Provider, progress: Progress, place: Path) -> list[ResultFile]:
    """What the provider has; nothing where it has none although it has had all the time for it."""
    try:
        return provider.download(progress, place)
    except ProviderError as error:
        if error.code != "results_not_ready":
            raise
        return []


def count_lines(path: Path) -> int:
    return sum(1 for _ in raw_lines(path))


def raw_lines(path: Path) -> Iterator[bytes]:
    r"""Every line that is not blank. A line ends at b"\n" and nowhere else."""
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield line


def _store(job: BatchJob, file: ResultFile) -> RawFile:
    row = RawFile.objects.create(
        job=job, kind=file.kind.value, sha256=file.sha256, size=file.size, n_lines=count_lines(file.path)
    )
    with file.path.open("rb") as source:
        number = 0
        while piece := source.read(PIECE):
            RawChunk.objects.create(file=row, number=number, data=zlib.compress(piece, 1))
            number += 1
    return row


@contextmanager
def opened(file: RawFile) -> Iterator[Path]:
    """The file on this host's disk while the context lasts; Damaged unless it is what was stored."""
    digest = hashlib.sha256()
    with TemporaryDirectory(prefix="cj-raw-") as folder:
        path = Path(folder) / f"{file.job_id}.{file.kind.lower()}.jsonl"
        with path.open("wb") as target:
            for data in file.chunks.order_by("number").values_list("data", flat=True).iterator(chunk_size=4):
                piece = zlib.decompress(data)
                digest.update(piece)
                target.write(piece)
        if digest.hexdigest() != file.sha256:
            raise Damaged(f"{file} does not have the hash that it was stored with.")
        yield path


def as_error(problem: Damaged) -> ProviderError:
    return ProviderError(str(problem), accepted=None, transient=True, code="damaged_file")
