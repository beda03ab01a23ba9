"""What was spent by day and judge -> the geometry of a picture: a stacked bar for each day."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from batches.admin.words import usd

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 10, 26
MOST_SERIES = 5  # judges with a colour of their own; the others share the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One judge's part of one day's bar."""

    x: float
    y: float
    width: float
    height: float
    series: int  # 1..MOST_SERIES + 1: the colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One judge in the legend; `judge_id` is None for all the others together."""

    number: int
    name: str
    judge_id: int | None
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day, for the table that says the same as the picture."""

    day: date
    total: Decimal
    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendChart:
    """What the template draws."""

    width: int
    height: int
    left: int
    right: int
    bottom: int
    pieces: list[Piece]
    series: list[Series]
    days: list[Day]  # all of them, oldest first
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    total: Decimal
    summary: str


def spend_chart(
    costs: Mapping[tuple[date, int], Decimal], names: Mapping[int, str], *, last: date, days: int
) -> SpendChart | None:
    """The picture of (day, judge) -> US dollars over so many days up to `last`; None where nothing was spent."""
    first = last - timedelta(days=days - 1)
    shown = {(day, judge): cost for (day, judge), cost in costs.items() if first <= day <= last and cost > 0}
    if not shown:
        return None
    series = _series(shown, names)
    number = {one.judge_id: one.number for one in series if one.judge_id is not None}
    by_day: dict[date, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for (day, judge), cost in shown.items():
        by_day[day][number.get(judge, MOST_SERIES + 1)] += cost
    step = _step(max(sum(parts.values(), Decimal(0)) for parts in by_day.values()))
    most = max(sum(parts.values(), Decimal(0)) for parts in by_day.values())
    top = math.ceil(float(most) / step) * step
    gap = (WIDTH - LEFT - RIGHT) / days
    listed = [_day(first + timedelta(days=i), by_day, gap, i) for i in range(days)]
    total = sum(shown.values(), Decimal(0))
    return SpendChart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=HEIGHT - BOTTOM,
        pieces=[piece for one in listed for piece in _pieces(one, by_day[one.day], top)],
        series=series,
        days=listed,
        ticks=[(_y(i * step, top), usd(Decimal(str(round(i * step, 6))))) for i in range(round(top / step) + 1)],
        labels=[(one.x + one.width / 2, date_format(one.day, "j M")) for one in listed[:: -max(1, days // 6)]],
        total=total,
        summary=_summary(listed, series, total),
    )


def _series(shown: Mapping[tuple[date, int], Decimal], names: Mapping[int, str]) -> list[Series]:
    """The judges that cost most, each with a colour, and the rest together."""
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for (_when, judge), cost in shown.items():
        totals[judge] += cost
    dearest = sorted(totals, key=lambda judge: (-totals[judge], judge))
    found = [
        Series(number=i, name=names.get(judge, str(judge)), judge_id=judge, total=totals[judge])
        for i, judge in enumerate(dearest[:MOST_SERIES], start=1)
    ]
    if rest := dearest[MOST_SERIES:]:
        together = sum((totals[judge] for judge in rest), Decimal(0))
        found.append(Series(number=MOST_SERIES + 1, name=_("all others"), judge_id=None, total=together))
    return found


def _day(day: date, by_day: Mapping[date, Mapping[int, Decimal]], gap: float, i: int) -> Day:
    total = sum(by_day[day].values(), Decimal(0)) if day in by_day else Decimal(0)
    words = f"{date_format(day, 'j F')}: {usd(total)}"
    return Day(day=day, total=total, x=round(LEFT + gap * (i + 0.15), 1), width=round(gap * 0.7, 1), words=words)


def _pieces(day: Day, parts: Mapping[int, Decimal], top: float) -> list[Piece]:
    """The day's bar from the axis up, the dearest judge at the bottom."""
    pieces, below = [], 0.0
    for number in sorted(parts):
        upper, lower = _y(below + float(parts[number]), top), _y(below, top)
        height = round(max(lower - upper, 0.5), 1)
        pieces.append(Piece(x=day.x, y=upper, width=day.width, height=height, series=number))
        below += float(parts[number])
    return pieces


def _y(value: float, top: float) -> float:
    return round(TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM), 1)


def _step(most: Decimal) -> float:
    """A round amount between ticks that makes three or four of them."""
    rough = float(most) / 3
    scale = 10 ** math.floor(math.log10(rough))
    return next(nice * scale for nice in (1, 2, 2.5, 5, 10) if nice * scale >= rough * 0.999)


def _summary(days: list[Day], series: list[Series], total: Decimal) -> str:
    dearest = max(days, key=lambda one: one.total)
    judges = ", ".join(f"{one.name} {usd(one.total)}" for one in series)
    return _("%(total)s in %(n)s days, most on %(dearest)s. By judge: %(judges)s.") % {
        "total": usd(total),
        "n": len(days),
        "dearest": dearest.words,
        "judges": judges,
    }
