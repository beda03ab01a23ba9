"""A JSON document -> the settings of one local provider; anything unknown in it is refused."""

from pathlib import Path
from typing import Any

import msgspec


class BadSettings(ValueError):
    """The settings cannot be used. Its text says which key and why."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be turned, with what it is when nobody turns it."""

    latency: float = 0.03  # seconds before a synchronous answer
    batch_seconds: float = 2.0  # life of a provider batch from its creation to its end
    cancelling: float = 0.1  # share of that life from a cancellation to the end
    seed: int = 1
    position_bias: float = 0.2  # logits in favour of place A
    sharpness: float = 2.0  # logits for one unit of quality
    noise: float = 0.25  # how much of a unit one model misreads one essay by
    batch_cache_hits: float = 0.8  # share of cacheable prefixes that a batch really finds in the cache
    queued_requests: int | None = 200_000  # Anthropic: requests in unfinished batches; null is without limit
    queued_tokens: dict[str, int] = {}  # OpenAI: prompt tokens in unfinished batches, by model; "*" for any other
    context_tokens: dict[str, int] = {}  # by model, in place of the built-in figure
    batch_requests: dict[str, int] = {}  # most requests in a batch, by provider, in place of the real limit
    batch_bytes: dict[str, int] = {}  # most bytes in a batch, by provider, in place of the real limit
    extra_models: dict[str, list[str]] = {}  # by provider
    retired_models: list[str] = []
    faults: dict[str, Any] = {}


def _converted(document: Any) -> Settings:
    try:
        return msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        raise BadSettings(f"local provider settings: {error}") from error


def read(path: Path | None, **given: Any) -> Settings:
    """Settings from a file, with the values given on the command line above it."""
    document: Any = {}
    if path is not None:
        try:
            document = msgspec.json.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise BadSettings(f"local provider settings in {path}: {error}") from error
    if not isinstance(document, dict):
        raise BadSettings("local provider settings: expected a JSON object")
    return _converted(document | {key: value for key, value in given.items() if value is not None})


def changed(settings: Settings, changes: Any) -> Settings:
    """The same settings with some keys set anew; `faults` has its own door."""
    if not isinstance(changes, dict) or "faults" in changes:
        raise BadSettings("local provider settings: expected a JSON object without faults")
    return _converted(msgspec.to_builtins(settings) | changes)
