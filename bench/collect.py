"""A provider's result file -> outcomes, judgements, statuses, money and callbacks, beside COPY of the raw lines.

What is measured is the product's own: `collect._read`, fence, ledger, first result wins and outbox included. Beside it
stand COPY of the same lines into a bare table, and the SDK's decoder with one save() a row, for a sample of the lines.
"""

import hashlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from bench import growth, world
from bench.gauge import BackEnd, measured, run
from bench.memory import apart
from bench.rows import Row, Sizes
from bench.scratch import scratch

LINES, ESSAYS = 100_000, 2_000
SAMPLE = 500  # lines that go the usual way
BLOCK = 1 << 20
BARE = "COPY bare (line) FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')"  # takes JSON as it is
KINDS = {  # a text in the statement: what it is for
    "UPDATE batches_batchitem": "item outcome",
    "UPDATE batches_comparison": "status",
    "INSERT INTO batches_judgement": "judgement",
    "INSERT INTO batches_callback": "outbox",
    "FROM batches_batchitem item": "read and lock",
    "batches_rawchunk": "raw file",
}


def measure(sizes: Sizes) -> Iterator[Row]:
    """T2 and its growth."""
    found: dict[int, dict[str, float]] = {}
    with scratch(), tempfile.TemporaryDirectory(prefix="cjbench-collect-") as folder:
        world.settle(
            batch_chunk_requests=100_000, batch_chunk_bytes=256_000_000, anthropic_queued_requests="none",
            callback_sink="kafka",
        )  # fmt: skip
        for size in sizes.decades(LINES, least=500):
            found[size] = _one(size, Path(folder) / f"{size}.jsonl")
    yield from _rows(found)


