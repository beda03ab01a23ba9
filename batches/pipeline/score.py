"""Judgements -> a scale, stored with what it was made from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from batches.models import Assessment, AuditEntry, Comparison, Judge, ProviderAccount, Round, Scale, Score
from batches.models.project import Person
from batches.pipeline import callbacks, canaries, grading, oddities
from batches.pipeline.checks import checks
from batches.pipeline.judged import Judged, decisions_of, essays_of, fingerprint, fit_judgements, judged
from batches.pipeline.refused import Refused
from batches.scale import Fit, rank_intervals, scaled_scores, separated_from_next
from batches.scale.flips import Flips, flips


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A fit with all that is worked out from it, ready to be stored."""

    rows: Sequence[Judged]
    fitted: Fit
    flipped: Flips
    anchors: Mapping[int, float]
    report: dict[str, Any]


def score(assessment: Assessment, *, actor: Person | None, estimator: str = "map") -> Scale:
    """Fit and store the scale of all judgements so far; the newest scale itself where nothing has changed since.

    Refused without a judgement, and where local and real judgements would meet.
    """
    canaries.weigh(assessment.rounds.all())
    rows = judged(assessment)
    if not rows:
        raise Refused(_("There is no judgement yet that a scale may use: submit a round, and score when it is judged."))
    is_local = _locality(assessment)
    oddities.flag_odd(assessment)
    digest = fingerprint(rows)
    newest = assessment.scales.order_by("-number").first()
    if newest and (newest.judgements_sha256, *_made_with(newest)) == (digest, estimator, *_wanted(assessment)):
        return newest
    found = _score_all(assessment, rows, estimator)
    oddities.flag_misplaced(assessment, rows, found.fitted)
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().get(pk=assessment.pk)
        scale = _store(assessment, found, digest=digest, is_local=is_local, actor=actor)
        AuditEntry.record("score", scale, actor=actor, project=assessment.project, judgements=len(rows))
    return scale


def _made_with(scale: Scale) -> tuple[Any, ...]:
    """What else decides what a scale looks like, as this one was made."""
    return scale.estimator, scale.scaled_mean, scale.scaled_sd, scale.report.get("anchor_scores")


def _wanted(assessment: Assessment) -> tuple[Any, ...]:
    return assessment.scaled_mean, assessment.scaled_sd, _anchor_scores(assessment)


def _anchor_scores(assessment: Assessment) -> dict[str, float]:
    """Known scores by essay id, as JSON has its keys."""
    known = assessment.essays.filter(withdrawn_at=None, anchor_score__isnull=False).order_by("pk")
    return {str(pk): float(at) for pk, at in known.values_list("pk", "anchor_score") if at is not None}


def _score_all(assessment: Assessment, rows: Sequence[Judged], estimator: str) -> Scored:
    """All that takes time, before anything is locked."""
    fitted = fit_judgements(rows, essays_of(assessment), estimator=estimator)
    flipped = flips(decisions_of(rows, fitted.essays))
    placed = {essay for essay, n in zip(fitted.essays, fitted.n, strict=True) if n}
    known = _anchor_scores(assessment)
    anchors = {int(pk): at for pk, at in known.items() if int(pk) in placed}
    names = {judge.pk: str(judge) for judge in Judge.objects.filter(pk__in={row.judge for row in rows})}
    report = checks(rows, fitted, flipped, judges=names, anchors=anchors) | {"anchor_scores": known}
    return Scored(rows=rows, fitted=fitted, flipped=flipped, anchors=anchors, report=report)


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
            _("Local and real judgements never meet in one scale: judge the essays anew in an assessment of their own.")
        )
    return True in kinds


