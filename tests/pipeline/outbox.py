"""Outbox rows for tests of the relay, and what arrived of them."""

import uuid
from collections import defaultdict
from typing import Any

from batches.models import Callback
from tests.kafka import Received
from tests.making import make_assessment, make_comparison, make_round

TOPIC = "cj.comparison_result.v1"


def write_callbacks(keys: int, revisions: int = 1, **fields: Any) -> list[Callback]:
    """Callbacks of so many comparisons, each resolved so many times, written in turns."""
    assessment = make_assessment(2)
    cj_round = make_round(assessment)
    comparisons = [make_comparison(assessment=assessment, round=cj_round, replicate=i) for i in range(keys)]
    return Callback.objects.bulk_create(
        _callback(comparison, assessment.pk, revision, fields)
        for revision in range(1, revisions + 1)
        for comparison in comparisons
    )


def _callback(comparison: Any, assessment: int, revision: int, fields: dict[str, Any]) -> Callback:
    event_id = uuid.uuid4()
    payload = {"event_id": str(event_id), "comparison_id": comparison.pk, "revision": revision} | fields
    return Callback(
        event_id=event_id,
        assessment_id=assessment,
        comparison=comparison,
        key=str(comparison.pk),
        revision=revision,
        payload=payload,
    )


def deduplicated(messages: list[Received]) -> list[Received]:
    """The first message of each event."""
    seen: dict[str, Received] = {}
    for message in messages:
        seen.setdefault(message.value["event_id"], message)
    return list(seen.values())


def revisions(messages: list[Received]) -> dict[str, list[int]]:
    """Key -> the revisions in the order in which they arrived."""
    found: dict[str, list[int]] = defaultdict(list)
    for message in messages:
        found[message.key].append(message.value["revision"])
    return dict(found)
