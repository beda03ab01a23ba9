"""Reliability after each round -> the geometry of a small picture of how it grew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from batches.numbers import decimal

WIDTH, HEIGHT = 480, 170
LEFT, RIGHT, TOP, BOTTOM = 36, 12, 10, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the template draws: EB reliability as a line with points, the classic SSR as a second line."""

    width: int
    height: int
    left: int
    right: int
    eb: str
    ssr: str
    points: str
    ticks: list[tuple[float, str]]
    rounds: list[tuple[float, int]]
    goal: float | None
    summary: str


def progress(rows: Sequence[dict[str, Any]], goal: float | None = None) -> Progress | None:
    """The picture of `by_round` of a scale's report; None of fewer than two rounds with a reliability."""
    known = [row for row in rows if row["eb_reliability"] is not None]
    if len(known) < 2:
        return None
    first, last = known[0]["round"], known[-1]["round"]

    def x_of(number: int) -> float:
        return round(LEFT + (number - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y_of(value: float) -> float:
        return round(TOP + (1 - min(max(value, 0.0), 1.0)) * (HEIGHT - TOP - BOTTOM), 1)

    def path(name: str) -> str:
        shown = [(x_of(row["round"]), y_of(row[name])) for row in known if row[name] is not None]
        return "M" + "L".join(f"{x} {y}" for x, y in shown) if shown else ""

    every = max(1, -(-len(known) // 8))
    return Progress(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        eb=path("eb_reliability"),
        ssr=path("scale_separation_reliability"),
        points="".join(f"M{x_of(row['round'])} {y_of(row['eb_reliability'])}h.01" for row in known),
        ticks=[(y_of(value), decimal(value, 1)) for value in (0, 0.5, 1)],
        rounds=[(x_of(row["round"]), row["round"]) for row in known[::-1][::every]],
        goal=None if goal is None else y_of(goal),
        summary=_("EB reliability by round: %(values)s.")
        % {"values": ", ".join(f"{row['round']}: {decimal(row['eb_reliability'], 2)}" for row in known)},
    )
