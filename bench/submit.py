"""Waiting comparisons -> bodies of provider batches on disk, beside writing the same bytes and beside the usual way.

What is measured is the product's own: `submit.open_job` (the intent) and `payload.write` (the body).
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import growth, world
from bench.gauge import BackEnd, measured
from bench.memory import apart
from bench.rows import Row, Sizes
from bench.scratch import scratch

REQUESTS, ESSAYS = 50_000, 2_000
BLOCK = 1 << 20


def measure(sizes: Sizes) -> Iterator[Row]:
    """T1 and its growth."""
    found: dict[int, dict[str, Any]] = {}
    with scratch():
        world.settle(batch_chunk_requests=50_000, batch_chunk_bytes=200_000_000, anthropic_queued_requests="none")
        for size in sizes.decades(REQUESTS, least=100):
            found[size] = _one(size, min(ESSAYS, sizes.of(ESSAYS, least=50)))
    yield from _rows(found)


def _one(size: int, essays: int) -> dict[str, Any]:
    judge = world.waiting(size, essays=essays)
    planned = apart(_plan, judge.pk)
    with tempfile.TemporaryDirectory(prefix="cjbench-submit-") as folder:
        written = apart(_write, judge.pk, Path(folder))
        usual = apart(_usual, judge.pk, Path(folder))
    return {"plan": planned.result, "memory": written.grown_mb} | written.result | usual.result


def _rows(found: dict[int, dict[str, Any]]) -> Iterator[Row]:
    size, last = max(found.items())
    label = f"{size:,} requests, {last['bytes'] / 1e6:,.0f} MB"
    figure = "CPU, database to JSONL"
    yield Row(target="T1", path="submit", size=label, figure=figure, value=last["write"],
              beside="raw write of the same bytes", beside_value=last["raw"], at_most=4)  # fmt: skip
    yield Row(target="T1", path="submit", size=label, figure="CPU of select_related, iterator, json.dumps",
              value=last["usual"], beside="ours", beside_value=last["write"], at_least=10)  # fmt: skip
    for n, one in found.items():
        yield Row(target="T1", path="submit", size=f"{n:,} requests", figure="growth of memory",
                  value=one["memory"], unit="MB", at_most=64)  # fmt: skip
    yield Row(target="", path="submit", size=label, figure="CPU to plan: rows, reservation, hashes",
              value=last["plan"], beside="database to JSONL", beside_value=last["write"])  # fmt: skip
    yield from growth.rows("submit", {n: one["write"] for n, one in found.items()})


def _plan(judge_id: int) -> float:
    """CPU seconds to open all the jobs."""
    from batches.models import Judge
    from batches.pipeline import account, submit

    judge = Judge.objects.select_related("account").get(pk=judge_id)
    group, provider = submit.Group(judge=judge, strategy="provider_batch"), account.provider_of(judge.own_account)
    with measured(BackEnd()) as cost:
        while submit.open_job(group, provider) is not None:
            pass
    return cost.client + cost.server


def _jobs(judge_id: int) -> list[Any]:
    from batches.models import BatchJob

    return list(BatchJob.objects.filter(judge=judge_id).select_related("account", "judge__account").order_by("pk"))


def _write(judge_id: int, folder: Path) -> dict[str, float]:
    """CPU seconds to write the bodies of all jobs, and to write the same bytes once more without knowing them."""
    from batches.pipeline import account, payload

    jobs, paths = _jobs(judge_id), []
    provider = account.provider_of(jobs[0].account)
    with measured(BackEnd()) as cost:
        for job in jobs:
            paths.append(folder / f"{job.pk}.jsonl")
            if payload.write(job, provider, paths[-1]) != job.payload_sha256:
                raise RuntimeError("the body is not the one that was planned")
    return {
        "write": cost.client + cost.server,
        "raw": sum(_raw(path, path.with_suffix(".raw")) for path in paths),
        "bytes": sum(path.stat().st_size for path in paths),
    }


def _raw(source: Path, target: Path) -> float:
    """CPU seconds of the writes alone; what is written lies in memory already."""
    seconds = 0.0
    with source.open("rb") as blocks, target.open("wb", buffering=0) as file:
        while block := blocks.read(BLOCK):
            begun = time.process_time()
            file.write(block)
            seconds += time.process_time() - begun
    return seconds


def _usual(judge_id: int, folder: Path) -> dict[str, float]:
    """CPU seconds of the way that most would write it, which gives the same requests."""
    jobs = _jobs(judge_id)
    with measured(BackEnd()) as cost:
        for job in jobs:
            _dump(job, folder / f"usual-{job.pk}.jsonl")
    _compare(folder / f"{jobs[0].pk}.jsonl", folder / f"usual-{jobs[0].pk}.jsonl")
    return {"usual": cost.client + cost.server}


def _dump(job: Any, path: Path) -> None:
    import json

    from batches.judging import prompts

    related = ("comparison__essay_a", "comparison__essay_b", "comparison__round__assessment")
    schema = {"name": prompts.JUDGEMENT_NAME, "strict": True, "schema": prompts.JUDGEMENT_SCHEMA}
    with path.open("w") as file:
        for item in job.items.select_related(*related).order_by("pk").iterator():
            comparison, assessment = item.comparison, item.comparison.round.assessment
            a = prompts.EssayText(text=comparison.essay_a.text)
            b = prompts.EssayText(text=comparison.essay_b.text)
            texts = (
                f"<rubric>\n{assessment.rubric}\n</rubric>\n\n",
                f'<essay place="A" mark="{a.mark}">\n{a.text}\n</essay {a.mark}>\n',
                f'<essay place="B" mark="{b.mark}">\n{b.text}\n</essay {b.mark}>\n\n{prompts.QUESTION}',
            )
            messages = [
                {"role": "system", "content": prompts.SYSTEM},
                {"role": "user", "content": [{"type": "text", "text": text} for text in texts]},
            ]
            body = {
                "model": job.judge.model_id,
                "messages": messages,
                "max_completion_tokens": job.judge.max_tokens,
                "response_format": {"type": "json_schema", "json_schema": schema},
            }
            line = {"custom_id": item.custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}
            file.write(json.dumps(line) + "\n")


def _compare(ours: Path, usual: Path) -> None:
    """Both ways say the same: a faster way to write something else would be no gain."""
    import orjson

    with ours.open("rb") as left, usual.open("rb") as right:
        for mine, theirs in zip(left, right, strict=True):
            line = orjson.loads(mine)
            line["body"].pop("prompt_cache_key", None)
            if line != orjson.loads(theirs):
                raise RuntimeError("the two ways do not ask the same")
