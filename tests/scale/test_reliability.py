"""Checks beside the model's own reliability: held-out decisions, split halves, forecasts, words."""

import numpy as np
import pytest
from scipy.special import expit

from batches.scale import (
    Decisions,
    HeldOut,
    fit,
    held_out_accuracy,
    judgements_needed,
    plain_words,
    split_half,
)


def judged(*, sd, per_essay=20, n=40, seed=1, judges=4) -> list[tuple]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, sd, n)
    rows = []
    for number in range(n * per_essay // 2):
        a, b = map(int, rng.choice(n, 2, replace=False))
        wins = rng.random() < expit(truth[a] - truth[b])
        rows.append((a, b, a, number % judges) if wins else (b, a, a, number % judges))
    return rows


def parted(rows, share=10) -> tuple[Decisions, Decisions]:
    held = rows[::share]
    rest = [row for number, row in enumerate(rows) if number % share]
    return tuple(Decisions.from_rows(part, essays=range(40)) for part in (rest, held))


def test_held_out_decisions_are_predicted_where_there_is_something_to_predict():
    found = held_out_accuracy(*parted(judged(sd=2, per_essay=40)))
    assert found.n == 80
    assert found.accuracy > 0.7
    assert found.expected == pytest.approx(found.accuracy, abs=0.12)
    assert not found.no_better_than_chance


def test_a_coin_flip_judge_is_found_out_by_held_out_decisions():
    accuracies = [held_out_accuracy(*parted(judged(sd=0, seed=seed), share=2)) for seed in range(8)]
    assert np.mean([found.accuracy for found in accuracies]) == pytest.approx(0.5, abs=0.04)
    assert sum(found.no_better_than_chance for found in accuracies) >= 6


def test_nothing_held_out_is_no_accuracy():
    rest, _ = parted(judged(sd=1))
    found = held_out_accuracy(rest, rest.only(np.zeros(len(rest), dtype=bool)))
    assert found.n == 0
    assert np.isnan(found.accuracy)
    assert found.no_better_than_chance


def test_decisions_about_other_essays_cannot_be_held_out():
    with pytest.raises(ValueError):
        held_out_accuracy(Decisions.from_rows([(1, 2)]), Decisions.from_rows([(1, 3)]))


@pytest.mark.parametrize("by", ["judge", "decision"])
def test_two_halves_agree_about_as_well_as_the_reliability_says(by):
    decisions = Decisions.from_rows(judged(sd=1.5, per_essay=30))
    found = split_half(decisions, by=by)
    assert found.correlation < found.reliability
    assert found.reliability == pytest.approx(fit(decisions, uncertain=False).eb_reliability, abs=0.07)
    assert found == split_half(decisions, by=by)


def test_one_judge_cannot_be_split():
    assert split_half(Decisions.from_rows(judged(sd=1, judges=1))) is None


def test_twice_the_judgements_take_one_half_to_two_thirds():
    assert judgements_needed(0.5, 10, 2 / 3) == pytest.approx(20)
    assert judgements_needed(0.0, 10, 0.8) is None
    assert judgements_needed(0.9, 20, 0.8) < 20


def test_words_warn_of_noise_and_of_a_reliability_that_flatters():
    noise = fit(Decisions.from_rows(judged(sd=0, per_essay=10, seed=3)))
    held = HeldOut(n=40, accuracy=0.5, standard_error=0.08, expected=0.6)
    words = plain_words(noise, held)
    assert any("cannot be told from zero" in word for word in words)
    assert any("no better than a coin" in word for word in words)
    assert plain_words(fit(Decisions.from_rows(judged(sd=2, per_essay=30)))) == []
    apart = fit(Decisions.from_rows([(1, 2), (3, 4)]))
    assert any("2 groups" in word for word in plain_words(apart))
