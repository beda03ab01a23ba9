"""Rounds of an assessment whose essays have known abilities -> judgements in the database, without any provider."""

from math import exp
from random import Random

from django.db import transaction

from batches.models import Assessment, Comparison, Judgement, Round
from batches.pipeline.plan import plan_rounds

BIAS = 0.3  # logits in favour of the essay read first


def judge_rounds(assessment: Assessment, rounds: int, *, sd: float = 2.0, seed: int = 1, bias: float = BIAS) -> None:
    """Plan and judge round after round; abilities rise with the essays' ids, `sd` apart from lowest to middle.

    An infinite `sd` is a judge who never errs, 0 one who tosses coins.
    """
    rng = Random(seed)
    essays = list(assessment.essays.order_by("pk").values_list("pk", flat=True))
    place = {pk: 3.4 * (i / max(1, len(essays) - 1) - 0.5) for i, pk in enumerate(essays)}  # uniform, of spread 1
    for number in range(rounds):
        for cj_round in plan_rounds(assessment, actor=None, seed=1000 * seed + number):
            judge_round(cj_round, {pk: sd * at if at else 0.0 for pk, at in place.items()}, rng, bias)


def judge_round(cj_round: Round, ability: dict[int, float], rng: Random, bias: float = BIAS) -> None:
    """Every comparison of a round is judged by chance, as abilities and place have it."""
    rows = list(cj_round.comparisons.order_by("pk"))
    judgements = [
        Judgement(comparison=row, winner="A" if rng.random() < _chance(row, ability, bias) else "B") for row in rows
    ]
    with transaction.atomic():
        Judgement.objects.bulk_create(judgements)
        Comparison.objects.filter(pk__in=[row.pk for row in rows]).advance(Comparison.Status.JUDGED)


def _chance(row: Comparison, ability: dict[int, float], bias: float) -> float:
    gap = ability[row.essay_a_id] - ability[row.essay_b_id] + bias
    return 1 / (1 + exp(-max(-500.0, min(500.0, gap))))
