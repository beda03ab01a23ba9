"""A seed and a judge's sharpness -> one simulated assessment: true scores, and decisions that grow round by round."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from scipy.special import expit

from batches.judging.pairs import Pair, plan_pairs
from batches.scale import Decisions, fit

ESSAYS = 40
BIAS = 0.2  # logits in favour of the essay read first
LOOKS = (6, 10, 16)  # judgements per essay at which a session is looked at
PAIRINGS: dict[str, dict[str, Any]] = {
    "default": {"method": "adaptive"},
    "neighbours": {"method": "adaptive", "random_share": 0.0, "errors": None},  # no jitter, no random pairs
    "random": {"method": "balanced"},
}
MOST_PROCESSES = 2


class Session:
    """Abilities are drawn anew from the seed; the pairing sees scores and errors of a fit after every round."""

    def __init__(self, seed: int, sd: float, pairing: str) -> None:
        self.rng = np.random.default_rng([seed, round(10 * sd), list(PAIRINGS).index(pairing)])
        self.seed, self.pairing = seed, pairing
        truth = self.rng.normal(0.0, sd, ESSAYS)
        self.truth = truth - truth.mean()
        self.pairs: list[Pair] = []
        self.rows: list[tuple[int, int, int]] = []

    def judge_round(self) -> None:
        options: dict[str, Any] = {"scores": None, "errors": None, **self._scores(), **PAIRINGS[self.pairing]}
        planned = plan_pairs(range(ESSAYS), earlier=self.pairs, seed=1000 * self.seed + len(self.pairs), **options)
        for pair in planned:
            wins = self.rng.random() < expit(self.truth[pair.a] - self.truth[pair.b] + BIAS)
            self.rows.append((pair.a, pair.b, pair.a) if wins else (pair.b, pair.a, pair.a))
        self.pairs += planned

    def judge_rounds(self, rounds: int) -> "Session":
        for _ in range(rounds):
            self.judge_round()
        return self

    def _scores(self) -> dict[str, dict[int, float]]:
        if not self.rows or self.pairing == "random":
            return {}
        known = fit(self.decisions, uncertain=False)
        return {
            "scores": dict(enumerate(known.logit.tolist())),
            "errors": dict(enumerate(known.standard_error.tolist())),
        }

    @property
    def decisions(self) -> Decisions:
        return Decisions.from_rows(self.rows, essays=range(ESSAYS))

    @property
    def random_decisions(self) -> Decisions:
        rows = [row for row, pair in zip(self.rows, self.pairs, strict=True) if pair.random]
        return Decisions.from_rows(rows, essays=range(ESSAYS))


def looked_at(session: Session, looks: Iterable[int] = LOOKS) -> Iterator[int]:
    """Judge on, and stop at each number of judgements per essay that is to be looked at."""
    judged = 0
    for look in sorted(looks):
        session.judge_rounds(look - judged)
        judged = look
        yield look


def spread_over[T](work: Callable[[Any], T], tasks: Iterable[Any], processes: int = MOST_PROCESSES) -> Iterator[T]:
    """Do tasks in at most two processes that give way to everybody else; results in the order of the tasks."""
    with multiprocessing.get_context("fork").Pool(min(processes, MOST_PROCESSES), _give_way) as pool:
        yield from pool.imap(work, tasks, chunksize=4)


def _give_way() -> None:
    os.nice(max(0, 15 - os.nice(0)))
