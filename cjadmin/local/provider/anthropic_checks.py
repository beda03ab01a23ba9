"""The body of an Anthropic Messages request -> a Call, or the provider's refusal."""

from collections.abc import Mapping
from typing import Any

import orjson

from . import images, tokens
from .calls import Call, Piece, Refused, require
from .fields import MESSAGE_FIELDS
from .models import Model
from .schema_rules import Rules, complaint

NO_SAMPLING_SINCE = "2026-10-21"
SAMPLING = ("temperature", "top_p", "top_k")
NOT_SPOKEN_HERE = ("container", "diagnostics", "stop_sequences", "speed")
MOST_CACHE_MARKS = 4
SCHEMA_OVERHEAD_TOKENS = 20
TOOL_TYPES = ("custom", None)


def call(body: Any, models: Mapping[str, Model], *, version: str, counting: bool = False) -> Call:
    """Check everything that the provider is known to check, and read the prompt."""
    require(isinstance(body, dict), "Input should be a valid dictionary")
    _check_top_level(body, version, counting)
    model = _model(body, models)
    most = 0 if counting else _max_tokens(body, model)
    effort, schema = _output_config(body, model)
    thinks = _thinking(body, model, most, effort, counting)
    tool, tool_schema = _tools(body, model, thinks)
    pieces = _pieces(body, schema)
    found = Call(
        provider="anthropic",
        model=model,
        pieces=pieces,
        max_tokens=most,
        schema=tool_schema if tool else schema,
        tool=tool,
        thinks=thinks,
    )
    _fits(found)
    return found


def _check_top_level(body: dict[str, Any], version: str, counting: bool) -> None:
    for name in body:
        require(name in MESSAGE_FIELDS, f"{name}: Extra inputs are not permitted")
    if version >= NO_SAMPLING_SINCE:
        for name in SAMPLING:
            require(name not in body, f"`{name}` is not supported with anthropic-version {version}; remove it")
    for name in NOT_SPOKEN_HERE:
        require(not body.get(name), f"{name}: not spoken by the local provider")
    require(not body.get("stream"), "stream: not spoken by the local provider")
    for name in ("model", "messages", *(() if counting else ("max_tokens",))):
        require(name in body, f"{name}: Field required")


def _model(body: dict[str, Any], models: Mapping[str, Model]) -> Model:
    name = body["model"]
    require(isinstance(name, str), "model: Input should be a valid string")
    if name not in models:
        raise Refused(f"model: {name}", status=404, kind="not_found_error")
    return models[name]


def _max_tokens(body: dict[str, Any], model: Model) -> int:
    most = body["max_tokens"]
    require(isinstance(most, int) and not isinstance(most, bool), "max_tokens: Input should be a valid integer")
    require(most >= 1, "max_tokens: must be greater than or equal to 1")
    require(
        most <= model.most_output_tokens,
        f"max_tokens: {most} > {model.most_output_tokens}, which is the maximum allowed number of output tokens"
        f" for {model.id}",
    )
    return int(most)


def _output_config(body: dict[str, Any], model: Model) -> tuple[str, dict[str, Any] | None]:
    config = body.get("output_config")
    if config is None:
        return "", None
    require(isinstance(config, dict), "output_config: Input should be a valid dictionary")
    for name in config:
        require(name in ("effort", "format"), f"output_config.{name}: Extra inputs are not permitted")
    effort = config.get("effort") or ""
    require(not effort or model.efforts, "This model does not support the effort parameter.")
    require(not effort or effort in model.efforts, f"output_config.effort: Input should be one of {model.efforts}")
    return effort, _format(config.get("format"))


