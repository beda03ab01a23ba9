"""Simulated sessions -> what is reported against what is true: reliability, r^2, and a judge who tosses coins.

    python -m bench --only scale-truth --sessions 300

40 essays, our default pairing, abilities drawn anew for each session, .2 logits in favour of the essay read first.
Reported: EB reliability, its classic rival, and the share of sessions with the red flag. True: the squared
correlation of the scores with the truth. One session is looked at after 6, 10 and 16 judgements an essay.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean

import numpy as np

from batches.scale import fit, plain_words
from bench.sessions import LOOKS, MOST_PROCESSES, Session, looked_at, spread_over

SDS = (0.7, 1.0, 1.5, 2.0, 3.0)
COIN = 0.0
FIELDS = ("true r2", "EB", "SSR", "told from noise", "flagged")
LEAST = {(1.0, 10): 0.64, (2.0, 10): 0.84}  # promised true r^2
type Found = dict[int, dict[str, float]]


def look_at(task: tuple[float, int], *, pairing: str, looks: Sequence[int]) -> tuple[float, Found]:
    sd, seed = task
    session = Session(seed, sd, pairing)
    found: Found = {}
    for look in looked_at(session, looks):
        scale = fit(session.decisions, uncertain=False)
        true = np.corrcoef(scale.logit, session.truth)[0, 1] ** 2 if session.truth.any() else 0.0
        words = " ".join(plain_words(scale))
        found[look] = {
            "true r2": float(true),
            "EB": scale.eb_reliability,
            "SSR": scale.scale_separation_reliability,
            "told from noise": float(scale.told_from_noise is True),
            "flagged": float("do not use the order" in words),
        }
    return sd, found


def simulate(
    sds: Sequence[float],
    sessions: int,
    *,
    first: int = 0,
    pairing: str = "default",
    looks: Sequence[int] = LOOKS,
    processes: int = MOST_PROCESSES,
) -> dict[tuple[float, int], list[dict[str, float]]]:
    """What was found in each session, by (sd, judgements per essay)."""
    rows = defaultdict(list)
    tasks = [(sd, seed) for sd in sds for seed in range(first, first + sessions)]
    for sd, found in spread_over(partial(look_at, pairing=pairing, looks=looks), tasks, processes):
        for look, values in found.items():
            rows[sd, look].append(values)
    return rows


def table(rows: Mapping[tuple[float, int], Sequence[Mapping[str, float]]]) -> list[str]:
    lines = [
        f"{'sd':>4} {'n':>3} {'sessions':>8} " + " ".join(f"{name:>15}" for name in FIELDS) + f" {'EB - true':>15}"
    ]
    for (sd, look), found in rows.items():
        gap = [one["EB"] - one["true r2"] for one in found]
        columns = [_mean([one[name] for one in found]) for name in FIELDS] + [_mean(gap)]
        lines.append(f"{sd:>4} {look:>3} {len(found):>8} " + " ".join(f"{column:>15}" for column in columns))
    return lines


def _mean(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f} ± {np.std(values) / len(values) ** 0.5:.3f}"


def verdicts(rows: Mapping[tuple[float, int], Sequence[Mapping[str, float]]]) -> list[str]:
    """The promises that these sessions speak of, each with what was found."""
    gaps = {
        key: abs(fmean(one["EB"] for one in found) - fmean(one["true r2"] for one in found))
        for key, found in rows.items()
        if key[0] != COIN
    }
    lines = []
    if gaps:
        worst = max(gaps, key=lambda key: gaps[key])
        mean, most = fmean(gaps.values()), gaps[worst]
        lines.append(f"{_kept(mean <= 0.05)} EB reliability is off by {mean:.3f} on average over conditions (<= .05)")
        lines.append(f"{_kept(most <= 0.10)} and by {most:.3f} at worst, at sd {worst[0]}, n {worst[1]} (<= .10)")
    for key, least in LEAST.items():
        if found := rows.get(key):
            true = [one["true r2"] for one in found]
            mean, error = fmean(true), float(np.std(true) / len(true) ** 0.5)
            kept = mean + 2 * error >= least
            lines.append(f"{_kept(kept)} true r2 {mean:.3f} ± {error:.3f} at sd {key[0]}, n {key[1]} (>= {least})")
    for key, found in rows.items():
        if key[0] == COIN:
            mean, flagged = fmean(one["EB"] for one in found), fmean(one["flagged"] for one in found)
            lines.append(
                f"{_kept(mean <= 0.15)} a coin gets EB {mean:.3f} at n {key[1]} (<= .15), flagged {flagged:.0%}"
            )
    return lines


def _kept(held: bool) -> str:
    return "kept  " if held else "BROKEN"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=40, help="per condition; the promises are about 300")
    parser.add_argument("--coins", type=int, default=20, help="sessions of the judge who tosses coins")
    parser.add_argument("--first", type=int, default=0, help="seed of the first session")
    parser.add_argument("--sd", nargs="+", type=float, default=list(SDS))
    parser.add_argument("--pairing", default="default")
    parser.add_argument("--processes", type=int, default=MOST_PROCESSES)
    options = parser.parse_args(arguments)
    same = {"first": options.first, "pairing": options.pairing, "processes": options.processes}
    rows: dict[tuple[float, int], list[dict[str, float]]] = {}
    asked = [(COIN, options.coins)] if options.coins else []
    for sd, sessions in [*asked, *((sd, options.sessions) for sd in options.sd)]:
        found = simulate([sd], sessions, **same)
        print("\n".join(table(found)[0 if not rows else 1 :]), flush=True)
        rows |= found
    print("\n".join(["", *verdicts(rows)]), flush=True)
