"""Every promise under attack -> one table, and exit code 1 if any was broken."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chaos.table import Row, markdown, row
from chaos.world import World, world

KILLS_EACH = 100  # in one episode
MERELY_SLOW = ("not finished", "lost")  # what a crowded machine could look like: not enough to convict a mutant


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--long", action="store_true", help="every count in full: 10,000 kills, 8,000 steps, ...")
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts, for trying things out")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--only", help="parts, by comma: " + ", ".join(PARTS))
    parser.add_argument("--labels", help="of the part points: only these crash points, by comma")
    parser.add_argument("--table", type=Path, help="write the table here as well")
    return parser.parse_args()


class Run:
    """The counts of this run: in the short form some are scaled down, the kills, points and mutants are not."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.long, self.scale, self.seed = given.long, given.scale, given.seed
        self.labels: list[str] | None = given.labels.split(",") if given.labels else None

    def n(self, short: int, long: int) -> int:
        return max(1, round((long if self.long else short) * self.scale))


def scenarios(world: World, run: Run) -> list[Row]:
    from chaos.scenarios import FAULTS, all_scenarios

    begun = time.monotonic()
    found, passed, twice = all_scenarios(world, run.seed)
    asked = found.counts["billed and never delivered by the provider, asked again"]
    remark = f"{twice} requests billed twice; {asked} lines that the provider billed and left out were asked again"
    title = f"{len(FAULTS)} scenarios on two providers"
    return [row(title, f"{passed} of {2 * len(FAULTS)}", found, run.seed, time.monotonic() - begun, remark)]


