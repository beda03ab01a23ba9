"""Decisions -> the estimates that the field's reference engine gives, and its separation reliability.

The engine (R's sirt, function btm with eps .3, as No More Marking uses it) pulls each essay's number of wins
towards the middle and moves each score by its own information until all moves are equal and cancelled by
centring. Where pairs are few or unevenly spread its moves go to and fro and it stops before it has arrived,
so only its own steps, with its own limits, give what it prints.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from .decisions import Decisions, Floats, Indices
from .model import Design, design_of

EPSILON = 0.3
STEPS = 100
SETTLED = 1e-4  # the largest move, in logits, after which it stops
LONGEST, SHRINKING = 1.0, 0.98  # no score moves further in one step; each step less far than the one before


@dataclass(frozen=True, kw_only=True, eq=False)
class Engine:
    """The engine's scores, and the winners' probabilities before its last step: what its errors and fit go by."""

    theta: Floats
    p: Floats


def run_engine(decisions: Decisions, group: Indices) -> Engine:
    """Scores in logits, centred within each of the `group` numbers; every essay must have been compared."""
    design = design_of(decisions)
    n, belongs = decisions.appearances, group[decisions.winner]
    goal = EPSILON + (n - 2 * EPSILON) * decisions.wins / n
    theta, p = _centred(logit((goal / n + 0.1) / 1.2), group), np.full(len(decisions), 0.5)
    moving, longest = np.ones(group.max() + 1, dtype=bool), LONGEST
    for _ in range(STEPS):
        longest *= SHRINKING
        p = np.where(moving[belongs], expit(design.logits(theta)), p)
        moved = _centred(theta + np.clip(_own_move(design, goal, p), -longest, longest), group)
        change = np.zeros(len(moving))
        np.maximum.at(change, group, np.abs(moved - theta))
        theta = np.where(moving[group], moved, theta)
        moving &= change > SETTLED
        if not moving.any():
            break
    return Engine(theta=theta, p=p)


def separation_reliability(theta: Floats, standard_error: Floats) -> float:
    """1 - mean squared standard error / variance of the scores. Adaptive pairing inflates it: never alone."""
    variance = float(np.var(theta, ddof=1)) if len(theta) > 1 else 0.0
    return 1.0 - float((standard_error**2).mean()) / variance if variance > 0 else float("nan")


def own_information_error(design: Design, q: Floats) -> Floats:
    """1 / sqrt(information of the essay itself), as the reference engine has it: ignores all covariance."""
    return 1.0 / np.sqrt(np.maximum(design.diagonal(q)[: design.n], 1e-300))


def _own_move(design: Design, goal: Floats, p: Floats) -> Floats:
    """Each score's own Newton step, as if all others stood still."""
    n = design.n
    expected = np.bincount(design.winner, p, minlength=n) + np.bincount(design.loser, 1.0 - p, minlength=n)
    return (goal - expected) / (design.diagonal(p * (1.0 - p)) + 1e-20)


def _centred(theta: Floats, group: Indices) -> Floats:
    return theta - (np.bincount(group, theta) / np.bincount(group))[group]
