"""What makes a run of the harness fail: a violation, a crash point that was never passed, a mutant that got away."""

import sys
from collections import Counter
from contextlib import nullcontext

import pytest

from chaos import __main__ as harness
from chaos import mutants, points, table
from chaos.checker import Found

NEEDED = (
    "no lease",
    "no fence",
    "early COLLECTED",
    "truncated download accepted",
    "SDK retries on create",
    "callback outside the transaction",
    "blind resubmit",
    "no settle time",
    "last result wins",
    "position swapped",
    "budget read, then written",
)


def found(**violations: int) -> Found:
    one = Found()
    for promise, n in violations.items():
        one.add(promise, "an example", n)
    return one


def run(monkeypatch, capsys, *, violations: int) -> tuple[int, str]:
    def part(world, counts) -> list[table.Row]:
        return [table.row("a promise", counts.n(10, 100), found(lost=violations) if violations else Found(), 7, 1.0)]

    monkeypatch.setattr(harness, "world", lambda: nullcontext(None))
    monkeypatch.setattr(harness, "PARTS", {"one": part})
    monkeypatch.setattr(sys, "argv", ["chaos", "--scale", "0.5"])
    return harness.main(), capsys.readouterr().out


def test_a_run_without_violations_ends_well_and_prints_its_table(monkeypatch, capsys):
    code, printed = run(monkeypatch, capsys, violations=0)
    assert code == 0
    assert "| a promise | 5 | 0 | 7 | 1 |  |" in printed


def test_one_violation_makes_the_run_fail_and_is_named_in_the_table(monkeypatch, capsys):
    code, printed = run(monkeypatch, capsys, violations=1)
    assert code == 1
    assert "| a promise | 5 | 1 | 7 | 1 | lost x1: an example |" in printed


def test_a_part_that_does_not_exist_is_refused_before_anything_starts(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["chaos", "--only", "kills,sneezes"])
    assert harness.main() == 2
    assert "no part called sneezes" in capsys.readouterr().err


def test_a_crash_point_that_was_passed_too_seldom_is_a_violation():
    one = points.coverage({"adopted": 3, "confirmed": 2, "polled": 0})
    assert one.violations == {"crash point not reached": 2}


def test_every_crash_point_in_the_source_is_attacked_exactly_once():
    in_groups = [label for group in points.groups(points.labels()) for label in group]
    assert Counter(in_groups) == Counter(points.labels())
    assert len(in_groups) > 40
    assert set(points.SETUPS) | set(points.DIRECTED_RUNS) <= set(in_groups), "a label that the source no longer has"


def test_labels_that_share_a_stretch_of_work_need_the_same_weather():
    for group in points.groups(points.labels()):
        assert len({repr(points.SETUPS.get(label)) for label in group}) == 1
        assert len({points.DIRECTED_RUNS.get(label) for label in group}) == 1


@pytest.mark.parametrize("name", NEEDED)
def test_every_bug_that_the_harness_must_notice_is_sown(name):
    assert any(sown.startswith(name) for sown in mutants.MUTANTS)


def test_a_slow_machine_alone_does_not_convict_a_mutant(monkeypatch):
    monkeypatch.setattr(mutants, "MUTANTS", {"a bug": None})
    monkeypatch.setattr(mutants, "symptoms", lambda *args, **more: found(**{"not finished": 1, "lost": 9}))
    monkeypatch.setattr("chaos.bells.flushes", lambda *args, **more: found(**{"not finished": 1}))
    arguments = type("Given", (), {"long": False, "scale": 1.0, "seed": 1, "labels": None})
    [row] = harness.mutants(None, harness.Run(arguments))
    assert (row.n, row.violations) == ("1 of 2", 1)
    assert "mutant not caught" in row.remarks
