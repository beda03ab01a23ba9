"""Judgements -> a scale, stored with what it was made from."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from batches.models import Assessment, AuditEntry, Comparison, Judgement, ProviderAccount, Round, Scale, Score
from batches.models.project import Person
from batches.pipeline.refused import Refused
from batches.scale.decisions import Decisions
from batches.scale.estimate import Fit, fit

LEFT_MATTERS = 2  # judgements below which a position term is not worth fitting


class Judged(NamedTuple):
    """One judgement as the fit sees it."""

    comparison: int
    essay_a: int
    essay_b: int
    winner: str
    judge: int


def score(assessment: Assessment, *, actor: Person | None, estimator: str = "map") -> Scale:
    """Fit and store the scale of all judgements so far; the newest scale itself where nothing has changed since.

    Refused without a judgement, and where local and real judgements would meet.
    """
    judged = _judged(assessment)
    if not judged:
        raise Refused("There is no judgement yet: submit a round, and score when it is judged.")
    is_local = _locality(assessment)
    digest = fingerprint(judged)
    newest = assessment.scales.order_by("-number").first()
    if newest and newest.judgements_sha256 == digest and newest.estimator == estimator:
        return newest
    essays = list(assessment.essays.filter(withdrawn_at=None).order_by("pk").values_list("pk", flat=True))
    fitted = fit_judgements(judged, essays, estimator=estimator)
    with transaction.atomic():
        Assessment.objects.select_for_update().get(pk=assessment.pk)
        scale = _store(assessment, fitted, judged, digest=digest, is_local=is_local, actor=actor)
        AuditEntry.record("score", scale, actor=actor, project=assessment.project, judgements=len(judged))
    return scale


def _judged(assessment: Assessment) -> list[Judged]:
    """The judgements that a scale is made from: never those of the lab, never those of withdrawn essays."""
    rows = Judgement.objects.filter(
        comparison__round__assessment=assessment,
        comparison__round__purpose=Round.Purpose.SCALE,
        comparison__status=Comparison.Status.JUDGED,
        comparison__essay_a__withdrawn_at=None,
        comparison__essay_b__withdrawn_at=None,
    ).order_by("comparison")
    fields = ("comparison_id", "comparison__essay_a_id", "comparison__essay_b_id", "winner", "comparison__judge_id")
    return [Judged(*row) for row in rows.values_list(*fields)]


def _locality(assessment: Assessment) -> bool:
    """Whether the judgements are local ones; Refused where they are of both kinds."""
    accounts = ProviderAccount.objects.filter(
        judges__comparisons__round__assessment=assessment,
        judges__comparisons__round__purpose=Round.Purpose.SCALE,
        judges__comparisons__status=Comparison.Status.JUDGED,
    )
    kinds = set(accounts.order_by().values_list("is_local", flat=True).distinct())
    if len(kinds) > 1:
        raise Refused(
            "Local and real judgements never meet in one scale: judge the essays anew in an assessment of their own."
        )
    return True in kinds


def fingerprint(judged: Sequence[Judged]) -> str:
    """A hash over which comparisons went in and who won them."""
    digest = hashlib.sha256()
    for row in judged:
        digest.update(f"{row.comparison}:{row.winner};".encode())
    return digest.hexdigest()


def fit_judgements(judged: Sequence[Judged], essays: Sequence[int], *, estimator: str = "map") -> Fit:
    """Fit judgements in which essay_a was read first; essays nobody has judged are there without a score."""
    rows = (
        (row.essay_a, row.essay_b, row.essay_a, row.judge)
        if row.winner == "A"
        else (row.essay_b, row.essay_a, row.essay_a, row.judge)
        for row in judged
    )
    return fit(Decisions.from_rows(rows, essays=essays), estimator, position=len(judged) >= LEFT_MATTERS)


def _store(
    assessment: Assessment, fitted: Fit, judged: Sequence[Judged], *, digest: str, is_local: bool, actor: Person | None
) -> Scale:
    scale = Scale.objects.create(
        assessment=assessment,
        number=(assessment.scales.aggregate(last=Max("number"))["last"] or 0) + 1,
        estimator=fitted.estimator,
        is_local=is_local,
        judgement_ids=[row.comparison for row in judged],
        judgements_sha256=digest,
        n_essays=len(fitted.essays),
        n_comparisons=len(judged),
        connected=fitted.connected,
        components=fitted.components,
        position_bias=_known(fitted.position_bias),
        position_bias_se=_known(fitted.position_bias_se),
        sigma=_known(fitted.sigma),
        eb_reliability=_known(fitted.eb_reliability),
        scale_separation_reliability=_known(fitted.scale_separation_reliability),
        created_by_id=actor.pk if actor else None,
    )
    Score.objects.bulk_create((_score(scale, fitted, i) for i in range(len(fitted.essays))), batch_size=1000)
    return scale


def _score(scale: Scale, fitted: Fit, i: int) -> Score:
    rank = _known(fitted.rank[i])
    return Score(
        scale=scale,
        essay_id=fitted.essays[i],
        component=int(fitted.component[i]) + 1,
        n=int(fitted.n[i]),
        wins=int(fitted.wins[i]),
        logit=_known(fitted.logit[i]),
        standard_error=_known(fitted.standard_error[i]),
        standard_error_sirt=_known(fitted.standard_error_sirt[i]),
        infit=_known(fitted.infit[i]),
        outfit=_known(fitted.outfit[i]),
        rank=None if rank is None else round(rank),
    )


def _known(value: float | np.floating[Any]) -> float | None:
    return float(value) if math.isfinite(value) else None


def publish(scale: Scale, *, actor: Person | None) -> Scale:
    """Freeze a scale for good. Refused for one that is published, or whose essays cannot all be compared."""
    if scale.published_at:
        raise Refused("This scale is published already.")
    if not scale.connected:
        raise Refused("Its essays fall into groups that were never compared: plan another round, which joins them.")
    with transaction.atomic():
        if not Scale.objects.filter(pk=scale.pk, published_at=None).update(published_at=timezone.now()):
            raise Refused("This scale is published already.")
        AuditEntry.record("publish", scale, actor=actor, project=scale.assessment.project)
    scale.refresh_from_db()
    return scale


def as_json(scale: Scale) -> dict[str, Any]:
    """The document that `scale --json` prints; null for what is undefined."""
    rows = scale.scores.select_related("essay").order_by("rank", "essay__candidate")
    return {
        "assessment": scale.assessment.slug,
        "scale": scale.number,
        "local": scale.is_local,
        "estimator": scale.estimator,
        "n_essays": scale.n_essays,
        "n_comparisons": scale.n_comparisons,
        "connected": scale.connected,
        "components": scale.components,
        "position_bias": scale.position_bias,
        "position_bias_se": scale.position_bias_se,
        "sigma": scale.sigma,
        "eb_reliability": scale.eb_reliability,
        "scale_separation_reliability": scale.scale_separation_reliability,
        "essays": [
            {
                "essay": row.essay.candidate,
                "component": row.component,
                "n": row.n,
                "wins": row.wins,
                "logit": row.logit,
                "standard_error": row.standard_error,
                "standard_error_sirt": row.standard_error_sirt,
                "infit": row.infit,
                "outfit": row.outfit,
                "rank": row.rank,
            }
            for row in rows
        ],
    }
