"""Every labelled crash point, three deaths at each, in a stretch of work that is sure to pass it."""

import re
from typing import Any

from batches.models import BatchJob, Stranger
from batches.pipeline import cancel
from chaos import workers
from chaos.checker import Found
from chaos.episodes import Episode, Load, run
from chaos.world import ROOT, World

DEATHS = 3
BATCHES: tuple[Load, ...] = (("anthropic", "provider_batch", 20), ("openai", "provider_batch", 20))
CALLS: tuple[Load, ...] = (("anthropic", "per_round", 16),)
LOST_ANSWERS = {"accept_and_drop": {"on": ["create"], "rate": 0.6}}
NEVER_THERE = {"drop_before_accept": {"on": ["create"], "rate": 0.6}}
REFUSED = {"rate_limited": {"on": ["create"], "rate": 0.6, "retry_after": 0.05}}
IN_CALLS = ("calls_begun", "calls_marked", "calls_answered", "calls_written", "before_calls_closed")
IN_DOUBT = ("post_failed", "doubt_committed", "looked", "adopted")
SETUPS: dict[str, dict[str, Any]] = {  # label -> what it takes to get there; plain batches where it is not named
    **{label: {"load": CALLS} for label in IN_CALLS},
    **{label: {"faults": LOST_ANSWERS} for label in IN_DOUBT},
    **{label: {"faults": LOST_ANSWERS, "load": BATCHES[:1] * 4} for label in ("nonces_read", "confirmed")},
    **{label: {"faults": NEVER_THERE, "load": BATCHES * 2} for label in ("before_absent_commit", "absent_committed")},
    "before_refused_commit": {"faults": REFUSED},
}
DIRECTED = (
    "cancel_answered",
    "before_cancelled_commit",
    "before_disowned_commit",
    "before_hand_over_commit",
    "stranger_recorded",
    "orphan_stopped",
)


def labels() -> list[str]:
    """Every crash point in the source."""
    source = "".join(path.read_text() for path in sorted((ROOT / "batches" / "pipeline").glob("*.py")))
    return sorted(set(re.findall(r'crash_point\("(\w+)"\)', source)))


def all_points(world: World, seed: int, only: list[str] | None = None) -> tuple[Found, dict[str, int]]:
    """What was found over all labels, and how often each was hit."""
    found, hits = Found(), {}
    for number, label in enumerate(only or labels()):
        count = workers.Counter()
        one = (
            DIRECTED_RUNS[label](world, label, count, seed + number)
            if label in DIRECTED
            else _plain(world, label, count, seed + number)
        )
        hits[label] = count.value
        if count.value < DEATHS:
            found.add("crash point not reached", f"{label}: {count.value} of {DEATHS}")
        for promise, example in one.examples.items():
            one.examples[promise] = f"[{label}] {example}"
        found.merge(one)
    return found, hits


def _plain(world: World, label: str, count: workers.Counter, seed: int) -> Found:
    setup = {"load": BATCHES} | SETUPS.get(label, {})
    hook = workers.die_at(label, DEATHS, count)
    return run(world, Episode(seed=seed, hook=hook, until=lambda: count.value >= DEATHS, seconds=120, **setup))


def _cancelled(world: World, label: str, count: workers.Counter, seed: int) -> Found:
    """Staff cancel everything three times over, before and after it was sent."""
    at_provider = label == "cancel_answered"

    def until() -> bool:
        status = ("IN_PROGRESS",) if at_provider else ("PLANNED",)
        if count.value < DEATHS:
            cancel.ask(BatchJob.objects.filter(status__in=status), actor=None)
        return count.value >= DEATHS

    provider = {"batch_seconds": 2.0} if at_provider else {}
    episode = Episode(
        seed=seed,
        load=BATCHES,
        hook=workers.die_at(label, DEATHS, count),
        until=until,
        provider=provider,
        meanwhile=until,
        faults={} if at_provider else {"slow": {"on": ["files", "list"], "seconds": 0.3}},
    )
    return run(world, episode)


def _strangers(world: World, label: str, count: workers.Counter, seed: int) -> Found:
    """Batches of the same size that somebody else sends while ours are in doubt."""
    from chaos.strangers import keep_sending

    with keep_sending(world):
        episode = Episode(
            seed=seed,
            load=(("anthropic", "provider_batch", 48),),
            hook=workers.die_at(label, DEATHS, count),
            faults={"accept_and_drop": {"on": ["create"], "rate": 0.5}},
            prepare=_adopt_newest if label == "before_disowned_commit" else None,
        )
        return run(world, episode)


def _adopt_newest() -> None:
    """Look at the newest batch first, so that a stranger is often taken for ours."""
    from batches.pipeline import recover

    find = recover._find
    recover._find = lambda job, provider: find(job, provider)[::-1]


def _orphans(world: World, label: str, count: workers.Counter, seed: int) -> Found:
    """Reconciliations by the workers themselves, of batches with our nonce that no job owns."""
    from chaos.strangers import make_orphans, reconcile_in_workers

    made: list[str] = []

    def until() -> bool:
        if count.value < DEATHS and not Stranger.objects.filter(cancel_asked_at=None, is_ours=True).exists():
            made.extend(make_orphans(world, 2))
        return count.value >= DEATHS

    episode = Episode(
        seed=seed,
        load=(("openai", "provider_batch", 8),),
        hook=workers.die_at(label, DEATHS, count),
        until=until,
        prepare=reconcile_in_workers,
    )
    return run(world, episode)


DIRECTED_RUNS = {
    "cancel_answered": _cancelled,
    "before_cancelled_commit": _cancelled,
    "before_disowned_commit": _strangers,
    "before_hand_over_commit": _strangers,
    "stranger_recorded": _orphans,
    "orphan_stopped": _orphans,
}
