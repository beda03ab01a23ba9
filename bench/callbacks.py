"""10,000 callbacks -> how fast the relay is, against the bare client library that reads and marks the same rows.

PostgreSQL and the broker are its own. The bare way reads all rows with one query,
hands them to one producer, flushes, and marks them with one statement: no lease, no order, no back-off, no sets.
Both producers are idempotent, wait for all acknowledgements, and have sent a message before the clock starts.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.rows import Row, Sizes
from bench.scratch import scratch

ROWS = 10_000
REPEATS = 5


def measure(sizes: Sizes) -> Iterator[Row]:
    """T9: the relay's rate beside the bare client's."""
    from cjadmin.local.broker import broker

    rows = sizes.of(ROWS, least=200)
    with scratch(), broker() as running:
        found = rates(running.servers, rows)
    yield Row(
        target="T9", path="callbacks", size=f"{rows:,} callbacks", figure="rate of the relay", unit="/s",
        value=found["relay"], beside="bare client library", beside_value=found["bare client"], at_least=0.5,
        note=f"wall time, median of {REPEATS}",
    )  # fmt: skip


def rates(servers: str, rows: int) -> dict[str, float]:
    """Messages a second of each way. Imports wait until Django is set up."""
    from batches.pipeline import relay
    from batches.sinks.kafka import KafkaSink

    write_outbox(rows, servers)
    sink = KafkaSink(servers)
    client = bare_client(servers)
    ways: dict[str, Callable[[], int]] = {
        "bare client": lambda: bare(client),
        "relay": lambda: relay.relay(sink).delivered,
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        wait_again(1)
        way()
    for _ in range(REPEATS):
        for name, way in ways.items():
            wait_again(rows)
            begun = time.perf_counter()
            delivered = way()
            taken[name].append(time.perf_counter() - begun)
            if delivered != rows:
                raise RuntimeError(f"{name}: {delivered} of {rows} delivered")
    sink.close()
    return {name: rows / statistics.median(seconds) for name, seconds in taken.items()}


def write_outbox(rows: int, servers: str) -> None:
    """Callbacks as the pipeline writes them, each of a comparison of its own."""
    from django.conf import settings

    from batches.conf import cj_settings
    from batches.models import Comparison
    from batches.pipeline import callbacks
    from bench.gauge import run
    from tests.making import make_assessment, make_round

    assessment = make_assessment(2)
    a, b = assessment.essays.order_by("pk")
    judge, cj_round = assessment.judges.get(), make_round(assessment)
    comparisons = Comparison.objects.bulk_create(
        Comparison(round=cj_round, essay_a=a, essay_b=b, judge=judge, replicate=i) for i in range(rows)
    )
    ids = [comparison.pk for comparison in comparisons]
    settings.CJ_SETTINGS, settings.KAFKA_BOOTSTRAP_SERVERS = {"callback_sink": "kafka"}, servers
    cj_settings.forget()
    run("UPDATE batches_comparison SET status = 'IN_FLIGHT'")
    run("UPDATE batches_comparison SET status = 'FAILED', fail_reason = 'refused', fail_detail = %s, revision = 1, "
        "resolved_at = clock_timestamp()", ["The model declined to answer. " * 8])  # fmt: skip
    callbacks.write(ids)


def wait_again(rows: int) -> None:
    """So many callbacks wait, as if they had just been written; the table as a machine at rest keeps it."""
    from bench.gauge import run

    run("UPDATE batches_callback SET delivered_at = NULL, tries = 0 WHERE id IN "
        "(SELECT id FROM batches_callback ORDER BY id LIMIT %s)", [rows])  # fmt: skip
    run("VACUUM ANALYZE batches_callback")


def bare_client(servers: str) -> Any:
    from confluent_kafka import Producer

    from batches.sinks.kafka import OPTIONS

    return Producer({**OPTIONS, "bootstrap.servers": servers})


def bare(producer: Any) -> int:
    """Read, produce, flush, mark."""
    from batches.conf import cj_settings
    from bench.gauge import rows_of, run

    there: list[int] = []
    topic = cj_settings.callback_topic
    waiting = rows_of(
        "SELECT id, key, event_id::text, payload::text FROM batches_callback WHERE delivered_at IS NULL ORDER BY id"
    )
    for id, key, event_id, payload in waiting:

        def reported(error: Any, _: Any, id: int = id) -> None:
            if error is None:
                there.append(id)

        producer.produce(topic, key=key, value=payload, headers=[("event_id", event_id)], on_delivery=reported)
    producer.flush()
    run("UPDATE batches_callback SET delivered_at = clock_timestamp() WHERE id = ANY(%s)", [there])
    return len(there)
