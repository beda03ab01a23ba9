"""Essays and what was compared before -> a round of comparisons."""

import secrets
from collections.abc import Hashable, Iterator
from typing import cast

from django.db import transaction
from django.db.models import Max

from batches.conf import cj_settings
from batches.judging.pairs import Pair, plan_pairs, swap_repeats
from batches.models import Assessment, AuditEntry, Comparison, Judge, Round, Score
from batches.models.project import Person
from batches.pipeline import fits
from batches.pipeline.refused import Refused
from batches.pipeline.strategies import strategy as known_strategy

MOST_ROUNDS = 200  # in one go; a mistyped number should not fill the table


def plan_rounds(
    assessment: Assessment,
    *,
    actor: Person | None,
    rounds: int = 1,
    strategy: str | None = None,
    seed: int | None = None,
) -> list[Round]:
    """Plan so many rounds of pairs; nothing is sent. Refused when there is nothing to compare or nobody to judge."""
    if not 1 <= rounds <= MOST_ROUNDS:
        raise Refused(f"Plan between 1 and {MOST_ROUNDS} rounds at a time, not {rounds}.")
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().get(pk=assessment.pk)
        essays: list[Hashable] = list(
            assessment.essays.filter(withdrawn_at=None).order_by("pk").values_list("pk", flat=True)
        )
        if len(essays) < 2:
            raise Refused("A round needs at least two essays: load essays first.")
        judges = _judges(assessment)
        settings = cj_settings.of(assessment.overrides)
        name = strategy or settings.llm_batching_strategy
        known_strategy(name)
        earlier = list(_earlier(assessment))
        planned = [
            _plan(assessment, essays, judges, earlier, actor=actor, strategy=name, seed=seed if i == 0 else None)
            for i in range(rounds)
        ]
        AuditEntry.record(
            "plan", assessment, actor=actor, project=assessment.project, rounds=[one.number for one in planned]
        )
    return planned


def _judges(assessment: Assessment) -> list[Judge]:
    judges = list(assessment.judges.filter(kind=Judge.Kind.MODEL).select_related("account").order_by("pk"))
    if not judges:
        raise Refused("This assessment has no judge: choose a model first.")
    for judge in judges:
        fits.model_of(judge)
    return judges


def _earlier(assessment: Assessment) -> Iterator[Pair]:
    pairs = Comparison.objects.filter(round__assessment=assessment, round__purpose=Round.Purpose.SCALE)
    for a, b in pairs.order_by("pk").values_list("essay_a_id", "essay_b_id").iterator():
        yield Pair(a, b)


def _plan(
    assessment: Assessment,
    essays: list[Hashable],
    judges: list[Judge],
    earlier: list[Pair],
    *,
    actor: Person | None,
    strategy: str,
    seed: int | None,
) -> Round:
    """Plan one round and add its pairs to `earlier`."""
    settings = cj_settings.of(assessment.overrides)
    seed = secrets.randbits(62) if seed is None else seed
    scores, errors = _scores(assessment)
    pairs = plan_pairs(
        essays,
        earlier=earlier,
        seed=seed,
        scores=scores,
        errors=errors,
        method=assessment.pairing,
        random_share=float(settings.random_share),
    )
    repeats = swap_repeats(pairs, float(settings.swap_share), seed)
    number = (assessment.rounds.aggregate(last=Max("number"))["last"] or 0) + 1
    cj_round = Round.objects.create(
        assessment=assessment,
        number=number,
        pairing=assessment.pairing,
        seed=seed,
        strategy=strategy,
        n_comparisons=len(pairs) + len(repeats),
        created_by_id=actor.pk if actor else None,
    )
    judge_of = {frozenset((pair.a, pair.b)): judges[(i + number) % len(judges)] for i, pair in enumerate(pairs)}
    Comparison.objects.bulk_create(
        (
            Comparison(
                round=cj_round,
                essay_a_id=cast(int, pair.a),
                essay_b_id=cast(int, pair.b),
                judge=judge_of[frozenset((pair.a, pair.b))],
                replicate=replicate,
                is_random=pair.random,
            )
            for replicate, some in enumerate((pairs, repeats))
            for pair in some
        ),
        batch_size=2000,
    )
    earlier.extend(pairs)
    return cj_round


def _scores(assessment: Assessment) -> tuple[dict[Hashable, float], dict[Hashable, float]]:
    """Logits and standard errors of the newest scale: what adaptive pairing looks at."""
    newest = assessment.scales.order_by("-number").first()
    if newest is None:
        return {}, {}
    rows = Score.objects.filter(scale=newest, logit__isnull=False, standard_error__isnull=False)
    known = list(rows.values_list("essay_id", "logit", "standard_error"))
    return {essay: logit for essay, logit, _ in known if logit is not None}, {
        essay: error for essay, _, error in known if error is not None
    }
