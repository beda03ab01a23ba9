"""models.toml -> typed models: what each can do, what it costs, and until when it may be used."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).with_name("models.toml")
WARNING_DAYS = 60


class Thinking(StrEnum):
    """What it takes to keep a model from thinking at our expense."""

    OFF = "off"  # only when asked for
    CAN_DISABLE = "can_disable"  # on by itself; may be switched off up to effort high
    BETWEEN_TOOLS = "between_tools"  # that mode is its quietest
    ALWAYS = "always"
    EFFORT = "effort"  # set by the effort alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """USD for 1,000,000 tokens."""

    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LongContext:
    """What every token of a request costs once its whole input is above this many tokens."""

    above: int
    prices: Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """The most that one provider batch may hold."""

    requests: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model id of one provider."""

    id: str
    provider: str
    context: int  # most input tokens
    max_output: int  # thinking included
    structured_output: bool
    tools: bool
    forced_tool_choice: bool
    vision: bool
    batch: bool
    sampling: bool
    thinking: Thinking
    efforts: tuple[str, ...]
    cache_minimum: int
    prices: Prices
    long_context: LongContext | None
    priced_on: date
    batch_discount: Decimal
    retires_on: date | None
    successor: str

    def prices_at(self, input_tokens: int) -> Prices:
        """The prices of a request with this many input tokens, cached ones included."""
        long = self.long_context
        return long.prices if long and input_tokens > long.above else self.prices

    @property
    def cache_read_multiplier(self) -> Decimal:
        return self.prices.cache_read / self.prices.input

    @property
    def cache_write_multiplier(self) -> Decimal:
        return self.prices.cache_write / self.prices.input


class UnknownModel(ValueError):
    """The manifest has no such model. Its text names near matches."""


class RetiredModel(ValueError):
    """The model is past its last day. Its text names the successor."""


class UnsupportedEffort(ValueError):
    """The model takes efforts, but not this one."""


CAPABILITIES = ("structured_output", "tools", "forced_tool_choice", "vision", "batch", "sampling")


@cache
def load() -> Mapping[str, Model]:
    """Every model by its id, aliases as entries of their own."""
    raw = _raw()
    return {
        model_id: _model(model_id, entry, priced_on=raw["priced_on"])
        for entry in raw["models"]
        for model_id in (entry["id"], *entry.get("aliases", ()))
    }


@cache
def limits(provider: str) -> BatchLimits:
    return BatchLimits(**_raw()["limits"][provider])


def find(provider: str, model_id: str) -> Model:
    """The model of that provider; UnknownModel with a sentence if there is none."""
    model = load().get(model_id)
    if model is not None and model.provider == provider:
        return model
    raise UnknownModel(_unknown(provider, model_id))


def check_usable(model: Model, today: date) -> None:
    """Raise RetiredModel from the day after `retires_on`: the last day itself is still usable.

    A provider batch may run for 24 hours, so pass its last possible day for one.
    """
    if model.retires_on is not None and today > model.retires_on:
        raise RetiredModel(f"{model.id} was retired on {model.retires_on.isoformat()}.{_use_instead(model)}")


def retirement_warning(model: Model, today: date) -> str:
    """A sentence from 60 days before the last day up to that day; "" earlier, and later (check_usable refuses then)."""
    if model.retires_on is None or not today <= model.retires_on <= today + timedelta(days=WARNING_DAYS):
        return ""
    days = (model.retires_on - today).days
    left = {0: "today is its last day", 1: "1 day left"}.get(days, f"{days} days left")
    return f"{model.id} retires on {model.retires_on.isoformat()} ({left}).{_use_instead(model)}"


def check_effort(model: Model, effort: str) -> str:
    """The effort to send: "" for a model that takes none, UnsupportedEffort for a value it would refuse."""
    if not effort or not model.efforts:
        return ""
    if effort not in model.efforts:
        raise UnsupportedEffort(f"{model.id} takes the efforts {', '.join(model.efforts)}, not {effort!r}.")
    return effort


def _raw() -> dict[str, Any]:
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


def _model(model_id: str, entry: dict[str, Any], *, priced_on: str) -> Model:
    unknown = set(entry["can"]) - set(CAPABILITIES)
    if unknown:
        raise ValueError(f"{MANIFEST.name}: {model_id} claims unknown capabilities: {', '.join(sorted(unknown))}.")
    return Model(
        id=model_id,
        provider=entry["provider"],
        context=entry["context"],
        max_output=entry["max_output"],
        **{name: name in entry["can"] for name in CAPABILITIES},
        thinking=Thinking(entry["thinking"]),
        efforts=tuple(entry["efforts"]),
        cache_minimum=entry["cache_minimum"],
        prices=_prices(entry["prices"]),
        long_context=_long_context(entry.get("long_context")),
        priced_on=date.fromisoformat(entry.get("priced_on", priced_on)),
        batch_discount=Decimal(entry["batch_discount"]),
        retires_on=date.fromisoformat(entry["retires_on"]) if "retires_on" in entry else None,
        successor=entry.get("successor", ""),
    )


def _prices(entry: dict[str, Any]) -> Prices:
    names = ("input", "cache_read", "cache_write", "output")
    return Prices(**{name: Decimal(entry[name]) for name in names})


def _long_context(entry: dict[str, Any] | None) -> LongContext | None:
    return LongContext(above=entry["above"], prices=_prices(entry)) if entry else None


def _use_instead(model: Model) -> str:
    return f" Use {model.successor} instead." if model.successor else ""


def _unknown(provider: str, model_id: str) -> str:
    ids = [model.id for model in load().values() if model.provider == provider]
    near = difflib.get_close_matches(model_id, ids, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else f" It has: {', '.join(ids) or 'none'}."
    return f"The manifest has no {provider} model {model_id!r}.{hint}"
