"""Decisions among essays that can be placed -> scores with their covariance, by one of three estimators."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .decisions import Decisions, Floats, Indices
from .model import Design, Prior, design_of, maximise
from .posterior import Posterior
from .precision import DensePrecision, Edges, SparsePrecision
from .result import NAN, UNKNOWN
from .sirt import run_engine
from .spread import POSITION_PRECISION, Spread, estimate_spread, known_spread

DENSE_SEARCH = 300  # essays: up to here sigma is searched with exact variances, and its uncertainty carried along
DENSE_COVARIANCE = 3500  # essays: up to here the whole covariance is computed
TOO_FAR = 25.0  # logits: a position term out here is on its way to infinity


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What is to be fitted."""

    part: Decisions  # only essays that can be placed
    group: Indices  # the component of each
    known: dict[int, float]  # fixed scores by index
    terms: str  # position terms: none, shared, judge
    sigma: float | None
    uncertain: bool

    @property
    def centred(self) -> Indices | None:
        """The groups whose means are 0 by convention; fixed scores leave none."""
        return None if self.known else self.group

    def design(self, terms: str | None = None) -> Design:
        return design_of(self.part, terms=self.terms if terms is None else terms, fixed=self.known)


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """What was found, for the free essays of the design."""

    design: Design
    x: Floats  # free scores, then position terms
    variance: Floats
    p: Floats | None = None  # of what was decided, where the scores alone do not say
    covariance: Floats | None = None
    position: Floats | None = None
    position_covariance: Floats | None = None
    sigma: float = NAN
    sigma_interval: tuple[float, float] = UNKNOWN
    reliability: float = NAN
    reliability_interval: tuple[float, float] = UNKNOWN
    worst: float = 0.0
    signal: float = NAN


def solve_map(question: Question) -> Solved:
    """The posterior mode at the most probable spread, with the posterior's second moment about it as its error."""
    design, anchored = question.design(), bool(question.known)
    edges = Edges.of_design(design) if design.n > DENSE_SEARCH else None
    if question.sigma is not None:
        spread = known_spread(design, question.sigma, own_mean=anchored, edges=edges)
    else:
        uncertain = question.uncertain and edges is None
        spread = estimate_spread(design, own_mean=anchored, edges=edges, uncertain=uncertain)
    prior = Prior(precision=spread.sigma**-2, position_precision=POSITION_PRECISION, own_mean=anchored)
    x, _ = maximise(design, prior)
    variance, covariance, worst = _moments(design, spread, x, question.centred)
    weights = np.array([weight for _, weight, _ in spread.nodes])
    reliabilities = np.array([_reliability(design, sigma, posterior) for sigma, _, posterior in spread.nodes])
    return Solved(
        design=design,
        x=x,
        variance=variance,
        covariance=covariance,
        **_position(design, spread),
        sigma=spread.sigma,
        sigma_interval=_interval(np.array([sigma for sigma, _, _ in spread.nodes]), weights),
        reliability=_reliability(design, spread.sigma, spread.posterior),
        reliability_interval=_interval(reliabilities, weights),
        worst=worst,
        signal=spread.signal,
    )


def solve_mle(question: Question) -> Solved:
    """Maximum likelihood, errors by the inverse information with each group's mean held at 0."""
    prior = Prior(precision=0.0, group=question.centred)
    design = question.design()
    x, found = maximise(design, prior)
    if design.k and (not found or np.abs(x[design.n :]).max() > TOO_FAR):
        design = question.design(terms="")  # the essay read first won so regularly that no finite term fits
        x, _ = maximise(design, prior)
    if question.centred is not None:
        x[: design.n] -= (np.bincount(question.group, x[: design.n]) / np.bincount(question.group))[question.group]
    q = _information_weights(design, x)
    if design.n > DENSE_COVARIANCE:
        precision = SparsePrecision(design, prior, q, Edges.of_design(design))
        variance = precision.variances()
        terms = np.diag(variance[design.n :]) if design.k else None
        return Solved(
            design=design,
            x=x,
            variance=variance[: design.n],
            position=x[design.n :],
            position_covariance=terms,
            worst=precision.worst_error(),
        )
    inverse = DensePrecision(design, prior, q).covariance
    covariance = _centred(inverse[: design.n, : design.n], question.centred, 1.0)
    return Solved(
        design=design,
        x=x,
        variance=np.diag(covariance).copy(),
        covariance=covariance,
        position=x[design.n :],
        position_covariance=inverse[design.n :, design.n :] if design.k else None,
    )