def kills(world: World, run: Run) -> list[Row]:
    from chaos.checker import Found
    from chaos.episodes import FOUL, Episode
    from chaos.episodes import run as play

    begun, found, total = time.monotonic(), Found(), run.n(1000, 10_000)
    for number in range(-(-total // KILLS_EACH)):
        share = min(KILLS_EACH, total - number * KILLS_EACH)
        found.merge(play(world, Episode(seed=run.seed + number, faults=FOUL, kills=share, seconds=180)))
        print(f"  {found.counts['kills']:,} kills, {found.counts['comparisons']:,} comparisons", flush=True)
        if found.violations:
            break
    counts = found.counts
    bound = counts["kills"] * 4
    if counts["calls lost with a worker"] > bound:
        found.add("calls lost", f"{counts['calls lost with a worker']} for {counts['kills']} kills")
    remark = (
        f"{counts['comparisons']:,} comparisons, {counts['judged']:,} judged, {counts['failed']} failed with a reason; "
        f"{counts['batches billed']:,} batches, {found.violations['re-billed']} requests re-billed; "
        f"{counts['calls lost with a worker']} single calls LOST with a worker (bound {bound}), "
        f"{counts['calls lost and billed']} LOST calls billed; a person was asked {counts['persons asked']} times"
    )
    return [row("random kill -9, faults on", f"{counts['kills']:,}", found, run.seed, time.monotonic() - begun, remark)]


def points(world: World, run: Run) -> list[Row]:
    from chaos.points import all_points

    begun = time.monotonic()
    found, hits = all_points(world, run.seed, only=run.labels)
    n = f"{len(hits)} labels, {sum(hits.values())} deaths"
    return [row("every labelled crash point, 3 deaths each", n, found, run.seed, time.monotonic() - begun)]


def zombies(world: World, run: Run) -> list[Row]:
    from chaos.checker import Found
    from chaos.episodes import FOUL, Episode
    from chaos.episodes import run as play

    begun, found, total = time.monotonic(), Found(), run.n(40, 240)
    mild = FOUL | {"accept_and_hang": {"rate": 0}}
    while found.counts["pauses"] < total:
        seed, share = run.seed + found.counts["pauses"], min(20, total - found.counts["pauses"])
        one = play(world, Episode(seed=seed, faults=mild, pauses=share, workers=4, seconds=180))
        orphans = one.counts["orphans"]
        if one.violations["re-billed"] <= 8 * orphans and orphans <= one.counts["pauses"]:
            found.counts["chunks re-billed"] += orphans
            found.counts["requests re-billed"] += one.violations.pop("re-billed", 0)
            one.examples.pop("re-billed", None)
        found.merge(one)
        if found.violations:
            break
    remark = (
        f"{found.counts['chunks re-billed']} chunks ({found.counts['requests re-billed']} requests) re-billed, each "
        f"reported as an orphan; {found.counts['calls lost with a worker']} single calls LOST"
    )
    title = "pauses longer than the lease (SIGSTOP)"
    return [row(title, found.counts["pauses"], found, run.seed, time.monotonic() - begun, remark)]


def databases(world: World, run: Run) -> list[Row]:
    from chaos.checker import Found
    from chaos.episodes import FOUL, Episode
    from chaos.episodes import run as play

    begun, found, total = time.monotonic(), Found(), run.n(8, 24)
    while found.counts["database crashes"] < total and not found.violations:
        n = min(4, total - found.counts["database crashes"])
        seed = run.seed + found.counts["database crashes"]
        found.merge(
            play(world, Episode(seed=seed, faults=FOUL, crashes=n, kills=5 * n, visits_between=30, seconds=180))
        )
    remark = f"with {found.counts['kills']} kills; {found.violations['re-billed']} requests re-billed"
    title = "PostgreSQL crashes (immediate stop)"
    return [row(title, found.counts["database crashes"], found, run.seed, time.monotonic() - begun, remark)]


def flushes(world: World, run: Run) -> list[Row]:
    from chaos.bells import flushes as flush

    begun, total = time.monotonic(), run.n(8, 20)
    found = flush(world, run.seed, total)
    remark = f"longest standstill {found.counts['longest standstill, ms'] / 1000:.1f} s; a sweep every 2 s"
    return [row("Valkey FLUSHALL", total, found, run.seed, time.monotonic() - begun, remark)]


def mutants(world: World, run: Run) -> list[Row]:
    from chaos.bells import flushes as flush
    from chaos.checker import Found
    from chaos.mutants import MUTANTS, symptoms

    begun, found, caught = time.monotonic(), Found(), []
    noticed: dict[str, int] = {}
    for number, name in enumerate(MUTANTS):
        for again in range(3):  # a rate may spare one stretch of work
            found_out = symptoms(world, name, run.seed + number + 100 * again, sown=True).violations
            noticed = {promise: n for promise, n in found_out.items() if promise not in MERELY_SLOW}
            if noticed:
                break
        print(f"  mutant {name}: {noticed or 'NOT CAUGHT'}", flush=True)
        if not noticed:
            found.add("mutant not caught", name)
        else:
            caught.append(name)
        if run.long and (left := symptoms(world, name, run.seed + number, sown=False, seconds=60).violations):
            found.add("false alarm without the mutant", f"{name}: {dict(left)}")
    truth = flush(world, run.seed, 2, bell=False, seconds=12).violations
    print(f"  mutant RQ as the truth: {dict(truth) or 'NOT CAUGHT'}", flush=True)
    caught += ["RQ as the truth"] if truth["not finished"] else []
    if not truth["not finished"]:
        found.add("mutant not caught", "RQ as the truth")
    n = f"{len(caught)} of {len(MUTANTS) + 1}"
    return [row("seeded bugs caught", n, found, run.seed, time.monotonic() - begun, ", ".join(caught))]


def fuzz(world: World, run: Run) -> list[Row]:
    from chaos.fuzz import files, lines

    begun, n = time.monotonic(), run.n(20_000, 20_000)
    found = lines(run.seed, n)
    remark = f"{found.counts['judgements']:,} of them read as judgements"
    rows = [row("fuzzed result lines", f"{n:,}", found, run.seed, time.monotonic() - begun, remark)]
    begun, n = time.monotonic(), run.n(200, 1000)
    found = files(run.seed, n)
    collected, torn = found.counts["files collected"], found.counts["torn files refused"]
    remark = f"{collected} collected twice over, {torn} torn ones refused"
    return [*rows, row("fuzzed whole files", f"{n:,}", found, run.seed, time.monotonic() - begun, remark)]


def states(world: World, run: Run) -> list[Row]:
    from chaos.states import walk

    begun = time.monotonic()
    found, steps = walk(run.seed, run.n(2000, 8000))
    title = "random steps, database against model"
    return [row(title, f"{steps:,}", found, run.seed, time.monotonic() - begun)]


def crowd(world: World, run: Run) -> list[Row]:
    from chaos.crowd import CROWD, submits

    begun = time.monotonic()
    found = submits(world, "anthropic")
    found.merge(submits(world, "openai"))
    return [row("concurrent submits of one chunk", f"{CROWD} x 2", found, run.seed, time.monotonic() - begun)]


PARTS: dict[str, Callable[[World, Run], list[Row]]] = {
    "scenarios": scenarios,
    "crowd": crowd,
    "states": states,
    "fuzz": fuzz,
    "points": points,
    "kills": kills,
    "zombies": zombies,
    "databases": databases,
    "flushes": flushes,
    "mutants": mutants,
}


def main() -> int:
    given = arguments()
    chosen = given.only.split(",") if given.only else list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        sys.stderr.write(f"There is no part called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.\n")
        return 2
    run, rows, begun = Run(given), [], time.monotonic()
    with world() as made:
        for name in chosen:
            print(f"{name} ...", flush=True)
            rows += PARTS[name](made, run)
            print(markdown(rows[-1:]).splitlines()[-1], flush=True)
    text = markdown(rows)
    times, load = os.times(), ", ".join(f"{one:.1f}" for one in os.getloadavg())
    cpu = times.user + times.system + times.children_user + times.children_system
    ran = (
        f"{time.monotonic() - begun:.0f} s, {cpu:.0f} s of them in the harness, its workers and servers on a processor"
    )
    print(f"\n{text}\n\n{ran}; seed {run.seed}; load {load}", flush=True)
    if given.table:
        given.table.write_text(text + "\n")
    return 1 if any(one.violations for one in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
