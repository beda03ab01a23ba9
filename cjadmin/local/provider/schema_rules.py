"""A JSON schema -> nothing, or the words with which the provider refuses it."""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any

import orjson

UNSUPPORTED = {
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
    "object": ("minProperties", "maxProperties", "patternProperties", "propertyNames"),
}
ANYWHERE = ("not", "if", "then", "else", "dependentRequired", "oneOf")
TYPES = frozenset(("object", "array", "string", "integer", "number", "boolean", "null"))
DEEPEST = 10
SHAPES = {"properties": dict, "required": list, "enum": list, "items": dict, "anyOf": list, "allOf": list}
NEVER_EMPTY = ("enum", "anyOf", "allOf")


class Rules(StrEnum):
    """How much is asked of a schema."""

    LOOSE = "LOOSE"  # that it is one
    CLOSED = "CLOSED"  # Anthropic: the supported words only, objects closed
    STRICT = "STRICT"  # OpenAI: and every property required


def complaint(schema: Any, rules: Rules) -> str:
    """Why this schema is refused, or "" when it is not."""
    return _complaint(orjson.dumps(schema), rules)


@lru_cache(maxsize=256)
def _complaint(schema: bytes, rules: Rules) -> str:
    """One application asks with the same schema again and again."""
    return next(_complaints(orjson.loads(schema), rules, ()), "")


def _complaints(schema: Any, rules: Rules, where: tuple[str, ...]) -> Iterator[str]:
    at = f"In context={where}, "
    shape = _misshapen(schema, where)
    if shape:
        yield at + shape
        return
    if rules is not Rules.LOOSE:
        yield from (at + words for words in _unsupported(schema))
        if "object" in _kinds(schema) or "properties" in schema:
            yield from (at + words for words in _open(schema, rules))
    for name, inner in schema.get("properties", {}).items():
        yield from _complaints(inner, rules, (*where, "properties", name))
    if "items" in schema:
        yield from _complaints(schema["items"], rules, (*where, "items"))
    for word in ("anyOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _complaints(branch, rules, (*where, word))


def _kinds(schema: dict[str, Any]) -> list[Any]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _misshapen(schema: Any, where: tuple[str, ...]) -> str:
    """What keeps this from being a schema at all."""
    if not isinstance(schema, dict):
        return "a schema must be an object."
    if len(where) > 2 * DEEPEST:
        return "the schema is nested too deeply."
    for kind in _kinds(schema):
        if not isinstance(kind, str) or kind not in TYPES:
            return f"{kind!r} is not a type."
    for word, shape in SHAPES.items():
        if word in schema and not (isinstance(schema[word], shape) and (schema[word] or word not in NEVER_EMPTY)):
            return f"'{word}' is not of the right kind."
    return ""


def _unsupported(schema: dict[str, Any]) -> Iterator[str]:
    kinds = _kinds(schema)
    if not kinds and not {"enum", "const", "anyOf", "allOf", "$ref"} & schema.keys():
        yield "schema must have a 'type' key."
    for kind in kinds:
        for word in UNSUPPORTED.get(kind, ()):
            if word in schema:
                yield f"for '{kind}' type, property '{word}' is not supported."
    yield from (f"'{word}' is not permitted." for word in ANYWHERE if word in schema)
    if "array" in kinds and schema.get("minItems", 0) not in (0, 1):
        yield "for 'array' type, 'minItems' values other than 0 or 1 are not supported."
    if "array" in kinds and "items" not in schema:
        yield "array schema missing items."


def _open(schema: dict[str, Any], rules: Rules) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false."
    missing = [name for name in schema.get("properties", {}) if name not in schema.get("required", ())]
    if rules is Rules.STRICT and missing:
        yield (
            "'required' is required to be supplied and to be an array including every key in properties."
            f" Missing '{missing[0]}'."
        )
