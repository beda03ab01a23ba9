"""The questions that the provider tests ask, and answers as the providers give them."""

import json
from typing import Any

from batches.providers.base import AnswerBy, Endpoint, Part, Request

SCHEMA = {
    "type": "object",
    "properties": {"justification": {"type": "string"}, "winner": {"type": "string", "enum": ["A", "B"]}},
    "required": ["justification", "winner"],
    "additionalProperties": False,
}
ANSWER = '{"justification": "Clearer.", "winner": "A"}'
ENDPOINT = Endpoint(base_url="http://127.0.0.1:9/v", api_key="k-secret", timeout=5.0)


def question(**changes: Any) -> Request:
    fields: dict[str, Any] = {
        "custom_id": "n0nce-1",
        "model": "claude-haiku-4-5",
        "system": "You judge essays.",
        "parts": (Part(text="Essay A: cats."), Part(text="Essay B: dogs.")),
        "schema": SCHEMA,
        "schema_name": "record_judgement",
        "answer_by": AnswerBy.SCHEMA,
        "max_tokens": 500,
    }
    return Request(**(fields | changes))


def message(text: str = ANSWER, **changes: Any) -> dict[str, Any]:
    """A message as Anthropic answers it."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "output_tokens": 40,
        },
    } | changes


def completion(content: str | None = ANSWER, finish: str = "stop", **changes: Any) -> dict[str, Any]:
    """A chat completion as OpenAI answers it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-6-luna",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content} | changes}
        ],
        "usage": {
            "prompt_tokens": 150,
            "completion_tokens": 40,
            "total_tokens": 190,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
        },
    }


def line(value: Any) -> bytes:
    return json.dumps(value).encode()


def anthropic_line(result: Any, custom_id: str = "n0nce-1") -> bytes:
    return line({"custom_id": custom_id, "result": result})


def openai_line(status: int | None = 200, body: Any = None, error: Any = None, custom_id: str = "n0nce-1") -> bytes:
    response = None if status is None else {"status_code": status, "request_id": "req_1", "body": body}
    return line({"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": error})
