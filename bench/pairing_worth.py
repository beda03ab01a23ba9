"""Simulated essays and a judge -> comparisons that our pairing needs to a true reliability of .9, beside random pairs.

100 essays, a bias of .3 logits towards the essay read first, scores by the mode at the true spread, refitted after
every round. The true reliability is the mean squared correlation with the truth; between two rounds it is interpolated.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from batches.judging.pairs import Pair, plan_pairs
from batches.scale import Decisions
from batches.scale.model import Prior, design_of, maximise
from batches.scale.precision import DensePrecision
from batches.scale.threads import on_one_core
from bench.rows import Row, Sizes

ESSAYS, BIAS, AIM = 100, 0.3, 0.9
SESSIONS = 72  # with 24 the ratio is good to .04 only
TARGETS = {1.5: 0.82, 3.0: 0.65}  # spread of the essays: of random pairing's comparisons
MOST_ROUNDS = 45
type Known = dict[str, dict[int, float]]


def measure(sizes: Sizes) -> Iterator[Row]:
    """T6: comparisons an essay to true reliability .9."""
    sessions = sizes.of(SESSIONS, least=2)
    for sd, most in TARGETS.items():
        ours, theirs = (needed(sd, method, sessions) for method in ("adaptive", "random"))
        yield Row(
            target="T6", path="pairing", size=f"{ESSAYS} essays, sd {sd:g}", figure="comparisons an essay to .9",
            value=ours, unit="", beside="random pairs", beside_value=theirs, at_most=most, note=f"{sessions} sessions",
        )  # fmt: skip


def needed(sd: float, method: str, sessions: int, *, first: int = 0) -> float:
    """Comparisons an essay at which the sessions' mean squared correlation with the truth reaches .9."""
    running = [_session(sd, method, seed) for seed in range(first, first + sessions)]
    before = 0.0
    for number in range(1, MOST_ROUNDS + 1):
        now = float(np.mean([next(session) for session in running]))
        if now >= AIM:
            return number - (now - AIM) / (now - before)
        before = now
    return float("nan")


def _session(sd: float, method: str, seed: int) -> Iterator[float]:
    """The squared correlation with the truth after each round."""
    rng = np.random.default_rng([seed, round(10 * sd)])
    truth = rng.normal(0, sd, ESSAYS)
    pairs: list[Pair] = []
    rows: list[tuple[int, int, int]] = []
    known: Known = {}
    while True:
        planned = plan_pairs(
            range(ESSAYS), earlier=pairs, seed=1000 * seed + len(pairs), method=method,
            scores=known.get("scores"), errors=known.get("errors"),
        )  # fmt: skip
        for pair in planned:
            wins = rng.random() < expit(truth[pair.a] - truth[pair.b] + BIAS)
            rows.append((pair.a, pair.b, pair.a) if wins else (pair.b, pair.a, pair.a))
        pairs += planned
        scores, errors = _fitted(rows, sd)
        known = {"scores": dict(enumerate(scores.tolist())), "errors": dict(enumerate(errors.tolist()))}
        yield float(np.corrcoef(scores, truth)[0, 1] ** 2)


@on_one_core
def _fitted(rows: list[tuple[int, int, int]], sd: float) -> tuple[np.ndarray, np.ndarray]:
    design = design_of(Decisions.from_rows(rows, essays=range(ESSAYS)), terms="shared")
    prior = Prior(precision=sd**-2, position_precision=0.01)
    x, _ = maximise(design, prior)
    p = expit(design.logits(x))
    return x[:ESSAYS], np.sqrt(DensePrecision(design, prior, p * (1 - p)).variances()[:ESSAYS])
