"""Real RQ workers and a bell, with Valkey emptied under them -> does the work resume within one sweep?"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Sum

from batches.models import BatchJob, Comparison
from chaos import checker, making, workers
from chaos.checker import Found
from chaos.episodes import Episode, _finish, _person, reconcile_books
from chaos.world import World, fresh_clients

LOAD = (("anthropic", "provider_batch", 40), ("openai", "provider_batch", 40), ("anthropic", "per_round", 24))
SWEEP = 2.0  # seconds: a bell rings at most once in two, and finds everything that is due
SLACK = 20.0  # for forked jobs on a crowded machine; what was measured is in the table


def flushes(world: World, seed: int, times: int, *, bell: bool = True, seconds: float = 90) -> Found:
    """So many FLUSHALLs while two RQ workers work; without the bell the queue would be the truth."""
    import django_rq

    rng = random.Random(seed)
    making.clear()
    world.control("POST", "reset")
    world.control("PUT", "faults", {"list_lag": 0.05})
    made = [making.assessment(*one) for one in LOAD]
    valkey = django_rq.get_connection("submit")
    valkey.flushall()
    fresh_clients()
    found = Found()
    longest = 0.0
    with _crew(bell):
        for number in range(times):
            time.sleep(rng.uniform(0.2, 0.8))
            valkey.flushall()
            if bell:
                longest = max(longest, _standstill(SWEEP + SLACK))
            if Comparison.objects.filter(status__in=["PENDING", "IN_FLIGHT"]).count() < 30 and bell:
                for one, (_, strategy, _) in zip(made, LOAD, strict=True):
                    making.more(one, strategy, seed=seed + number)
        finished = _finish(Episode(seed=seed, seconds=seconds), _Nobody(), made, found)
    found.counts["flushes"] = times
    found.counts["longest standstill, ms"] = round(longest * 1000)
    if not finished:
        found.add("not finished", "work is left, and nobody does it")
    if longest > SWEEP + SLACK:
        found.add("standstill", f"{longest:.1f} s after a flush")
    reconcile_books(world, found)
    found.merge(checker.check(world))
    return found


class _Nobody:
    """The crew as _finish knows it: RQ's own watch over its jobs here."""

    def tend(self) -> None:
        return None


def _standstill(most: float) -> float:
    """Seconds until a worker takes any job or comparison on, while there is something to do."""
    begun, before = time.monotonic(), _progress()
    while time.monotonic() - begun < most + 1:
        _person()
        if _progress() != before or not Comparison.objects.filter(status__in=["PENDING", "IN_FLIGHT"]).exists():
            break
        time.sleep(0.02)
    return time.monotonic() - begun


def _progress() -> tuple[int, int]:
    return BatchJob.objects.count(), BatchJob.objects.aggregate(n=Sum("fence"))["n"] or 0


@contextmanager
def _crew(bell: bool) -> Iterator[None]:
    pids = [_fork(_rq_worker), _fork(_rq_worker), _fork(_bell, bell)]
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _fork(work: Any, *args: Any) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            workers.begin()
            work(*args)
        finally:
            os._exit(1)
    return pid


def _rq_worker() -> NoReturn:
    import logging

    import django_rq

    from batches.worker import Worker

    logging.disable(logging.CRITICAL)
    names = ("submit", "poll")
    while True:  # as a supervisor would: a worker whose own record was flushed away may end
        try:
            queues = [django_rq.get_queue(name) for name in names]
            Worker(queues, connection=django_rq.get_connection("submit")).work()
        except Exception:
            time.sleep(0.1)


def _bell(keeps_ringing: bool) -> NoReturn:
    from batches import tasks

    tasks.ring()
    while True:
        time.sleep(0.2)
        try:
            if keeps_ringing and tasks.anything_due():
                tasks.ring()
        except (DatabaseError, InterfaceError):
            connection.close()
