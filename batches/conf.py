"""Settings and environment -> `cj_settings`: typed, defaulted, and closed to unknown keys."""

import difflib
import os
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop as _

STRATEGIES = ("per_round", "serial_bundle", "provider_batch", "accumulate", "nightly")
SINKS = ("none", "kafka", "webhook")


class BadSetting(ImproperlyConfigured):
    """A key or value that cj_settings does not take. Its text is one sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One setting: how its value is read, what it means, and whether an assessment may differ."""

    read: Callable[[str, Any], Any]
    default: Any
    meaning: str
    per_assessment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One setting as it is in force, and where its value comes from."""

    key: str
    value: Any
    source: str  # assessment, settings, environment or default
    meaning: str
    overridable: bool


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def read(key: str, value: Any) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise BadSetting(f"{key} must be a whole number, not {value!r}.") from None
        if not low <= number <= high:
            raise BadSetting(f"{key} must lie between {low:,} and {high:,}, not {number:,}.")
        return number

    return read


def _share(key: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise BadSetting(f"{key} must be a number from 0 to 1, not {value!r}.") from None
    if not 0 <= number <= 1:
        raise BadSetting(f"{key} must lie between 0 and 1, not {value}.")
    return number


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def read(key: str, value: Any) -> str:
        if value not in choices:
            raise BadSetting(f"{key} must be one of {', '.join(choices)}, not {value!r}.")
        return str(value)

    return read


UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def _seconds(key: str, value: Any) -> int:
    """Seconds, or a number with one of the units s, min, h, d."""
    number, _, unit = str(value).strip().partition(" ")
    try:
        seconds = float(number) * UNITS[unit or "s"]
    except (ValueError, KeyError):
        raise BadSetting(f"{key} must be a duration such as '15 s', '10 min' or '6 h', not {value!r}.") from None
    if not 0 < seconds <= 30 * 86_400:
        raise BadSetting(f"{key} must be longer than nothing and at most 30 days, not {value!r}.")
    return max(1, round(seconds))


def _clock(key: str, value: Any) -> time:
    try:
        return value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        raise BadSetting(f"{key} must be a time of day such as 02:00, not {value!r}.") from None


def _zone(key: str, value: Any) -> str:
    try:
        zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise BadSetting(f"{key} must be a time zone such as Europe/London, not {value!r}.") from None
    return str(value)


def _yes_no(key: str, value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise BadSetting(f"{key} must be yes or no, not {value!r}.")
    return words[str(value).lower()]


def _topic(key: str, value: Any) -> str:
    if not str(value).strip():
        raise BadSetting(f"{key} must name a topic.")
    return str(value)


def _money(key: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise BadSetting(f"{key} must be an amount in US dollars, not {value!r}.") from None
    if not number.is_finite() or number < 0:
        raise BadSetting(f"{key} must be an amount of at least 0, not {value}.")
    return number


def _limits(key: str, value: Any) -> dict[str, int]:
    """Model -> limit, "*" for every other; {} without limits. Text such as "2000000, gpt-5.4-mini=500000"."""
    if value in (None, "", "none"):
        return {}
    pairs = value.items() if isinstance(value, Mapping) else map(_named_limit, str(value).split(","))
    return {str(model).strip(): _whole(1, 10**12)(key, str(limit).strip()) for model, limit in pairs}


def _named_limit(text: str) -> tuple[str, str]:
    model, named, limit = text.rpartition("=")
    return (model if named else "*", limit)


KEYS: dict[str, Key] = {
    "llm_batching_strategy": Key(
        read=_one_of(*STRATEGIES),
        default="per_round",
        meaning=_("when comparisons leave, and how they are packed"),
        per_assessment=True,
    ),
    "sync_in_flight": Key(
        read=_whole(1, 2000),
        default=32,
        meaning=_("calls in flight for each worker, and the most that its death can lose"),
    ),
    "bundle_size": Key(read=_whole(1, 100), default=8, meaning=_("comparisons in one prompt"), per_assessment=True),
    "batch_chunk_requests": Key(
        read=_whole(1, 100_000),
        default=1000,
        meaning=_("requests in one provider batch: what one lost answer can cost"),
    ),
    "batch_chunk_bytes": Key(
        read=_whole(10_000, 256_000_000), default=50_000_000, meaning=_("bytes in one provider batch")
    ),
    "accumulate_pairs": Key(
        read=_whole(1, 100_000), default=200, meaning=_("waiting pairs that set off an accumulated batch")
    ),
    "accumulate_max_wait": Key(
        read=_seconds, default="6 h", meaning=_("the longest that a pair waits for others (seconds)")
    ),
    "nightly_at": Key(read=_clock, default="02:00", meaning=_("when the nightly batch leaves")),
    "nightly_timezone": Key(read=_zone, default=None, meaning=_("the time zone of nightly_at")),
    "nightly_catch_up": Key(
        read=_seconds, default="6 h", meaning=_("how late a missed nightly batch may still leave (seconds)")
    ),
    "anthropic_queued_requests": Key(
        read=_limits,
        default="200000",
        meaning=_("requests in unfinished batches at Anthropic; model=limit for one model"),
    ),
    "openai_queued_tokens": Key(
        read=_limits,
        default="none",
        meaning=_("input tokens in unfinished batches at OpenAI, for each model"),
    ),
    "prime_cache": Key(
        read=_yes_no,
        default="no",
        meaning=_("send one request ahead of a provider batch, so that the others find its prefix cached"),
    ),
    "deadline_race": Key(
        read=_yes_no,
        default="no",
        meaning=_("near a deadline, ask beside a slow batch instead of cancelling it: the tail is paid twice"),
        per_assessment=True,
    ),
    "max_attempts": Key(
        read=_whole(1, 10), default=3, meaning=_("attempts before a comparison fails"), per_assessment=True
    ),
    "swap_share": Key(
        read=_share,
        default=".10",
        meaning=_("share of pairs repeated in swapped order"),
        per_assessment=True,
    ),
    "random_share": Key(read=_share, default=".10", meaning=_("share of pairs that stay random"), per_assessment=True),
    "human_share": Key(
        read=_share,
        default="0",
        meaning=_("share of a round's pairs that the people named as judges are given"),
        per_assessment=True,
    ),
    "human_pairs": Key(
        read=_one_of("repeat", "instead"),
        default="repeat",
        meaning=_("whether people judge their pairs beside the model (repeat) or in its place (instead)"),
        per_assessment=True,
    ),
    "human_claim": Key(
        read=_seconds, default="30 min", meaning=_("how long a pair stays with a person who does not answer (seconds)")
    ),
    "canaries_per_round": Key(
        read=_whole(0, 30),
        default=4,
        meaning=_("known pairs that each judge is asked about in every round; 0 asks about none"),
        per_assessment=True,
    ),
    "canary_miss_limit": Key(
        read=_whole(0, 30),
        default=1,
        meaning=_(
            "known pairs that a judge may miss in a round; with one more the round is held for a person to decide"
        ),
        per_assessment=True,
    ),
    "ask_instructions": Key(
        read=_yes_no,
        default="no",
        meaning=_("have the judge say whether an essay speaks to it; some tokens more for each comparison"),
        per_assessment=True,
    ),
    "poll_interval_min": Key(read=_seconds, default="15 s", meaning=_("shortest time between two polls (seconds)")),
    "poll_interval_max": Key(read=_seconds, default="10 min", meaning=_("longest time between two polls (seconds)")),
    "callback_topic": Key(read=_topic, default="cj.comparison_result.v1", meaning=_("where resolved comparisons go")),
    "callback_scale_topic": Key(read=_topic, default="cj.scale_published.v1", meaning=_("where published scales go")),
    "callback_sink": Key(
        read=_one_of(*SINKS), default="none", meaning=_("how callbacks leave: kafka, webhook or none")
    ),
    "callback_keep": Key(
        read=_seconds,
        default="14 d",
        meaning=_("how long a delivered callback is kept for looking up (seconds)"),
    ),
    "delete_provider_files": Key(
        read=_yes_no, default="yes", meaning=_("delete files at the provider after collecting")
    ),
    "replace_names": Key(
        read=_yes_no,
        default="yes",
        meaning=_("replace the names of the roster by [name] before anything leaves"),
        per_assessment=True,
    ),
    "replace_emails": Key(
        read=_yes_no,
        default="yes",
        meaning=_("replace e-mail addresses by [e-mail] before anything leaves"),
        per_assessment=True,
    ),
    "replace_phones": Key(
        read=_yes_no,
        default="yes",
        meaning=_("replace phone numbers by [phone] before anything leaves"),
        per_assessment=True,
    ),
    "call_timeout": Key(read=_seconds, default="10 min", meaning=_("the longest wait for one answer (seconds)")),
    "settle_time": Key(
        read=_seconds,
        default="15 min",
        meaning=_("how long a batch that may have arrived is looked for (seconds)"),
    ),
    "api_calls_per_minute": Key(
        read=_whole(1, 1_000_000),
        default=600,
        meaning=_("calls of the status API by one token or person in a minute"),
    ),
    "api_posts_per_minute": Key(
        read=_whole(1, 1_000_000),
        default=60,
        meaning=_("calls of the status API that change something, in a minute"),
    ),
    "default_budget_usd": Key(read=_money, default="20", meaning=_("the budget of a new assessment")),
}
RUNS_TOGETHER = ("poll_interval_min", "poll_interval_max")


def _unknown(key: str) -> BadSetting:
    near = difflib.get_close_matches(key, KEYS, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; the keys are {', '.join(KEYS)}."
    return BadSetting(f"cj_settings has no key {key!r}{hint}")


def check_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides of an assessment, read and checked; raises BadSetting."""
    checked = {}
    for key, value in overrides.items():
        if key not in KEYS:
            raise _unknown(key)
        if not KEYS[key].per_assessment:
            raise BadSetting(f"{key} holds for the whole installation and cannot differ for one assessment.")
        checked[key] = KEYS[key].read(key, value)
    return checked


