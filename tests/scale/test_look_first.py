"""Which essays a person should look at first, and what is still needed to an aim."""

import numpy as np
import pytest

from batches.scale.look_first import look_first
from batches.scale.outlook import certain_share, more_for_grades, more_for_reliability


def looks(**changes: object) -> dict[str, tuple[str, ...]]:
    plain = {
        "n": np.full(6, 10),
        "component": np.zeros(6, dtype=int),
        "infit": np.ones(6),
        "outfit": np.ones(6),
        "flipped": np.zeros(6, dtype=int),
        "grade_probability": np.full(6, 0.95),
    }
    found = look_first("abcdef", **(plain | changes))  # type: ignore[arg-type]
    return {look.essay: look.reasons for look in found}


def test_essays_without_anything_odd_are_not_on_the_list() -> None:
    assert looks() == {}
    assert looks(infit=np.full(6, np.nan), outfit=np.full(6, np.nan), grade_probability=np.full(6, np.nan)) == {}


def test_every_reason_is_given_and_the_weightiest_essay_comes_first() -> None:
    found = looks(
        n=np.array([10, 10, 3, 10, 10, 10]),
        component=np.array([0, 0, 0, 1, 0, 0]),
        infit=np.array([1.4, 1, 1, 1, 1, 1]),
        flipped=np.array([0, 1, 0, 0, 0, 0]),
        grade_probability=np.array([0.9, 0.95, 0.95, 0.95, 0.5, 0.95]),
    )
    assert list(found) == ["d", "c", "e", "b", "a"]
    assert found == {
        "a": ("misfit",),
        "b": ("flipped",),
        "c": ("too few",),
        "d": ("not linked",),
        "e": ("near a boundary",),
    }


def test_a_mean_square_of_few_decisions_says_nothing() -> None:
    assert looks(n=np.full(6, 4), infit=np.full(6, 3.0)) == {}


def test_misfit_that_chance_does_not_explain_comes_before_the_rest() -> None:
    assert list(looks(infit=np.array([1.4, 2.5, 1, 1, 1, 1]))) == ["b", "a"]


def test_three_quarters_take_three_times_what_a_half_takes() -> None:
    assert more_for_reliability(0.5, 10, 0.75) == pytest.approx(20)
    assert more_for_reliability(0.8, 10, 0.75) == 0
    assert more_for_reliability(0.0, 10, 0.75) is None
    assert more_for_reliability(0.05, 10, 0.95) is None  # out of sight


def test_grades_get_certain_as_errors_shrink_but_not_on_a_boundary() -> None:
    logit = np.array([-2.0, -1.0, 1.0, 2.0])
    error = np.full(4, 1.0)
    assert certain_share(logit, error, [0.0]) == 0.5
    more = more_for_grades(logit, error, [0.0], 10, 1.0)
    assert more is not None
    assert certain_share(logit, error, [0.0], shrink=(1 + more / 10) ** -0.5) == 1.0
    assert certain_share(logit, error, [0.0], shrink=(1 + 0.95 * more / 10) ** -0.5) == 0.5
    assert more_for_grades(logit, error, [0.0], 10, 0.5) == 0
    assert more_for_grades(np.array([0.0, 2.0]), error[:2], [0.0], 10, 1.0) is None
