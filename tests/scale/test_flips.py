"""Pairs read both ways round: which flipped, whose they are, and how sure the rate is."""

import numpy as np
import pytest

from batches.scale import Decisions
from batches.scale.flips import flips


def read(*rows: tuple[int, int, int]) -> Decisions:
    """(read first, read second, winner)."""
    return Decisions.from_rows([(w, b if w == a else a, a, "j") for a, b, w in rows], essays=range(5))


def test_a_pair_flips_when_its_winner_changes_with_the_order() -> None:
    found = flips(read((0, 1, 0), (1, 0, 0), (2, 3, 2), (3, 2, 3), (1, 2, 2), (2, 1, 1)))
    assert (found.pairs, found.flipped, found.first_won) == (3, 2, 1)
    assert found.of_essay.tolist() == [0, 1, 2, 1, 0]
    assert found.rate == pytest.approx(2 / 3)


def test_pairs_read_one_way_or_by_two_judges_say_nothing_of_flips() -> None:
    once = flips(read((0, 1, 0), (0, 1, 1), (2, 3, 2)))
    assert once.pairs == 0
    assert np.isnan(once.rate)
    assert np.isnan(once.interval).all()
    two = Decisions.from_rows([(0, 1, 0, "one"), (1, 0, 1, "other")])
    assert flips(two).pairs == 0
    assert flips(Decisions.from_rows([(0, 1), (1, 0)])).pairs == 0  # nobody knows the order


def test_the_interval_is_wilsons() -> None:
    rows = [row for i in range(10) for row in ((0, 1, 0), (1, 0, 1 if i < 3 else 0))]
    low, high = flips(read(*rows)).interval
    assert (low, high) == (pytest.approx(0.1078, abs=1e-3), pytest.approx(0.6032, abs=1e-3))
