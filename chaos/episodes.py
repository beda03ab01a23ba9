"""One seeded stretch of work under attack -> what the checker found once everything was done."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from batches.conf import cj_settings
from batches.models import BatchJob, Comparison, ProviderAccount, Round, Stranger
from batches.pipeline import decide, ownership, reconcile, submit
from batches.pipeline.refused import Refused
from batches.providers.base import ProviderError
from chaos import checker, making
from chaos.checker import Found
from chaos.workers import Crew, Hook
from chaos.world import World, fresh_clients

FOUL = {  # the weather of reliability.md, section 2
    "drop_before_accept": {"rate": 0.05, "on": ["create"]},
    "overloaded": {"rate": 0.04, "on": ["create", "sync"]},
    "rate_limited": {"rate": 0.04, "on": ["create", "sync"], "retry_after": 0.05},
    "accept_and_drop": [{"rate": 0.10, "on": ["create"]}, {"rate": 0.02, "on": ["sync"]}],
    "accept_and_hang": {"rate": 0.02, "on": ["create"], "seconds": 3},
    "errored_line": 0.04,
    "expired_line": 0.03,
    "malformed_line": 0.05,
    "missing_line": 0.05,
    "duplicate_line": 0.05,
    "duplicate_line_other_answer": 0.05,
    "unknown_id_line": 0.10,
    "junk_line": 0.10,
    "status_zero_line": 0.02,
    "null_body_line": 0.02,
    "prose": 0.02,
    "truncated_download": [{"rate": 0.05}, {"rate": 0.05, "how": "broken"}, {"rate": 0.03, "how": "whole_lines"}],
    "list_lag": 0.05,
}
NIGHTS = 5  # of reconciliation, at most
Load = tuple[str, str, int]  # provider, strategy, comparisons
MIXED: tuple[Load, ...] = (
    ("anthropic", "provider_batch", 24),
    ("openai", "provider_batch", 24),
    ("anthropic", "per_round", 12),
    ("openai", "per_round", 12),
)


@dataclass(kw_only=True)
class Episode:
    """What is to be done, in which weather, and who attacks it how often."""

    seed: int
    load: tuple[Load, ...] = MIXED
    faults: dict[str, Any] = field(default_factory=dict)
    provider: dict[str, Any] = field(default_factory=dict)  # settings of the local provider
    budget: str = "50"
    workers: int = 2
    kills: int = 0
    visits_between: int = 10  # crash points passed between two attacks, at most
    pauses: int = 0  # of half the workers at a time
    pause_for: tuple[float, float] = (2.4, 3.2)  # seconds: longer than any lease
    crashes: int = 0  # of PostgreSQL
    hook: Hook | None = None  # in every worker
    prepare: Callable[[], None] | None = None  # in every worker, before it begins
    until: Callable[[], bool] | None = None  # goes on until this is true as well
    meanwhile: Callable[[], Any] | None = None  # every now and then
    seconds: float = 180.0  # to finish in; only a promise broken, or a machine stopped, takes so long


def run(world: World, episode: Episode) -> Found:
    """Run it to its end, reconcile, check."""
    rng = random.Random(episode.seed)
    making.clear()
    world.control("POST", "reset")
    world.control("PUT", "settings", {"seed": episode.seed, **episode.provider})
    world.control("PUT", "faults", episode.faults)
    made = [making.assessment(p, s, n, budget=episode.budget) for p, s, n in episode.load]
    fresh_clients()
    log = world.folder / "exceptions"
    log.write_text("")
    found = Found()
    crew = Crew(episode.workers, log=log, prepare=episode.prepare, hook=episode.hook)
    try:
        _attack(world, episode, crew, rng, made, found)
        finished = _finish(episode, crew, made, found)
    finally:
        crew.end()
    if not finished:
        found.add("not finished", f"{_unfinished()} after {episode.seconds} s")
    reconcile_books(world, found)
    found.merge(checker.check(world))
    found.counts.update({"kills": crew.kills, "pauses": crew.pauses, "deaths": crew.deaths})
    for text in filter(str.strip, log.read_text().split("----\n")):
        found.add("exceptions", text.strip().splitlines()[-1] + " | " + " | ".join(_own(text)))
    return found


def _own(text: str) -> list[str]:
    """Where in our own code it happened."""
    return [line.strip().split("/")[-1] for line in text.splitlines() if "/batches/" in line][-2:]


def _attack(world: World, episode: Episode, crew: Crew, rng: random.Random, made: list[Any], found: Found) -> None:
    plan = (
        ["kill"] * episode.kills + ["pause"] * (episode.pauses // (episode.workers // 2)) + ["crash"] * episode.crashes
    )
    rng.shuffle(plan)
    for attack in plan:
        crew.wait_for_visits(rng.randint(1, episode.visits_between), seconds=0.4)
        time.sleep(rng.uniform(0, 0.01))
        if attack == "kill":
            crew.kill(rng)
        elif attack == "pause":
            crew.pause(rng, rng.uniform(*episode.pause_for))
        else:
            world.crash_postgres()
            connection.close()
            found.counts["database crashes"] += 1
        crew.tend()
        _look_after(episode, crew, made, found)


def _look_after(episode: Episode, crew: Crew, made: list[Any], found: Found) -> None:
    """Be the person who is asked, and see that there is work while the attacks last."""
    found.counts["persons asked"] += _person()
    waiting = Comparison.objects.filter(status__in=["PENDING", "IN_FLIGHT"]).count()
    if waiting < 16 * len(made):
        _more_work(episode, made, found)


def _more_work(episode: Episode, made: list[Any], found: Found) -> None:
    """One more round of each assessment."""
    for one, (_, strategy, _) in zip(made, episode.load, strict=True):
        making.more(one, strategy, seed=episode.seed + found.counts["rounds added"])
        found.counts["rounds added"] += 1


def _person() -> int:
    """Decide what waits for a decision: carry on, and submit again what is held; how often that was."""
    asked = 0
    for job in BatchJob.objects.filter(status="NEEDS_ATTENTION"):
        try:
            if job.error_code == ownership.NAMES_NO_JOB:  # the provider's own page shows that it is the job's
                decide.adopt(job, job.provider_batch_id, actor=None)
            else:
                decide.carry_on(job, actor=None)
            asked += 1
        except Refused:
            continue
    held = Round.objects.filter(comparisons__held=True, comparisons__status="PENDING").distinct()
    if held.exists():
        try:
            submit.let_go(held, actor=None)
            asked += 1
        except Refused:
            pass
    return asked


def _finish(episode: Episode, crew: Crew, made: list[Any], found: Found) -> bool:
    """Let them work until nothing is left and `until` is true; False when that takes too long."""
    deadline = time.monotonic() + episode.seconds
    while time.monotonic() < deadline:
        try:
            crew.tend()
            if episode.meanwhile is not None:
                episode.meanwhile()
            found.counts["persons asked"] += _person()
            if not _unfinished():
                if episode.until is None or episode.until():
                    return True
                _more_work(episode, made, found)
        except (DatabaseError, InterfaceError):
            connection.close()
        time.sleep(0.05)
    return False


def _unfinished() -> dict[str, int]:
    jobs = BatchJob.objects.filter(status__in=BatchJob.LIVE).count()
    waiting = Comparison.objects.filter(status__in=["PENDING", "IN_FLIGHT"]).count()
    return {"jobs": jobs, "comparisons": waiting} if jobs or waiting else {}


def reconcile_books(world: World, found: Found) -> None:
    """The nightly duty, at once: every batch too many must be on record afterwards.

    A night in which the provider does not answer, or breaks off the results that tell whose a batch is, is followed by
    another.
    """
    owned = set(BatchJob.objects.exclude(provider_batch_id="").values_list("provider_batch_id", flat=True))
    if {batch["id"] for batch in world.control("GET", "batches")["batches"]} - owned:
        time.sleep(cj_settings.call_timeout + cj_settings.settle_time + 0.5)  # what was only just made may find its job
    for account in ProviderAccount.objects.filter(jobs__packing="PROVIDER_BATCH").distinct():
        for _ in range(NIGHTS):
            try:
                books = reconcile.compare(account, actor=None)
            except ProviderError:
                continue
            found.counts["orphans stopped"] += len(books.stopped)
            if not Stranger.objects.filter(account=account, nonce="").exists():
                break
    found.counts["strangers"] += Stranger.objects.count()
