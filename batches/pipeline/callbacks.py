"""What was resolved or published -> outbox rows, in the transaction that does it."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from batches.conf import sink_in_force
from batches.models import Assessment, Callback, Scale
from batches.pipeline import arrays

SCHEMA_VERSION = 1


def write(comparison_ids: Sequence[int]) -> None:
    """One outbox row for each of these that is resolved now; none at all while callbacks are switched off.

    To be called in the transaction that resolves them, once their revision has been raised.
    """
    if comparison_ids and sink_in_force() != "none":
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [arrays.numbers(comparison_ids)])


def messages(comparison_ids: Sequence[int]) -> list[dict[str, Any]]:
    """What is told of these comparisons as they stand now, resolved or not."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [arrays.numbers(comparison_ids)])
        return [json.loads(text) for (text,) in cursor.fetchall()]


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


# UUIDs of version 7: they grow with time, so that their index is written at its end and not all over.
EVENT_ID = """(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
            || substr(gen_random_uuid()::text, 16))::uuid"""
# The comparisons first, by their numbers alone: with conditions beside them the planner may read all that was ever
# judged for each chunk. OFFSET 0 keeps the two parts apart: eleven tables at once take longer to plan than to read.
# The item that resolved a comparison is the one its judgement came from, else the last.
TOLD_OF = f"""(
    SELECT comparison.*, {EVENT_ID} AS event_id, essay_a.candidate AS a, essay_b.candidate AS b,
        judgement.comparison_id AS judged, judgement.winner, judgement.justification, judgement.confidence,
        CASE comparison.status WHEN 'JUDGED' THEN judgement.item_id
            ELSE (SELECT max(last.id) FROM batches_batchitem last WHERE last.comparison_id = comparison.id)
        END AS item_id
    FROM batches_comparison comparison
    JOIN batches_essay essay_a ON essay_a.id = comparison.essay_a_id
    JOIN batches_essay essay_b ON essay_b.id = comparison.essay_b_id
    LEFT JOIN batches_judgement judgement ON judgement.comparison_id = comparison.id AND comparison.status = 'JUDGED'
    WHERE comparison.id = ANY(%s::bigint[])
    OFFSET 0
) comparison
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
JOIN batches_assessment assessment ON assessment.id = cj_round.assessment_id
JOIN batches_judge judge ON judge.id = comparison.judge_id
LEFT JOIN batches_provideraccount account ON account.id = judge.account_id
LEFT JOIN batches_batchitem item ON item.id = comparison.item_id
LEFT JOIN batches_batchjob job ON job.id = item.job_id"""  # noqa: S608, constants only


def _utc(moment: str) -> str:
    """SQL: a time as ISO 8601 in UTC."""
    return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


PROMPT_TOKENS = "coalesce(item.input_tokens + item.cache_read_tokens + item.cache_write_tokens, 0)"
# The message of one comparison. Essays are named by pseudonym; their text never leaves.
MESSAGE = f"""(jsonb_build_object(
    'event_id', comparison.event_id,
    'schema_version', {SCHEMA_VERSION},
    'comparison_id', comparison.id,
    'revision', comparison.revision,
    'status', comparison.status,
    'custom_id', item.custom_id,
    'correlation_id', coalesce(cj_round.correlation_id, assessment.correlation_id),
    'assessment', assessment.slug,
    'round', cj_round.number,
    'batch_job', item.job_id,
    'essay_a_id', comparison.a,
    'essay_b_id', comparison.b,
    'judge', jsonb_build_object(
        'kind', judge.kind, 'provider', account.provider, 'model', nullif(judge.model_id, '')),
    'token_usage', jsonb_build_object(
        'prompt_tokens', {PROMPT_TOKENS},
        'completion_tokens', coalesce(item.output_tokens, 0),
        'total_tokens', {PROMPT_TOKENS} + coalesce(item.output_tokens, 0)),
    'cost_usd', coalesce(item.cost_usd::text, '0'),
    'requested_at', {_utc("coalesce(item.sent_at, job.sent_at)")},
    'completed_at', {_utc("comparison.resolved_at")},
    'prompt_sha256', nullif(item.prompt_sha256, ''),
    'strategy', cj_round.strategy
) || CASE WHEN comparison.judged IS NOT NULL
    THEN jsonb_build_object('judgement', jsonb_build_object(
        'winner', comparison.winner, 'justification', comparison.justification, 'confidence', comparison.confidence))
    ELSE jsonb_build_object('error_detail', jsonb_build_object(
        'code', comparison.fail_reason, 'message', comparison.fail_detail)) END)"""
READ = f"SELECT {MESSAGE}::text FROM {TOLD_OF}"  # noqa: S608, constants only
WRITE = f"""
INSERT INTO batches_callback
    (event_id, assessment_id, comparison_id, key, revision, payload, created_at, tries, last_error)
SELECT comparison.event_id, assessment.id, comparison.id, comparison.id::text, comparison.revision, {MESSAGE},
       clock_timestamp(), 0, ''
FROM {TOLD_OF}
WHERE comparison.status IN ('JUDGED', 'FAILED')
  AND cj_round.purpose <> 'CANARY'  -- nobody outside asked for a known pair
ORDER BY comparison.id
"""  # noqa: S608, constants only


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
