"""A plan of faults -> whether one strikes now. Rates are drawn by counter, so that a run can be repeated."""

from collections import Counter
from threading import Lock
from typing import Any

import msgspec

from .draws import draw
from .settings import BadSettings

ENDPOINTS = ("sync", "count", "create", "poll", "list", "cancel", "delete", "results", "files", "models")
BEFORE = ("drop_before_accept", "rate_limited", "overloaded", "server_error", "out_of_credit", "permission_denied")
AFTER = ("accept_and_drop", "accept_and_hang")
HTTP = (*BEFORE, "slow", *AFTER)
BATCHES = ("expire_after_done", "batch_failed", "results_gone")
LINES = (
    "errored_line",
    "failed_line",
    "expired_line",
    "missing_line",
    "malformed_line",
    "status_zero_line",
    "null_body_line",
    "duplicate_line",
    "duplicate_line_other_answer",
    "unknown_id_line",
    "junk_line",
)
DOWNLOADS = ("truncated_download",)
ANSWERS = (
    "refusal",
    "truncation",
    "winner_c",
    "winner_lower_case",
    "prose",
    "fenced",
    "line_separator",
    "missing_tag",
    "doubled_tag",
    "foreign_tag",
)
SECONDS = ("list_lag", "file_id_lag")  # always in force once set
NAMES = frozenset((*HTTP, *BATCHES, *LINES, *DOWNLOADS, *ANSWERS, *SECONDS))
PAID = ("sync", "create")  # where an HTTP fault strikes unless its plan says otherwise


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When one fault strikes, and what it needs to know. Without `rate` and `next` it strikes always."""

    rate: float | None = None
    next: int | None = None  # this many times, then never again
    skip: int = 0  # first let this many pass
    on: list[str] | None = None  # endpoint classes, for HTTP faults; ["*"] for all
    provider: str = ""  # "" for both
    seconds: float | None = None
    retry_after: int | float | str | None = 1
    n: int = 0
    how: str = ""
    code: str = ""

    def concerns(self, provider: str, endpoint: str) -> bool:
        if self.provider not in ("", provider):
            return False
        places = self.on if self.on is not None else PAID
        return not endpoint or "*" in places or endpoint in places


def _read_one(name: str, value: Any) -> Fault:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Fault(seconds=float(value)) if name in SECONDS else Fault(rate=float(value))
    try:
        fault = msgspec.convert(value, Fault)
    except msgspec.ValidationError as error:
        raise BadSettings(f"fault {name}: {error}") from error
    if unknown := set(fault.on or ()) - {*ENDPOINTS, "*"}:
        raise BadSettings(f"fault {name}: no endpoint class is called {', '.join(sorted(unknown))}")
    return fault


class Faults:
    """The plan in force and how often each of its faults has struck. Safe to use from several threads."""

    def __init__(self, plan: Any, seed: int) -> None:
        self.seed = seed
        self._lock = Lock()
        self.replace(plan)

    def replace(self, plan: Any) -> None:
        """Put a new plan in force, or raise BadSettings and keep the old one."""
        if not isinstance(plan, dict):
            raise BadSettings("faults: expected a JSON object")
        document = dict(plan)
        revoked = document.pop("revoked_keys", [])
        obedience, noticing = document.pop("obedience", 0.0), document.pop("noticing", 1.0)
        commands = document.pop("commands", {})
        if not isinstance(revoked, list) or not isinstance(commands, dict):
            raise BadSettings("faults: revoked_keys is a list, commands an object")
        if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in (obedience, noticing)):
            raise BadSettings("faults: obedience and noticing are numbers from 0 to 1")
        if unknown := set(document) - NAMES:
            raise BadSettings(f"faults: no fault is called {', '.join(sorted(unknown))}")
        planned = {
            name: [_read_one(name, one) for one in (value if isinstance(value, list) else [value])]
            for name, value in document.items()
        }
        with self._lock:
            self.revoked_keys = frozenset(map(str, revoked))
            self.obedience, self.noticing = float(obedience), float(noticing)
            self.commands = {str(words): str(wish) for words, wish in commands.items()}  # wish: itself, A, B
            self._planned, self._document = planned, plan
            self._met: Counter[tuple[str, int]] = Counter()
            self.struck: Counter[str] = Counter()

    @property
    def plan(self) -> dict[str, Any]:
        return self._document

    def strikes(self, name: str, provider: str, endpoint: str = "") -> Fault | None:
        """The fault, if it strikes now. Asking counts."""
        faults = self._planned.get(name)
        if not faults:
            return None
        with self._lock:
            for place, fault in enumerate(faults):
                if fault.concerns(provider, endpoint) and self._falls(name, place, fault):
                    self.struck[name] += 1
                    return fault
        return None

    def _falls(self, name: str, place: int, fault: Fault) -> bool:
        met = self._met[name, place] - fault.skip
        self._met[name, place] += 1
        if met < 0:
            return False
        if fault.next is not None:
            return met < fault.next
        return fault.rate is None or draw(self.seed, name, place, met) < fault.rate

    def seconds(self, name: str, provider: str) -> float:
        """How long a lag lasts now; 0 without one."""
        return max((f.seconds or 0.0 for f in self._planned.get(name, ()) if f.concerns(provider, "")), default=0.0)
