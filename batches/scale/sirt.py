"""Decisions -> the estimates that the field's reference engine gives, and its separation reliability.

The engine (R's sirt, function btm with eps .3, as No More Marking uses it) pulls each essay's number of wins
towards the middle and moves each score by its own information until all moves are equal and cancelled by
centring. Its scores therefore satisfy: adjusted wins - expected wins = c * information, with one c per
connected group, which is 0 only where all essays were compared equally often.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logit

from .decisions import Decisions, Floats, Indices
from .model import Design, conjugate_gradients, design_of, pin_means

EPSILON = 0.3
SETTLED = 1e-9
STEPS = 200
TOO_FAR = 200.0  # logits: scores out here are on their way to infinity
DENSE = 600  # essays: up to here a factor; a judge who never errs leaves systems that conjugate gradients are slow in


def sirt_scores(decisions: Decisions, group: Indices) -> Floats:
    """Scores in logits, centred within each of the `group` numbers; every essay must have been compared.

    LinAlgError where they run away: parts that hang together by a few decisions need not have finite scores.
    """
    design = design_of(decisions)
    n = decisions.appearances
    goal = EPSILON + (n - 2 * EPSILON) * decisions.wins / n
    theta = _centred(0.8 * logit(goal / n), group)
    for _ in range(STEPS):
        p = expit(design.logits(theta))
        q = p * (1.0 - p)
        gap = goal - _expected(design, p)
        information = design.diagonal(q)
        c = np.bincount(group, gap) / np.bincount(group, information)
        step = _centred(_solve(design, q, gap - c[group] * information, group), group)
        theta = theta + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() <= SETTLED:
            break
        if not np.abs(theta).max() < TOO_FAR:
            raise np.linalg.LinAlgError("the scores run away")
    return theta


def separation_reliability(theta: Floats, standard_error: Floats) -> float:
    """1 - mean squared standard error / variance of the scores. Adaptive pairing inflates it: never alone."""
    variance = float(np.var(theta, ddof=1)) if len(theta) > 1 else 0.0
    return 1.0 - float((standard_error**2).mean()) / variance if variance > 0 else float("nan")


def own_information_error(design: Design, q: Floats) -> Floats:
    """1 / sqrt(information of the essay itself), as the reference engine has it: ignores all covariance."""
    return 1.0 / np.sqrt(np.maximum(design.diagonal(q)[: design.n], 1e-300))


def _expected(design: Design, p: Floats) -> Floats:
    n = design.n
    return np.bincount(design.winner, p, minlength=n) + np.bincount(design.loser, 1.0 - p, minlength=n)


def _centred(theta: Floats, group: Indices) -> Floats:
    return theta - (np.bincount(group, theta) / np.bincount(group))[group]


def _solve(design: Design, q: Floats, b: Floats, group: Indices) -> Floats:
    if design.n <= DENSE:
        information = design.information(q) + pin_means(group)
        try:
            return cho_solve(cho_factor(information), b)
        except np.linalg.LinAlgError:  # on the way, scores may lie so far apart that nothing tells how they are linked
            return np.linalg.lstsq(information, b)[0]
    diagonal = design.diagonal(q)
    return conjugate_gradients(design.times(q, diagonal), b, np.maximum(diagonal, 1e-12), tolerance=1e-10)
