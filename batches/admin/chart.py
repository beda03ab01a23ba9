"""A scale's scores -> the geometry of a picture: every essay from the lowest to the highest, with its error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 30
NAMED = 40  # so many candidates fit below the axis
POINTED = 400  # so many points can be told apart by the pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One essay in the picture."""

    candidate: str
    x: float
    y: float
    low: float
    high: float
    logit: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What the template draws. `bars` and `points` are SVG paths, so a long scale costs no more than a short one."""

    width: int
    height: int
    left: int
    right: int
    bottom: int
    bars: str
    points: str
    ticks: list[tuple[float, str]]
    dots: list[Dot]
    named: bool
    zero: float
    summary: str


def chart(scores: Sequence[tuple[str, float | None, float | None]]) -> Chart | None:
    """The picture of (candidate, logit, standard error); None when fewer than two essays have both."""
    known = sorted(((n, x, e) for n, x, e in scores if x is not None and e is not None), key=lambda row: row[1])
    if len(known) < 2:
        return None
    low = min(x - e for _, x, e in known)
    high = max(x + e for _, x, e in known)
    step = _step(high - low)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    if bottom == top:  # all the same, without error
        bottom, top = bottom - step, top + step

    def y_of(value: float) -> float:
        return round(TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    gap = (WIDTH - LEFT - RIGHT) / len(known)
    dots = [
        Dot(
            candidate=n,
            x=round(LEFT + gap * (i + 0.5), 1),
            y=y_of(x),
            low=y_of(x - e),
            high=y_of(x + e),
            logit=x,
            error=e,
        )
        for i, (n, x, e) in enumerate(known)
    ]
    n_ticks = round((top - bottom) / step)
    values = [bottom + step * i for i in range(n_ticks + 1)]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=HEIGHT - BOTTOM,
        bars="".join(f"M{dot.x} {dot.low}V{dot.high}" for dot in dots),
        points="".join(f"M{dot.x} {dot.y}h.01" for dot in dots),
        ticks=[(y_of(value), _tick(value, step)) for value in values],
        dots=dots if len(dots) <= POINTED else [],
        named=len(dots) <= NAMED,
        zero=y_of(0),
        summary=_summary(dots),
    )


def _step(span: float) -> float:
    """A round distance between ticks that makes about six of them."""
    rough = max(span, 1e-6) / 5
    scale = 10 ** math.floor(math.log10(rough))
    return next(nice * scale for nice in (1, 2, 5, 10) if nice * scale >= rough)


def _tick(value: float, step: float) -> str:
    return "0" if abs(value) < step / 2 else f"{value:+.1f}" if step < 1 else f"{value:+.0f}"


def _summary(dots: list[Dot]) -> str:
    first, last = dots[-1], dots[0]
    return (
        f"{len(dots)} essays from the lowest to the highest score. Highest: {first.candidate} at {first.logit:.2f}. "
        f"Lowest: {last.candidate} at {last.logit:.2f}. The bars show one standard error either way."
    )
