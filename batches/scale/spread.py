"""Decisions -> sigma, the spread of the essays' scores, and how open it is.

Sigma is where the evidence (the probability of the decisions with the scores integrated out) is largest. Which
pairs were judged depended on earlier outcomes only, so adaptive pairing does not bend it; what bends Laplace's
version of it is the approximation. Measured against true r^2 in docs/decisions (prior spread).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from .decisions import Floats
from .model import Design, Prior, maximise
from .posterior import Posterior, Sites, approximate
from .precision import Edges

NARROWEST, WIDEST = 0.05, 12.0  # logits: no signal; a judge who never contradicts the order
COARSE = 9
REFINED = 0.02  # of log sigma
# Nats a logit against wide spreads, a prior with mean 2.5: a first round says nothing about sigma, and few judgements
# never rule out a huge one, which would double every interval.
WIDENING = 0.4
NODES = 11
LEVEL = 4.5  # nats below the top: 3 standard errors
POSITION_PRECISION = 0.01  # of a position term: keeps it finite where the left essay always won, else unnoticeable


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """The most probable sigma, and nodes over its plausible values with weights that sum to 1."""

    sigma: float
    posterior: Posterior
    nodes: tuple[tuple[float, float, Posterior], ...]  # sigma, weight, posterior there
    signal: float = float("nan")  # twice the nats by which differences explain the decisions better than none do


class SpreadSearch:
    """Evidence as a function of sigma, each evaluation started from the nearest one before."""

    def __init__(self, design: Design, *, own_mean: bool = False, edges: Edges | None = None):
        self.design, self.own_mean, self.edges = design, own_mean, edges
        self.known: dict[float, Sites] = {}
        self.mode: Floats | None = None

    def prior(self, sigma: float) -> Prior:
        return Prior(precision=sigma**-2, position_precision=POSITION_PRECISION, own_mean=self.own_mean)

    def at(self, sigma: float) -> Posterior:
        prior = self.prior(sigma)
        if self.known:
            sites = self.known[min(self.known, key=lambda known: abs(np.log(known / sigma)))]
            found = approximate(self.design, prior, sites=sites, edges=self.edges)
        else:
            self.mode, _ = maximise(self.design, prior)
            found = approximate(self.design, prior, mode=self.mode, edges=self.edges)
        self.known[sigma] = found.sites
        return found

    def value(self, sigma: float) -> float:
        """The evidence, less the slight handicap of wide spreads."""
        return self.at(sigma).log_evidence - WIDENING * sigma

    def best(self) -> tuple[float, dict[float, float]]:
        """The sigma of the highest value, and all values seen on the way."""
        coarse = np.exp(np.linspace(np.log(NARROWEST), np.log(WIDEST), COARSE))
        coarse[[0, -1]] = NARROWEST, WIDEST  # to the last bit
        seen = self._outwards(coarse)
        top = int(np.argmax([seen.get(sigma, -np.inf) for sigma in coarse]))
        low, high = coarse[max(top - 1, 0)], coarse[min(top + 1, COARSE - 1)]

        def fall(log_sigma: float) -> float:
            seen[float(np.exp(log_sigma))] = value = self.value(float(np.exp(log_sigma)))
            return -value

        if not self._rests_on(coarse[top], low if top else high, fall, seen):
            minimize_scalar(fall, bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": REFINED})
        return max(seen, key=lambda sigma: seen[sigma]), seen

    def _rests_on(self, edge: float, inner: float, fall: Callable[[float], float], seen: dict[float, float]) -> bool:
        """Whether the highest value is that of the narrowest or the widest sigma: one look beside it tells."""
        if edge not in (NARROWEST, WIDEST):
            return False
        beside = np.log(edge) + REFINED * np.sign(np.log(inner / edge))
        return -fall(float(beside)) <= seen[edge]

    def _outwards(self, coarse: Floats) -> dict[float, float]:
        """Evidence on the coarse values, from the middle outwards for as long as it may still matter.

        The widest sigmas cost most and are seldom near the top.
        """
        middle = int(np.argmin(np.abs(np.log(coarse))))
        seen: dict[float, float] = {}
        for side in (coarse[middle:], coarse[:middle][::-1]):
            for sigma in side:
                seen[float(sigma)] = value = self.value(float(sigma))
                if value < max(seen.values()) - 2 * LEVEL:
                    break
        return seen


def estimate_spread(
    design: Design, *, own_mean: bool = False, edges: Edges | None = None, uncertain: bool = True
) -> Spread:
    """Find sigma; with `uncertain` also nodes over its posterior, under a prior in sigma and not in its logarithm:

    that would put half of its weight on "no differences at all", whatever the decisions say.
    """
    search = SpreadSearch(design, own_mean=own_mean, edges=edges)
    sigma, seen = search.best()
    posterior = search.at(sigma)
    nodes = _nodes(search, sigma, seen) if uncertain else ((sigma, 1.0, posterior),)
    return Spread(sigma=sigma, posterior=posterior, nodes=nodes, signal=_signal(sigma, seen))


def _signal(sigma: float, seen: dict[float, float]) -> float:
    """Likelihood ratio against a spread of about none; at least so much where the search stopped short of it."""
    narrowest = min(seen)
    return max(0.0, float(2 * (seen[sigma] + WIDENING * sigma - seen[narrowest] - WIDENING * narrowest)))


def known_spread(design: Design, sigma: float, *, own_mean: bool = False, edges: Edges | None = None) -> Spread:
    posterior = SpreadSearch(design, own_mean=own_mean, edges=edges).at(sigma)
    return Spread(sigma=sigma, posterior=posterior, nodes=((sigma, 1.0, posterior),))


def _nodes(search: SpreadSearch, sigma: float, seen: dict[float, float]) -> tuple[tuple[float, float, Posterior], ...]:
    low, high = _plausible(sigma, seen)
    values = np.linspace(low, high, NODES)
    posteriors = [search.at(float(value)) for value in values]
    evidence = np.array([posterior.log_evidence for posterior in posteriors]) - WIDENING * values
    weights = np.exp(evidence - evidence.max())
    weights[[0, -1]] /= 2  # the trapezium rule
    weights /= weights.sum()
    return tuple(zip(values.tolist(), weights.tolist(), posteriors, strict=True))


def _plausible(sigma: float, seen: dict[float, float]) -> tuple[float, float]:
    """Where the evidence has fallen by LEVEL on either side, between the values seen."""
    values = np.array(sorted(seen))
    evidence = np.array([seen[value] for value in values])
    top = int(np.searchsorted(values, sigma))
    floor = evidence[top] - LEVEL
    below = np.flatnonzero(evidence[:top] < floor)
    above = np.flatnonzero(evidence[top:] < floor) + top
    low = _crossing(values, evidence, int(below[-1]), floor) if len(below) else NARROWEST
    high = _crossing(values, evidence, int(above[0]) - 1, floor) if len(above) else WIDEST
    return low, high


def _crossing(values: Floats, evidence: Floats, at: int, floor: float) -> float:
    share = (floor - evidence[at]) / (evidence[at + 1] - evidence[at])
    return float(np.exp(np.log(values[at]) + share * np.log(values[at + 1] / values[at])))
