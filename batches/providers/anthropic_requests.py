"""Request -> the JSON of Anthropic's Messages API, the same for a single call and for a line of a batch."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from batches.providers.base import AnswerBy, Part, Request
from batches.providers.lines import encode_items, encode_line
from batches.providers.manifest import Model, Thinking, check_effort
from batches.providers.prices import estimate_parts, estimate_tokens

# Batches take a while to be worked through, so the shared prefix is kept for an hour.
CACHE_CONTROL = {"type": "ephemeral", "ttl": "1h"}
MOST_BREAKPOINTS = 4
_QUIETEST: dict[Thinking, dict[str, str]] = {
    Thinking.CAN_DISABLE: {"type": "disabled"},
    Thinking.BETWEEN_TOOLS: {"type": "between_tools"},
}
_TOO_HARD_TO_DISABLE = frozenset({"xhigh", "max"})


def line(request: Request, model: Model) -> bytes:
    return encode_line({"custom_id": request.custom_id, "params": body(request, model)})


def body(request: Request, model: Model) -> dict[str, Any]:
    """The body of POST /v1/messages. Sampling parameters are never sent: the API refuses them."""
    by_tool = request.answer_by is AnswerBy.TOOL
    thinking = _thinking(model, request.effort)
    forced = by_tool and model.forced_tool_choice and _thinks_not(model, thinking)
    params: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens}
    if system := _system(request, ask_for_tool=by_tool and not forced):
        params["system"] = system
    params["messages"] = [{"role": "user", "content": _content(request, model)}]
    if thinking:
        params["thinking"] = thinking
    if output_config := _output_config(request, model):
        params["output_config"] = output_config
    return params | (_tool(request, forced=forced) if by_tool else {})


def blocks(parts: Iterable[Part]) -> bytes:
    """Parts without a breakpoint as they stand in the middle of a line, whatever is around them."""
    return encode_items(_block(part) for part in parts)


def _content(request: Request, model: Model) -> list[dict[str, Any]]:
    """The parts, with a breakpoint at the end of each shared prefix that is long enough to be cached (4 at most)."""
    blocks = [_block(part) for part in request.parts]
    ends = [i for i, part in enumerate(request.parts) if part.shared]
    for end in ends[-MOST_BREAKPOINTS:]:
        if model.cache_minimum and _prefix_tokens(request, end) >= model.cache_minimum:
            blocks[end]["cache_control"] = CACHE_CONTROL
    return blocks


def _block(part: Part) -> dict[str, Any]:
    if not part.image:
        return {"type": "text", "text": part.text}
    data = b64encode(part.image).decode("ascii")
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": data}}


def _prefix_tokens(request: Request, end: int) -> int:
    return estimate_tokens(request.system) + estimate_parts(request.parts[: end + 1])


def _thinking(model: Model, effort: str) -> dict[str, str]:
    """The quietest mode; {} leaves it to the model, where it is off by itself or cannot be changed."""
    if model.thinking is Thinking.CAN_DISABLE and effort in _TOO_HARD_TO_DISABLE:
        return {}
    return _QUIETEST.get(model.thinking, {})


def _thinks_not(model: Model, thinking: dict[str, str]) -> bool:
    return model.thinking is Thinking.OFF or thinking.get("type") == "disabled"


def _output_config(request: Request, model: Model) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if request.answer_by is AnswerBy.SCHEMA:
        config["format"] = {"type": "json_schema", "schema": request.schema}
    if effort := check_effort(model, request.effort):
        config["effort"] = effort
    return config


def _tool(request: Request, *, forced: bool) -> dict[str, Any]:
    choice: dict[str, Any] = {"type": "tool", "name": request.schema_name} if forced else {"type": "auto"}
    return {
        "tools": [
            {
                "name": request.schema_name,
                "description": "Hands in the answer.",
                "input_schema": request.schema,
                "strict": True,
            }
        ],
        "tool_choice": choice | {"disable_parallel_tool_use": True},
    }


def _system(request: Request, *, ask_for_tool: bool) -> str:
    """A tool that may not be forced has to be asked for."""
    asked = f"Answer only by calling the tool {request.schema_name}, once." if ask_for_tool else ""
    return "\n\n".join(text for text in (request.system, asked) if text)
