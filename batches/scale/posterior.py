"""A prior and decisions -> mean, spread and evidence of the scores, by expectation propagation.

The curvature at the mode, which is all that Laplace's method has, understates how far few and uneven decisions
leave the scores open, and with it the spread of the essays. Expectation propagation replaces each decision by
the normal factor that has its moments; its evidence and variances held in every simulated condition
(docs/decisions, prior spread).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from .decisions import Floats
from .model import Design, Prior
from .precision import DensePrecision, Edges, SparsePrecision

# The logistic curve as a mixture of eight normal ones, to 3e-9 (Monahan and Stefanski 1992): moments in closed form.
SHARES = np.array(
    [0.003246343272134, 0.051517477033972, 0.195077912673858, 0.315569823632818,
     0.274149576158423, 0.131076880695470, 0.027912418727972, 0.001449567805354]
)  # fmt: skip
SLOPES = np.array(
    [1.365340806296348, 1.059523971016916, 0.830791313765644, 0.650732166639391,
     0.508135425366489, 0.396313345166341, 0.308904252267995, 0.238212616409306]
)  # fmt: skip
FLATTEST = 1e-12
STEEPEST = 0.25  # the logistic log-likelihood bends nowhere more than this
SWEEPS = 40
CALM = 0.6  # a whole step must bring the largest change down to so much of the one before
SETTLED = 1e-4  # the evidence is level there: what is left moves it by a millionth


@dataclass(frozen=True, kw_only=True, eq=False)
class Sites:
    """A normal factor per decision: exp(-precision z^2 / 2 + shift z) in its logit z."""

    precision: Floats
    shift: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """The scores and position terms as a normal distribution."""

    mean: Floats
    precision: DensePrecision | SparsePrecision
    log_evidence: float  # without constants that do not depend on the prior's spread
    sites: Sites


def approximate(
    design: Design, prior: Prior, *, sites: Sites | None = None, mode: Floats | None = None, edges: Edges | None = None
) -> Posterior:
    """Match moments until nothing moves; start from `sites`, else from the curvature at the mode."""
    sites = sites or _at_mode(design, np.zeros(design.n + design.k) if mode is None else mode)
    messages, before = None, np.inf
    for _ in range(SWEEPS):
        precision = _precision(design, prior, sites, edges, messages)
        messages = getattr(precision, "messages", None)
        mean = precision.solve(design.transpose(sites.shift - sites.precision * design.offset))
        cavity_precision, cavity_mean = _cavities(design, precision, mean, sites)
        log_z, matched = _match(cavity_precision, cavity_mean)
        change = max(_largest(matched.precision - sites.precision), _largest(matched.shift - sites.shift))
        if change <= SETTLED:
            break
        # simultaneous updates may circle about the answer (those of a judge who never errs do); half steps end that
        sites = matched if change < CALM * before else _between(sites, matched)
        before = change
    evidence = _log_evidence(design, prior, precision, mean, sites, log_z, cavity_precision, cavity_mean)
    return Posterior(mean=mean, precision=precision, log_evidence=evidence, sites=sites)


def _precision(
    design: Design, prior: Prior, sites: Sites, edges: Edges | None, messages: Floats | None
) -> DensePrecision | SparsePrecision:
    if edges is None:
        return DensePrecision(design, prior, sites.precision)
    return SparsePrecision(design, prior, sites.precision, edges, messages)


def _at_mode(design: Design, mode: Floats) -> Sites:
    logit = design.logits(mode)
    surprise = expit(-logit)
    bend = surprise * (1.0 - surprise)
    return Sites(precision=bend, shift=bend * logit + surprise)


def _cavities(
    design: Design, precision: DensePrecision | SparsePrecision, mean: Floats, sites: Sites
) -> tuple[Floats, Floats]:
    """What all other decisions say about each decision's logit."""
    variance = precision.decision_variances()
    cavity = np.maximum(1.0 / variance - sites.precision, FLATTEST)
    return cavity, (design.logits(mean) / variance - sites.shift) / cavity


def _match(cavity_precision: Floats, cavity_mean: Floats) -> tuple[Floats, Sites]:
    """The log probability of each outcome, and the normal factors with the moments of outcome times cavity."""
    variance = 1.0 / cavity_precision
    slope = SLOPES / np.sqrt(1.0 + np.outer(variance, SLOPES**2))
    t = cavity_mean[:, None] * slope
    z = np.maximum(ndtr(t) @ SHARES, 1e-300)
    density = np.exp(-0.5 * t * t) * (slope * SHARES / np.sqrt(2 * np.pi))
    first = density.sum(axis=1) / z
    second = -(density * t * slope).sum(axis=1) / z - first**2  # of log z by the cavity's mean
    # the factor's precision follows from the tilted variance v + v^2 second
    bend = np.clip(-second / (1.0 + variance * second), 0.0, STEEPEST)
    tilted_mean = cavity_mean + variance * first
    shift = tilted_mean * (cavity_precision + bend) - cavity_mean * cavity_precision
    return np.log(z), Sites(precision=bend, shift=shift)


def _between(one: Sites, other: Sites) -> Sites:
    return Sites(precision=(one.precision + other.precision) / 2, shift=(one.shift + other.shift) / 2)


def _largest(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))


def _log_evidence(
    design: Design,
    prior: Prior,
    precision: DensePrecision | SparsePrecision,
    mean: Floats,
    sites: Sites,
    log_z: Floats,
    cavity_precision: Floats,
    cavity_mean: Floats,
) -> float:
    """Prior times factors, integrated; each factor scaled so that it has its outcome's probability in its cavity."""
    both = cavity_precision + sites.precision
    cavity_shift = cavity_mean * cavity_precision
    factor = 0.5 * np.log(cavity_precision / both) + 0.5 * (
        (cavity_shift + sites.shift) ** 2 / both - cavity_shift * cavity_mean
    )
    offset = design.offset
    at_offset = float((sites.shift * offset - 0.5 * sites.precision * offset**2).sum())
    linear = design.transpose(sites.shift - sites.precision * offset)
    degrees = design.n - 1 if prior.own_mean else design.n
    spread = 0.5 * degrees * np.log(prior.precision)
    return float((log_z - factor).sum()) + at_offset + spread - 0.5 * precision.log_det() + 0.5 * float(mean @ linear)