def _one(size: int, path: Path) -> dict[str, float]:
    made = world.waiting(size, essays=min(ESSAYS, max(50, size // 10)), provider="anthropic")
    sent = {"judge": made.pk} | apart(_send, made.pk, path).result
    copied = apart(_copy, path).result
    usual = apart(_usual, path).result
    collected = apart(_collect, sent["judge"])
    return {"memory": collected.grown_mb, "copy": copied, "usual": usual} | sent | collected.result


def _rows(found: dict[int, dict[str, float]]) -> Iterator[Row]:
    size, last = max(found.items())
    label = f"{size:,} lines"
    yield Row(target="T2", path="collect", size=label, figure="CPU, lines to rows and outbox", value=last["collect"],
              beside="COPY of the raw lines", beside_value=last["copy"], at_most=12)  # fmt: skip
    yield Row(target="T2", path="collect", size=label, figure="CPU of the SDK's decoder and save() per row",
              value=last["usual"], beside="ours", beside_value=last["collect"], at_least=40,
              note=f"{min(SAMPLE, size)} lines, scaled up")  # fmt: skip
    for n, one in found.items():
        yield Row(target="T2", path="collect", size=f"{n:,} lines", figure="growth of memory", value=one["memory"],
                  unit="MB", at_most=128)  # fmt: skip
    yield Row(target="", path="collect", size=label, figure="of which PostgreSQL's back end", value=last["server"],
              beside="COPY of the raw lines", beside_value=last["copy"])  # fmt: skip
    for name in ("commit", *dict.fromkeys(KINDS.values())):
        yield Row(target="", path="collect", size=label, figure=f"back end: {name}", value=last[name],
                  beside="COPY of the raw lines", beside_value=last["copy"])  # fmt: skip
    yield Row(target="", path="collect", size=label, figure="CPU to keep the raw file first", value=last["keep"],
              beside="COPY of the raw lines", beside_value=last["copy"])  # fmt: skip
    yield from growth.rows("collect", {n: one["collect"] for n, one in found.items()})


def _send(judge_id: int, path: Path) -> dict[str, float]:
    """Jobs at the provider, and the file that it would send back: mostly judgements, a refusal now and then."""
    from batches.models import BatchItem, BatchJob, Judge
    from batches.pipeline import account, submit

    judge = Judge.objects.select_related("account").get(pk=judge_id)
    group, provider = submit.Group(judge=judge, strategy="provider_batch"), account.provider_of(judge.own_account)
    while (job := submit.open_job(group, provider)) is not None:
        job.advance(BatchJob.Status.SENDING)
        job.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id=f"msgbatch_{job.pk}")
        job.advance(BatchJob.Status.COLLECTING)
    items = BatchItem.objects.filter(job__judge=judge).order_by("job", "pk").values_list("job", "custom_id")
    with path.open("wb") as file:
        for number, (_, custom_id) in enumerate(items.iterator()):
            file.write(orjson.dumps({"custom_id": custom_id, "result": _answer(number)}) + b"\n")
    run("ANALYZE")
    return {"keep": _keep(path, judge.pk)}


def _answer(number: int) -> dict[str, Any]:
    answer = {
        "justification": f"Essay {'AB'[number % 2]} argues more clearly, “quotes” its sources and ends well. " * 3,
        "winner": "AB"[number % 2],
        "confidence": 1 + number % 5,
    }
    message = {
        "id": f"msg_{number:024d}", "type": "message", "role": "assistant", "model": world.model("anthropic"),
        "content": [{"type": "text", "text": orjson.dumps(answer).decode()}],
        "stop_reason": "refusal" if number % 50 == 49 else "end_turn", "stop_sequence": None,
        "usage": {
            "input_tokens": 1_800 + number % 97, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": 80 + number % 23, "service_tier": "batch",
        },
    }  # fmt: skip
    return {"type": "succeeded", "message": message}


def _keep(path: Path, judge_id: int) -> float:
    """CPU seconds to keep each job's part of the lines as `raw.fetch` keeps them."""
    from batches.models import BatchJob
    from batches.pipeline import raw
    from batches.providers.base import FileKind, ResultFile

    seconds = 0.0
    with path.open("rb") as lines:
        for job in BatchJob.objects.filter(judge=judge_id).order_by("pk"):
            part = path.with_suffix(f".{job.pk}")
            part.write_bytes(b"".join(itertools.islice(lines, job.n_items)))
            sha256, size = hashlib.sha256(part.read_bytes()).hexdigest(), part.stat().st_size
            with measured(BackEnd()) as cost:
                raw._store(job, ResultFile(kind=FileKind.OUTPUT, path=part, sha256=sha256, size=size))
            seconds += cost.client + cost.server
    return seconds


def _copy(path: Path) -> float:
    """CPU seconds to COPY the lines as they are into a table without any index."""
    from django.db import connection

    run("DROP TABLE IF EXISTS bare")
    run("CREATE TABLE bare (line text)")
    with path.open("rb") as file, measured(BackEnd()) as cost, connection.cursor() as cursor:
        with cursor.copy(BARE) as copy:
            while block := file.read(BLOCK):
                copy.write(block)
    run("DROP TABLE bare")
    return cost.client + cost.server


def _usual(path: Path) -> float:
    """CPU seconds of the SDK's decoder and one save() a row, scaled up from a sample that is rolled back."""
    import httpx2
    from anthropic._decoders.jsonl import JSONLDecoder
    from anthropic.types.messages import MessageBatchIndividualResponse
    from django.db import transaction

    with path.open("rb") as file:
        total = sum(1 for _ in file)
        file.seek(0)
        sample = list(itertools.islice(file, SAMPLE))
    with measured(BackEnd()) as cost, transaction.atomic():
        lines = JSONLDecoder(
            raw_iterator=iter(sample), line_type=MessageBatchIndividualResponse, http_response=httpx2.Response(200)
        )
        for line in lines:
            _save(line)
        transaction.set_rollback(True)
    return (cost.client + cost.server) * total / len(sample)


def _save(line: Any) -> None:
    """One row after the other, as most would write it."""
    from django.utils import timezone

    from batches.models import BatchItem, Callback, Judgement

    related = ("comparison__round__assessment", "comparison__essay_a", "comparison__essay_b", "job")
    item = BatchItem.objects.select_related(*related).get(custom_id=line.custom_id)
    comparison, message = item.comparison, line.result.message
    item.answer, item.resolved_at = message.content[0].text, timezone.now()
    item.input_tokens, item.output_tokens = message.usage.input_tokens, message.usage.output_tokens
    item.outcome = "INVALID" if message.stop_reason == "refusal" else "SUCCEEDED"
    item.reason = "refused" if item.outcome == "INVALID" else ""
    item.save()
    comparison.attempts, comparison.revision, comparison.resolved_at = 1, 1, timezone.now()
    comparison.status, comparison.fail_reason = "FAILED", "refused"
    if item.outcome == "SUCCEEDED":
        said = orjson.loads(item.answer)
        Judgement.objects.create(comparison=comparison, item=item, **said)
        comparison.status, comparison.fail_reason = "JUDGED", ""
    comparison.save()
    payload = {
        "comparison_id": comparison.pk, "status": comparison.status, "custom_id": item.custom_id,
        "assessment": comparison.round.assessment.slug, "round": comparison.round.number, "batch_job": item.job_id,
        "essay_a_id": comparison.essay_a.candidate, "essay_b_id": comparison.essay_b.candidate,
        "token_usage": {"prompt_tokens": item.input_tokens, "completion_tokens": item.output_tokens},
    }  # fmt: skip
    Callback.objects.create(
        assessment=comparison.round.assessment, comparison=comparison, key=str(comparison.pk), revision=1,
        payload=payload,
    )  # fmt: skip


def _collect(judge_id: int) -> dict[str, float]:
    from batches.models import BatchJob, Callback, Judgement
    from batches.pipeline import account, collect
    from batches.providers.base import BatchState, Progress

    jobs = BatchJob.objects.filter(judge=judge_id).select_related("account", "judge__account").order_by("pk")
    provider = account.provider_of(jobs[0].account)
    parts = dict.fromkeys(KINDS.values(), 0.0)
    client = server = 0.0
    for job in jobs:
        progress = Progress(provider_batch_id=job.provider_batch_id, state=BatchState.ENDED)
        with measured(BackEnd(), KINDS) as cost:
            collect._collect(job, provider, progress)
        client, server = client + cost.client, server + cost.server
        parts = {name: parts.get(name, 0.0) + cost.parts.get(name, 0.0) for name in {*parts, *cost.parts}}
    said = Judgement.objects.filter(item__job__judge=judge_id).count()
    told = Callback.objects.filter(comparison__judge=judge_id).count()
    total = sum(job.n_items for job in jobs)
    if told != total or said != total - total // 50:
        raise RuntimeError(f"{said} judgements and {told} callbacks of {total} lines")
    return {"collect": client + server, "client": client, "server": server} | parts
