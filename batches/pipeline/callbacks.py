"""Resolved comparisons -> outbox rows, in the transaction that resolves them."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from batches.conf import cj_settings
from batches.models import BatchItem, Callback, Comparison

SCHEMA_VERSION = 1
RESOLVED = (Comparison.Status.JUDGED, Comparison.Status.FAILED)


def write(comparison_ids: Sequence[int]) -> None:
    """One outbox row for each of these that is resolved now; none at all while callbacks are switched off."""
    if cj_settings.callback_sink == "none":
        return
    rows = (
        Comparison.objects.filter(pk__in=comparison_ids, status__in=RESOLVED)
        .select_related("round__assessment", "judge__account", "judgement", "essay_a", "essay_b")
        .defer("essay_a__text", "essay_b__text")
    )
    items = _last_items(comparison_ids)
    callbacks = [_callback(comparison, items.get(comparison.pk)) for comparison in rows]
    Callback.objects.bulk_create(callbacks, batch_size=500)


def _last_items(comparison_ids: Iterable[int]) -> dict[int, BatchItem]:
    items = BatchItem.objects.filter(comparison_id__in=comparison_ids).order_by("pk").defer("answer")
    return {item.comparison_id: item for item in items}


def _callback(comparison: Comparison, item: BatchItem | None) -> Callback:
    event_id = uuid.uuid4()
    return Callback(
        event_id=event_id,
        comparison=comparison,
        revision=comparison.revision,
        payload=payload(comparison, item, event_id),
    )


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
        "correlation_id": str(comparison.round.assessment.correlation_id),
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
        "requested_at": _iso(item.sent_at if item else None),
        "completed_at": _iso(comparison.resolved_at),
        "prompt_sha256": item.prompt_sha256 if item else None,
        "strategy": comparison.round.strategy,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
