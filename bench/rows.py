"""Measurements -> rows that all look alike: a cost, what a limit or a peer cost in the same run, and their ratio."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure beside what it is measured against."""

    target: str  # T1 to T10, as docs/performance.md numbers them; "" for a figure that is only good to know
    path: str  # submit, collect, per_round, fit, ...
    size: str
    figure: str  # what was measured: "CPU, database to file"
    value: float
    unit: str = "s"  # of CPU, client and PostgreSQL back end together, unless it says otherwise
    beside: str = ""  # the limit or peer of the same run
    beside_value: float | None = None
    at_most: float | None = None  # of value / beside_value, or of value where there is nothing beside it
    at_least: float | None = None  # the same
    note: str = ""  # what a reader has to know: "sampled, scaled up"

    @property
    def ratio(self) -> float | None:
        return self.value / self.beside_value if self.beside_value else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        found = self.value if self.beside_value is None else self.ratio
        if found is None or (self.at_most is None and self.at_least is None):
            return None
        return (self.at_most is None or found <= self.at_most) and (self.at_least is None or found >= self.at_least)

    @property
    def wanted(self) -> str:
        """The target in words: "at most 4"."""
        parts = [(self.at_most, "at most"), (self.at_least, "at least")]
        return ", ".join(f"{words} {number:g}" for number, words in parts if number is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a run is: 1 is what the targets speak of."""

    scale: float = 1.0
    short: bool = False  # a look in passing: a few seconds for each measurement

    def of(self, full: int, *, least: int = 1) -> int:
        """A full size, made smaller or larger."""
        return max(least, round(full * self.scale))

    def decades(self, full: int, *, least: int) -> list[int]:
        """Three sizes a factor of ten apart, the largest last; fewer where the smallest would say nothing."""
        largest = self.of(full, least=least)
        return [size for size in (largest // 100, largest // 10, largest) if size >= least]


type Measure = Callable[[Sizes], Iterator[Row]]
HEAD = ("target", "path", "size", "measured", "value", "beside it", "value", "ratio", "wanted", "met")


def table(rows: Iterable[Row]) -> str:
    """All rows under one head, as wide as they need to be."""
    lines = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    beside = "" if row.beside_value is None else _number(row.beside_value, row.unit)
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}" if row.ratio < 10 else f"{row.ratio:,.0f}"
    met = "" if row.met is None else "yes" if row.met else "NO"
    figure = f"{row.figure} ({row.note})" if row.note else row.figure
    value = _number(row.value, row.unit)
    return (row.target, row.path, row.size, figure, value, row.beside, beside, ratio, row.wanted, met)


def _number(value: float, unit: str) -> str:
    digits = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()


def document(rows: Iterable[Row], sizes: Sizes, *, seconds: float) -> dict[str, Any]:
    """The same as one JSON document, with where and when it was measured."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "scale": sizes.scale,
        "short": sizes.short,
        "seconds": round(seconds, 1),
        "rows": [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in rows],
    }


def write(rows: Sequence[Row], path: Path) -> None:
    """Rows for another process."""
    path.write_text(json.dumps([asdict(row) for row in rows]))


def read(path: Path) -> list[Row]:
    return [Row(**fields) for fields in json.loads(path.read_text())]
