"""OpenAI's JSON (a completion, a result line, a batch) -> Result and Progress, without the SDK's slow models."""

from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from batches.providers.answers import answered, is_custom_id, only_answer, unreadable_line, words
from batches.providers.base import ENVIRONMENT_KEY, NONCE_KEY, BatchState, Outcome, Progress, Result, Usage
from batches.providers.failures import ACCOUNT_FAULTS, reason

_FINISHED = frozenset({"stop", "tool_calls"})
_FINISHES = {"length": "truncated", "content_filter": "content_filter"}
_UNANSWERED = {
    "batch_expired": (Outcome.EXPIRED, "expired"),
    "batch_cancelled": (Outcome.CANCELLED, "cancelled"),
    "batch_canceled": (Outcome.CANCELLED, "cancelled"),
}
_STATES = {
    "validating": BatchState.RUNNING,
    "in_progress": BatchState.RUNNING,
    "finalizing": BatchState.RUNNING,
    "cancelling": BatchState.CANCELLING,
    "completed": BatchState.ENDED,
    "expired": BatchState.ENDED,
    "cancelled": BatchState.ENDED,
    "failed": BatchState.FAILED,
}


class _Function(Struct):
    arguments: str | None = ""


class _ToolCall(Struct):
    function: _Function | None = None


