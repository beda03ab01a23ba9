"""Simulated judges of known essays: the scale gives the essays back, and its errors mean what they say."""

import numpy as np
import pytest
from scipy.special import expit

from batches.scale import Decisions, fit, plain_words
from bench import prior_spread as bench


def session(seed: int, sd: float, pairing: str, rounds: int):
    simulated = bench.Session(seed, sd, pairing)
    for _ in range(rounds):
        simulated.judge_round()
    return simulated


def test_abilities_and_position_bias_come_back():
    simulated = session(1, 2.0, "random", 38)
    scale = fit(simulated.decisions)
    assert np.corrcoef(scale.logit, simulated.truth)[0, 1] ** 2 > 0.92
    assert abs(scale.position_bias - bench.BIAS) < 3 * scale.position_bias_se
    assert scale.sigma == pytest.approx(simulated.truth.std(), rel=0.25)
    slope = np.polyfit(scale.logit, simulated.truth, 1)[0]
    assert slope == pytest.approx(1, abs=0.1)


def spread_of_estimates(sessions: int) -> float:
    """Reported over actual error of maximum likelihood: eight essays, many judgements, many sessions."""
    rng = np.random.default_rng(2)
    truth = np.linspace(-1, 1, 8)
    squares, reported = [], []
    for _ in range(sessions):
        first = rng.integers(0, 8, 600)
        second = (first + rng.integers(1, 8, 600)) % 8
        wins = rng.random(600) < expit(truth[first] - truth[second] + 0.3)
        winner, loser = np.where(wins, first, second), np.where(wins, second, first)
        table = np.column_stack([winner, loser, first, np.full(600, -1)])
        scale = fit(Decisions.from_indices(table, essays=range(8)), "mle")
        squares.append((scale.logit - truth) ** 2)
        reported.append(scale.standard_error**2)
    return float(np.sqrt(np.mean(reported) / np.mean(squares)))


def test_reported_errors_match_the_spread_of_the_estimates():
    assert spread_of_estimates(300) == pytest.approx(1, abs=0.05)  # the simulation's own error is 2 %


@pytest.mark.long
@pytest.mark.timeout(900)
def test_reported_errors_match_the_spread_of_the_estimates_within_3_percent():
    assert spread_of_estimates(3000) == pytest.approx(1, abs=0.03)


def coin_flips(seeds) -> list:
    return [fit(session(seed, 0.0, "default", 10).decisions) for seed in seeds]


def test_a_coin_flip_judge_gets_no_reliability_and_a_red_flag():
    scales = coin_flips(range(4))
    assert np.mean([scale.eb_reliability for scale in scales]) < 0.3
    assert any("do not use the order" in word for scale in scales for word in plain_words(scale))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_coin_flip_judge_over_twenty_seeds():
    assert np.mean([scale.eb_reliability for scale in coin_flips(range(20))]) <= 0.15


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("sd", "least"), [(1.0, 0.64), (2.0, 0.84)])
def test_ten_judgements_an_essay_recover_the_promised_share_of_the_truth(sd, least):
    found = [bench.reliabilities(session(seed, sd, "default", 10)) for seed in range(100)]
    true = np.mean([one["true r2"] for one in found])
    error = np.std([one["true r2"] for one in found]) / 10
    assert true >= least - 2 * error
    assert np.mean([one["EP"] for one in found]) == pytest.approx(true, abs=0.05)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("pairing", "low", "high"), [("random", 0.93, 0.97), ("default", 0.92, 0.98)])
def test_intervals_cover(pairing, low, high):
    found = [bench.coverage(session(seed, 1.0 + seed % 2, pairing, 10)) for seed in range(200)]
    assert low <= np.mean([one["logits"] for one in found]) <= high
    slack = 2 * (0.05 * 0.95 / 200) ** 0.5  # one difference and one bias a session
    for name in ("difference", "position bias"):
        assert low - slack <= np.mean([one[name] for one in found]) <= high + slack
