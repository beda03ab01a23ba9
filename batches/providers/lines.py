r"""Lines of JSON on disk: requests going out, results coming in. A line ends at b"\n" and nowhere else.

U+2028, U+0085, U+001E and others are legal inside JSON strings, and splitting text there tears results apart.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from json import loads
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from batches.providers.answers import is_custom_id, words
from batches.providers.base import FileKind, ProviderError, Result, ResultFile

_BLOCK = 1 << 20
# Escaped on the way out as well: who knows how the other side splits its lines.
_LINE_BREAKS = tuple((mark.encode(), f"\\u{ord(mark):04x}".encode()) for mark in "\x85\u2028\u2029")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def encode_line(value: dict[str, Any]) -> bytes:
    r"""One JSON line with its b"\n"; the same value gives the same bytes."""
    return encode(value) + b"\n"


def encode_items(values: Iterable[Any]) -> bytes:
    """Values as they stand side by side within a list of such a line, without its brackets."""
    return encode(list(values))[1:-1]


def encode(value: Any) -> bytes:
    """JSON without a byte that anybody could take for the end of a line."""
    encoded = msgspec.json.encode(value)
    for mark, escaped in _LINE_BREAKS:
        encoded = encoded.replace(mark, escaped)
    return encoded


def read_lines(path: Path, read_line: Callable[[bytes], Result]) -> Iterator[Result]:
    """Every line that is not blank as a Result; one line in memory at a time."""
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield read_line(line)


class _Named(msgspec.Struct):
    custom_id: str = ""


_result_line = msgspec.json.Decoder(_Named)


def custom_ids(path: Path) -> Iterator[str]:
    """Which request each result line is about, as far as it can be read: both providers name it alike."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield _result_line.decode(line).custom_id
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                continue


def store(chunks: Iterable[bytes], directory: Path, *, name: str, kind: FileKind) -> ResultFile:
    """Write a download to disk as it comes, hashed; the file has its name only once it is whole."""
    stem = _UNSAFE.sub("_", name)[:100]
    path = directory / f"{stem}.{kind.value.lower()}.jsonl"
    part = path.with_suffix(".part")
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    refuse_torn(part)
    os.replace(part, path)
    return ResultFile(kind=kind, path=path, sha256=digest.hexdigest(), size=size)


def whole(response: httpx2.Response) -> Iterator[bytes]:
    """The body as it comes; raises truncated_download when it breaks off or is shorter than content-length said."""
    received = 0
    try:
        for chunk in response.iter_bytes():
            received += len(chunk)
            yield chunk
    except httpx2.HTTPError as exc:
        raise truncated(words(str(exc)) or type(exc).__name__) from exc
    if "content-encoding" in response.headers:
        received = response.num_bytes_downloaded  # content-length speaks of the packed bytes
    promised = response.headers.get("content-length", "")
    if promised.isdigit() and received != int(promised):
        raise truncated(f"{received} of {promised} bytes came")


def refuse_torn(path: Path) -> None:
    r"""Raise truncated_download when the last line is a torn one: no b"\n" at its end, and not whole JSON either."""
    last = _last_line(path)
    if last and not last.endswith(b"\n") and not _is_object(last):
        raise truncated("the last line is cut off")


def truncated(why: str) -> ProviderError:
    message = f"The download of the results broke off: {why}."
    return ProviderError(message, accepted=None, transient=True, code="truncated_download")


def _last_line(path: Path) -> bytes:
    last = b""
    with path.open("rb") as file:
        for line in file:
            last = line
    return last


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(loads(line), dict)  # laxer than msgspec: an odd but whole line is a matter for its own Result
    except (ValueError, RecursionError):
        return False


def blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def count_lines(path: Path) -> int:
    return sum(block.count(b"\n") for block in blocks(path))


class _Body(msgspec.Struct):
    model: str


class _EitherLine(msgspec.Struct):
    custom_id: str
    params: _Body | None = None  # Anthropic
    body: _Body | None = None  # OpenAI


_sent_line = msgspec.json.Decoder(_EitherLine)


def too_long(size: int, most_bytes: int) -> str:
    """The same of its size alone."""
    return f"{size:,} bytes, of which a batch takes {most_bytes:,}" if size > most_bytes else ""


def line_problem(line: bytes, *, custom_id: str, model: str, most_bytes: int) -> str:
    """Why a provider would not take this line of a batch, in a few words; "" for one that it takes.

    One line that is not JSON, or names another model, fails a whole OpenAI batch.
    """
    if problem := too_long(len(line), most_bytes):
        return problem
    if not is_custom_id(custom_id):
        return "custom_id is not 1 to 64 letters, digits, - and _"
    try:
        read = _sent_line.decode(line)
    except (msgspec.MsgspecError, UnicodeError) as problem:
        return f"not a line of a batch: {problem}"
    body = read.params or read.body
    if read.custom_id != custom_id or body is None or body.model != model:
        return f"custom_id {read.custom_id!r} and model {body.model if body else None!r} are not what was asked"
    return "" if line.count(b"\n") == 1 and line.endswith(b"\n") else "more than one line"
