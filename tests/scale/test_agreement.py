"""Two judges about the same pairs: agreement with its interval, its yardstick, and the size of a disagreement."""

from math import log
from random import Random

import pytest

from batches.judging.pairs import Pair, people_pairs
from batches.scale import Decisions, fit
from batches.scale.agreement import Meeting, Share, agreement, chance, expected
from batches.scale.proportion import wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 100, 0.7222, 0.8749)],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_nothing_has_no_rate() -> None:
    assert (Share(hits=0, n=0).rate, Share(hits=0, n=0).interval) == (None, None)
    assert expected([]) is None


def test_agreement_counts_pairs() -> None:
    met = [Meeting(agreed=agreed, same_order=True) for agreed in (True, True, False)]
    assert (agreement(met).hits, agreement(met).n) == (2, 3)


def test_judges_who_follow_the_scale_agree_the_less_the_closer_the_essays_stand() -> None:
    level = Meeting(agreed=True, same_order=True, chance=chance(0.0))
    apart = Meeting(agreed=True, same_order=True, chance=chance(log(9)))
    assert expected([level]) == pytest.approx(0.5)
    assert expected([apart]) == pytest.approx(0.9**2 + 0.1**2)


@pytest.mark.parametrize(
    ("gap", "confidence", "size"),
    [(0.0, 5, 0.0), (log(9), 1, 0.8), (-log(9), 1, 0.8), (None, 5, 1.0), (None, None, 0.2)],
)
def test_a_disagreement_is_as_large_as_the_scale_has_the_essays_apart(
    gap: float | None, confidence: int | None, size: float
) -> None:
    p = None if gap is None else chance(gap)
    assert Meeting(agreed=False, same_order=True, chance=p, confidence=confidence).size == pytest.approx(size)


def test_people_are_given_pairs_drawn_without_looking_and_half_of_them_turned() -> None:
    pairs = [Pair(f"a{i}", f"b{i}", i % 3 == 0) for i in range(100)]
    drawn = people_pairs(pairs, 0.2, 7, turned=True)
    assert len(drawn) == 20
    assert sum(pair.a.startswith("b") for pair in drawn) == 10
    assert drawn == people_pairs(pairs, 0.2, 7, turned=True) != people_pairs(pairs, 0.2, 8, turned=True)
    assert all(pair in pairs for pair in people_pairs(pairs, 0.2, 7, turned=False))
    whole = {pair.a: pair for pair in pairs} | {pair.b: pair for pair in pairs}
    assert all(whole[pair.a].random == pair.random for pair in drawn)


def mixed(
    n: int = 40, rounds: int = 30, *, model: float = 0.8, people: float = -0.4
) -> tuple[list[tuple], list[float]]:
    """Decisions of a model and of two people with another liking for a place; and the true scores."""
    rng, n, rounds = Random(5), 40, 30
    truth = [3.0 * (i / (n - 1) - 0.5) for i in range(n)]
    rows = []
    for _ in range(rounds):
        order = list(range(n))
        rng.shuffle(order)
        for a, b in zip(order[::2], order[1::2], strict=True):
            for judge, bias in (("model", model), (f"person {rng.randrange(2)}", people)):
                if judge != "model" and rng.random() < 0.5:
                    a, b = b, a
                won = rng.random() < chance(truth[a] - truth[b] + bias)
                rows.append((a, b, a, judge) if won else (b, a, a, judge))
    return rows, truth


def test_people_and_model_make_one_scale_and_each_has_their_own_liking_for_a_place() -> None:
    rows, truth = mixed()
    scale = fit(Decisions.from_rows(rows), judge_position=True)
    found = {judge: bias for judge, (bias, _) in scale.judge_position.items()}
    assert found["model"] == pytest.approx(0.8, abs=0.25)
    assert found["person 0"] == pytest.approx(-0.4, abs=0.35)
    assert found["person 1"] == pytest.approx(-0.4, abs=0.35)
    errors = [found - true for found, true in zip(scale.logit, truth, strict=True)]
    assert sum(e * e for e in errors) / len(errors) < 0.12
