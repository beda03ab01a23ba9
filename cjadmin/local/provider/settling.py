"""A batch whose time has come -> its result lines, out of order, and one ledger row for each of its requests."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from secrets import token_hex
from time import time
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from . import batch_lines, life
from .calls import Answer, Call, Refused
from .draws import draw
from .ledger import Entry, of_answer
from .store import Batch, File

if TYPE_CHECKING:
    from .local_provider import LocalProvider

UNDONE = {"expired_line": "expired", "errored_line": "errored", "failed_line": "failed", "status_zero_line": "zero"}
JUNK = (b"<html><body>502 Bad Gateway</body></html>", b"", b"null", b'[{"custom_id":', b"\x00\xff\xfe", b"42")
OTHER_WINNER = str.maketrans("AB", "BA")
FILES_KEPT_FOR = 30 * 24 * 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of a batch."""

    line: int
    custom_id: str
    body: Any


def settle(local: "LocalProvider", batch: Batch) -> Batch:
    """Answer the batch once: files first, then one transaction with the bookings. May be repeated after a crash."""
    if batch.failure:
        return local.store.save_batch(msgspec.structs.replace(batch, answered_at=time()))
    work = _Settling(local, batch)
    for asked in _requests(local, batch):
        work.one(asked)
    files = work.write()
    with local.store.transaction():
        local.store.book(work.entries)
        return local.store.save_batch(msgspec.structs.replace(batch, **files, **work.findings()))


def _requests(local: "LocalProvider", batch: Batch) -> Iterator[Asked]:
    if batch.provider == "anthropic":
        body = orjson.loads(local.store.batch_path(batch.id).read_bytes())
        for line, request in enumerate(body["requests"], 1):
            yield Asked(line=line, custom_id=request["custom_id"], body=request["params"])
        return
    with local.store.file_path(batch.input_file_id).open("rb") as file:
        for line, raw in enumerate((raw for raw in file if raw.strip()), 1):
            request = orjson.loads(raw)
            yield Asked(line=line, custom_id=request["custom_id"], body=request["body"])