class CJSettings:
    """Every setting by name: `cj_settings.llm_batching_strategy`. An assessment's own come from `of`."""

    @cached_property
    def values(self) -> dict[str, tuple[Any, str]]:
        """Key -> (value, source), for the whole installation."""
        given: dict[str, tuple[Any, str]] = {}
        environment = {
            name.removeprefix("CJ_").lower(): value
            for name, value in os.environ.items()
            if name.startswith("CJ_") and name not in OTHER_VARIABLES
        }
        for source, layer in (("environment", environment), ("settings", settings.CJ_SETTINGS)):
            for key, value in layer.items():
                if key not in KEYS:
                    raise _unknown(key)
                given[key] = (value, source)
        values = {}
        for key, spec in KEYS.items():
            value, source = given.get(key, (spec.default, "default"))
            if key == "nightly_timezone" and value is None:
                value = settings.TIME_ZONE
            values[key] = (spec.read(key, value), source)
        low, high = (values[key][0] for key in RUNS_TOGETHER)
        if low > high:
            raise BadSetting(f"poll_interval_min ({low} s) must not be longer than poll_interval_max ({high} s).")
        return values

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or key not in KEYS:
            raise AttributeError(key)
        return self.values[key][0]

    def of(self, overrides: Mapping[str, Any]) -> "Overridden":
        """The settings as they are for an assessment with these overrides."""
        return Overridden(self, check_overrides(overrides))

    def effective(self, assessment: Any = None) -> list[Effective]:
        """Each setting with its value and source, for a page."""
        overrides = check_overrides(assessment.overrides) if assessment else {}
        rows = []
        for key, spec in KEYS.items():
            value, source = (overrides[key], "assessment") if key in overrides else self.values[key]
            rows.append(
                Effective(key=key, value=value, source=source, meaning=spec.meaning, overridable=spec.per_assessment)
            )
        return rows

    def forget(self) -> None:
        """Read everything anew: for tests."""
        self.__dict__.pop("values", None)


class Overridden:
    """`cj_settings` seen from one assessment."""

    def __init__(self, base: CJSettings, overrides: dict[str, Any]) -> None:
        self._base, self._overrides = base, overrides

    def __getattr__(self, key: str) -> Any:
        return self._overrides[key] if key in self._overrides else getattr(self._base, key)


OTHER_VARIABLES = {
    *("CJ_VAR", "CJ_LOCAL_PROVIDER", "CJ_LOCAL_PROVIDER_URL", "CJ_TEST_VAR"),
    *("CJ_WEBHOOK_URL", "CJ_WEBHOOK_SECRET", "CJ_METRICS_TOKEN"),  # a secret is never shown beside its key
}
cj_settings = CJSettings()


def sink_in_force() -> str:
    """How callbacks leave: `callback_sink`, or none where it has no address. While it is none no rows are written."""
    addresses = {
        "kafka": settings.KAFKA_BOOTSTRAP_SERVERS,
        "webhook": settings.WEBHOOK_URL and settings.WEBHOOK_SECRET,
        "none": "",
    }
    sink: str = cj_settings.callback_sink
    return sink if addresses[sink] else "none"
