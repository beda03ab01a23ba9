"""Jobs in flight -> judgements, once with stored and once with derived statuses, and what each cost."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import orjson
from django.db import connection

from batches.models import BatchJob, Comparison
from batches.pipeline import resolve as stored
from batches.providers.base import Outcome, Result, Usage
from bench import comparison_status_derived as derived
from bench.comparison_status_rows import Layout, ends
from bench.gauge import BackEnd, measured, median_of, run

LEASE = 300.0
REFUSED_EVERY = 50  # results without a judgement: 2 %
KINDS = {  # a text in the statement: what it is for
    "UPDATE batches_batchitem": "item outcome",
    "INSERT INTO item_outcome": "item outcome",
    "DELETE FROM live_item": "status",
    "INSERT INTO setback": "status",
    "UPDATE batches_comparison": "status",
    "INSERT INTO batches_judgement": "judgement",
    "FROM batches_batchitem item": "read and lock",
    "FOR UPDATE OF": "read and lock",
}
# Each of these has another index on the same table that begins with the same column, or selects nothing.
SPARE = {"batches_comparison": ("round_id", "judge_id"), "batches_batchitem": ("job_id",)}


def submit_all(back_end: BackEnd, layout: Layout) -> dict[str, dict[str, float]]:
    """Mark every job's comparisons as in flight, both ways; medians for each comparison."""
    costs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number in range(layout.jobs):
        ids = layout.job_ids(number)
        with measured(back_end) as cost:
            moved = Comparison.objects.filter(pk__in=list(ids)).advance(Comparison.Status.IN_FLIGHT, not_before=None)
        assert moved == len(ids), f"{moved} of {len(ids)} comparisons left"
        costs["stored"].append(cost.each(len(ids)))
        with derived.derived_tables(), measured(back_end) as cost:
            run(derived.LEAVE, ends(ids))
        costs["derived"].append(cost.each(len(ids)))
    return {way: median_of(rows) for way, rows in costs.items()}


def results_of(job: BatchJob) -> list[Result]:
    """What a provider would send back: mostly judgements, a refusal now and then."""
    ids = job.items.order_by("pk").values_list("custom_id", flat=True)
    return [_result(number, custom_id) for number, custom_id in enumerate(ids, start=1)]


def _result(number: int, custom_id: str) -> Result:
    usage = Usage(input_tokens=1800 + number % 97, output_tokens=80 + number % 23)
    request_id = f"req_{custom_id}"
    if number % REFUSED_EVERY == 0:
        return Result(
            custom_id=custom_id, outcome=Outcome.INVALID, reason="refused", error="declined", usage=usage,
            request_id=request_id,
        )  # fmt: skip
    said = {
        "justification": "The first essay has the clearer argument. " * 5,
        "winner": "AB"[number % 2],
        "confidence": 3,
    }
    return Result(
        custom_id=custom_id, outcome=Outcome.SUCCEEDED, answer=orjson.dumps(said).decode(), usage=usage,
        request_id=request_id,
    )  # fmt: skip


def collect_all(
    back_end: BackEnd, layout: Layout, *, repeats: int, chunk_sizes: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Collect all jobs but one: half as the schema is, half without its spare indexes, each beside the derived way."""
    costs: dict[str, dict[int, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    sizes = tuple(chunk_sizes) * repeats
    first = layout.first_live_job
    for way, around in (("stored", nullcontext()), ("stored, spare indexes dropped", without_spare_indexes())):
        with around:
            for pk, size in enumerate(sizes, start=first):
                job = BatchJob.objects.get(pk=pk)
                results = results_of(job)
                costs[way][size].append(_collect(back_end, job, results, size, stored.resolve))
                with derived.derived_tables():
                    costs["derived"][size].append(_collect(back_end, job, results, size, derived.resolve))
        first += len(sizes)
    return {way: {str(size): median_of(rows) for size, rows in sized.items()} for way, sized in costs.items()}


def _collect(
    back_end: BackEnd, job: BatchJob, results: Sequence[Result], size: int, resolve: Callable[..., Any]
) -> dict[str, float]:
    """One whole job in chunks; what each comparison cost."""
    with measured(back_end, KINDS) as cost:
        for some in itertools.batched(results, size):
            resolve(job, some, lease=LEASE)
    return cost.each(len(results))


@contextmanager
def without_spare_indexes() -> Iterator[None]:
    definitions = [row for table, columns in SPARE.items() for row in _indexes(table, columns)]
    for name, _ in definitions:
        run(f"DROP INDEX {name}")
    try:
        yield
    finally:
        for _, definition in definitions:
            run(definition)


def _indexes(table: str, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Name and definition of the indexes on exactly one of these columns."""
    endings = [f"USING btree ({column})" for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = %s", [table]
        )
        return [(name, text) for name, text in cursor.fetchall() if any(text.endswith(ending) for ending in endings)]


def floor(back_end: BackEnd, layout: Layout) -> dict[str, float]:
    """The least that keeping the results could cost: COPY of the raw lines into a table without an index."""
    job = BatchJob.objects.get(pk=layout.first_live_job)
    results = results_of(job)
    lines = [orjson.dumps(_line(result)) for result in results]
    rows = b"\n".join(line.replace(b"\\", b"\\\\") for line in lines)
    run("CREATE TABLE raw_line (line text)")
    costs = []
    for _ in range(5):
        with measured(back_end) as cost, connection.cursor() as cursor, cursor.copy("COPY raw_line FROM STDIN") as copy:
            copy.write(rows)
        costs.append(cost.each(len(lines)))
    return median_of(costs)


def _line(result: Result) -> dict[str, Any]:
    """A result as it arrives in Anthropic's file of results."""
    usage = {"input_tokens": result.usage.input_tokens, "output_tokens": result.usage.output_tokens}
    message = {
        "id": f"msg_{result.custom_id}",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": result.answer}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage | {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "batch"},
    }
    return {"custom_id": result.custom_id, "result": {"type": "succeeded", "message": message}}
