"""Where essays stand -> those that a person should look at first, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .decisions import Floats, Indices
from .misfit import FLAGGED

FEW = 4  # decisions below which nothing can be said of an essay, whatever the others have
SURE_GRADE = 0.90  # probability from which a grade counts as certain
UNSURE_GRADE = 0.60  # below this the next grade is nearly as likely: the essay lies at a boundary
ENOUGH_FOR_FIT = 5  # decisions below which a mean square says nothing
REASONS = {
    "misfit": "judged against its score more often than chance allows",
    "flipped": "the judge changed its mind when the pair was swapped",
    "near a boundary": "close to a grade boundary",
    "too few": "compared too seldom",
    "not linked": "not connected to the other essays",
}
WEIGHTS = {"not linked": 8.0, "too few": 4.0, "misfit": 1.0, "near a boundary": 1.5, "flipped": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One essay, and why it is worth a look."""

    essay: Any
    reasons: tuple[str, ...]  # keys of REASONS
    weight: float = field(compare=False)


def look_first(
    essays: Iterable[Any],
    *,
    n: Indices,
    component: Indices,
    infit: Floats,
    outfit: Floats,
    flipped: Indices,
    grade_probability: Floats,
    most: int = 30,
) -> list[Look]:
    """The essays with reasons, the weightiest first; nan where a value is not known.

    Misfit is an infit or outfit above 1.3; it weighs more where chance does not explain it with so few decisions
    (more than 2 standard deviations of a mean square, taken as the square root of 2 / n).
    """
    worst = np.fmax(infit, outfit)
    median = float(np.median(n)) if len(n) else 0.0
    with np.errstate(invalid="ignore"):
        flags = {
            "not linked": component > 0,
            "too few": (n < FEW) | (n < median / 2),
            "misfit": (n >= ENOUGH_FOR_FIT) & (worst > FLAGGED),
            "near a boundary": grade_probability < UNSURE_GRADE,
            "flipped": flipped > 0,
        }
        beyond_chance = flags["misfit"] & (worst > 1.0 + 2.0 * np.sqrt(2.0 / np.maximum(n, 1)))
    found = []
    for place, essay in enumerate(essays):
        reasons = tuple(name for name, holds in flags.items() if holds[place])
        if reasons:
            weight = sum(WEIGHTS[name] for name in reasons) + 2.0 * beyond_chance[place] + 0.25 * flipped[place]
            found.append(Look(essay=essay, reasons=reasons, weight=float(weight)))
    return sorted(found, key=lambda look: -look.weight)[:most]
