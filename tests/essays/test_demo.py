"""The demo essays are what the rest of the project takes them for."""

import csv
from pathlib import Path

from batches.essays.read import read_essays

DEMO = Path(__file__).resolve().parents[2] / "demo"


def test_the_demo_essays_load_without_a_problem_and_are_as_long_as_a_pupil_writes():
    reading = read_essays(DEMO / "essays.csv")
    assert reading.problems == ()
    assert reading.ignored_columns == ()
    assert 24 <= len(reading.rows) <= 30
    assert all(120 <= len(row.text.split()) <= 260 for row in reading.rows)
    assert sum("\n\n" in row.text for row in reading.rows) > 20


def test_every_demo_essay_has_an_intended_level_and_every_level_has_four():
    with (DEMO / "intended_order.csv").open(encoding="utf-8", newline="") as stream:
        levels = {line["candidate"]: int(line["intended_level"]) for line in csv.DictReader(stream)}
    assert levels.keys() == {row.candidate for row in read_essays(DEMO / "essays.csv").rows}
    assert sorted(levels.values()) == sorted([1, 2, 3, 4, 5, 6, 7] * 4)


def test_the_order_of_the_demo_essays_says_nothing_about_their_quality():
    with (DEMO / "intended_order.csv").open(encoding="utf-8", newline="") as stream:
        levels = {line["candidate"]: int(line["intended_level"]) for line in csv.DictReader(stream)}
    in_order = [levels[row.candidate] for row in read_essays(DEMO / "essays.csv").rows]
    halves = sum(in_order[:14]) / 14, sum(in_order[14:]) / 14
    assert abs(halves[0] - halves[1]) < 1.5
