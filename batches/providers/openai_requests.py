"""Request -> the JSON of OpenAI's chat completions, the same for a single call and for a line of a batch."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, Final

from batches.providers.base import AnswerBy, Part, Request
from batches.providers.lines import encode_items, encode_line
from batches.providers.manifest import Model, check_effort

ENDPOINT: Final = "/v1/chat/completions"


def line(request: Request, model: Model) -> bytes:
    return encode_line(
        {"custom_id": request.custom_id, "method": "POST", "url": ENDPOINT, "body": body(request, model)}
    )


def body(request: Request, model: Model) -> dict[str, Any]:
    """The body of POST /v1/chat/completions. Sampling parameters are never sent: reasoning models refuse them."""
    params: dict[str, Any] = {"model": request.model, "messages": _messages(request)}
    params["max_completion_tokens"] = request.max_tokens
    if effort := check_effort(model, request.effort):
        params["reasoning_effort"] = effort
    if key := _cache_key(request):
        params["prompt_cache_key"] = key
    return params | (_tool(request) if request.answer_by is AnswerBy.TOOL else _response_format(request))


def blocks(parts: Iterable[Part]) -> bytes:
    """Parts as they stand in the middle of a line, whatever is around them."""
    return encode_items(_part(part) for part in parts)


def count_body(request: Request) -> dict[str, Any]:
    """The same question in the shape of POST /v1/responses/input_tokens, the only counter there is."""
    content = [_input_part(part) for part in request.parts]
    params: dict[str, Any] = {"model": request.model, "input": [{"role": "user", "content": content}]}
    if request.system:
        params["instructions"] = request.system
    if request.answer_by is AnswerBy.TOOL:
        tool = {"type": "function", "name": request.schema_name, "strict": True, "parameters": request.schema}
        return params | {"tools": [tool]}
    schema = {"type": "json_schema", "name": request.schema_name, "strict": True, "schema": request.schema}
    return params | {"text": {"format": schema}}


def _messages(request: Request) -> list[dict[str, Any]]:
    system = [{"role": "system", "content": request.system}] if request.system else []
    return [*system, {"role": "user", "content": [_part(part) for part in request.parts]}]


def _part(part: Part) -> dict[str, Any]:
    if not part.image:
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": _data_url(part)}}


def _input_part(part: Part) -> dict[str, Any]:
    if not part.image:
        return {"type": "input_text", "text": part.text}
    return {"type": "input_image", "detail": "auto", "image_url": _data_url(part)}


def _data_url(part: Part) -> str:
    return f"data:{part.media_type};base64,{b64encode(part.image).decode('ascii')}"


def _cache_key(request: Request) -> str:
    """One key for all requests with the same shared prefix, so that they meet the same cache."""
    end = max((i for i, part in enumerate(request.parts, start=1) if part.shared), default=0)
    if not end:
        return ""
    digest = hashlib.sha256(f"{request.model}\0{request.system}".encode("utf-8", "surrogatepass"))
    for part in request.parts[:end]:
        digest.update(b"\0" + part.text.encode("utf-8", "surrogatepass") + part.image)
    return f"cj-{digest.hexdigest()[:32]}"


def _response_format(request: Request) -> dict[str, Any]:
    schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _tool(request: Request) -> dict[str, Any]:
    function = {
        "name": request.schema_name,
        "description": "Hands in the answer.",
        "strict": True,
        "parameters": request.schema,
    }
    return {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": request.schema_name}},
        "parallel_tool_calls": False,
    }
