"""A seed -> pairs of shipped texts of which everybody knows the better one, in the order read."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

TEXTS = Path(__file__).with_name("texts") / "known.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownText:
    """One text of a known pair."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPair:
    """Two texts of which one is plainly better; `first` is the place at which the better one is read."""

    better: KnownText
    weaker: KnownText
    first: str  # A or B

    @property
    def in_order(self) -> tuple[KnownText, KnownText]:
        return (self.better, self.weaker) if self.first == "A" else (self.weaker, self.better)


@cache
def texts() -> tuple[tuple[KnownText, ...], tuple[KnownText, ...]]:
    """The better texts and the weaker ones."""
    document = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    better, weaker = (
        tuple(KnownText(name=one["name"], text=one["text"].strip()) for one in document[kind])
        for kind in ("better", "weaker")
    )
    return better, weaker


def most() -> int:
    """How many different pairs there are."""
    better, weaker = texts()
    return len(better) * len(weaker)


def draw(n: int, seed: object) -> list[KnownPair]:
    """So many different known pairs, the better one read first in half of them; the same for the same seed."""
    rng = Random(f"known {seed}")
    better, weaker = texts()
    chosen = rng.sample([(one, other) for one in better for other in weaker], n)
    places = _places(n, rng)
    return [KnownPair(better=one, weaker=other, first=at) for (one, other), at in zip(chosen, places, strict=True)]


def _places(n: int, rng: Random) -> Sequence[str]:
    """As many A as B, one more of either where n is odd: a judge that always names one place misses half."""
    places = ["A", "B"] * (n // 2) + [rng.choice("AB")] * (n % 2)
    rng.shuffle(places)
    return places
