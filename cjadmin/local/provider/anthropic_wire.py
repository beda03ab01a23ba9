"""Calls, answers and batches -> the JSON that the Anthropic SDK reads."""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import orjson

from . import life
from .calls import Answer, Call, Refused, Usage
from .models import Model
from .store import Batch

EXPIRES_AFTER = 24 * 3_600
KINDS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def time(at: float | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def error(refused: Refused, request_id: str) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": KINDS.get(refused.status, refused.kind), "message": refused.message}
    if refused.code:
        inner["details"] = {"error_code": refused.code}
    return {"type": "error", "error": inner, "request_id": request_id}


def message(call: Call, answer: Answer, tier: str) -> dict[str, Any]:
    """The Message object; a refused one has no content."""
    return {
        "id": f"msg_01{token_hex(11)}",
        "type": "message",
        "role": "assistant",
        "model": call.model.id,
        "content": [] if answer.refused else _content(call, answer),
        "stop_reason": _stop_reason(call, answer),
        "stop_sequence": None,
        "stop_details": _stop_details(answer),
        "usage": _usage(answer.usage, tier),
    }


def _stop_reason(call: Call, answer: Answer) -> str:
    if answer.refused:
        return "refusal"
    if answer.truncated:
        return "max_tokens"
    return "tool_use" if call.tool and answer.text.startswith("{") else "end_turn"


def _stop_details(answer: Answer) -> dict[str, Any] | None:
    if not answer.refused:
        return None
    return {"type": "refusal", "category": None, "explanation": "The local provider was told to refuse this one."}


def _content(call: Call, answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.thought:
        blocks.append({"type": "thinking", "thinking": answer.thought, "signature": "bG9jYWw="})
    if not answer.text:
        return blocks
    called = _tool_input(answer.text) if call.tool else None
    if called is None:
        return [*blocks, {"type": "text", "text": answer.text, "citations": None}]
    return [*blocks, {"type": "tool_use", "id": f"toolu_01{token_hex(11)}", "name": call.tool, "input": called}]


def _tool_input(text: str) -> Any:
    """The arguments, empty when they were cut off; None when the answer is not meant for the tool."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return {} if text.startswith("{") else None


def _usage(usage: Usage, tier: str) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens - usage.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "server_tool_use": None,
        "service_tier": tier,
        "inference_geo": "global",
    }


def batch(found: Batch, origin: str, *, results_gone: bool = False) -> dict[str, Any]:
    """The MessageBatch object. Nothing but `processing` is counted before the end."""
    ended = found.answered_at is not None
    counts = {"processing": 0 if ended else found.n, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    canceling = found.cancelled_at is not None and not ended
    url = f"{origin}/anthropic/v1/messages/batches/{found.id}/results"
    return {
        "id": found.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else "canceling" if canceling else "in_progress",
        "request_counts": counts | (found.counts if ended else {}),
        "created_at": time(found.created_at),
        "expires_at": time(found.created_at + EXPIRES_AFTER),
        "ended_at": time(life.due_at(found)) if ended else None,
        "cancel_initiated_at": time(found.cancelled_at),
        "archived_at": time(life.due_at(found)) if results_gone and ended else None,
        "results_url": url if ended and not results_gone else None,
    }


def line(custom_id: str, result: dict[str, Any]) -> bytes:
    return orjson.dumps({"custom_id": custom_id, "result": result})


def errored(refused: Refused) -> dict[str, Any]:
    return {"type": "errored", "error": error(refused, f"req_{token_hex(12)}")}


def _supported(yes: bool) -> dict[str, bool]:
    return {"supported": yes}


def model(found: Model) -> dict[str, Any]:
    """The ModelInfo object. Its lifecycle is told without looking at the calendar."""
    return {
        "id": found.id,
        "type": "model",
        "display_name": found.id.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "line": next((line for line in ("haiku", "sonnet", "opus", "fable", "mythos") if line in found.id), None),
        "lifecycle": "deprecated" if found.ends_on else "active",
        "deprecated_at": "2026-06-01T00:00:00Z" if found.ends_on else None,
        "retires_at": f"{found.ends_on}T00:00:00Z" if found.ends_on else None,
        "max_input_tokens": found.context_tokens,
        "max_tokens": found.most_output_tokens,
        "capabilities": _capabilities(found),
    }


def _capabilities(found: Model) -> dict[str, Any]:
    able = ("batch", "citations", "image_input", "pdf_input", "structured_outputs")
    efforts = {level: _supported(level in found.efforts) for level in ("low", "medium", "high", "xhigh", "max")}
    return {
        **{name: _supported(True) for name in able},
        "code_execution": _supported(False),
        "context_management": _supported(False),
        "server_tools": _supported(False),
        "effort": _supported(bool(found.efforts)) | efforts,
        "thinking": _supported(True),
    }
