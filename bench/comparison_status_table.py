"""The figures of `bench.comparison_status` -> one table to read."""

from collections.abc import Iterator
from typing import Any

PARTS = ("read and lock", "item outcome", "judgement", "status", "rest", "commit")
MB = 1e6


def table(figures: dict[str, Any]) -> str:
    return "\n".join(line.rstrip() for line in _lines(figures))


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    yield f"{figures['rows']:,} comparisons, PostgreSQL {figures['postgresql']}, {figures['seconds']} s"
    yield ""
    yield from _collect(figures)
    yield ""
    yield from _ask(figures["ask_ms"])
    yield ""
    yield from _bytes(figures["bytes"])


def _collect(figures: dict[str, Any]) -> Iterator[str]:
    floor = figures["floor_us"]
    least = floor["server"] + floor["client"]
    names = ("server", "client", "wall", "wal B", "x floor", *PARTS)
    yield _row("for each comparison, us", names, first=54)
    yield _row("floor: COPY of the raw lines", _costs(floor, least), first=54)
    for way, cost in figures["submit_us"].items():
        yield _row(f"submit: mark in flight, {way}", _costs(cost, least), first=54)
    for chunk in figures["chunks"]:
        for way, sized in figures["collect_us"].items():
            cost = sized[str(chunk)]
            parts = tuple(f"{cost.get(part, 0):.1f}" for part in PARTS)
            yield _row(f"collect {chunk:,} at a time, {way}", _costs(cost, least) + parts, first=54)


def _costs(cost: dict[str, float], least: float) -> tuple[str, ...]:
    figures = tuple(f"{cost[name]:.1f}" for name in ("server", "client", "wall"))
    return (*figures, f"{cost['wal']:.0f}", f"{(cost['server'] + cost['client']) / least:.1f}")


def _ask(answers: dict[str, dict[str, dict[str, float]]]) -> Iterator[str]:
    ways = ("stored", "derived", "open rounds")
    names = [f"{way} {kind}" for way in ways for kind in ("cpu", "wall")]
    yield _row("one question, ms", (*names, "derived/stored"), first=34, width=17)
    for name, by_way in answers.items():
        cells = [f"{by_way[w][k]:.2f}" if w in by_way else "-" for w in ways for k in ("server", "wall")]
        ratio = min(by_way[w]["server"] for w in by_way if w != "stored") / by_way["stored"]["server"]
        yield _row(name, (*cells, f"{ratio:.1f}"), first=34, width=17)


def _bytes(weights: dict[str, dict[str, dict[str, int]]]) -> Iterator[str]:
    nouns = ("comparison", "item", "judgement")
    yield _row(
        "MB", [f"{noun} {kind}" for noun in nouns for kind in ("table", "indexes")] + ["all"], first=22, width=20
    )
    for state, by_noun in weights.items():
        cells = [by_noun[noun][kind] for noun in nouns for kind in ("table", "indexes")]
        yield _row(state, [f"{cell / MB:.1f}" for cell in (*cells, sum(cells))], first=22, width=20)


def _row(name: str, cells: Any, *, first: int, width: int = 13) -> str:
    return name.ljust(first) + "".join(str(cell).rjust(width) for cell in cells)
