"""Submitted comparisons -> judgements by single calls, 1,000 in flight, beside the bare SDK that keeps nothing.

Both speak to the same lean server with 30 ms of latency. What is measured is the product's own step of a job: read the
requests, mark them as sent, call, write down outcomes, judgements, statuses, money and callbacks. Last stands what
the queue adds to such a job: an RQ worker forks for each.
"""

import asyncio
import resource
import time
from collections.abc import Iterator
from typing import Any

from bench import dummy, growth, world
from bench.gauge import BackEnd, measured
from bench.memory import apart
from bench.rows import Row, Sizes
from bench.scratch import scratch

CALLS, ESSAYS, IN_FLIGHT = 5_000, 500, 1_000
IDLE_JOBS = 20
PATIENCE = 120.0  # seconds for a connection: other processes may hold the processor
LEAST_IN_A_JOB, MOST_FOR_THE_QUEUE = 100, 0.05


def measure(sizes: Sizes) -> Iterator[Row]:
    """T3 with its growth, and T8."""
    found: dict[int, dict[str, float]] = {}
    with scratch(), dummy.running() as url:
        for size in sizes.decades(CALLS, least=50):
            world.settle(url=url, sync_in_flight=IN_FLIGHT, callback_sink="kafka")
            judge = world.waiting(size, essays=max(30, min(ESSAYS, size // 4)), provider="anthropic",
                                  strategy="per_round")  # fmt: skip
            bare = apart(_bare, url, size).result
            found[size] = {"bare": bare} | apart(_ours, judge.pk).result
        idle = apart(_idle).result
        yield from _rows(found)
        yield from _queue_rows(idle, found[max(found)]["step"])


def _rows(found: dict[int, dict[str, float]]) -> Iterator[Row]:
    size, last = max(found.items())
    label = f"{size:,} calls, {min(IN_FLIGHT, size):,} in flight"
    yield Row(target="T3", path="per_round", size=label, figure="CPU per comparison, everything stored", unit="ms",
              value=last["step"] * 1e3, beside="bare async SDK with aiohttp", beside_value=last["bare"] * 1e3,
              at_most=1.5)  # fmt: skip
    yield Row(target="", path="per_round", size=label, figure="of which PostgreSQL's back end", unit="ms",
              value=last["server"] * 1e3, beside="bare async SDK with aiohttp",
              beside_value=last["bare"] * 1e3)  # fmt: skip
    yield Row(target="", path="per_round", size=label, figure="CPU per comparison to plan the job", unit="ms",
              value=last["plan"] * 1e3, beside="bare async SDK with aiohttp",
              beside_value=last["bare"] * 1e3)  # fmt: skip
    yield from growth.rows("per_round", {n: n * one["step"] for n, one in found.items()})


def _queue_rows(idle: float, step: float) -> Iterator[Row]:
    from batches.conf import cj_settings
    from batches.pipeline.strategies import CALLS_PER_JOB

    least = min(CALLS_PER_JOB, cj_settings.batch_chunk_requests, cj_settings.accumulate_pairs)
    yield Row(target="T8", path="queue", size="full jobs", figure="comparisons in one RQ job, smallest of all ways",
              value=least, unit="", at_least=LEAST_IN_A_JOB)  # fmt: skip
    yield Row(target="T8", path="queue", size=f"{CALLS_PER_JOB} calls", figure="CPU of an idle RQ job", unit="ms",
              value=idle * 1e3, beside="the job's own CPU", beside_value=CALLS_PER_JOB * step * 1e3,
              at_most=MOST_FOR_THE_QUEUE, note="fork and connection")  # fmt: skip


def _ours(judge_id: int) -> dict[str, float]:
    """CPU seconds for each comparison: to plan the jobs, and to take their one step."""
    from batches.models import Callback, Judge, Judgement
    from batches.pipeline import submit, watch

    judge = Judge.objects.select_related("account").get(pk=judge_id)
    with measured(BackEnd()) as planned:
        jobs = submit.open_jobs(submit.Group(judge=judge, strategy="per_round"))
    with measured(BackEnd()) as cost:
        statuses = {watch.step(job) for job in jobs}
    total = Judgement.objects.filter(item__job__judge=judge).count()
    if statuses != {"COLLECTED"} or total != Callback.objects.filter(comparison__judge=judge).count() or not total:
        raise RuntimeError(f"{statuses}, {total} judgements")
    return {
        "step": (cost.client + cost.server) / total,
        "server": cost.server / total,
        "plan": (planned.client + planned.server) / total,
    }


def _bare(url: str, n: int) -> float:
    """CPU seconds for each call of the SDK as its page shows it, with the same requests in flight."""
    from batches.pipeline.calls import allow_files

    allow_files(IN_FLIGHT)
    begun = time.process_time()
    asyncio.run(_call(url, n))
    return (time.process_time() - begun) / n


async def _call(url: str, n: int) -> None:
    import anthropic

    from batches.judging import prompts

    text = world.text(0, world.RUBRIC_WORDS) + world.text(1, world.ESSAY_WORDS) + world.text(2, world.ESSAY_WORDS)
    params: dict[str, Any] = {
        "model": world.model("anthropic"), "max_tokens": 600, "system": prompts.SYSTEM,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
        "output_config": {"format": {"type": "json_schema", "schema": prompts.JUDGEMENT_SCHEMA}},
    }  # fmt: skip
    room = asyncio.Semaphore(IN_FLIGHT)
    http = anthropic.DefaultAioHttpClient(limits=_limits(), timeout=PATIENCE)  # the SDK's own client on aiohttp
    async with anthropic.AsyncAnthropic(
        base_url=f"{url}/anthropic", api_key="bench", max_retries=0, timeout=PATIENCE, http_client=http
    ) as client:

        async def one() -> str:
            async with room:
                message = await client.messages.create(**params)
                return str(message.content[0].text)

        answers = await asyncio.gather(*(one() for _ in range(n)))
        if set(answers) != {dummy.ANSWER}:
            raise RuntimeError("the dummy answered something else")


def _limits() -> Any:
    import httpx2

    return httpx2.Limits(max_connections=2 * IN_FLIGHT, max_keepalive_connections=2 * IN_FLIGHT)


def _idle() -> float:
    """CPU seconds that the queue takes for a job with nothing to do: enqueue, fork, connection, clean up.

    What a worker does once in its life, however many jobs follow, is taken off.
    """
    _burst(0)  # imports what a worker imports
    started, worked = _burst(0), _burst(IDLE_JOBS)
    return (worked - started) / IDLE_JOBS


def _burst(jobs: int) -> float:
    """CPU seconds of a worker that does so many jobs and leaves."""
    import django_rq

    from batches import tasks
    from batches.worker import Worker

    queue = django_rq.get_queue("poll")
    worker = Worker([queue], connection=queue.connection)
    before = _used()
    for number in range(jobs):
        tasks._enqueue("poll", tasks.step, 0, name=f"idle-{number}")
    worker.work(burst=True, logging_level="ERROR")
    return _used() - before


def _used() -> float:
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
