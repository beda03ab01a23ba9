"""A fit -> where each essay stands: intervals of ranks, grades with their probabilities, who is told apart."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.special import ndtr, ndtri

from .decisions import Floats, Indices
from .result import Fit
from .threads import on_one_core

DRAWS = 2000
CHUNK = 250


@on_one_core
def rank_intervals(scale: Fit, *, level: float = 0.95, draws: int = DRAWS) -> tuple[Floats, Floats]:
    """The best and the worst rank that each essay plausibly has, from draws of all scores together.

    The draws have a fixed seed: the same fit gives the same ranks. nan where ranks are undefined.
    """
    n = len(scale.essays)
    if not scale.connected or n == 0 or not np.isfinite(scale.logit).all():
        return np.full(n, np.nan), np.full(n, np.nan)
    rng = np.random.default_rng(0)
    mix = _square_root(scale)
    ranks = np.empty((draws, n), dtype=np.int32)
    for start in range(0, draws, CHUNK):
        noise = rng.standard_normal((min(CHUNK, draws - start), n))
        drawn = scale.logit + (noise * mix if mix.ndim == 1 else noise @ mix.T)
        ranks[start : start + len(drawn)] = np.argsort(np.argsort(-drawn, axis=1), axis=1) + 1
    edge = (1 - level) / 2
    low, high = np.quantile(ranks, [edge, 1 - edge], axis=0, method="inverted_cdf")
    return low.astype(float), high.astype(float)


def grade_probabilities(scale: Fit, cuts: Sequence[float]) -> Floats:
    """The probability of each grade per essay, lowest grade first: grades are divided by `cuts` in logits, rising."""
    return grade_chances(scale.logit, scale.standard_error, cuts)


def grade_chances(logit: Floats, error: Floats, cuts: Sequence[float]) -> Floats:
    """The posterior's mass between the `cuts`, a row per essay; nan where score or error is undefined."""
    if list(cuts) != sorted(cuts):
        raise ValueError("grade boundaries must rise")
    spread = np.maximum(error, 1e-12)
    below = ndtr((np.asarray(cuts, dtype=float)[None, :] - logit[:, None]) / spread[:, None])
    edges = np.column_stack([np.zeros(len(below)), below, np.ones(len(below))])
    edges[np.isnan(logit) | np.isnan(error)] = np.nan
    return np.diff(edges, axis=1)


def cuts_from_anchors(scale: Fit, grades: Mapping[Any, int]) -> list[float]:
    """Boundaries half way between the mean scores of anchors of neighbouring grades (numbered upwards)."""
    place = {essay: position for position, essay in enumerate(scale.essays)}
    levels = sorted(set(grades.values()))
    means = [
        float(np.mean([scale.logit[place[essay]] for essay, grade in grades.items() if grade == level]))
        for level in levels
    ]
    if len(means) < 2 or any(not low < high for low, high in pairwise(means)):
        raise ValueError("the anchors' scores do not rise with their grades: no boundary separates them")
    return [(low + high) / 2 for low, high in pairwise(means)]


def separated_from_next(scale: Fit, *, level: float = 0.95) -> tuple[Indices, np.ndarray]:
    """Essays best first, and for each but the last whether it stands clear of the one after it."""
    placed = np.flatnonzero(np.isfinite(scale.logit))
    order = placed[np.lexsort((placed, -scale.logit[placed]))]
    reach = float(ndtri(0.5 + level / 2))
    clear = []
    for one, other in pairwise(order):
        gap, error = scale.difference(int(one), int(other))
        clear.append(gap > reach * error)
    return order, np.array(clear, dtype=bool)


def scaled_scores(scale: Fit, *, mean: float, sd: float) -> tuple[Floats, Floats]:
    """Scores and standard errors moved to a mean and a standard deviation that people are used to."""
    spread = float(np.nanstd(scale.logit))
    factor = sd / spread if spread > 0 else 0.0
    return mean + factor * (scale.logit - np.nanmean(scale.logit)), factor * scale.standard_error


def _square_root(scale: Fit) -> Floats:
    """A factor of the covariance, which has a zero direction; the standard errors alone where it was too large."""
    if scale.covariance is None:
        return scale.standard_error
    values, vectors = eigh(scale.covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))
