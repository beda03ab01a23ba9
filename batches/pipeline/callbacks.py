"""What was resolved or published -> outbox rows, in the transaction that does it."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from batches.conf import sink_in_force
from batches.models import Assessment, BatchItem, Callback, Comparison, Scale

SCHEMA_VERSION = 1
RESOLVED = (Comparison.Status.JUDGED, Comparison.Status.FAILED)


def write(comparison_ids: Sequence[int]) -> None:
    """One outbox row for each of these that is resolved now; none at all while callbacks are switched off.

    To be called in the transaction that resolves them, once their revision has been raised.
    """
    if sink_in_force() == "none":
        return
    rows = (
        Comparison.objects.filter(pk__in=comparison_ids, status__in=RESOLVED)
        .select_related("round__assessment", "judge__account", "judgement", "essay_a", "essay_b")
        .defer("essay_a__text", "essay_b__text")
    )
    items = _items(comparison_ids)
    callbacks = [_resolved(comparison, items.get(comparison.pk, [])) for comparison in rows]
    Callback.objects.bulk_create(callbacks, batch_size=500)


def scale_published(scale: Scale) -> None:
    """One outbox row for a scale that is published now; none while callbacks are switched off.

    To be called in the transaction that publishes it, once `published_at` is set. The messages of one assessment
    are numbered in the order in which its scales were published.
    """
    if sink_in_force() == "none":
        return
    with transaction.atomic():
        Assessment.objects.select_for_update(no_key=True).get(pk=scale.assessment_id)  # one publication at a time
        published = Scale.objects.select_related("assessment").get(pk=scale.pk)
        if published.published_at is None:
            raise ValueError(f"{scale} is not published: set published_at before its callback is written.")
        event_id = uuid.uuid4()
        revision = Scale.objects.filter(assessment=published.assessment, published_at__isnull=False).count()
        Callback.objects.create(
            event_id=event_id,
            assessment=published.assessment,
            scale=published,
            key=published.assessment.slug,
            revision=revision,
            payload=scale_payload(published, revision, event_id),
        )


def _items(comparison_ids: Iterable[int]) -> dict[int, list[BatchItem]]:
    """The items of each comparison, oldest first."""
    found: dict[int, list[BatchItem]] = {}
    rows = BatchItem.objects.filter(comparison_id__in=comparison_ids).order_by("pk").select_related("job")
    for item in rows.defer("answer", "error", "job__error"):
        found.setdefault(item.comparison_id, []).append(item)
    return found


def _resolved(comparison: Comparison, items: Sequence[BatchItem]) -> Callback:
    event_id = uuid.uuid4()
    return Callback(
        event_id=event_id,
        assessment_id=comparison.round.assessment_id,
        comparison=comparison,
        key=str(comparison.pk),
        revision=comparison.revision,
        payload=payload(comparison, _decisive(comparison, items), event_id),
    )


def _decisive(comparison: Comparison, items: Sequence[BatchItem]) -> BatchItem | None:
    """The item that resolved a comparison: the one its judgement came from, else the last."""
    if comparison.status == Comparison.Status.JUDGED:
        return next((item for item in items if item.pk == comparison.judgement.item_id), None)
    return items[-1] if items else None


def payload(comparison: Comparison, item: BatchItem | None, event_id: uuid.UUID) -> dict[str, Any]:
    """The message of one resolved comparison. Essays are named by pseudonym; their text never leaves."""
    judgement = comparison.judgement if comparison.status == Comparison.Status.JUDGED else None
    account = comparison.judge.account
    prompt = item.input_tokens + item.cache_read_tokens + item.cache_write_tokens if item else 0
    completion = item.output_tokens if item else 0
    outcome: dict[str, Any] = (
        {
            "judgement": {
                "winner": judgement.winner,
                "justification": judgement.justification,
                "confidence": judgement.confidence,
            }
        }
        if judgement
        else {"error_detail": {"code": comparison.fail_reason, "message": comparison.fail_detail}}
    )
    return {
        "event_id": str(event_id),
        "schema_version": SCHEMA_VERSION,
        "comparison_id": comparison.pk,
        "revision": comparison.revision,
        "status": comparison.status,
        "custom_id": item.custom_id if item else None,
        "correlation_id": str(comparison.round.correlation_id or comparison.round.assessment.correlation_id),
        "assessment": comparison.round.assessment.slug,
        "round": comparison.round.number,
        "batch_job": item.job_id if item else None,
        "essay_a_id": comparison.essay_a.candidate,
        "essay_b_id": comparison.essay_b.candidate,
        "judge": {
            "kind": comparison.judge.kind,
            "provider": account.provider if account else None,
            "model": comparison.judge.model_id or None,
        },
        **outcome,
        "token_usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
        "cost_usd": f"{item.cost_usd:f}" if item else "0",
        "requested_at": _iso((item.sent_at or item.job.sent_at) if item else None),
        "completed_at": _iso(comparison.resolved_at),
        "prompt_sha256": (item.prompt_sha256 or None) if item else None,
        "strategy": comparison.round.strategy,
    }


def scale_payload(scale: Scale, revision: int, event_id: uuid.UUID) -> dict[str, Any]:
    """The message of one published scale: its figures, without the scores, which would not fit into every message."""
    return {
        "event_id": str(event_id),
        "schema_version": SCHEMA_VERSION,
        "assessment": scale.assessment.slug,
        "correlation_id": str(scale.assessment.correlation_id),
        "revision": revision,
        "scale": scale.number,
        "published_at": _iso(scale.published_at),
        "estimator": scale.estimator,
        "local": scale.is_local,
        "n_essays": scale.n_essays,
        "n_comparisons": scale.n_comparisons,
        "eb_reliability": scale.eb_reliability,
        "scale_separation_reliability": scale.scale_separation_reliability,
        "position_bias": scale.position_bias,
        "position_bias_se": scale.position_bias_se,
        "sigma": scale.sigma,
        "judgements_sha256": scale.judgements_sha256,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
