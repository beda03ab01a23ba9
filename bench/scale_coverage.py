"""Simulated sessions -> how often 95 % intervals of logits, differences and position bias hold what they promise.

    python -m bench --only scale-coverage --sessions 2000

40 essays. Abilities are drawn anew for each session; sessions go round the conditions (sd, judgements an essay).
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import product
from statistics import fmean

import numpy as np

from batches.scale import fit
from bench.sessions import BIAS, ESSAYS, LOOKS, MOST_PROCESSES, Session, spread_over

CONDITIONS = tuple(product((0.7, 1.0, 2.0, 3.0), LOOKS))
LIMITS = {"random": (0.93, 0.97), "default": (0.92, 0.98)}
FIELDS = ("logits", "differences", "position bias", "error / distance")
type Task = tuple[float, int, int]  # sd, judgements per essay, seed


def cover(task: Task, *, pairing: str) -> tuple[Task, dict[str, float]]:
    """The share of intervals that hold the truth: of all logits, of a hundred differences, of the position bias."""
    sd, look, seed = task
    session = Session(seed, sd, pairing).judge_rounds(look)
    scale = fit(session.decisions)
    low, high = scale.interval()
    pairs = [session.rng.choice(ESSAYS, 2, replace=False) for _ in range(100)]
    held = []
    for one, other in pairs:
        gap, error = scale.difference(one, other)
        held.append(abs(gap - session.truth[one] + session.truth[other]) <= 1.96 * error)
    distance = float(((scale.logit - session.truth) ** 2).mean())
    return task, {
        "logits": float(((low <= session.truth) & (session.truth <= high)).mean()),
        "differences": float(np.mean(held)),
        "position bias": float(abs(scale.position_bias - BIAS) <= 1.96 * scale.position_bias_se),
        "error / distance": float(np.sqrt((scale.standard_error**2).mean() / distance)),
    }


def simulate(
    sessions: int, pairing: str, *, first: int = 0, processes: int = MOST_PROCESSES
) -> dict[tuple[float, int], list[dict[str, float]]]:
    tasks = [(*CONDITIONS[seed % len(CONDITIONS)], seed) for seed in range(first, first + sessions)]
    rows = defaultdict(list)
    for (sd, look, _), found in spread_over(partial(cover, pairing=pairing), tasks, processes):
        rows[sd, look].append(found)
    return rows


def report(pairing: str, rows: dict[tuple[float, int], list[dict[str, float]]]) -> list[str]:
    lines = [f"{pairing}: {'sd':>4} {'n':>3} {'sessions':>8} " + " ".join(f"{name:>16}" for name in FIELDS)]
    for (sd, look), found in sorted(rows.items()):
        means = " ".join(f"{fmean(one[name] for one in found):>16.3f}" for name in FIELDS)
        lines.append(f"{'':{len(pairing) + 1}} {sd:>4} {look:>3} {len(found):>8} {means}")
    every = [one for found in rows.values() for one in found]
    low, high = LIMITS.get(pairing, (0.92, 0.98))
    for name in FIELDS[:3]:
        values = [one[name] for one in every]
        mean, error = fmean(values), float(np.std(values) / len(values) ** 0.5)
        word = "kept  " if low <= mean <= high else "BROKEN"
        lines.append(
            f"{word} {pairing}: {name} covered {mean:.4f} ± {error:.4f} over {len(every)} sessions ({low} to {high})"
        )
    return lines


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=120, help="per pairing; the promises are about 2,000")
    parser.add_argument("--first", type=int, default=0, help="seed of the first session")
    parser.add_argument("--pairing", nargs="+", default=list(LIMITS))
    parser.add_argument("--processes", type=int, default=MOST_PROCESSES)
    options = parser.parse_args(arguments)
    for pairing in options.pairing:
        rows = simulate(options.sessions, pairing, first=options.first, processes=options.processes)
        print("\n".join(report(pairing, rows)), flush=True)