def _store(assessment: Assessment, found: Scored, *, digest: str, is_local: bool, actor: Person | None) -> Scale:
    fitted = found.fitted
    before = assessment.scales.order_by("-number").first()
    low, high = fitted.eb_reliability_interval
    scale = Scale(
        assessment=assessment,
        number=(assessment.scales.aggregate(last=Max("number"))["last"] or 0) + 1,
        estimator=fitted.estimator,
        is_local=is_local,
        judgement_ids=[row.comparison for row in found.rows],
        judgements_sha256=digest,
        n_essays=len(fitted.essays),
        n_comparisons=len(found.rows),
        connected=fitted.connected,
        components=fitted.components,
        position_bias=_known(fitted.position_bias),
        position_bias_se=_known(fitted.position_bias_se),
        sigma=_known(fitted.sigma),
        eb_reliability=_known(fitted.eb_reliability),
        eb_reliability_low=_known(low),
        eb_reliability_high=_known(high),
        told_from_noise=fitted.told_from_noise,
        scale_separation_reliability=_known(fitted.scale_separation_reliability),
        scaled_mean=assessment.scaled_mean,
        scaled_sd=assessment.scaled_sd,
        report=found.report,
        created_by_id=actor.pk if actor else None,
    )
    scale.grades, scale.grades_source = _grades(before, found)
    if not scale.grades and fitted.connected and len(set(found.anchors.values())) > 1:
        scale.report["warnings"].append(
            "The anchors' scores do not rise with their known grades, so no boundaries come from them: look at them, "
            "or set the boundaries yourself."
        )
    scores = _scores(scale, found)
    grading.grade(scores, scale.grades)
    scale.save()
    Score.objects.bulk_create(scores, batch_size=1000)
    scale.report["look_first"] = grading.looks(list(scale.scores.select_related("essay").defer("essay__text")))
    scale.save(update_fields=["report"])
    return scale


def _grades(before: Scale | None, found: Scored) -> tuple[list[dict[str, Any]], str]:
    """What staff set on the scale before stays in force; else what the anchors say."""
    if not found.fitted.connected:
        return [], Scale.GradesSource.NONE
    if before and before.grades_source == Scale.GradesSource.STAFF:
        return before.grades, Scale.GradesSource.STAFF
    grades = grading.from_anchors(found.fitted, found.anchors)
    return grades, Scale.GradesSource.ANCHORS if grades else Scale.GradesSource.NONE


def _scores(scale: Scale, found: Scored) -> list[Score]:
    fitted = found.fitted
    best, worst = rank_intervals(fitted)
    placed, errors = _scaled(scale, fitted)
    clear = _clear_of_next(fitted)
    return [
        Score(
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
            rank=_whole(fitted.rank[i]),
            rank_low=_whole(best[i]),
            rank_high=_whole(worst[i]),
            scaled_score=_known(placed[i]),
            scaled_error=_known(errors[i]),
            separated=clear.get(i),
            flips=int(found.flipped.of_essay[i]),
        )
        for i in range(len(fitted.essays))
    ]


def _scaled(scale: Scale, fitted: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Scaled scores and their errors; nan where there is no common scale, or nothing to spread."""
    if not fitted.connected or scale.scaled_mean is None or scale.scaled_sd is None:
        blank = np.full(len(fitted.essays), np.nan)
        return blank, blank
    return scaled_scores(fitted, mean=scale.scaled_mean, sd=scale.scaled_sd)


def _clear_of_next(fitted: Fit) -> dict[int, bool]:
    """By place: whether it stands clear of the essay after it."""
    if not fitted.connected:
        return {}
    order, clear = separated_from_next(fitted)
    return dict(zip(order[:-1].tolist(), clear.tolist(), strict=True))


def _known(value: float | np.floating[Any]) -> float | None:
    return float(value) if math.isfinite(value) else None


def _whole(value: float | np.floating[Any]) -> int | None:
    return round(float(value)) if math.isfinite(value) else None


def check_publishable(scale: Scale) -> None:
    """Refused for a scale that is published, without a common order, or made before one of its rounds was held."""
    if scale.published_at:
        raise Refused(_("This scale is published already."))
    if not scale.connected:
        raise Refused(_("Its essays fall into groups that were never compared: plan another round, which joins them."))
    if held := canaries.in_doubt(scale.assessment, scale.judgement_ids):
        words = _("Round %(number)s was held after this scale was computed: decide about it, then compute it anew.")
        raise Refused(words % {"number": held[0]})


def publish(scale: Scale, *, actor: Person | None) -> Scale:
    """Freeze a scale for good and tell the outside; Refused as check_publishable says."""
    check_publishable(scale)
    with transaction.atomic():
        if not Scale.objects.filter(pk=scale.pk, published_at=None).update(published_at=timezone.now()):
            raise Refused(_("This scale is published already."))
        callbacks.scale_published(scale)
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
