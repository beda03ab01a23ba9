"""Every labelled crash point, three deaths at each, in a stretch of work that is sure to pass it."""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

from batches.models import BatchJob, Stranger
from batches.pipeline import cancel
from batches.providers.base import Progress, Provider
from chaos import workers
from chaos.checker import Found
from chaos.episodes import Episode, Load, run
from chaos.world import ROOT, World

DEATHS = 3
TOGETHER = 5  # labels that are attacked in one stretch of work
Deaths = dict[str, workers.Counter]
ALONE = ("cancel_answered", "before_cancelled_commit")  # the one is passed at the provider, the other before it
SLOW: dict[str, Any] = {"seconds": 180}
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


def labels() -> list[str]:
    """Every crash point in the source."""
    source = "".join(path.read_text() for path in sorted((ROOT / "batches" / "pipeline").glob("*.py")))
    return sorted(set(re.findall(r'crash_point\("(\w+)"\)', source)))


def all_points(world: World, seed: int, only: list[str] | None = None) -> tuple[Found, dict[str, int]]:
    """What was found over all labels, and how often each was hit."""
    found = Found()
    hits: dict[str, int] = {}
    for number, group in enumerate(groups(only or labels())):
        deaths = {label: workers.Counter() for label in group}
        play = DIRECTED_RUNS.get(group[0], _plain)
        one = play(world, deaths, seed + number)
        for promise, example in one.examples.items():
            one.examples[promise] = f"[{', '.join(group)}] {example}"
        found.merge(one)
        hits |= {label: count.value for label, count in deaths.items()}
        print(f"  {', '.join(f'{label} {hits[label]}' for label in group)}", flush=True)
    found.merge(coverage(hits))
    return found, hits


def coverage(hits: dict[str, int]) -> Found:
    """A violation for each label that was passed too seldom."""
    found = Found()
    for label, n in hits.items():
        if n < DEATHS:
            found.add("crash point not reached", f"{label}: {n} of {DEATHS}")
    return found


def groups(chosen: list[str]) -> list[list[str]]:
    """Labels that one stretch of work can pass."""
    alike: dict[str, list[str]] = {}
    for label in chosen:
        needs = DIRECTED_RUNS.get(label, _plain).__name__ if label not in ALONE else label
        alike.setdefault(f"{needs} {SETUPS.get(label)}", []).append(label)
    return [list(some) for labels in alike.values() for some in itertools.batched(labels, TOGETHER)]


def _plain(world: World, deaths: Deaths, seed: int) -> Found:
    [setup] = {repr(one): one for label in deaths for one in [{"load": BATCHES} | SETUPS.get(label, {})]}.values()
    return run(world, Episode(seed=seed, hook=workers.die_at(deaths, DEATHS), until=_all_died(deaths), **SLOW, **setup))


def _all_died(deaths: Deaths) -> Callable[[], bool]:
    return lambda: all(count.value >= DEATHS for count in deaths.values())


def _cancelled(world: World, deaths: Deaths, seed: int) -> Found:
    """Staff cancel everything three times over, before and after it was sent."""
    at_provider = "cancel_answered" in deaths
    over = _all_died(deaths)

    def meanwhile() -> None:
        if not over():
            cancel.ask(BatchJob.objects.filter(status="IN_PROGRESS" if at_provider else "PLANNED"), actor=None)

    provider = {"batch_seconds": 2.0} if at_provider else {}
    episode = Episode(
        seed=seed,
        load=BATCHES,
        hook=workers.die_at(deaths, DEATHS),
        until=over,
        provider=provider,
        meanwhile=meanwhile,
        **SLOW,
        faults={} if at_provider else {"slow": {"on": ["files", "list"], "seconds": 0.3}},
    )
    return run(world, episode)


def _strangers(world: World, deaths: Deaths, seed: int) -> Found:
    """Somebody else sends batches of our size while ours are in doubt, and whoever looks takes the wrong one first."""
    from chaos.strangers import Rival

    rival, over = Rival(), _all_died(deaths)
    episode = Episode(
        seed=seed,
        load=(("anthropic", "provider_batch", 48),),
        hook=workers.die_at(deaths, DEATHS),
        until=over,
        meanwhile=lambda: None if over() else rival.follow(),
        faults={"accept_and_drop": {"on": ["create"], "rate": 0.5}},
        prepare=lambda: _take_the_wrong_one_first(world),
        **SLOW,
    )
    return run(world, episode)


def _take_the_wrong_one_first(world: World) -> None:
    """Look at other jobs' batches first, then at strangers, and at the right one last."""
    from batches.pipeline import recover

    find = recover._find

    def contrary(job: BatchJob, provider: Provider) -> list[Progress]:
        ours = set(BatchJob.objects.exclude(pk=job.pk).values_list("nonce", flat=True))
        found = [(_nonce(world, one.provider_batch_id), one) for one in find(job, provider)]
        found.sort(key=lambda pair: (pair[0] not in ours, pair[0] == job.nonce))
        return [one for _, one in found]

    recover._find = contrary


def _nonce(world: World, batch: str) -> str:
    request = json.loads((world.provider_folder / "batches" / f"{batch}.json").read_bytes())["requests"][0]
    return str(request["custom_id"][:12])


def _orphans(world: World, deaths: Deaths, seed: int) -> Found:
    """Reconciliations by the workers themselves, of batches with our nonce that no job owns."""
    from chaos.strangers import make_orphans, reconcile_in_workers

    over = _all_died(deaths)

    def meanwhile() -> None:
        if not over() and not Stranger.objects.filter(cancel_asked_at=None, is_ours=True).exists():
            make_orphans(world, 2)

    episode = Episode(
        seed=seed,
        load=(("openai", "provider_batch", 8),),
        hook=workers.die_at(deaths, DEATHS),
        until=over,
        meanwhile=meanwhile,
        prepare=reconcile_in_workers,
        **SLOW,
    )
    return run(world, episode)


def _relayed(world: World, deaths: Deaths, seed: int) -> Found:
    """Callbacks that leave while the comparisons are judged."""
    from chaos import outbox

    path = world.folder / "delivered"
    path.write_text("")
    over = _all_died(deaths)
    found = run(
        world,
        Episode(
            seed=seed,
            load=BATCHES,
            hook=workers.die_at(deaths, DEATHS),
            until=lambda: over() and outbox.emptied(),
            prepare=lambda: outbox.relay_in_workers(path),
            **SLOW,
        ),
    )
    found.merge(outbox.check(path))
    return found


DIRECTED_RUNS = {
    "cancel_answered": _cancelled,
    "before_cancelled_commit": _cancelled,
    "before_disowned_commit": _strangers,
    "before_hand_over_commit": _strangers,
    "stranger_recorded": _orphans,
    "orphan_stopped": _orphans,
    "callbacks_reported": _relayed,
}
