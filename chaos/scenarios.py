"""The eight situations in which ten published tools were tried, and a ninth, on both providers with 20 requests."""

from typing import Any

from django.db.models import Count, Q

from batches.models import BatchItem, Comparison
from chaos import workers
from chaos.checker import Found
from chaos.episodes import Episode, run
from chaos.world import World

FAULTS: dict[str, dict[str, Any]] = {
    "clean": {},
    "expired": {"expire_after_done": {"next": 1, "n": 12}},
    "error file": {
        "status_zero_line": {"next": 3, "provider": "openai"},
        "errored_line": {"next": 3, "provider": "anthropic"},
    },
    "missing": {"missing_line": {"next": 3}},
    "duplicate": {"duplicate_line": {"next": 6}},
    "polls failing": {"server_error": {"on": ["poll"], "next": 4}},
    "lost answer": {"accept_and_drop": {"on": ["create"], "next": 1}},
    "kill after accept": {},
    "killed twice while results are written": {},
}
DEATHS = {"kill after accept": ("post_answered", 1), "killed twice while results are written": ("mid_collect", 2)}


def small_chunks() -> None:
    from batches.conf import cj_settings
    from batches.pipeline import collect

    cj_settings.values["batch_chunk_requests"] = (20, "chaos")
    collect.CHUNK = 4


def all_scenarios(world: World, seed: int) -> tuple[Found, int, int]:
    """What was found, how many of them passed, and how many requests were billed twice."""
    found, passed, twice = Found(), 0, 0
    for number, (name, faults) in enumerate(FAULTS.items()):
        for provider in ("anthropic", "openai"):
            one = _one(world, name, provider, faults, seed + number)
            passed += not one.violations
            twice += one.violations["re-billed"]
            for promise, example in one.examples.items():
                one.examples[promise] = f"[{name}, {provider}] {example}"
            found.merge(one)
    return found, passed, twice


def _one(world: World, name: str, provider: str, faults: dict[str, Any], seed: int) -> Found:
    count = workers.Counter()
    label, times = DEATHS.get(name, ("", 0))
    found = run(
        world,
        Episode(
            seed=seed,
            load=((provider, "provider_batch", 20),),
            faults=faults,
            prepare=small_chunks,
            hook=workers.die_at({label: count}, times) if label else None,
        ),
    )
    if count.value < times:
        found.add("crash point not reached", label)
    if Comparison.objects.exclude(status="JUDGED").exists():
        found.add("lost", "not every comparison was judged in the end")
    if struck := _never_delivered():
        found.counts["billed and never delivered by the provider, asked again"] += struck
    return found


def _never_delivered() -> int:
    """Requests whose answer the provider billed and left out: the second payment that nobody can save."""
    lost = BatchItem.objects.filter(outcome="MISSING").aggregate(n=Count("pk", filter=Q(comparison__status="JUDGED")))
    return int(lost["n"])