class _ChatMessage(Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(Struct):
    message: _ChatMessage | None = None
    finish_reason: str | None = None


class _PromptDetails(Struct):
    cached_tokens: int | None = 0
    cache_write_tokens: int | None = 0


class _Usage(Struct):
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: _PromptDetails | None = None


class _Completion(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


class _Error(Struct):
    code: str | int | None = None
    type: str | None = None
    message: str | None = None
    line: int | None = None


class _Failed(Struct):
    error: _Error | None = None


class _Response(Struct):
    status_code: int | None = 0
    request_id: str | None = ""
    body: Raw = Raw(b"null")


class _Line(Struct):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


class _Counts(Struct):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Errors(Struct):
    data: list[_Error] | None = None


class Batch(Struct):
    """A batch as the API describes it; its times are seconds since 1970."""

    id: str
    status: str = ""
    errors: _Errors | None = None
    input_file_id: str | None = ""
    output_file_id: str | None = ""
    error_file_id: str | None = ""
    created_at: float | None = None
    expires_at: float | None = None
    completed_at: float | None = None
    failed_at: float | None = None
    expired_at: float | None = None
    cancelled_at: float | None = None
    request_counts: _Counts | None = None
    metadata: dict[str, str] | None = None


class BatchPage(Struct):
    data: list[Batch]
    has_more: bool = False


_completion_decoder = msgspec.json.Decoder(_Completion)
_failed_decoder = msgspec.json.Decoder(_Failed)
_line_decoder = msgspec.json.Decoder(_Line)
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_completion(body: bytes, *, custom_id: str, request_id: str) -> Result:
    """The answer to one call. A body that cannot be read was perhaps billed: LOST."""
    try:
        completion = _completion_decoder.decode(body)
    except _UNREADABLE as exc:
        error = words(f"{exc}: {body[:200].decode('utf-8', 'replace')}")
        return Result(custom_id=custom_id, outcome=Outcome.LOST, reason="unreadable_answer", error=error)
    return _of_completion(custom_id, completion, request_id)


def read_line(line: bytes) -> Result:
    """One line of an output or error file; never raises. It succeeded only if its status code is 200."""
    try:
        decoded = _line_decoder.decode(line)
        if not is_custom_id(decoded.custom_id):
            raise ValueError("custom_id is none of ours")
        if decoded.response is None or not decoded.response.status_code:
            return _unanswered(decoded.custom_id, decoded.error)
        if decoded.response.status_code != 200:
            return _refused(decoded.custom_id, decoded.response)
        return _completed(decoded.custom_id, decoded.response)
    except (*_UNREADABLE, ValueError) as exc:
        return unreadable_line(line, exc)


def progress(batch: Batch) -> Progress:
    counts = batch.request_counts
    state = _STATES.get(batch.status, BatchState.RUNNING)
    first = next(iter((batch.errors and batch.errors.data) or []), _Error())
    return Progress(
        provider_batch_id=batch.id,
        state=state,
        provider_status=batch.status,
        total=counts.total if counts else None,
        done=counts.completed + counts.failed if counts else None,
        created_at=_iso(batch.created_at),
        expires_at=_iso(batch.expires_at),
        ended_at=_iso(batch.completed_at or batch.failed_at or batch.expired_at or batch.cancelled_at),
        input_file_id=batch.input_file_id or "",
        output_file_id=batch.output_file_id or "",
        error_file_id=batch.error_file_id or "",
        results_ready=state is BatchState.ENDED and not _files_lag(batch),
        error_code=words(str(first.code or "")),
        error=_sentence(first),
        nonce=words((batch.metadata or {}).get(NONCE_KEY, "")),
        environment=words((batch.metadata or {}).get(ENVIRONMENT_KEY, "")),
        answered=counts.completed if counts and state is BatchState.ENDED else None,
    )


def _files_lag(batch: Batch) -> bool:
    """Something was finished, and the file that tells of it is not there yet."""
    counts = batch.request_counts or _Counts()
    nothing_to_read = not batch.output_file_id and not batch.error_file_id
    return (counts.completed > 0 and not batch.output_file_id) or (counts.failed > 0 and nothing_to_read)


def _sentence(error: _Error) -> str:
    where = f" (line {error.line})" if error.line is not None else ""
    return words(f"{error.message or ''}{where}".strip())


def _iso(seconds: float | None) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z") if seconds else ""
    except (OverflowError, OSError, ValueError):
        return ""


def _unanswered(custom_id: str, error: _Error | None) -> Result:
    error = error or _Error()
    code = str(error.code or "")
    outcome, why = _UNANSWERED.get(code, (Outcome.ERRORED, "no_response"))
    message = words(f"{code}: {error.message or ''}" if code else error.message or "")
    return Result(custom_id=custom_id, outcome=outcome, reason=why, error=message, accepted=False)


def _refused(custom_id: str, response: _Response) -> Result:
    try:
        error = _failed_decoder.decode(response.body).error or _Error()
    except _UNREADABLE:
        error = _Error(message=bytes(response.body)[:200].decode("utf-8", "replace"))
    why = reason(response.status_code or 0, (str(error.code or ""), error.type or ""), error.message or "")
    return Result(
        custom_id=custom_id,
        outcome=Outcome.ERRORED,
        reason=why,
        error=words(f"{response.status_code} {error.code or error.type or ''}: {error.message or ''}"),
        request_id=words(response.request_id or ""),
        account_fault=why in ACCOUNT_FAULTS,
        accepted=False,
    )


def _completed(custom_id: str, response: _Response) -> Result:
    request_id = response.request_id or ""
    if bytes(response.body) == b"null":
        return Result(custom_id=custom_id, outcome=Outcome.ERRORED, reason="null_body", request_id=words(request_id))
    return _of_completion(custom_id, _completion_decoder.decode(response.body), request_id)


def _of_completion(custom_id: str, completion: _Completion, request_id: str) -> Result:
    choices = completion.choices or []
    answer, why, error = "", next((why for choice in choices if (why := _why_not(choice))), ""), ""
    if why:
        error = next((c.message.refusal for c in choices if c.message and c.message.refusal), "") or ""
    else:
        answer, why = only_answer([text for choice in choices for text in _texts(choice.message or _ChatMessage())])
    return answered(custom_id, answer, why, usage=_usage(completion.usage), request_id=request_id, error=error)


def _why_not(choice: _Choice) -> str:
    if choice.message and choice.message.refusal:
        return "refused"
    finished = choice.finish_reason
    return "" if finished in _FINISHED else _FINISHES.get(finished or "", "unknown_finish_reason")


def _texts(message: _ChatMessage) -> list[str]:
    """A tool's arguments where the model called one, else its text."""
    called = [call.function.arguments or "" for call in message.tool_calls or [] if call.function]
    return called or [message.content or ""]


def _usage(usage: _Usage | None) -> Usage:
    """OpenAI counts cached and written tokens inside prompt_tokens; here each token is in one place only."""
    usage = usage or _Usage()
    details = usage.prompt_tokens_details or _PromptDetails()
    read, written = max(details.cached_tokens or 0, 0), max(details.cache_write_tokens or 0, 0)
    return Usage(
        input_tokens=max((usage.prompt_tokens or 0) - read - written, 0),
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=max(usage.completion_tokens or 0, 0),
    )
