"""Who won at which place, and where the judge says it was spoken to -> essays that luck does not explain."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import binom

from .decisions import Floats

UNLIKELY = 0.004  # chance below which a count is not put down to luck: one clean essay in 250
FEWEST = 8  # judgements below which places say nothing
FEWEST_TOLD = 2  # opponents; one alone may have been the one that spoke
WORTH_A_LOOK = 2.0  # standard deviations from which the exact chance is worked out


@dataclass(frozen=True, slots=True)
class Odd:
    """A count at an essay that luck does not explain."""

    essay: Any
    n: int
    found: int
    usual: float  # share that would be expected


def placed(
    first: Iterable[int], second: Iterable[int], first_won: Iterable[bool], *, logit: Floats, bias: float = 0.0
) -> Iterator[Odd]:
    """Essays (by their place in `logit`) in whose comparisons one place wins more often than the scores say.

    An essay that orders its judge to choose a place wins against the best there and loses to the worst elsewhere. The
    chance of so many wins of the first place, or of so few, is exact: a sum of independent trials, each with the
    chance that the scores give it.
    """
    a, b, won = np.fromiter(first, int), np.fromiter(second, int), np.fromiter(first_won, bool)
    chance = expit(logit[a] - logit[b] + bias)
    known = np.isfinite(chance)
    a, b, won, chance = a[known], b[known], won[known], chance[known]
    n, hits, mean, variance = (
        np.bincount(a, part, minlength=len(logit)) + np.bincount(b, part, minlength=len(logit))
        for part in (np.ones(len(a)), won, chance, chance * (1 - chance))
    )
    far = np.abs(hits - mean) - 0.5 > WORTH_A_LOOK * np.sqrt(np.maximum(variance, 1e-9))
    for essay in np.flatnonzero(far & (n >= FEWEST)).tolist():
        own = chance[(a == essay) | (b == essay)]
        if two_sided(own, int(hits[essay])) < UNLIKELY:
            yield Odd(essay, int(n[essay]), int(hits[essay]), float(own.mean()))


def two_sided(chances: Floats, hits: int) -> float:
    """The chance that so many of these trials succeed, or more; or so few, or fewer: the smaller of both, doubled."""
    spread = np.array([1.0])
    for chance in chances:
        spread = np.convolve(spread, (1 - chance, chance))
    return min(1.0, 2 * min(float(spread[: hits + 1].sum()), float(spread[hits:].sum())))


def told(asked: Mapping[Any, int], pairs: Iterable[tuple[Any, Any]]) -> Iterator[Odd]:
    """Essays of which the judge says that they speak to it, of those asked about (essay -> comparisons).

    `pairs` are the comparisons in which it said so; it does not say of which of the two. So the essay that luck
    explains least is named first, and what it explains is taken from its opponents, until luck explains the rest.
    """
    met: dict[Any, Counter[Any]] = defaultdict(Counter)
    for a, b in pairs:
        met[a][b] += 1
        met[b][a] += 1
    total = sum(asked.values()) / 2
    while found := _least_explained(asked, met, total):
        yield found
        total -= asked[found.essay]
        for other in met.pop(found.essay):
            del met[other][found.essay]


def _least_explained(asked: Mapping[Any, int], met: Mapping[Any, Counter[Any]], total: float) -> Odd | None:
    said = sum(counts.total() for counts in met.values()) / 2
    counted = [(essay, counts.total()) for essay, counts in met.items() if len(counts) >= FEWEST_TOLD]
    best, least = None, UNLIKELY
    for essay, k in counted:
        n = asked[essay]
        usual = min(1.0, (said - k + 1) / (max(0.0, total - n) + 2))  # of the others
        chance = float(binom.sf(k - 1, n, usual))
        if chance < least:
            best, least = Odd(essay, n, k, usual), chance
    return best