def _format(wanted: Any) -> dict[str, Any] | None:
    if wanted is None:
        return None
    require(
        isinstance(wanted, dict) and wanted.get("type") == "json_schema",
        "output_config.format.type: Input should be 'json_schema'",
    )
    for name in wanted:
        require(name in ("type", "schema"), f"output_config.format.{name}: Extra inputs are not permitted")
    require("schema" in wanted, "output_config.format.schema: Field required")
    if words := complaint(wanted["schema"], Rules.CLOSED):
        raise Refused(f"output_config.format.schema: {words}")
    return dict(wanted["schema"])


def _thinking(body: dict[str, Any], model: Model, most: int, effort: str, counting: bool) -> str:
    """The effort with which it thinks; "" when it does not."""
    config = body.get("thinking") or {"type": "default"}
    kind = config.get("type")
    require(
        kind in ("default", "enabled", "disabled", "adaptive", "between_tools"),
        f"thinking.type: Input tag '{kind}' is unknown",
    )
    if kind == "disabled":
        require(not model.always_thinks, f"thinking: cannot be disabled for {model.id}")
        require(effort not in ("xhigh", "max"), "thinking: cannot be disabled at this effort")
        return ""
    if kind == "between_tools":
        return ""
    if kind == "enabled":
        budget = config.get("budget_tokens", 0)
        require(isinstance(budget, int) and budget >= 1024, "thinking.enabled.budget_tokens: Input should be >= 1024")
        require(counting or budget < most, "`max_tokens` must be greater than `thinking.budget_tokens`")
    elif kind == "default" and not model.default_effort:
        return ""
    return effort or model.default_effort or "medium"


def _tools(body: dict[str, Any], model: Model, thinks: str) -> tuple[str, dict[str, Any] | None]:
    """The tool that will be called and its input's schema; "" when the answer is text."""
    tools = body.get("tools") or []
    schemas = dict(_tool(place, tool) for place, tool in enumerate(tools))
    choice = body.get("tool_choice") or {"type": "auto"}
    kind = choice.get("type")
    require(kind in ("auto", "any", "tool", "none"), f"tool_choice: Input tag '{kind}' is unknown")
    if kind in ("any", "tool"):
        require(tools, "tool_choice: may only be specified while providing tools")
        require(not model.always_thinks, f"tool_choice: forcing tool use is not supported by {model.id}")
        require(not thinks, "Thinking may not be enabled when tool_choice forces tool use.")
    if kind == "none" or not schemas:
        return "", None
    name = choice.get("name") if kind == "tool" else next(iter(schemas))
    require(name in schemas, f"tool_choice.name: tool '{name}' not found in provided tools")
    return str(name), schemas[str(name)]


def _tool(place: int, tool: Any) -> tuple[str, dict[str, Any]]:
    at = f"tools.{place}"
    require(isinstance(tool, dict) and tool.get("type") in TOOL_TYPES, f"{at}: not a custom tool")
    name = tool.get("name")
    require(isinstance(name, str) and 0 < len(name) <= 128, f"{at}.custom.name: String should have 1 to 128 characters")
    schema = tool.get("input_schema")
    require(
        isinstance(schema, dict) and schema.get("type") == "object", f"{at}.custom.input_schema.type: Field required"
    )
    if words := complaint(schema, Rules.CLOSED if tool.get("strict") else Rules.LOOSE):
        raise Refused(f"{at}.custom.input_schema: {words}")
    return str(name), dict(schema)


def _pieces(body: dict[str, Any], schema: dict[str, Any] | None) -> tuple[Piece, ...]:
    """In the order in which the provider caches: tools, system, messages."""
    pieces = [_json_piece(tool) for tool in body.get("tools") or ()]
    if schema is not None:
        pieces.append(_json_piece(schema))
    pieces += _blocks(body.get("system") or [], "system", user=False)
    messages = body["messages"]
    require(isinstance(messages, list) and messages, "messages: at least one message is required")
    for place, message in enumerate(messages):
        pieces += _message(place, message)
    require(messages[0]["role"] == "user", 'messages: first message must use the "user" role')
    prefilled = messages[-1]["role"] == "assistant"
    require(not prefilled, "This model does not support assistant message prefill.")
    if isinstance(mark := body.get("cache_control"), dict):
        last = pieces[-1]
        pieces[-1] = Piece(text=last.text, image=last.image, tokens=last.tokens, user=last.user, cache_ttl=_ttl(mark))
    marks = sum(1 for piece in pieces if piece.cache_ttl)
    require(
        marks <= MOST_CACHE_MARKS,
        f"A maximum of {MOST_CACHE_MARKS} blocks with cache_control may be provided. Found {marks}.",
    )
    return tuple(pieces)


