"""Probabilities of what was decided -> infit and outfit of essays and judges: who surprises, and how badly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from .decisions import Decisions, Floats, Indices

FLAGGED = 1.3


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFit:
    """How one judge's decisions sit on the scale that all of them made."""

    judge: Any
    n: int
    agreement: float  # share of decisions for the essay with the higher score, place taken into account
    infit: float
    outfit: float
    position_bias: float | None  # logits in favour of the essay read first, on the common scale
    position_bias_se: float | None


def infit_outfit(member: Indices, p: Floats, size: int) -> tuple[Floats, Floats]:
    """Mean squares per member (an index per decision), given the probability of what was decided.

    Outfit is the plain mean of squared standardised residuals, infit weighs them by their information.
    Both are 1 on average where the model holds; nan for a member without decisions.
    """
    p = np.clip(p, 1e-12, 1.0 - 1e-12)
    count = np.bincount(member, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        outfit = np.bincount(member, (1.0 - p) / p, minlength=size) / count
        infit = np.bincount(member, (1.0 - p) ** 2, minlength=size) / np.bincount(member, p * (1.0 - p), minlength=size)
    return infit, outfit


def essay_misfit(decisions: Decisions, p: Floats) -> tuple[Floats, Floats]:
    """Infit and outfit per essay: each decision counts for its winner and its loser alike."""
    return infit_outfit(np.concatenate([decisions.winner, decisions.loser]), np.concatenate([p, p]), decisions.n)


def judge_fits(decisions: Decisions, logit: Floats, p: Floats) -> list[JudgeFit]:
    """One JudgeFit per judge, worst infit first. `logit` are the essays' scores, `p` as in infit_outfit."""
    known = decisions.judge >= 0
    infit, outfit = infit_outfit(decisions.judge[known], p[known], len(decisions.judges))
    gap = logit[decisions.winner] - logit[decisions.loser]
    fits = []
    for number, judge in enumerate(decisions.judges):
        own = decisions.judge == number
        bias, error = _position(gap[own], decisions.place[own])
        fits.append(
            JudgeFit(
                judge=judge,
                n=int(own.sum()),
                agreement=float((p[own] > 0.5).mean()),
                infit=float(infit[number]),
                outfit=float(outfit[number]),
                position_bias=bias,
                position_bias_se=error,
            )
        )
    return sorted(fits, key=lambda fit: -fit.infit)


def _position(gap: Floats, place: Floats) -> tuple[float | None, float | None]:
    """A judge's own position term by Newton's method, the scores held; None where places are not known."""
    if not place.any():
        return None, None
    bias, information = 0.0, 1.0
    for _ in range(50):
        surprise = expit(-(gap + place * bias))
        # a normal prior of 3 logits keeps it finite where the essay read first always won
        slope = float((place * surprise).sum()) - bias / 9
        information = float((place**2 * surprise * (1 - surprise)).sum()) + 1 / 9
        bias += float(np.clip(slope / information, -2.0, 2.0))
        if abs(slope) < 1e-9:
            break
    return bias, information**-0.5
