"""Decisions -> checks of a reliability that do not rest on the model alone, and plain words where numbers disagree."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .decisions import Decisions, Floats
from .estimate import fit
from .model import Prior, design_of, maximise
from .result import NAN, Fit
from .spread import POSITION_PRECISION
from .threads import on_one_core

APART = 0.10  # classic minus EB reliability from which a reader must be told
WEAK = 0.30  # a reliability below this orders essays hardly better than chance


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """How often scores from the other decisions name the winner of one that they have not seen."""

    n: int
    accuracy: float
    standard_error: float
    expected: float  # what the fitted scores themselves lead one to expect

    @property
    def no_better_than_chance(self) -> bool:
        return not self.accuracy - 1.96 * self.standard_error > 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitHalf:
    """Agreement of two scales, each made by one half of the judges (or decisions)."""

    splits: int
    correlation: float  # mean over splits
    reliability: float  # of the whole, by Spearman and Brown's formula


@on_one_core
def held_out_accuracy(rest: Decisions, held: Decisions, *, folds: int = 10, seed: int = 0) -> HeldOut:
    """Predict each held-out decision from `rest` and the other folds of `held`, place in the prompt included.

    Meant for the random pairs of adaptive rounds: pairs chosen for being close are harder than pairs at large,
    and a judge who tosses coins is right about half of them whatever the pairing. Both must have the same essays.
    """
    if rest.essays != held.essays:
        raise ValueError("both sets of decisions must be about the same essays")
    if not len(held):
        return HeldOut(n=0, accuracy=NAN, standard_error=NAN, expected=NAN)
    sigma = fit(rest.joined_with(held), uncertain=False).sigma
    fold = np.random.default_rng(seed).permutation(len(held)) % min(folds, len(held))
    chance = np.empty(len(held))
    for number in range(fold.max() + 1):
        out = fold == number
        chance[out] = _predict(rest.joined_with(held.only(~out)), held.only(out), sigma)
    right = np.where(chance == 0.5, 0.5, chance > 0.5)
    accuracy = float(right.mean())
    error = float(np.sqrt(max(accuracy * (1 - accuracy), 0.25 / len(held)) / len(held)))
    expected = float(np.maximum(chance, 1 - chance).mean())
    return HeldOut(n=len(held), accuracy=accuracy, standard_error=error, expected=expected)


@on_one_core
def split_half(decisions: Decisions, *, by: str = "judge", splits: int = 20, seed: int = 0) -> SplitHalf | None:
    """Split judges (or, by="decision", decisions) in two at random, many times; None where nothing can be split."""
    units = decisions.judge if by == "judge" else np.arange(len(decisions))
    known = np.unique(units[units >= 0])
    if len(known) < 2:
        return None
    sigma = fit(decisions, uncertain=False).sigma
    rng = np.random.default_rng(seed)
    correlations = []
    for _ in range(splits):
        first = np.isin(units, rng.permutation(known)[: len(known) // 2])
        correlations.append(_correlation(decisions, first, sigma))
    correlation = float(np.nanmean(correlations)) if not np.isnan(correlations).all() else NAN
    return SplitHalf(splits=splits, correlation=correlation, reliability=2 * correlation / (1 + correlation))


def judgements_needed(reliability: float, per_essay: float, target: float) -> float | None:
    """Judgements per essay at which a scale should reach `target`, by Spearman and Brown; None from nothing."""
    if not 0 < reliability < 1 or not 0 < target < 1:
        return None
    return per_essay * (target / (1 - target)) * ((1 - reliability) / reliability)


def plain_words(scale: Fit, held: HeldOut | None = None) -> list[str]:
    """What a reader must know before believing the reliability, one sentence each."""
    words = []
    eb, classic = scale.eb_reliability, scale.scale_separation_reliability
    if not scale.connected:
        words.append(
            f"The judgements fall into {scale.components} groups that nothing connects: there is no one scale."
        )
    if scale.told_from_noise is False:
        words.append(
            f"The reliability ({eb:.2f}) cannot be told from zero: a judge who tosses coins may leave a scale "
            "like this one; do not use the order."
        )
    elif eb < WEAK:
        words.append(f"These judgements hardly tell the essays apart (reliability {eb:.2f}): do not use the order.")
    if held is not None and held.n and held.no_better_than_chance:
        words.append(
            f"On {held.n} random pairs the scale named the winner no better than a coin ({held.accuracy:.0%})."
        )
    if abs(classic - eb) > APART:
        side = "above" if classic > eb else "below"
        words.append(
            f"The classic SSR ({classic:.2f}) lies {side} the EB reliability ({eb:.2f}); under adaptive pairing or "
            "with few judgements the SSR misleads: go by the EB reliability."
        )
    return words


def _scores(decisions: Decisions, sigma: float) -> tuple[Floats, float]:
    """Scores of all essays at a known spread, 0 for those without decisions, and the position term."""
    terms = "shared" if decisions.place.any() else ""
    design = design_of(decisions, terms=terms)
    x, _ = maximise(design, Prior(precision=sigma**-2, position_precision=POSITION_PRECISION))
    return x[: design.n], float(x[-1]) if terms else 0.0


def _predict(known: Decisions, asked: Decisions, sigma: float) -> Floats:
    """The probability of what was decided."""
    scores, bias = _scores(known, sigma)
    return expit(scores[asked.winner] - scores[asked.loser] + asked.place * bias)


def _correlation(decisions: Decisions, first: np.ndarray, sigma: float) -> float:
    halves = [decisions.only(first), decisions.only(~first)]
    both = (halves[0].appearances > 0) & (halves[1].appearances > 0)
    one, other = (_scores(half, sigma)[0][both] for half in halves)
    if both.sum() < 3 or not one.std() > 0 or not other.std() > 0:
        return NAN
    return float(np.corrcoef(one, other)[0, 1])
