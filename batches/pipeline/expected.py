"""Judgements and the newest scale -> how likely each was: what the scores say, and where a judge said otherwise."""

import math
from collections.abc import Iterable

from batches.models import Assessment, Comparison, Scale, Score

SURPRISING = 0.2  # a judgement that the scores give less than this chance


def newest_logits(assessment: int, essays: Iterable[int]) -> dict[int, float]:
    """Essay -> its score on the newest scale, of those that have one."""
    scale = Scale.objects.filter(assessment=assessment).order_by("-number").values("pk")[:1]
    rows = Score.objects.filter(scale__in=scale, essay__in=set(essays), logit__isnull=False)
    return {essay: logit for essay, logit in rows.values_list("essay_id", "logit") if logit is not None}


def chance(logits: dict[int, float], winner: int, loser: int) -> float | None:
    """The chance that the winner is judged better, by the Bradley-Terry model without regard to the place."""
    if winner not in logits or loser not in logits:
        return None
    return 1 / (1 + math.exp(min(700.0, logits[loser] - logits[winner])))


def chance_of(comparison: Comparison, logits: dict[int, float]) -> float | None:
    """The chance that its judgement had; None where there is no judgement or no score."""
    judgement = getattr(comparison, "judgement", None)
    if judgement is None:
        return None
    a, b = comparison.essay_a_id, comparison.essay_b_id
    return chance(logits, a, b) if judgement.winner == "A" else chance(logits, b, a)


def of_assessment(assessment: Assessment, comparisons: list[Comparison]) -> dict[int, float | None]:
    """Comparison -> its judgement's chance: one query for all of them."""
    essays = {pk for one in comparisons for pk in (one.essay_a_id, one.essay_b_id)}
    logits = newest_logits(assessment.pk, essays)
    return {one.pk: chance_of(one, logits) for one in comparisons}
