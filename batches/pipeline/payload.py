"""The comparisons of a batch -> the lines of its body: every essay is escaped and hashed once, and used again.

A payload's hash is taken over the hashes of the pieces that its lines are put together from, in their order, and their
custom_ids: equal hashes mean equal bytes, at a fortieth of the price of hashing all of them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from django.db import connection

from batches.judging.prompts import Prompt, add_parts, content_hash
from batches.models import BatchJob, Judge
from batches.pipeline import pace, requests
from batches.pipeline.requests import Desk, Waiting
from batches.providers import prices, splice
from batches.providers.base import Part, Provider, Request
from batches.providers.lines import line_problem

FEW = 8  # openings kept: comparisons come sorted by their first essay
LINES = 1000  # between two looks at the lease
BUFFER = 1 << 20


class Digest:
    """The hash of a payload."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def add(self, frame: splice.Frame, custom_id: bytes, blocks: splice.Blocks) -> None:
        self._sha256.update(b"%b%b\n%b" % (frame.sha256, custom_id, blocks.sha256))

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What the lines about one first essay have in common; what only planning asks for is worked out when it does."""

    provider: Provider
    prompt: Prompt  # so far
    request: Request  # so far
    frame: splice.Frame | None  # None where no line can be made
    why_not: str

    @cached_property
    def problem(self) -> str:
        """Why a batch would not take lines that begin like this; "" where it does."""
        if self.frame is None:
            return self.why_not
        sample = b"".join(self.frame.pieces(b"sample", self.provider.blocks([Part(text="sample")])))
        return line_problem(sample, custom_id="sample", model=self.request.model, most_bytes=len(sample))

    @cached_property
    def tokens(self) -> int:
        """Input, estimated, without the second essay."""
        return requests.input_tokens(self.request)

    @cached_property
    def content(self) -> Any:
        """The hash of the prompt so far."""
        return content_hash(self.prompt.system, self.prompt.schema, self.prompt.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """The second essay of a comparison, as it stands in every line about it."""

    blocks: splice.Blocks | None
    problem: str
    tokens: int


class Splicer:
    """Puts lines together for one judge; what it has encoded it keeps for the next line."""

    def __init__(self, desk: Desk, judge: Judge, provider: Provider) -> None:
        self._desk, self._judge, self._provider = desk, judge, provider
        self._openings: dict[tuple[int, int, int, bool], Opening] = {}
        self._seconds: dict[int, Second] = {}

    def opening(self, comparison: Waiting, marks: int) -> Opening:
        truncated = self._desk.was_truncated(comparison)
        key = (comparison.assessment_id, comparison.essay_a_id, marks, truncated)
        if (found := self._openings.get(key)) is None:
            if len(self._openings) >= FEW:
                self._openings.clear()
            found = self._openings[key] = self._open(comparison, marks)
        return found

    def _open(self, comparison: Waiting, marks: int) -> Opening:
        prompt, request = self._desk.open(comparison, self._judge, marks=marks)
        frame, why_not = None, ""
        try:
            frame = splice.frame(self._provider, request)
        except ValueError as why:  # a character without bytes, an effort the model does not take
            why_not = f"{type(why).__name__}: {why}"
        return Opening(provider=self._provider, prompt=prompt, request=request, frame=frame, why_not=why_not)

    def second(self, essay: int) -> Second:
        if (found := self._seconds.get(essay)) is None:
            found = self._seconds[essay] = self._encode(essay)
        return found

    def _encode(self, essay: int) -> Second:
        parts = self._desk.second(essay)
        tokens = prices.estimate_parts(parts)
        try:
            blocks = splice.blocks(self._provider, parts)
            msgspec.json.decode(b"[%b]" % blocks.encoded)
        except ValueError as why:
            return Second(blocks=None, problem=f"{type(why).__name__}: {why}", tokens=tokens)
        return Second(blocks=blocks, problem="", tokens=tokens)

    def prompt_sha256(self, opening: Opening, essay: int) -> str:
        """The hash of the whole prompt, as `Prompt.sha256` has it."""
        return str(add_parts(opening.content.copy(), self._desk.second(essay)).hexdigest())


OPEN_ITEMS = """
SELECT item.custom_id, item.cache_marks, comparison.id, comparison.round_id, cj_round.assessment_id,
       comparison.essay_a_id, comparison.essay_b_id
FROM batches_batchitem item
JOIN batches_comparison comparison ON comparison.id = item.comparison_id
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
WHERE item.job_id = %s AND item.outcome IS NULL
ORDER BY item.id
"""


def write(job: BatchJob, provider: Provider, path: Path) -> str:
    """Write the body of a job's open items to a file, line by line; its hash. The lease is kept meanwhile."""
    digest = Digest()
    with path.open("wb", buffering=BUFFER) as file:
        for pieces in _lines(job, provider, digest):
            file.writelines(pieces)
    return digest.hexdigest()


def _lines(job: BatchJob, provider: Provider, digest: Digest) -> Iterator[tuple[bytes, ...]]:
    lease = pace.Lease(job)
    rows = _rows(job)
    splicer = Splicer(Desk.of_job(job, [Waiting(*row[2:]) for row in rows]), job.judge, provider)
    for number, (custom_id, marks, *columns) in enumerate(rows):
        comparison = Waiting(*columns)
        frame = splicer.opening(comparison, marks).frame
        blocks = splicer.second(comparison.essay_b_id).blocks
        if frame is None or blocks is None:
            continue  # it could be made when the job was planned: the hash will not be the same
        known = custom_id.encode()
        digest.add(frame, known, blocks)
        yield frame.pieces(known, blocks.encoded)
        if number % LINES == 0:
            lease.keep()


def _rows(job: BatchJob) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_ITEMS, [job.pk])
        return cursor.fetchall()
