"""Where a scale stands and what it should reach -> judgements per essay that are still needed."""

from collections.abc import Sequence

from .decisions import Floats
from .look_first import SURE_GRADE
from .reliability import judgements_needed
from .standing import grade_chances

FARTHEST = 64.0  # times the judgements there are: nothing further is forecast


def more_for_reliability(reliability: float, per_essay: float, target: float) -> float | None:
    """Further judgements per essay to `target` by Spearman and Brown: 0 when reached, None when out of sight."""
    if reliability >= target:
        return 0.0
    needed = judgements_needed(reliability, per_essay, target)
    if needed is None or needed > FARTHEST * per_essay:
        return None
    return needed - per_essay


def certain_share(logit: Floats, error: Floats, cuts: Sequence[float], *, shrink: float = 1.0) -> float:
    """The share of essays whose likeliest grade has at least 90 %, were all errors `shrink` times what they are."""
    if not len(logit):
        return 0.0
    chances = grade_chances(logit, error * shrink, cuts)
    return float((chances.max(axis=1) >= SURE_GRADE).mean())  # nan is not certain


def more_for_grades(
    logit: Floats, error: Floats, cuts: Sequence[float], per_essay: float, target: float
) -> float | None:
    """Further judgements per essay until `target` of the essays have a certain grade, errors falling as 1 / sqrt(n).

    The scores are taken to stay: essays that lie on a boundary never get certain, so None is a frequent answer.
    """
    low, high = 1.0, 1.0
    while certain_share(logit, error, cuts, shrink=high**-0.5) < target:
        low, high = high, 2 * high
        if high > FARTHEST:
            return None
    for _ in range(20):
        middle = (low + high) / 2
        reached = certain_share(logit, error, cuts, shrink=middle**-0.5) >= target
        low, high = (low, middle) if reached else (middle, high)
    return (high - 1.0) * per_essay if high > 1.0 + 1e-6 else 0.0
