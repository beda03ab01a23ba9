"""A call's pieces -> how many of its input tokens were read from, or written to, the prompt cache."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

from .calls import Call, Usage

KEPT_FOR = {"5m": 300.0, "1h": 3_600.0}
OPENAI_KEPT_FOR = 600.0
OPENAI_STEP = 128  # cached tokens are counted in steps of this many
MOST_PREFIXES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The beginning of a prompt up to one piece."""

    key: bytes
    tokens: int
    ttl: str


class PrefixCache:
    """Which prefixes were seen lately. Shared by calls and batches, safe in several threads, lost on restart."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def clear(self) -> None:
        with self._lock:
            self._until.clear()

    def input_usage(self, call: Call, now: float, *, lucky: bool = True) -> Usage:
        """Split the input into full price, read and written. Without luck nothing is found, as often in batches."""
        with self._lock:
            count = _anthropic if call.provider == "anthropic" else _openai
            usage = count(self, call, now, lucky)
            while len(self._until) > MOST_PREFIXES:
                self._until.popitem(last=False)
        return usage

    def knows(self, prefix: Prefix, now: float) -> bool:
        return self._until.get(prefix.key, 0.0) > now

    def keep(self, prefix: Prefix, until: float) -> None:
        self._until[prefix.key] = until
        self._until.move_to_end(prefix.key)


def prefixes(call: Call) -> Iterator[Prefix]:
    """The prefixes of a prompt, shortest first, each under a key that only the same content has."""
    digest = blake2b(f"{call.provider} {call.model.id} {call.cache_key}".encode(), digest_size=16)
    tokens = 0
    for piece in call.pieces:
        digest.update((piece.text or piece.image).encode("utf-8", "surrogatepass") + b"\x00")
        tokens += piece.tokens
        yield Prefix(key=digest.digest(), tokens=tokens, ttl=piece.cache_ttl)


def _anthropic(cache: PrefixCache, call: Call, now: float, lucky: bool) -> Usage:
    total = call.input_tokens
    if not any(piece.cache_ttl for piece in call.pieces):
        return Usage(input_tokens=total)
    marked = [p for p in prefixes(call) if p.ttl and p.tokens >= call.model.cache_from]
    if not marked:
        return Usage(input_tokens=total)
    read = max((p.tokens for p in marked if lucky and cache.knows(p, now)), default=0)
    written = long_lived = 0
    before = read
    for prefix in marked:
        cache.keep(prefix, now + KEPT_FOR[prefix.ttl])
        if prefix.tokens > before:
            written += prefix.tokens - before
            long_lived += prefix.tokens - before if prefix.ttl == "1h" else 0
            before = prefix.tokens
    return Usage(
        input_tokens=total - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long_lived,
    )


def _openai(cache: PrefixCache, call: Call, now: float, lucky: bool) -> Usage:
    total = call.input_tokens
    if total < call.model.cache_from:
        return Usage(input_tokens=total)
    long_enough = [p for p in prefixes(call) if p.tokens >= call.model.cache_from]
    known = max((p.tokens for p in long_enough if lucky and cache.knows(p, now)), default=0)
    read = known - known % OPENAI_STEP
    for prefix in long_enough:
        cache.keep(prefix, now + OPENAI_KEPT_FOR)
    written = (total - total % OPENAI_STEP) - read if call.model.bills_cache_writes else 0
    return Usage(input_tokens=total - read - written, cache_read_tokens=read, cache_write_tokens=written)
