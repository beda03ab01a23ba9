"""A judge's answer -> a judgement, or the reason why it is none; never a guess and never an exception."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

JUSTIFICATION_LIMIT = 20_000  # characters kept; the whole answer stays in its item
DETAIL_LIMIT = 60
FIELDS = ("justification", "winner", "confidence")
TOLD = "contains_instructions_to_judge"  # may stand beside them: only some prompts ask for it
WINNERS: dict[Any, Literal["A", "B"]] = {"A": "A", "a": "A", "B": "B", "b": "B"}  # providers do not promise the case
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL holds neither NUL nor halves of surrogate pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementDraft:
    """What a judge said, before it is anybody's row."""

    winner: Literal["A", "B"]  # the place in the prompt
    justification: str
    confidence: int  # 1 to 5
    told: bool | None = None  # whether an essay speaks to the judge; None where that was not asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An answer that is no judgement.

    Reasons: not_text, empty, not_json, doubled_key, wrong_shape, missing_key, extra_key, unknown_winner,
    bad_confidence, bad_justification, bad_told; in a bundle also missing_tag, doubled_tag, foreign_tag.
    """

    reason: str
    detail: str = ""  # short, storable, never the justification


class _Refused(Exception):
    """Carries an Unreadable out of the parser."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.unreadable = Unreadable(reason=reason, detail=detail)


def read_answer(answer: str) -> JudgementDraft | Unreadable:
    """Read one judgement: a JSON object with exactly the three fields of the schema, or the four of the longer one.

    The case of the winner is folded. A fence around the JSON, a key too many, a doubled key, a confidence of
    3.0 or "3", or blanks around the winner make it unreadable: whatever let them pass did not keep to the schema.
    """
    try:
        return _draft(_parse(answer), FIELDS)
    except _Refused as refused:
        return refused.unreadable


def read_bundle(answer: str, tags: Iterable[str]) -> dict[str, JudgementDraft | Unreadable]:
    """Read a bundle's judgements by tag, in any order; every one of `tags` is a key of the result.

    A tag that is missing or doubled is that comparison's error only. Entries under a tag nobody gave out come
    after the expected ones, as foreign_tag, under their tag escaped to ASCII. An answer that cannot be read
    at all gives every tag the same reason.
    """
    expected = list(tags)
    try:
        entries = _entries(_parse(answer))
    except _Refused as refused:
        return dict.fromkeys(expected, refused.unreadable)
    found: dict[str, JudgementDraft | Unreadable] = {}
    foreign: dict[str, JudgementDraft | Unreadable] = {}
    wanted = set(expected)
    for number, entry in enumerate(entries, start=1):
        tag = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(tag, str) or tag not in wanted:
            foreign[f"{number}: {_show(tag)}"] = Unreadable(reason="foreign_tag", detail=f"entry {number}")
        elif tag in found:
            found[tag] = Unreadable(reason="doubled_tag", detail="answered more than once")
        else:
            found[tag] = _read_entry(entry)
    missing = Unreadable(reason="missing_tag", detail=f"not among {len(entries)} entries")
    return {tag: found.get(tag, missing) for tag in expected} | foreign


def _read_entry(entry: dict[str, Any]) -> JudgementDraft | Unreadable:
    try:
        return _draft(entry, ("id", *FIELDS))
    except _Refused as refused:
        return refused.unreadable


def _parse(answer: str) -> Any:
    if not isinstance(answer, str):
        raise _Refused("not_text", type(answer).__name__)
    if not answer.strip():
        raise _Refused("empty")
    try:
        return json.loads(answer, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except RecursionError:
        raise _Refused("not_json", "nested too deeply") from None
    except ValueError as error:  # JSONDecodeError, and integers of more digits than Python converts
        raise _Refused("not_json", _clean(str(error))[:DETAIL_LIMIT]) from None


def _unique_keys(members: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(members)
    if len(record) < len(members):
        raise _Refused("doubled_key")
    return record


def _no_constant(name: str) -> NoReturn:
    raise _Refused("not_json", f"{name} is not JSON")


def _entries(parsed: Any) -> list[Any]:
    _check_keys(parsed, ("judgements",))
    if not isinstance(parsed["judgements"], list):
        raise _Refused("wrong_shape", "judgements is not a list")
    return parsed["judgements"]


def _check_keys(parsed: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(parsed, dict):
        raise _Refused("wrong_shape", f"not an object but {type(parsed).__name__}")
    for key in keys:
        if key not in parsed:
            raise _Refused("missing_key", key)
    for key in parsed:
        if key not in keys:
            raise _Refused("extra_key", _show(key))


def _draft(parsed: Any, keys: tuple[str, ...]) -> JudgementDraft:
    _check_keys(parsed, (*keys, TOLD) if isinstance(parsed, dict) and TOLD in parsed else keys)
    told = parsed.get(TOLD)
    if TOLD in parsed and not isinstance(told, bool):
        raise _Refused("bad_told", _show(told))
    justification, winner, confidence = (parsed[key] for key in FIELDS)
    if not isinstance(winner, str) or winner not in WINNERS:
        raise _Refused("unknown_winner", _show(winner))
    if type(confidence) is not int or not 1 <= confidence <= 5:  # bool is an int to isinstance
        raise _Refused("bad_confidence", _show(confidence))
    if not isinstance(justification, str):
        raise _Refused("bad_justification", type(justification).__name__)
    return JudgementDraft(
        winner=WINNERS[winner],
        justification=_clean(justification)[:JUSTIFICATION_LIMIT],
        confidence=confidence,
        told=told,
    )


def _clean(text: str) -> str:
    return UNSTORABLE.sub("", text)


def _show(value: Any) -> str:
    """A short safe picture of a wrong value; of nested ones and big numbers only the type."""
    if isinstance(value, str):
        return ascii(value[:DETAIL_LIMIT])[: DETAIL_LIMIT + 2]
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int) and abs(value) < 10**12:
        return repr(value)
    return type(value).__name__
