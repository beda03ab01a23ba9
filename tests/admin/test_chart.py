"""The geometry of a scale's picture."""

import re

import pytest

from batches.admin.chart import HEIGHT, LEFT, POINTED, RIGHT, WIDTH, chart


def test_essays_stand_from_the_lowest_to_the_highest_within_the_picture() -> None:
    drawn = chart([("high", 2.0, 0.5), ("low", -2.0, 0.4), ("middle", 0.1, 0.3)])
    assert drawn is not None
    assert [dot.candidate for dot in drawn.dots] == ["low", "middle", "high"]
    assert [dot.x for dot in drawn.dots] == sorted(dot.x for dot in drawn.dots)
    assert [dot.y for dot in drawn.dots] == sorted((dot.y for dot in drawn.dots), reverse=True)
    for dot in drawn.dots:
        assert LEFT < dot.x < WIDTH - RIGHT
        assert 0 <= dot.high < dot.y < dot.low <= HEIGHT


def test_a_bar_is_the_95_percent_interval() -> None:
    drawn = chart([("a", 0.0, 1.0), ("b", 0.0, 0.5), ("c", 1.96, 0.0)])
    assert drawn is not None
    a, b, c = drawn.dots
    assert a.high == pytest.approx(c.y, abs=0.1)
    assert a.low - a.high == pytest.approx(2 * (b.low - b.high), abs=0.3)


@pytest.mark.parametrize("scores", [[], [("a", 1.0, 0.1)], [("a", None, None), ("b", 1.0, 0.2)]])
def test_fewer_than_two_scores_make_no_picture(scores: list[tuple[str, float | None, float | None]]) -> None:
    assert chart(scores) is None


def test_essays_that_all_score_the_same_without_error_are_drawn_too() -> None:
    drawn = chart([("a", 1.0, 0.0), ("b", 1.0, 0.0)])
    assert drawn is not None
    assert not re.search("nan|inf", drawn.points + drawn.bars)


def test_a_long_scale_is_two_paths_and_no_dots_of_their_own() -> None:
    drawn = chart([(str(i), i / 100, 0.3) for i in range(POINTED + 1)])
    assert drawn is not None
    assert drawn.dots == []
    assert drawn.points.count("M") == POINTED + 1
    assert 3 <= len(drawn.ticks) <= 8
