"""The body of a chat completion or a response -> a Call, or the provider's refusal."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from . import tokens
from .calls import Call, Piece, Refused, require
from .fields import CHAT_FIELDS, RESPONSE_FIELDS
from .models import Model
from .openai_content import messages_read, text_piece
from .openai_formats import Form, chat_format, chat_tool, held_to, response_format, response_tool

SPOKEN_WITH_ONE_VALUE: dict[str, tuple[Any, ...]] = {"stream": (None, False), "n": (None, 1), "stop": (None, [], "")}
SETUP_TOKENS = 15
ECHOED = ("metadata", "service_tier", "text", "tools", "tool_choice", "instructions")
TIERS = (None, "auto", "default", "flex", "scale", "priority", "fast")


def chat(body: Any, models: Mapping[str, Model]) -> Call:
    """Check and read POST /v1/chat/completions."""
    _check_top_level(body, CHAT_FIELDS, ("model", "messages"))
    model = _model(body, models)
    effort = _effort(body.get("reasoning_effort"), model, "reasoning_effort")
    _check_sampling(body, model, effort)
    _check_common(body, model)
    require(
        model.old_limit_name or "max_tokens" not in body,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
        "unsupported_parameter",
    )
    limit = _limit(body.get("max_completion_tokens", body.get("max_tokens")), model, "max_completion_tokens")
    form = held_to(body, chat_format(body.get("response_format")), chat_tool)
    pieces = (*_setup(body, form), *messages_read(body["messages"], "messages"))
    return _fitting(_call(body, model, pieces, limit, form, effort), limit)


def response(body: Any, models: Mapping[str, Model], *, counting: bool = False) -> Call:
    """Check and read POST /v1/responses, or the same body for counting."""
    _check_top_level(body, RESPONSE_FIELDS, ("model",) if counting else ("model", "input"))
    model = _model(body, models)
    effort = _effort((body.get("reasoning") or {}).get("effort"), model, "reasoning.effort")
    _check_sampling(body, model, effort)
    _check_common(body, model)
    limit = _limit(body.get("max_output_tokens"), model, "max_output_tokens")
    form = held_to(body, response_format((body.get("text") or {}).get("format")), response_tool)
    pieces = (*_setup(body, form), *_instructions(body), *_input(body.get("input") or []))
    found = replace(_call(body, model, pieces, limit, form, effort), is_response=True)
    return _fitting(found, limit)


def _call(
    body: dict[str, Any], model: Model, pieces: tuple[Piece, ...], limit: int | None, form: Form, effort: str
) -> Call:
    return Call(
        provider="openai",
        model=model,
        pieces=pieces,
        max_tokens=model.most_output_tokens if limit is None else limit,
        schema=form.parameters if form.tool else form.schema,
        tool=form.tool,
        thinks="" if effort == "none" else effort,
        cache_key=str(body.get("prompt_cache_key") or ""),
        echo={name: body.get(name) for name in ECHOED},
    )


def _fitting(found: Call, limit: int | None) -> Call:
    """The call, if its prompt and the room it asks for fit into the model's context."""
    n, room = found.input_tokens, limit or 0
    require(
        n + room <= found.model.context_tokens,
        f"This model's maximum context length is {found.model.context_tokens} tokens. However, your messages resulted"
        f" in {n} tokens and asked for {room}.",
        "messages",
        "context_length_exceeded",
    )
    return found


def _instructions(body: dict[str, Any]) -> list[Piece]:
    return [text_piece(body["instructions"], user=False)] if body.get("instructions") else []


def _input(said: Any) -> list[Piece]:
    return [text_piece(said, user=True)] if isinstance(said, str) else messages_read(said, "input")


def _check_top_level(body: Any, known: frozenset[str], needed: tuple[str, ...]) -> None:
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request.")
    for name in body:
        require(name in known, f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    for name in needed:
        require(body.get(name), f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    for name, values in SPOKEN_WITH_ONE_VALUE.items():
        require(body.get(name) in values, f"'{name}' is not spoken by the local provider.", name)


def _model(body: dict[str, Any], models: Mapping[str, Model]) -> Model:
    name = body["model"]
    if not isinstance(name, str) or name not in models:
        message = f"The model `{name}` does not exist or you do not have access to it."
        raise Refused(message, status=404, code="model_not_found")
    return models[name]


def _effort(effort: Any, model: Model, param: str) -> str:
    if effort is None:
        return model.default_effort
    require(model.efforts, f"Unrecognized request argument supplied: {param}", param, "unsupported_parameter")
    require(
        effort in model.efforts,
        f"Unsupported value: '{param}' does not support '{effort}' with this model. Supported: {model.efforts}.",
        param,
        "unsupported_value",
    )
    return str(effort)


def _check_sampling(body: dict[str, Any], model: Model, effort: str) -> None:
    allowed = (
        model.sampling or (effort == "none" and "none" in model.efforts) or (not effort and "none" in model.efforts)
    )
    for name in ("temperature", "top_p"):
        value = body.get(name)
        require(
            allowed or value in (None, 1),
            f"Unsupported value: '{name}' does not support {value} with this model.",
            name,
            "unsupported_value",
        )
    require(0 <= (body.get("temperature") or 0) <= 2, "Invalid 'temperature': expected 0 to 2.", "temperature")


def _check_common(body: dict[str, Any], model: Model) -> None:
    tier = body.get("service_tier")
    require(tier in TIERS and (tier != "flex" or model.flex), f"Invalid service_tier: '{tier}'.", "service_tier")
    check_metadata(body.get("metadata"))


def check_metadata(metadata: Any) -> None:
    """At most 16 pairs of short strings."""
    if metadata is None:
        return
    require(isinstance(metadata, dict) and len(metadata) <= 16, "Invalid 'metadata': at most 16 pairs.", "metadata")
    for key, value in metadata.items():
        right = isinstance(value, str) and len(key) <= 64 and len(value) <= 512
        require(right, f"Invalid 'metadata.{key}': a string of at most 512 characters is expected.", "metadata")


def _limit(limit: Any, model: Model, param: str) -> int | None:
    if limit is None:
        return None
    require(
        isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1,
        f"Invalid '{param}': integer below minimum value. Expected a value >= 1.",
        param,
        "integer_below_min_value",
    )
    require(
        limit <= model.most_output_tokens,
        f"{param} is too large: {limit}. This model supports at most {model.most_output_tokens} completion tokens.",
        param,
    )
    return int(limit)


def _setup(body: dict[str, Any], form: Form) -> list[Piece]:
    """What is read before the messages: functions and the schema."""
    values = (*(body.get("tools") or ()), *([form.schema] if form.schema else ()))
    texts = (orjson.dumps(value).decode() for value in values)
    return [Piece(text=text, tokens=tokens.count_text(text) + SETUP_TOKENS) for text in texts]
