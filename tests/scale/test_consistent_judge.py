"""A judge who never contradicts one order: every estimator answers, at once, at any size."""

from time import process_time

import numpy as np
import pytest

from batches.judging.pairs import Pair, plan_pairs
from batches.scale import Decisions, fit


def consistent(n: int, rounds: int = 10) -> Decisions:
    truth = np.random.default_rng(0).permutation(n)
    pairs: list[Pair] = []
    for number in range(rounds):
        pairs += plan_pairs(range(n), earlier=pairs, seed=number, method="balanced")
    rows = [(p.a, p.b, p.a) if truth[p.a] > truth[p.b] else (p.b, p.a, p.a) for p in pairs]
    return Decisions.from_rows(rows, essays=range(n))


@pytest.mark.parametrize("n", [40, 301, 700])  # dense, propagated, and beyond what sirt factors
@pytest.mark.parametrize("estimator", ["map", "sirt"])
def test_a_perfectly_consistent_judge_is_fitted_in_no_time(n: int, estimator: str) -> None:
    decisions = consistent(n)
    before = process_time()
    scale = fit(decisions, estimator)
    assert process_time() - before < 5  # .1 to .8 s of an idle processor
    assert np.isfinite(scale.logit).all()
    assert scale.scale_separation_reliability > 0.5
    if estimator == "map":
        assert scale.told_from_noise is True
        assert scale.eb_reliability > 0.85
