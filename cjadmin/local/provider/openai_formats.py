"""The schema or function that an OpenAI answer is held to -> checked, or the provider's refusal."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .calls import Refused, require
from .schema_rules import Rules, complaint

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What shape the answer has: a schema for text, or a function's parameters."""

    schema: Schema | None
    tool: str = ""
    parameters: Schema | None = None


def _checked_schema(name: Any, strict: Any, schema: Any, param: str, what: str) -> dict[str, Any]:
    require(
        isinstance(name, str) and NAME.fullmatch(name),
        f"Invalid '{param}.name': expected {NAME.pattern}",
        f"{param}.name",
    )
    require(isinstance(schema, dict), f"Missing required parameter: '{param}.schema'.", f"{param}.schema")
    words = complaint(schema, Rules.STRICT if strict else Rules.LOOSE)
    if not words and schema.get("type") != "object":
        words = "schema must have type 'object'."
    if words:
        raise Refused(f"Invalid schema for {what} '{name}': {words}", param=param, code="invalid_json_schema")
    return dict(schema)


def chat_format(wanted: Any) -> dict[str, Any] | None:
    kind = (wanted or {"type": "text"}).get("type")
    require(
        kind in ("text", "json_schema"),
        f"response_format '{kind}' is not spoken by the local provider.",
        "response_format",
    )
    if kind == "text":
        return None
    inner = wanted.get("json_schema") or {}
    return _checked_schema(
        inner.get("name"), inner.get("strict"), inner.get("schema"), "response_format", "response_format"
    )


def response_format(wanted: Any) -> dict[str, Any] | None:
    kind = (wanted or {"type": "text"}).get("type")
    require(
        kind in ("text", "json_schema"), f"text.format '{kind}' is not spoken by the local provider.", "text.format"
    )
    if kind == "text":
        return None
    return _checked_schema(
        wanted.get("name"), wanted.get("strict"), wanted.get("schema"), "text.format", "response_format"
    )


def chat_tool(place: int, tool: Any) -> tuple[str, dict[str, Any]]:
    inner = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
    require(isinstance(inner, dict), f"Missing required parameter: 'tools[{place}].function'.", f"tools[{place}]")
    return _function(place, inner)


def response_tool(place: int, tool: Any) -> tuple[str, dict[str, Any]]:
    require(isinstance(tool, dict) and tool.get("type") == "function", f"Invalid 'tools[{place}]'.", f"tools[{place}]")
    return _function(place, tool)


def _function(place: int, inner: Any) -> tuple[str, dict[str, Any]]:
    param = f"tools[{place}].function.parameters"
    schema = _checked_schema(inner.get("name"), inner.get("strict"), inner.get("parameters"), param, "function")
    return inner["name"], schema


def held_to(body: dict[str, Any], schema: Schema | None, read: Callable[[int, Any], tuple[str, Schema]]) -> Form:
    """The function that will be called, and its parameters' schema; without one the answer is text."""
    schemas = dict(read(place, tool) for place, tool in enumerate(body.get("tools") or ()))
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        name = str(choice.get("name") or (choice.get("function") or {}).get("name"))
        require(name in schemas, f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
        return Form(schema=schema, tool=name, parameters=schemas[name])
    require(choice in ("auto", "required", "none"), f"Invalid 'tool_choice': '{choice}'.", "tool_choice")
    require(choice == "auto" or schemas, "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if not schemas or choice == "none":
        return Form(schema=schema)
    name, parameters = next(iter(schemas.items()))
    return Form(schema=schema, tool=name, parameters=parameters)
