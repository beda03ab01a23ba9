"""Calls, answers, batches and files -> the JSON that the OpenAI SDK reads."""

from secrets import token_hex
from typing import Any

import orjson

from . import life
from .calls import Answer, Call, Refused, Usage
from .models import Model
from .store import Batch, File

EXPIRES_AFTER = 24 * 3_600
REFUSAL_WORDS = "I'm sorry, but I can't compare these two pieces of writing."
KINDS = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}
CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


def error(refused: Refused) -> dict[str, Any]:
    code = refused.code or CODES.get(refused.status)
    kind = "insufficient_quota" if code == "insufficient_quota" else KINDS.get(refused.status, "invalid_request_error")
    return {"error": {"message": refused.message, "type": kind, "param": refused.param, "code": code}}


def chat(call: Call, answer: Answer, now: float) -> dict[str, Any]:
    """The ChatCompletion object."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []}
    finish = "length" if answer.truncated else "stop"
    if answer.refused:
        message |= {"content": None, "refusal": REFUSAL_WORDS}
    elif call.tool and answer.text.startswith("{"):
        function = {"name": call.tool, "arguments": answer.text}
        message |= {
            "content": None,
            "tool_calls": [{"id": f"call_{token_hex(12)}", "type": "function", "function": function}],
        }
        finish = finish if answer.truncated else "tool_calls"
    return {
        "id": f"chatcmpl-{token_hex(14)}",
        "object": "chat.completion",
        "created": int(now),
        "model": call.model.id,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _chat_usage(answer.usage),
        "service_tier": _tier(call),
        "system_fingerprint": None,
    }


def _tier(call: Call) -> str:
    tier = call.echo.get("service_tier")
    return "default" if tier in (None, "auto") else str(tier)


def _all_input(usage: Usage) -> int:
    return usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens


def _chat_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": _all_input(usage),
        "completion_tokens": usage.output_tokens,
        "total_tokens": _all_input(usage) + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def response(call: Call, answer: Answer, now: float) -> dict[str, Any]:
    """The Response object: a reasoning item first where the model thinks."""
    output: list[dict[str, Any]] = []
    if answer.usage.reasoning_tokens:
        output.append({"type": "reasoning", "id": f"rs_{token_hex(14)}", "summary": []})
    output.append(_output_item(call, answer))
    return {
        "id": f"resp_{token_hex(14)}",
        "object": "response",
        "created_at": int(now),
        "completed_at": int(now),
        "status": "incomplete" if answer.truncated else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if answer.truncated else None,
        "instructions": call.echo.get("instructions"),
        "metadata": call.echo.get("metadata") or {},
        "model": call.model.id,
        "output": output,
        "parallel_tool_calls": True,
        "text": call.echo.get("text") or {"format": {"type": "text"}},
        "tools": call.echo.get("tools") or [],
        "tool_choice": call.echo.get("tool_choice") or "auto",
        "service_tier": _tier(call),
        "usage": _response_usage(answer.usage),
    }


def _output_item(call: Call, answer: Answer) -> dict[str, Any]:
    status = "incomplete" if answer.truncated else "completed"
    if call.tool and answer.text.startswith("{"):
        name = {"name": call.tool, "arguments": answer.text, "call_id": f"call_{token_hex(12)}"}
        return {"type": "function_call", "id": f"fc_{token_hex(14)}", "status": status, **name}
    part: dict[str, Any] = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    if answer.refused:
        part = {"type": "refusal", "refusal": REFUSAL_WORDS}
    return {"type": "message", "id": f"msg_{token_hex(14)}", "role": "assistant", "status": status, "content": [part]}


def _response_usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": _all_input(usage),
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": _all_input(usage) + usage.output_tokens,
    }


def batch(found: Batch, now: float, file_id_lag: float) -> dict[str, Any]:
    """The Batch object as it stands now."""
    status = life.openai_status(found, now)
    at = life.openai_times(found, status)
    visible = found.answered_at is not None and now >= found.answered_at + file_id_lag
    errors = {"object": "list", "data": found.failure} if status == "failed" else None
    return {
        "id": found.id,
        "object": "batch",
        "endpoint": found.endpoint,
        "model": found.model or None,
        "errors": errors,
        "input_file_id": found.input_file_id,
        "completion_window": "24h",
        "status": status,
        "output_file_id": (found.output_file_id or None) if visible else None,
        "error_file_id": (found.error_file_id or None) if visible else None,
        "created_at": int(found.created_at),
        "expires_at": int(found.created_at) + EXPIRES_AFTER,
        "request_counts": life.openai_counts(found, status, now),
        "usage": _batch_usage(found.usage) if found.usage else None,
        "metadata": found.metadata,
        **{name: int(at[name]) if name in at else None for name in life.OPENAI_TIMES},
    }


def _batch_usage(usage: dict[str, int]) -> dict[str, Any]:
    return {
        "input_tokens": usage["input"],
        "input_tokens_details": {"cached_tokens": usage["cached"], "cache_write_tokens": usage["written"]},
        "output_tokens": usage["output"],
        "output_tokens_details": {"reasoning_tokens": usage["reasoning"]},
        "total_tokens": usage["input"] + usage["output"],
    }


def line(custom_id: str, response: dict[str, Any] | None, failed: dict[str, Any] | None = None) -> bytes:
    """One line of an output or error file."""
    return orjson.dumps(
        {"id": f"batch_req_{token_hex(12)}", "custom_id": custom_id, "response": response, "error": failed}
    )


def http(status: int, body: Any) -> dict[str, Any]:
    return {"status_code": status, "request_id": f"req_{token_hex(12)}", "body": body}


def file(found: File) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "file",
        "bytes": found.size,
        "created_at": int(found.created_at),
        "expires_at": int(found.expires_at) if found.expires_at else None,
        "filename": found.filename,
        "purpose": found.purpose,
        "status": "processed",
        "status_details": None,
    }


def model(found: Model) -> dict[str, Any]:
    return {
        "id": found.id,
        "object": "model",
        "created": 1_767_225_600,
        "owned_by": "openai",
        "shutdown_date": found.ends_on or None,
    }
