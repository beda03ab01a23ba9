"""Essays and what was compared before -> a round of comparisons."""

import secrets
from collections.abc import Hashable, Iterator
from typing import cast
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.judging.pairs import Pair, plan_pairs
from batches.models import Assessment, AuditEntry, Comparison, Judge, Round
from batches.models.project import Person
from batches.pipeline import canaries, fits, oddities, suspect
from batches.pipeline.deal import Hands
from batches.pipeline.judged import essays_of, fingerprint, fit_judgements, judged
from batches.pipeline.refused import Refused
from batches.pipeline.strategies import strategy as known_strategy

MOST_FITTED = 2000  # essays: up to here planning fits what is newer than the newest scale
MOST_ROUNDS = 200  # in one go; a mistyped number should not fill the table


def plan_rounds(
    assessment: Assessment,
    *,
    actor: Person | None,
    rounds: int = 1,
    strategy: str | None = None,
    seed: int | None = None,
    correlation_id: UUID | None = None,
) -> list[Round]:
    """Plan so many rounds of pairs; nothing is sent. Refused when there is nothing to compare or nobody to judge.

    Their callbacks carry `correlation_id`; without one, the assessment's.
    """
    if not 1 <= rounds <= MOST_ROUNDS:
        raise Refused(
            _("Plan between 1 and %(most_rounds)s rounds at a time, not %(rounds)s.")
            % {"most_rounds": MOST_ROUNDS, "rounds": rounds}
        )
    suspect.scan_all(assessment)
    oddities.flag_odd(assessment)
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().get(pk=assessment.pk)
        if assessment.purged_at:
            raise Refused(_("This assessment was purged: nothing is left in it to compare."))
        essays: list[Hashable] = list(essays_of(assessment))
        if len(essays) < 2:
            raise Refused(_("A round needs at least two essays: load essays first."))
        settings = cj_settings.of(assessment.overrides)
        hands = _hands(assessment)
        name = strategy or settings.llm_batching_strategy
        known_strategy(name)
        earlier = list(_earlier(assessment))
        known = _scores(assessment)
        planned = [
            _plan(assessment, essays, hands, earlier, known, actor=actor, strategy=name, seed=seed if i == 0 else None)
            for i in range(rounds)
        ]
        if correlation_id:
            Round.objects.filter(pk__in=[one.pk for one in planned]).update(correlation_id=correlation_id)
        AuditEntry.record(
            "plan", assessment, actor=actor, project=assessment.project, rounds=[one.number for one in planned]
        )
    return planned


def _hands(assessment: Assessment) -> Hands:
    """Models and people who judge an assessment; Refused where there is nobody."""
    settings = cj_settings.of(assessment.overrides)
    judges = list(assessment.judges.select_related("account").order_by("pk"))
    hands = Hands(
        models=[judge for judge in judges if judge.kind == Judge.Kind.MODEL],
        people=[judge for judge in judges if judge.kind == Judge.Kind.PERSON],
        human_share=float(settings.human_share),
        human_pairs=settings.human_pairs,
        swap_share=float(settings.swap_share),
    )
    if not judges:
        raise Refused(_("This assessment has no judge: choose a model first, or name people who judge."))
    for judge in hands.models:
        fits.model_of(judge)
    return hands


def _earlier(assessment: Assessment) -> Iterator[Pair]:
    pairs = Comparison.objects.filter(round__assessment=assessment, round__purpose=Round.Purpose.SCALE)
    for a, b in pairs.order_by("pk").values_list("essay_a_id", "essay_b_id").iterator():
        yield Pair(a, b)


def _plan(
    assessment: Assessment,
    essays: list[Hashable],
    hands: Hands,
    earlier: list[Pair],
    known: tuple[dict[Hashable, float], dict[Hashable, float]],
    *,
    actor: Person | None,
    strategy: str,
    seed: int | None,
) -> Round:
    """Plan one round and add its pairs to `earlier`."""
    settings = cj_settings.of(assessment.overrides)
    seed = secrets.randbits(62) if seed is None else seed
    pairs = plan_pairs(
        essays,
        earlier=earlier,
        seed=seed,
        scores=known[0],
        errors=known[1],
        method=assessment.pairing,
        random_share=float(settings.random_share),
    )
    number = (assessment.rounds.aggregate(last=Max("number"))["last"] or 0) + 1
    dealt = list(hands.deal(pairs, number=number, seed=seed, always=suspect.doubted(assessment)))
    cj_round = Round.objects.create(
        assessment=assessment,
        number=number,
        pairing=assessment.pairing,
        seed=seed,
        strategy=strategy,
        n_comparisons=len(dealt),
        created_by_id=actor.pk if actor else None,
    )
    rows = (
        Comparison(
            round=cj_round,
            essay_a_id=cast(int, one.pair.a),
            essay_b_id=cast(int, one.pair.b),
            judge=one.judge,
            replicate=one.replicate,
            is_random=one.pair.random,
        )
        for one in dealt
    )
    canaries.store(cj_round, rows)
    earlier.extend(pairs)
    return cj_round


def _scores(assessment: Assessment) -> tuple[dict[Hashable, float], dict[Hashable, float]]:
    """Logits and standard errors from all judgements so far, which is what adaptive pairing looks at.

    Those of the newest scale where it has them all, and among very many essays, where a fit takes too long to wait for.
    """
    if assessment.pairing != Assessment.Pairing.ADAPTIVE:
        return {}, {}
    rows = judged(assessment)
    newest = assessment.scales.order_by("-number").first()
    if newest and (newest.judgements_sha256 == fingerprint(rows) or newest.n_essays > MOST_FITTED):
        scores = newest.scores.all()
        logits: dict[Hashable, float] = {score.essay_id: score.logit for score in scores if score.logit is not None}
        return logits, {score.essay_id: score.standard_error or 0.0 for score in scores}
    if not rows:
        return {}, {}
    found = fit_judgements(rows, essays_of(assessment), uncertain=False)
    return dict(zip(found.essays, found.logit.tolist(), strict=True)), dict(
        zip(found.essays, found.standard_error.tolist(), strict=True)
    )
