"""What became of one request of a batch -> the line that each provider writes about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

from . import anthropic_wire, openai_wire
from .calls import Answer, Call, Refused

BROKEN = Refused("Internal server error", status=500, kind="api_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One provider's way of writing result lines and counts."""

    succeeded: Callable[[str, Call, Answer], bytes]
    null_body: Callable[[str, Call, Answer], bytes]
    refused: Callable[[str, Refused], bytes]
    undone: Callable[[str, str], bytes]  # outcome: expired, cancelled, errored, failed, zero
    counts: Callable[[Mapping[str, int]], dict[str, int]]


def _anthropic_succeeded(custom_id: str, call: Call, answer: Answer) -> bytes:
    return anthropic_wire.line(
        custom_id, {"type": "succeeded", "message": anthropic_wire.message(call, answer, "batch")}
    )


def _anthropic_null_body(custom_id: str, call: Call, answer: Answer) -> bytes:
    return anthropic_wire.line(custom_id, {"type": "succeeded", "message": None})


def _anthropic_refused(custom_id: str, refused: Refused) -> bytes:
    return anthropic_wire.line(custom_id, anthropic_wire.errored(refused))


def _anthropic_undone(custom_id: str, outcome: str) -> bytes:
    plain = {"expired": "expired", "cancelled": "canceled"}.get(outcome)
    return anthropic_wire.line(custom_id, {"type": plain} if plain else anthropic_wire.errored(BROKEN))


def _anthropic_counts(counts: Mapping[str, int]) -> dict[str, int]:
    words = {"succeeded": "succeeded", "errored": "errored", "canceled": "cancelled", "expired": "expired"}
    return {word: counts.get(ours, 0) for word, ours in words.items()}


def _openai_succeeded(custom_id: str, call: Call, answer: Answer) -> bytes:
    shape = openai_wire.response if call.is_response else openai_wire.chat
    return openai_wire.line(custom_id, openai_wire.http(200, shape(call, answer, time())))


def _openai_null_body(custom_id: str, call: Call, answer: Answer) -> bytes:
    return openai_wire.line(custom_id, openai_wire.http(200, None))


def _openai_refused(custom_id: str, refused: Refused) -> bytes:
    return openai_wire.line(custom_id, openai_wire.http(refused.status, openai_wire.error(refused)))


def _openai_zero(custom_id: str) -> bytes:
    return openai_wire.line(custom_id, {"status_code": 0, "request_id": "", "body": {}})


OPENAI_FAILURES: dict[str, dict[str, Any]] = {
    "expired": {
        "code": "batch_expired",
        "message": "This request could not be executed before the completion window expired.",
    },
    "cancelled": {"code": "batch_cancelled", "message": "This request was not run because the batch was cancelled."},
    "failed": {"code": "server_error", "message": "The request failed before it was answered."},
}


def _openai_undone(custom_id: str, outcome: str) -> bytes:
    if outcome == "zero":
        return _openai_zero(custom_id)
    if outcome == "errored":
        return _openai_refused(custom_id, BROKEN)
    return openai_wire.line(custom_id, None, OPENAI_FAILURES[outcome])


def _openai_counts(counts: Mapping[str, int]) -> dict[str, int]:
    completed = counts.get("succeeded", 0)
    return {"completed": completed, "failed": sum(counts.values()) - completed}


OF = {
    "anthropic": Lines(
        succeeded=_anthropic_succeeded,
        null_body=_anthropic_null_body,
        refused=_anthropic_refused,
        undone=_anthropic_undone,
        counts=_anthropic_counts,
    ),
    "openai": Lines(
        succeeded=_openai_succeeded,
        null_body=_openai_null_body,
        refused=_openai_refused,
        undone=_openai_undone,
        counts=_openai_counts,
    ),
}