def solve_sirt(question: Question) -> Solved:
    """The reference engine's scores, which know no position term; errors as for maximum likelihood.

    Where it leaves scores so far apart that nothing tells how they are linked, they have no such errors.
    """
    design = question.design(terms="")
    engine = run_engine(question.part, question.group)
    x, q = engine.theta, engine.p * (1.0 - engine.p)
    prior = Prior(precision=0.0, group=question.group)
    if design.n > DENSE_COVARIANCE:
        precision = SparsePrecision(design, prior, q, Edges.of_design(design))
        return Solved(design=design, x=x, p=engine.p, variance=precision.variances(), worst=precision.worst_error())
    try:
        inverse = DensePrecision(design, prior, q).covariance
    except np.linalg.LinAlgError:
        return Solved(design=design, x=x, p=engine.p, variance=np.full(design.n, NAN))
    covariance = _centred(inverse, question.group, 1.0)
    return Solved(design=design, x=x, p=engine.p, variance=np.diag(covariance).copy(), covariance=covariance)


SOLVERS: dict[str, Callable[[Question], Solved]] = {"map": solve_map, "mle": solve_mle, "sirt": solve_sirt}


def _information_weights(design: Design, x: Floats) -> Floats:
    p = expit(design.logits(x))
    return p * (1.0 - p)


def _centred(covariance: Floats, group: Indices | None, precision: float) -> Floats:
    """Take out each group's mean, along which only the prior or the pin says anything."""
    if group is None:
        return covariance
    same = group[:, None] == group[None, :]
    return covariance - same / (precision * np.bincount(group)[group])[:, None]


def _moments(design: Design, spread: Spread, x: Floats, group: Indices | None) -> tuple[Floats, Floats | None, float]:
    """Mean squares and products of true minus reported score over the posterior, and the worst relative error."""
    n = design.n
    if n > DENSE_COVARIANCE:
        precision = spread.posterior.precision
        return precision.variances()[:n], None, precision.worst_error()
    total = np.zeros((n, n))
    for sigma, weight, posterior in spread.nodes:
        off = posterior.mean[:n] - x[:n]
        covariance = posterior.precision.dense().covariance[:n, :n]
        total += weight * (_centred(covariance, group, sigma**-2) + np.outer(off, off))
    return np.diag(total).copy(), total, 0.0


def _reliability(design: Design, sigma: float, posterior: Posterior) -> float:
    """1 - mean posterior variance about the scores' mean / sigma squared: the share of spread that is known."""
    if design.n < 2:
        return NAN
    return max(0.0, 1.0 - posterior.precision.left_open() / (sigma**2 * (design.n - 1)))


def _position(design: Design, spread: Spread) -> dict[str, Floats]:
    """Mean and covariance of the position terms over the posterior, sigma's own included.

    Not the mode: with few judgements an essay the joint mode exaggerates them, as it does every score difference.
    """
    if not design.k:
        return {}
    mean = spread.posterior.mean[design.n :]
    total = np.zeros((design.k, design.k))
    for _, weight, posterior in spread.nodes:
        off = posterior.mean[design.n :] - mean
        total += weight * (posterior.precision.position_covariance() + np.outer(off, off))
    return {"position": mean, "position_covariance": total}


def _interval(values: Floats, weights: Floats) -> tuple[float, float]:
    """The central 95 % of weighted values."""
    if len(values) < 2:
        return UNKNOWN
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order]) - weights[order] / 2
    low, high = np.interp([0.025, 0.975], below, values[order])
    return float(low), float(high)