def _json_piece(value: Any) -> Piece:
    text = orjson.dumps(value).decode()
    mark = value.get("cache_control") if isinstance(value, dict) else None
    return Piece(
        text=text, tokens=tokens.count_text(text) + SCHEMA_OVERHEAD_TOKENS, cache_ttl=_ttl(mark) if mark else ""
    )


def _message(place: int, message: Any) -> list[Piece]:
    at = f"messages.{place}"
    require(isinstance(message, dict), f"{at}: Input should be a valid dictionary")
    for name in message:
        require(name in ("role", "content"), f"{at}.{name}: Extra inputs are not permitted")
    require(message.get("role") in ("user", "assistant"), f"{at}.role: Input should be 'user' or 'assistant'")
    require(message.get("content"), f"{at}: all messages must have non-empty content")
    return _blocks(message["content"], f"{at}.content", user=message["role"] == "user")


def _blocks(content: Any, at: str, *, user: bool) -> list[Piece]:
    if isinstance(content, str):
        return [Piece(text=content, tokens=tokens.count_text(content) + tokens.MESSAGE_OVERHEAD, user=user)]
    require(isinstance(content, list), f"{at}: Input should be a valid list")
    return [_block(block, f"{at}.{place}", user) for place, block in enumerate(content)]


def _block(block: Any, at: str, user: bool) -> Piece:
    kind = block.get("type") if isinstance(block, dict) else None
    ttl = _ttl(block["cache_control"]) if kind and block.get("cache_control") else ""
    if kind == "text":
        text = block.get("text")
        require(isinstance(text, str), f"{at}.text.text: Field required")
        require(text.strip(), f"{at}: text content blocks must contain non-whitespace text")
        return Piece(text=text, tokens=tokens.count_text(text) + 1, user=user, cache_ttl=ttl)
    require(kind == "image", f"{at}: Input tag '{kind}' is not spoken by the local provider")
    return _image(block.get("source"), at, user, ttl)


def _image(source: Any, at: str, user: bool, ttl: str) -> Piece:
    kind = source.get("type") if isinstance(source, dict) else None
    require(kind == "base64", f"{at}.image.source: '{kind}' is not spoken by the local provider")
    data, media_type = source.get("data") or "", source.get("media_type")
    require(
        media_type in images.MAGIC,
        f"{at}.image.source.base64.media_type: Input should be one of {', '.join(images.MAGIC)}",
    )
    require(
        images.is_picture(data, media_type),
        f"{at}.image.source.base64: The image does not appear to be of the media type {media_type} that was specified",
    )
    return Piece(image=data, tokens=tokens.count_image(images.head(data), "anthropic"), user=user, cache_ttl=ttl)


def _ttl(mark: Any) -> str:
    require(
        isinstance(mark, dict) and mark.get("type") == "ephemeral", "cache_control.type: Input should be 'ephemeral'"
    )
    ttl = mark.get("ttl") or "5m"
    require(ttl in ("5m", "1h"), "cache_control.ttl: Input should be '5m' or '1h'")
    return str(ttl)


def _fits(found: Call) -> None:
    n, most = found.input_tokens, found.model.context_tokens
    require(n <= most, f"prompt is too long: {n} tokens > {most} maximum")
    require(
        n + found.max_tokens <= most,
        f"input length and `max_tokens` exceed context limit: {n} + {found.max_tokens} > {most}",
    )
