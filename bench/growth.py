"""Costs at several sizes -> the exponent of their growth: 1 grows with the work and nothing else."""

import math
from collections.abc import Iterator, Mapping

from bench.rows import Row

AT_MOST = 1.05


def exponent(costs: Mapping[int, float]) -> float:
    """The slope of a straight line through the logarithms of size and cost."""
    xs = [math.log(size) for size in costs]
    ys = [math.log(cost) for cost in costs.values()]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum((x - mx) ** 2 for x in xs)


def row(path: str, costs: Mapping[int, float]) -> Row:
    """T10 for one path."""
    sizes = ", ".join(f"{size:,}" for size in costs)
    return Row(
        target="T10", path=path, size=sizes, figure="exponent of the growth of CPU", value=exponent(costs), unit="",
        at_most=AT_MOST,
    )  # fmt: skip


def rows(path: str, costs: Mapping[int, float]) -> Iterator[Row]:
    """The same, or nothing where only one size was measured."""
    if len(costs) > 1:
        yield row(path, costs)
