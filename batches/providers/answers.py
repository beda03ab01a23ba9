"""A provider's texts -> the one usable answer, or the reason why there is none; nothing is ever guessed."""

import re
from collections.abc import Sequence
from json import loads

import msgspec

from batches.providers.base import Outcome, Result, Usage
from batches.providers.keys import without_keys

CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
EXCERPT = 200  # characters of a malformed line that are kept
WORDS = 2_000  # characters of a provider's message that are kept


def words(text: str) -> str:
    """A provider's message, short, without keys, and without what a column cannot hold (NUL, lone surrogates)."""
    kept = without_keys(text[:WORDS]).replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return kept.encode("utf-8", "replace").decode("utf-8")


def only_answer(texts: Sequence[str]) -> tuple[str, str]:
    """(answer, ""), or ("", reason). Of several texts exactly one JSON object may remain."""
    filled = [text for text in texts if text.strip()]
    if len(filled) <= 1:
        return (filled[0], "") if filled else ("", "no_text")
    distinct = {canonical: text for text in reversed(filled) if (canonical := _canonical(text))}  # the first of equals
    return (next(iter(distinct.values())), "") if len(distinct) == 1 else ("", "ambiguous")


def answered(custom_id: str, answer: str, reason: str, *, usage: Usage, request_id: str, error: str = "") -> Result:
    """SUCCEEDED with an answer, INVALID with a reason: never one without the other. Both are billed."""
    succeeded = bool(answer.strip()) and not reason
    return Result(
        custom_id=custom_id,
        outcome=Outcome.SUCCEEDED if succeeded else Outcome.INVALID,
        answer=answer if succeeded else "",
        reason="" if succeeded else reason or "no_text",
        error="" if succeeded else words(error),
        usage=usage,
        request_id=words(request_id),
        accepted=True,
    )


def unreadable_line(line: bytes, why: Exception) -> Result:
    """The Result of a line that does not have the shape it should; its custom_id is kept where there is one."""
    excerpt = words(line.decode("utf-8", "replace")[:EXCERPT])
    custom_id = _custom_id_of(line)
    if not custom_id:
        return Result(custom_id="", outcome=Outcome.ERRORED, reason="malformed_line", error=excerpt)
    error = words(f"{why}: {excerpt}")
    return Result(custom_id=custom_id, outcome=Outcome.INVALID, reason="malformed_result", error=error)


def is_custom_id(value: object) -> bool:
    return isinstance(value, str) and CUSTOM_ID.fullmatch(value) is not None


def _custom_id_of(line: bytes) -> str:
    try:
        value = loads(line)  # takes lone surrogates and odd numbers, which the typed decoder refuses
    except (ValueError, RecursionError):
        return ""
    found = value.get("custom_id") if isinstance(value, dict) else None
    return found if isinstance(found, str) and is_custom_id(found) else ""


def _canonical(text: str) -> bytes:
    """The text's JSON object with its keys sorted; b"" when it is not one."""
    try:
        value = msgspec.json.decode(text)
        return msgspec.json.encode(value, order="sorted") if isinstance(value, dict) else b""
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return b""
