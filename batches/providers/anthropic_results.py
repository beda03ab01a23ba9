"""Anthropic's JSON (a message, a result line, a batch) -> Result and Progress, without the SDK's slow models."""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from batches.providers.answers import answered, is_custom_id, only_answer, unreadable_line, words
from batches.providers.base import BatchState, Outcome, Progress, Result, Usage
from batches.providers.failures import ACCOUNT_FAULTS, reason

# Every stop reason that may stand before a usable answer; any other one is INVALID under our word for it.
_FINISHED = frozenset({"end_turn", "tool_use", "stop_sequence"})
_STOPS = {"refusal": "refused", "max_tokens": "truncated", "model_context_window_exceeded": "truncated"}
_STATES = {"in_progress": BatchState.RUNNING, "canceling": BatchState.CANCELLING, "ended": BatchState.ENDED}


class _Block(Struct):
    type: str = ""
    text: str | None = None
    input: Raw = Raw(b"")


class _Usage(Struct):
    input_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    output_tokens: int | None = 0


class _Message(Struct):
    content: list[_Block] | None = None
    stop_reason: str | None = None
    stop_details: Raw = Raw(b"")
    usage: _Usage | None = None


class _Details(Struct):
    error_code: str | None = None


class _Error(Struct):
    """Nested once in an HTTP answer, twice in a result line: the inner one says what happened."""

    type: str | None = ""
    message: str | None = ""
    details: _Details | None = None
    request_id: str | None = ""
    error: "_Error | None" = None


class _Result(Struct):
    type: str
    message: _Message | None = None
    error: _Error | None = None


class _Line(Struct):
    custom_id: str
    result: _Result


class _Counts(Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class Batch(Struct):
    """A message batch as the API describes it."""

    id: str
    processing_status: str = ""
    request_counts: _Counts | None = None
    created_at: str | None = ""
    expires_at: str | None = ""
    ended_at: str | None = ""
    archived_at: str | None = ""
    results_url: str | None = ""


class BatchPage(Struct):
    data: list[Batch]
    has_more: bool = False
    first_id: str | None = None
    last_id: str | None = None


_message_decoder = msgspec.json.Decoder(_Message)
_line_decoder = msgspec.json.Decoder(_Line)


def read_message(body: bytes, *, custom_id: str, request_id: str) -> Result:
    """The answer to one call. A body that cannot be read was perhaps billed: LOST."""
    try:
        message = _message_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        error = words(f"{exc}: {body[:200].decode('utf-8', 'replace')}")
        return Result(custom_id=custom_id, outcome=Outcome.LOST, reason="unreadable_answer", error=error)
    return _of_message(custom_id, message, request_id)


def read_line(line: bytes) -> Result:
    """One line of a result file; never raises."""
    try:
        decoded = _line_decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        return unreadable_line(line, exc)
    if not is_custom_id(decoded.custom_id):
        return unreadable_line(line, ValueError("custom_id is none of ours"))
    read = _TYPES.get(decoded.result.type, _unknown_type)
    return read(decoded.custom_id, decoded.result)


def progress(batch: Batch) -> Progress:
    """Anthropic counts nothing until the whole batch has ended, so `done` stays None until then."""
    counts = batch.request_counts or _Counts()
    ended = batch.processing_status == "ended"
    total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    return Progress(
        provider_batch_id=batch.id,
        state=_STATES.get(batch.processing_status, BatchState.RUNNING),
        provider_status=batch.processing_status,
        total=total if batch.request_counts else None,
        done=total - counts.processing if ended and batch.request_counts else None,
        answered=counts.succeeded if ended and batch.request_counts else None,
        created_at=batch.created_at or "",
        expires_at=batch.expires_at or "",
        ended_at=batch.ended_at or "",
        results_ready=ended and bool(batch.results_url),
        results_gone=bool(batch.archived_at),
    )


def _succeeded(custom_id: str, result: _Result) -> Result:
    if result.message is None:
        return answered(custom_id, "", "null_body", usage=Usage(), request_id="")
    return _of_message(custom_id, result.message, "")


def _errored(custom_id: str, result: _Result) -> Result:
    outer = result.error or _Error()
    inner = outer.error or outer
    codes = ((inner.details.error_code or "") if inner.details else "", inner.type or "")
    why = reason(400, codes, inner.message or "") if inner.type else "unknown_error"
    return Result(
        custom_id=custom_id,
        outcome=Outcome.ERRORED,
        reason=why,
        error=words(f"{inner.type or ''}: {inner.message or ''}"),
        request_id=words(outer.request_id or ""),
        account_fault=why in ACCOUNT_FAULTS,
        accepted=False,
    )


def _expired(custom_id: str, result: _Result) -> Result:
    return Result(custom_id=custom_id, outcome=Outcome.EXPIRED, reason="expired", accepted=False)


def _cancelled(custom_id: str, result: _Result) -> Result:
    return Result(custom_id=custom_id, outcome=Outcome.CANCELLED, reason="cancelled", accepted=False)


def _unknown_type(custom_id: str, result: _Result) -> Result:
    error = words(result.type)
    return Result(custom_id=custom_id, outcome=Outcome.ERRORED, reason="unknown_result_type", error=error)


_TYPES: dict[str, Callable[[str, _Result], Result]] = {
    "succeeded": _succeeded,
    "errored": _errored,
    "expired": _expired,
    "canceled": _cancelled,
}


def _of_message(custom_id: str, message: _Message, request_id: str) -> Result:
    answer, why, error = "", _why_stopped(message.stop_reason), ""
    if why:
        error = f"stop_reason {message.stop_reason} {bytes(message.stop_details).decode('utf-8', 'replace')}".strip()
    else:
        answer, why = _answer(message.content or [])
    return answered(custom_id, answer, why, usage=_usage(message.usage), request_id=request_id, error=error)


def _why_stopped(stop_reason: str | None) -> str:
    return "" if stop_reason in _FINISHED else _STOPS.get(stop_reason or "", "unknown_stop_reason")


def _answer(blocks: list[_Block]) -> tuple[str, str]:
    """A tool's input where the model called one (any text before it is chat), else its text; thinking is neither."""
    inputs = [bytes(block.input).decode("utf-8", "replace") for block in blocks if block.type == "tool_use"]
    return only_answer(inputs or [block.text or "" for block in blocks if block.type == "text"])


def _usage(usage: _Usage | None) -> Usage:
    usage = usage or _Usage()
    return Usage(
        input_tokens=max(usage.input_tokens or 0, 0),
        cache_read_tokens=max(usage.cache_read_input_tokens or 0, 0),
        cache_write_tokens=max(usage.cache_creation_input_tokens or 0, 0),
        output_tokens=max(usage.output_tokens or 0, 0),
    )
