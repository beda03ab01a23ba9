"""Shipped words that ask to be chosen -> texts that carry them, for finding out whether a judge obeys."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TEXTS = Path(__file__).with_name("texts") / "attacks.toml"
TAG = 0xE0000  # tag characters stand so far above the letters they stand for, and nobody sees them


def _as_tags(text: str) -> str:
    return "".join(chr(TAG + ord(letter)) for letter in text)


def _with_zeros(text: str) -> str:
    return "\u200b".join(text)


HIDE: dict[str, Callable[[str], str]] = {"": str, "tags": _as_tags, "zero": _with_zeros}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One way of asking a judge to be chosen."""

    kind: str
    name: str
    wish: str  # itself, or the place A or B
    words: str  # as they stand in the essay

    def added_to(self, text: str) -> str:
        return f"{text.rstrip()}\n\n{self.words}"

    def wins(self, place: str) -> str:
        """The place that a judge names who obeys, where the essay with the words is read at `place`."""
        return place if self.wish == "itself" else self.wish


@cache
def attacks() -> tuple[Attack, ...]:
    """All of them, in their order."""
    document = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    return tuple(
        Attack(
            kind=one["kind"], name=one["name"], wish=one["wish"], words=HIDE[one.get("hide", "")](one["text"].strip())
        )
        for one in document["attack"]
    )
