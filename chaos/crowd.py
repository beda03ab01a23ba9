"""Forty at once submit the same chunk -> one submission."""

import threading

from django.db import connection, connections

from batches.models import BatchJob, Comparison
from batches.pipeline import submit, watch
from chaos import making
from chaos.checker import Found
from chaos.world import World

CROWD = 40


def submits(world: World, provider: str) -> Found:
    """Every thread opens what waits and takes the first step of every job; then the provider's books are read."""
    making.clear()
    world.control("POST", "reset")
    world.control("PUT", "settings", {"batch_seconds": 0.1})
    making.assessment(provider, "provider_batch", 8)
    [group] = submit.waiting_groups()
    start = threading.Barrier(CROWD)
    problems: list[str] = []

    def press() -> None:
        try:
            start.wait()
            submit.open_jobs(group)
            for job, _ in watch.due():
                watch.step(job)
        except Exception as problem:
            problems.append(repr(problem))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Found()
    for problem in problems:
        found.add("exceptions", problem)
    batches = world.control("GET", "batches")["batches"]
    if len(batches) != 1 or BatchJob.objects.count() != 1:
        found.add("one submission", f"{len(batches)} batches, {BatchJob.objects.count()} jobs")
    if batches and batches[0]["n"] != Comparison.objects.count():
        found.add("one submission", f"a batch of {batches[0]['n']}")
    connection.close()
    return found
