"""A free fit and essays of known score -> a line onto the known scale, its error, and the anchors that have drifted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .decisions import Floats
from .result import Fit

DRIFTED = 2.0  # standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One anchor as these judgements place it, linked by the other anchors, against its known score."""

    essay: Any
    known: float
    free: float
    standard_error: float

    @property
    def drifted(self) -> bool:
        return abs(self.free - self.known) > DRIFTED * self.standard_error


@dataclass(frozen=True, kw_only=True, eq=False)
class Link:
    """score = slope * logit + intercept."""

    slope: float
    intercept: float
    score: Floats  # all essays on the known scale
    standard_error: Floats  # slope times the logit's error, and the line's own
    anchors: tuple[Drift, ...]


def link(scale: Fit, known: Mapping[Any, float], *, slope: float | None = None) -> Link:
    """Link by least squares of known scores on logits; with `slope` given (1 for known logits) only move.

    Needs two anchors of different logits for a line, one for a move; three or more give the line an error.
    """
    place = {essay: position for position, essay in enumerate(scale.essays)}
    essays = [essay for essay in known if essay in place and np.isfinite(scale.logit[place[essay]])]
    x = np.array([scale.logit[place[essay]] for essay in essays])
    y = np.array([float(known[essay]) for essay in essays])
    line = _line(x, y, slope)
    error = np.sqrt((line.slope * scale.standard_error) ** 2 + line.variance(scale.logit))
    drifts = [
        _drift(essay, x, y, at, slope, float(scale.standard_error[place[essay]])) for at, essay in enumerate(essays)
    ]
    return Link(
        slope=line.slope,
        intercept=line.intercept,
        score=line.slope * scale.logit + line.intercept,
        standard_error=error,
        anchors=tuple(drifts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    slope: float
    intercept: float
    residual: float  # variance about the line
    n: int
    mean: float
    spread: float  # sum of squares of x about its mean; infinite where the slope was given

    def variance(self, x: Floats) -> Floats:
        """Of the line's height at x: the linking error, squared."""
        return self.residual * (1 / self.n + (x - self.mean) ** 2 / self.spread)


def _line(x: Floats, y: Floats, slope: float | None) -> _Line:
    needed = 2 if slope is None else 1
    spread = float(((x - x.mean()) ** 2).sum()) if len(x) else 0.0
    if len(x) < needed or (slope is None and not spread > 0):
        raise ValueError(f"linking needs at least {needed} anchors that were compared, with different scores")
    found = slope if slope is not None else float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    intercept = float(y.mean() - found * x.mean())
    over = len(x) - needed
    residual = float(((y - found * x - intercept) ** 2).sum()) / over if over else 0.0
    return _Line(
        slope=found,
        intercept=intercept,
        residual=residual,
        n=len(x),
        mean=float(x.mean()),
        spread=spread if slope is None else float("inf"),
    )


def _drift(essay: Any, x: Floats, y: Floats, at: int, slope: float | None, error: float) -> Drift:
    """Against the line of the other anchors where they are enough: an anchor must not vouch for itself."""
    others = np.arange(len(x)) != at
    enough = others.sum() >= 1 if slope is not None else others.sum() >= 3 and np.ptp(x[others]) > 0
    line = _line(x[others], y[others], slope) if enough else _line(x, y, slope)
    spread = float(np.hypot(line.slope * error, np.sqrt(line.variance(x[at : at + 1])[0])))
    return Drift(
        essay=essay, known=float(y[at]), free=float(line.slope * x[at] + line.intercept), standard_error=spread
    )
