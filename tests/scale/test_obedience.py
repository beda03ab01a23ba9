"""Essays that luck does not explain: by the place that wins, and by what the judge says it was told."""

import numpy as np
import pytest
from scipy.stats import binom

from batches.scale.obedience import placed, told, two_sided

SPREAD = np.linspace(-3, 3, 31)


def met(rng, essay: int, n: int = 10):
    """So many comparisons of one essay, in turn read first and second."""
    others = rng.choice([i for i in range(len(SPREAD)) if i != essay], n, replace=False)
    return [(essay, int(other)) if k % 2 else (int(other), essay) for k, other in enumerate(others)]


def honest(rng, pairs):
    return [rng.random() < 1 / (1 + np.exp(SPREAD[b] - SPREAD[a])) for a, b in pairs]


def test_an_order_for_a_place_is_seen_in_ten_comparisons_where_counting_alone_sees_nothing():
    rng = np.random.default_rng(1)
    assert 2 * binom.sf(9, 10, 0.55) > 0.004  # all ten at one place, of a judge that likes it a little
    found = 0
    for _ in range(100):
        pairs = met(rng, 15)
        found += any(one.essay == 15 for one in placed(*zip(*pairs, strict=True), [True] * 10, logit=SPREAD))
    assert found >= 85


def test_of_essays_without_orders_hardly_any_is_named():
    rng = np.random.default_rng(2)
    named = 0
    for _ in range(60):
        pairs = [pair for essay in range(len(SPREAD)) for pair in met(rng, essay, 5)]
        named += len(list(placed(*zip(*pairs, strict=True), honest(rng, pairs), logit=SPREAD)))
    assert named <= 0.01 * 60 * len(SPREAD)


def test_too_few_comparisons_and_unknown_scores_say_nothing():
    logit = SPREAD.copy()
    assert not list(placed([1] * 7, range(20, 27), [True] * 7, logit=logit))
    logit[20:] = np.nan
    assert not list(placed([1] * 9, range(20, 29), [True] * 9, logit=logit))


@pytest.mark.parametrize("hits", range(6))
def test_the_exact_chance_is_the_binomial_where_all_chances_are_the_same(hits):
    both = 2 * min(binom.cdf(hits, 5, 0.3), binom.sf(hits - 1, 5, 0.3))
    assert two_sided(np.full(5, 0.3), hits) == pytest.approx(min(1.0, both))


def test_what_a_judge_was_told_is_laid_to_the_essay_that_explains_most_and_not_to_those_it_met():
    asked = dict.fromkeys(range(40), 10)
    pairs = [(0, other) for other in range(1, 11)] + [(11, other) for other in range(3, 13)]
    assert sorted(one.essay for one in told(asked, pairs)) == [0, 11]


def test_a_judge_that_admits_half_of_it_is_enough_and_one_opponent_is_not():
    asked = dict.fromkeys(range(60), 10)
    assert [(one.essay, one.found) for one in told(asked, [(5, 9), (5, 12), (20, 5), (5, 31)])] == [(5, 4)]
    assert not list(told(asked, [(5, 9), (9, 5), (5, 9)]))
    assert not list(told(asked, [(1, 2), (3, 4), (5, 6)]))
    assert not list(told({}, []))
