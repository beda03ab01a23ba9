"""The published contract: schemas, examples and a consumer, against what really leaves."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from batches.models import Comparison, Scale
from batches.pipeline import relay, retry, score
from batches.sinks.kafka import KafkaSink
from tests.kafka import received
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import drain, plan_and_let_go
from tests.pipeline.test_callbacks import publish

DOCS = Path(__file__).resolve().parents[2] / "docs" / "callbacks"
RESULTS, SCALES = "cj.comparison_result.v1", "cj.scale_published.v1"
SCHEMAS = {RESULTS: "comparison_result.v1.schema.json", SCALES: "scale_published.v1.schema.json"}


def validator(topic: str) -> Any:
    schema = json.loads((DOCS / SCHEMAS[topic]).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def example(name: str) -> dict[str, Any]:
    return dict(json.loads((DOCS / "examples" / f"{name}.json").read_text()))


@pytest.mark.parametrize("name", ["judged", "failed", "judged_by_a_person", "scale_published"])
def test_the_schema_accepts_each_example_and_the_page_shows_it(name):
    validator(SCALES if name == "scale_published" else RESULTS).validate(example(name))
    assert f"callbacks/examples/{name}.json" in (DOCS.parent / "callbacks.md").read_text()


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 0},
        {"status": "WITHDRAWN"},
        {"status": "FAILED"},
        {"error_detail": {"code": "refused", "message": ""}},
        {"judgement": {"winner": "K7Q2", "justification": "", "confidence": 3}},
        {"judgement": {"winner": "A", "justification": "", "confidence": 6}},
        {"cost_usd": 0.001},
        {"completed_at": "2026-11-21 14:31:56"},
        {"completed_at": None},
        {"event_id": "17"},
        {"essay_text": "Once upon a time"},
    ],
)
def test_the_schema_refuses_a_message_that_breaks_the_contract(change):
    assert not validator(RESULTS).is_valid(example("judged") | change)


@pytest.mark.parametrize("field", sorted(example("failed")))
def test_no_field_may_be_missing(field):
    short = {name: value for name, value in example("failed").items() if name != field}
    assert not validator(RESULTS).is_valid(short)


FAULTS = {
    "refusal": 0.15,
    "truncation": 0.1,
    "winner_c": 0.1,
    "prose": 0.1,
    "missing_tag": 0.1,
    "errored_line": 0.1,
    "failed_line": 0.1,
    "expired_line": 0.1,
    "missing_line": 0.1,
    "malformed_line": 0.1,
    "duplicate_line": 0.2,
    "duplicate_line_other_answer": 0.2,
    "unknown_id_line": 0.1,
}


@pytest.mark.timeout(300)
@pytest.mark.django_db
def test_every_message_of_a_run_with_faults_is_as_published_and_the_example_consumer_gets_the_winners_right(
    provider, kafka, cj, tmp_path
):
    cj(max_attempts=2, bundle_size=3)
    provider.control("PUT", "faults", FAULTS)
    runs = [("anthropic", "provider_batch"), ("openai", "provider_batch"), ("anthropic", "serial_bundle")]
    assessments = [make_assessment(6, judge=make_judge(name)) for name, _ in runs]
    for assessment, (_, strategy) in zip(assessments, runs, strict=True):
        plan_and_let_go(assessment, strategy=strategy)
    drain(110)
    relay_all(kafka)
    provider.control("DELETE", "faults")
    failed = retry.failed(Comparison.objects.all(), actor=None)
    assert failed, "or nothing is told twice"
    drain(110)
    Scale.objects.filter(pk=score.score(assessments[0], actor=None).pk).update(connected=True)
    publish(Scale.objects.get())
    relay_all(kafka)
    relay_again(kafka, share=3)

    for topic in SCHEMAS:
        check = validator(topic)
        for message in received(kafka.servers, topic):
            check.validate(message.value)
            assert message.key == str(message.value.get("comparison_id") or message.value["assessment"])
    store = consume(kafka.servers, tmp_path / "winners.sqlite3")
    assert store.execute(
        "SELECT comparison_id, revision, winner, failed_because FROM result ORDER BY 1"
    ).fetchall() == [
        (one.pk, one.revision, winner_of(one), one.fail_reason or None) for one in Comparison.objects.order_by("pk")
    ]
    assert store.execute("SELECT assessment, number FROM scale").fetchall() == [(assessments[0].slug, 1)]


def relay_all(kafka: Any) -> None:
    sink = KafkaSink(kafka.servers)
    while relay.lag().waiting:
        relay.relay(sink)
    sink.close()


def relay_again(kafka: Any, *, share: int) -> None:
    """As after the death of a relay that had sent some and marked none of them."""
    from django.db.models import F

    from batches.models import Callback

    again = Callback.objects.annotate(place=F("id") % share).filter(place=0)
    assert again.update(delivered_at=None)
    relay_all(kafka)


def consume(servers: str, file: Path) -> sqlite3.Connection:
    """Run the documentation's consumer as a reader would."""
    command = [sys.executable, str(DOCS / "consumer.py"), servers, str(file), "--idle", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    new, repeated = (int(word) for word in done.stdout.split() if word.isdigit())
    assert new
    assert repeated, "the messages that were sent again"
    return sqlite3.connect(file)


def winner_of(comparison: Comparison) -> str | None:
    if comparison.status != "JUDGED":
        return None
    winner = comparison.essay_a if comparison.judgement.winner == "A" else comparison.essay_b
    return winner.candidate
