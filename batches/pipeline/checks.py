"""Judgements and their fit -> the checks that do not rest on the fit alone, as the JSON that is kept with a scale."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from batches.pipeline.judged import Judged, decisions_of, fit_judgements
from batches.scale import Fit, HeldOut, held_out_accuracy, link, plain_words, split_half
from batches.scale.flips import Flips
from batches.scale.misfit import FLAGGED

MOST_REFITTED = 400  # essays: beyond, the rounds before are not fitted again
MOST_ROUNDS = 12
LEAST_HELD = 10  # random pairs below which an accuracy says nothing
LEAST_ANCHORS = 2


def checks(
    rows: Sequence[Judged], fitted: Fit, flipped: Flips, *, judges: Mapping[int, str], anchors: Mapping[int, float]
) -> dict[str, Any]:
    """Everything as JSON without NaN; null for what these judgements cannot say."""
    held = held_out(rows, fitted.essays)
    halves = split_half(decisions_of(rows, fitted.essays)) if fitted.connected else None
    found = {
        "warnings": plain_words(fitted, held),
        "sigma_interval": list(fitted.sigma_interval),
        "standard_error_worst": fitted.standard_error_worst,
        "signal": fitted.signal,
        "held_out": asdict(held) if held else None,
        "split_half": asdict(halves) | {"by": "judge"} if halves else None,
        "flips": {
            "pairs": flipped.pairs,
            "flipped": flipped.flipped,
            "first_won": flipped.first_won,
            "rate": flipped.rate,
            "interval": list(flipped.interval),
        },
        "judges": [
            asdict(one) | {"judge": judges.get(one.judge, str(one.judge)), "misfit": one.infit > FLAGGED}
            for one in fitted.judges
        ],
        "by_round": by_round(rows, fitted),
        "anchors": _anchors(fitted, anchors),
    }
    return _without_nan(found)


def held_out(rows: Sequence[Judged], essays: Sequence[int]) -> HeldOut | None:
    """Accuracy on the random pairs; a second reading of one of them would give its answer away and is left out."""
    pairs = {frozenset((row.essay_a, row.essay_b)) for row in rows if row.random}
    held = [row for row in rows if row.random and not row.replicate]
    if len(held) < LEAST_HELD:
        return None
    rest = [row for row in rows if frozenset((row.essay_a, row.essay_b)) not in pairs]
    return held_out_accuracy(decisions_of(rest, essays), decisions_of(held, essays))


def by_round(rows: Sequence[Judged], fitted: Fit) -> list[dict[str, Any]]:
    """Both reliabilities after each round from the judgements up to it; of many rounds some, the last among them."""
    numbers = sorted({row.round for row in rows})
    if len(fitted.essays) > MOST_REFITTED:
        numbers = numbers[-1:]
    step = math.ceil(len(numbers) / MOST_ROUNDS) if numbers else 1
    shown = numbers[::-1][::step][::-1]
    return [_after(number, rows, fitted, last=number == numbers[-1]) for number in shown]


def _after(number: int, rows: Sequence[Judged], fitted: Fit, *, last: bool) -> dict[str, Any]:
    until = [row for row in rows if row.round <= number]
    scale = fitted if last else fit_judgements(until, fitted.essays, estimator=fitted.estimator, uncertain=False)
    return {
        "round": number,
        "judgements": len(until),
        "eb_reliability": scale.eb_reliability,
        "scale_separation_reliability": scale.scale_separation_reliability,
    }


def _anchors(fitted: Fit, known: Mapping[int, float]) -> dict[str, Any] | None:
    """The line from logits to the anchors' known scores, and the anchors that have drifted from it."""
    if len(set(known.values())) < LEAST_ANCHORS or not fitted.connected:
        return None
    try:
        line = link(fitted, known)
    except ValueError:
        return None
    return {
        "slope": line.slope,
        "intercept": line.intercept,
        "anchors": [asdict(one) | {"drifted": one.drifted} for one in line.anchors],
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
