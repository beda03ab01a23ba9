"""A scale's scores -> the geometry of a picture: every essay from the lowest to the highest, with its interval."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from batches.numbers import decimal

WIDTH, HEIGHT = 960, 356
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 46
GRADES_RIGHT = 84  # room for the names of grades
REACH = 1.96  # standard errors: 95 %
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
    anchor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One grade in the picture: its name, and the line above which it begins (none for the lowest)."""

    name: str
    y: float | None
    middle: float


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
    anchors: str  # a third path: essays of known grade
    bands: list[Band]
    ticks: list[tuple[float, str]]
    dots: list[Dot]
    named: bool
    zero: float
    summary: str


def chart(
    scores: Sequence[tuple[str, float | None, float | None]],
    *,
    grades: Sequence[tuple[str, float | None]] = (),
    anchors: Collection[str] = (),
) -> Chart | None:
    """The picture of (candidate, logit, standard error); None when fewer than two essays have both.

    `grades`, lowest first, are names with the logit from which each is given; `anchors` are candidates.
    """
    known = sorted(((n, x, e) for n, x, e in scores if x is not None and e is not None), key=lambda row: row[1])
    if len(known) < 2:
        return None
    cuts = [cut for _, cut in grades if cut is not None]
    low = min([x - REACH * e for _, x, e in known] + cuts)
    high = max([x + REACH * e for _, x, e in known] + cuts)
    step = _step(high - low)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    if bottom == top:  # all the same, without error
        bottom, top = bottom - step, top + step

    def y_of(value: float) -> float:
        return round(TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    right = GRADES_RIGHT if grades else RIGHT
    gap = (WIDTH - LEFT - right) / len(known)
    dots = [
        Dot(
            candidate=n,
            x=round(LEFT + gap * (i + 0.5), 1),
            y=y_of(x),
            low=y_of(x - REACH * e),
            high=y_of(x + REACH * e),
            logit=x,
            error=e,
            anchor=n in anchors,
        )
        for i, (n, x, e) in enumerate(known)
    ]
    n_ticks = round((top - bottom) / step)
    values = [bottom + step * i for i in range(n_ticks + 1)]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - right,
        bottom=HEIGHT - BOTTOM,
        bars="".join(f"M{dot.x} {dot.low}V{dot.high}" for dot in dots),
        points="".join(f"M{dot.x} {dot.y}h.01" for dot in dots if not dot.anchor),
        anchors="".join(_diamond(dot) for dot in dots if dot.anchor),
        bands=_bands(grades, y_of(bottom), y_of(top), y_of),
        ticks=[(y_of(value), _tick(value, step)) for value in values],
        dots=dots if len(dots) <= POINTED else [],
        named=len(dots) <= NAMED,
        zero=y_of(0),
        summary=_summary(dots, [name for name, _ in grades]),
    )


def _diamond(dot: Dot) -> str:
    return f"M{dot.x} {dot.y - 6:.1f}l5 6l-5 6l-5 -6z"


def _bands(
    grades: Sequence[tuple[str, float | None]], bottom: float, top: float, y_of: Callable[[float], float]
) -> list[Band]:
    if not grades:
        return []
    edges = [None if cut is None else y_of(cut) for _, cut in grades]
    lower = [bottom if edge is None else edge for edge in edges]
    upper = [*lower[1:], top]
    return [
        Band(name=name, y=edge, middle=round((low + high) / 2, 1))
        for (name, _), edge, low, high in zip(grades, edges, lower, upper, strict=True)
    ]


def _step(span: float) -> float:
    """A round distance between ticks that makes about six of them."""
    rough = max(span, 1e-6) / 5
    scale = 10 ** math.floor(math.log10(rough))
    return next(nice * scale for nice in (1, 2, 5, 10) if nice * scale >= rough)


def _tick(value: float, step: float) -> str:
    return "0" if abs(value) < step / 2 else f"{value:+.1f}" if step < 1 else f"{value:+.0f}"


def _summary(dots: list[Dot], grades: list[str]) -> str:
    first, last = dots[-1], dots[0]
    told = _(
        "%(n)s essays from the lowest to the highest score. Highest: %(best)s at %(highest)s. "
        "Lowest: %(worst)s at %(lowest)s. The bars hold the true score 95 times in 100."
    ) % {
        "n": len(dots),
        "best": first.candidate,
        "highest": decimal(first.logit, 2),
        "worst": last.candidate,
        "lowest": decimal(last.logit, 2),
    }
    if not grades:
        return told
    return " ".join([told, _("Lines part the grades %(grades)s.") % {"grades": ", ".join(reversed(grades))}])