class _Settling:
    """The lines, counts and bookings of one batch in the making."""

    def __init__(self, local: "LocalProvider", batch: Batch) -> None:
        self.local, self.batch = local, batch
        self.entries: list[Entry] = []
        self.counts: Counter[str] = Counter()
        self.used: Counter[str] = Counter()
        self._output: list[bytes] = []
        self._errors: list[bytes] = []
        self._lines = batch_lines.OF[batch.provider]
        self._expiry = None if batch.cancelled_at else local.faults.strikes("expire_after_done", batch.provider)
        self._last_done = self._expiry.n if self._expiry else life.done_when_cancelled(batch)
        self._at = time()

    def one(self, asked: Asked) -> None:
        if asked.line > self._last_done:
            self._undone(asked, "expired" if self._expiry else "cancelled")
            return
        for fault, outcome in UNDONE.items():
            if self._strikes(fault):
                self._undone(asked, outcome)
                return
        try:
            call = self.local.read(self.batch.provider, self.batch.endpoint, asked.body, version=self.batch.version)
        except Refused as refused:
            self._failed(asked, "errored", self._lines.refused(asked.custom_id, refused))
            return
        self._done(asked, call, self.local.answer(call, batch=True))

    def _strikes(self, fault: str) -> bool:
        return self.local.faults.strikes(fault, self.batch.provider) is not None

    def _undone(self, asked: Asked, outcome: str) -> None:
        self._failed(asked, outcome, self._lines.undone(asked.custom_id, outcome))

    def _failed(self, asked: Asked, outcome: str, line: bytes) -> None:
        outcome = outcome if outcome in ("expired", "cancelled") else "errored"
        self.counts[outcome] += 1
        model = asked.body.get("model") if isinstance(asked.body, dict) else None
        self.entries.append(
            Entry(
                at=self._at,
                provider=self.batch.provider,
                kind="batch",
                model=str(model or ""),
                custom_id=asked.custom_id,
                batch_id=self.batch.id,
                line=asked.line,
                key=self.batch.key,
                billed=False,
                outcome=outcome,
            )
        )
        self._put(self._errors, line)

    def _done(self, asked: Asked, call: Call, answer: Answer) -> None:
        self.counts["succeeded"] += 1
        self._add_usage(answer)
        self.entries.append(
            of_answer(
                call,
                answer,
                at=self._at,
                kind="batch",
                custom_id=asked.custom_id,
                batch_id=self.batch.id,
                line=asked.line,
                key=self.batch.key,
            )
        )
        succeeded = self._lines.null_body if self._strikes("null_body_line") else self._lines.succeeded
        self._put(self._output, succeeded(asked.custom_id, call, answer))
        if self._strikes("duplicate_line_other_answer"):
            self._output.append(self._lines.succeeded(asked.custom_id, call, _other(answer)))
        if self._strikes("unknown_id_line"):
            self._output.append(self._lines.succeeded(f"nobody-{token_hex(8)}", call, answer))

    def _add_usage(self, answer: Answer) -> None:
        used = answer.usage
        whole = used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
        self.used.update(
            input=whole,
            cached=used.cache_read_tokens,
            written=used.cache_write_tokens,
            output=used.output_tokens,
            reasoning=used.reasoning_tokens,
        )

    def _put(self, lines: list[bytes], line: bytes) -> None:
        """Write the line down, unless a fault loses it, spoils it or repeats it."""
        if self._strikes("junk_line"):
            lines.append(JUNK[int(draw("junk", self.batch.ordinal, len(lines)) * len(JUNK))])
        if self._strikes("missing_line"):
            return
        if self._strikes("malformed_line"):
            lines.append(line[: len(line) * 2 // 3])
            return
        lines.append(line)
        if self._strikes("duplicate_line"):
            lines.append(line)

    def write(self) -> dict[str, str]:
        """Write the result file or files; which ids they got."""
        shuffle = Random(f"{self.local.settings.seed} {self.batch.ordinal}").shuffle
        if self.batch.provider == "anthropic":
            _write(self.local.store.results_path(self.batch.id), _mixed([*self._output, *self._errors], shuffle))
            return {}
        return {
            "output_file_id": self._file("output", _mixed(self._output, shuffle)),
            "error_file_id": self._file("error", _mixed(self._errors, shuffle)),
        }

    def _file(self, what: str, lines: list[bytes]) -> str:
        if not lines:
            return ""
        file_id = f"file-{what}-{self.batch.id}"
        size = _write(self.local.store.file_path(file_id), lines)
        self.local.store.add_file(
            File(
                id=file_id,
                filename=f"{self.batch.id}_{what}.jsonl",
                purpose="batch_output",
                size=size,
                created_at=self._at,
                expires_at=self._at + FILES_KEPT_FOR,
            )
        )
        return file_id

    def findings(self) -> dict[str, Any]:
        """What the batch's row learns at the end."""
        return {
            "answered_at": self._at,
            "expired": self._expiry is not None,
            "counts": self._lines.counts(self.counts),
            "usage": dict(self.used),
        }


def _other(answer: Answer) -> Answer:
    """The same answer for the other essay."""
    for winner in "AB":
        said = f'"winner":"{winner}"'
        if said in answer.text:
            return replace(answer, text=answer.text.replace(said, f'"winner":"{winner.translate(OTHER_WINNER)}"'))
    return answer


def _mixed(lines: list[bytes], shuffle: Any) -> list[bytes]:
    """Never in the order asked."""
    mixed = list(lines)
    shuffle(mixed)
    return mixed[::-1] if mixed == lines else mixed


def _write(path: Path, lines: list[bytes]) -> int:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
    part.rename(path)
    return path.stat().st_size
