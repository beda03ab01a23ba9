"""Figures of `make bench`: ratios, targets, growth, and the process that each measurement has to itself."""

import json
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.growth import exponent
from bench.memory import apart
from bench.rows import Row, Sizes, document, read, table, write


def row(**fields) -> Row:
    values = {"target": "T1", "path": "submit", "size": "50", "figure": "CPU", "value": 2.0} | fields
    return Row(**values)


@pytest.mark.parametrize(
    ("fields", "ratio", "met"),
    [
        ({"beside_value": 0.5, "at_most": 4}, 4, True),
        ({"beside_value": 0.5, "at_most": 3.9}, 4, False),
        ({"beside_value": 4.0, "at_least": 0.5}, 0.5, True),
        ({"beside_value": 4.0, "at_least": 0.6}, 0.5, False),
        ({"at_most": 2}, None, True),
        ({"at_most": 1}, None, False),
        ({"beside_value": 0.5}, 4, None),
        ({}, None, None),
    ],
)
def test_a_target_is_of_the_ratio_where_there_is_one(fields, ratio, met):
    assert (row(**fields).ratio, row(**fields).met) == (ratio, met)


def test_the_table_says_of_every_row_what_was_wanted_and_whether_it_was_met():
    printed = table([row(beside="raw write", beside_value=0.25, at_most=4), row(target="", at_most=2)]).splitlines()
    assert " ".join(printed[0].split()) == "target path size measured value beside it value ratio wanted met"
    assert " ".join(printed[1].split()) == "T1 submit 50 CPU 2 s raw write 0.25 s 8.00 at most 4 NO"
    assert printed[2].endswith("at most 2  yes")


def test_rows_come_through_a_file_as_they_were_and_the_document_adds_the_verdicts(tmp_path: Path):
    rows = [row(beside_value=1.0, at_most=1), row(note="scaled up")]
    write(rows, tmp_path / "rows.json")
    assert read(tmp_path / "rows.json") == rows
    written = json.loads(json.dumps(document(rows, Sizes(scale=0.5), seconds=1.2)))
    assert [(one["ratio"], one["met"]) for one in written["rows"]] == [(2.0, False), (None, None)]
    assert written["scale"] == 0.5


def test_sizes_are_a_factor_of_ten_apart_and_never_smaller_than_says_something():
    assert Sizes().decades(50_000, least=100) == [500, 5_000, 50_000]
    assert Sizes(scale=0.02).decades(50_000, least=100) == [100, 1_000]


def test_the_exponent_is_that_of_the_growth():
    assert exponent({10: 3.0, 100: 30.0, 1000: 300.0}) == pytest.approx(1)
    assert exponent({10: 1.0, 100: 100.0}) == pytest.approx(2)


@pytest.mark.django_db(transaction=True)
def test_work_apart_is_weighed_alone_and_its_error_comes_back():
    heavy = apart(lambda: len(bytearray(64 << 20)))
    assert heavy.result == 64 << 20
    assert 60 < heavy.grown_mb < 100
    assert apart(int).grown_mb < 20
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)


def test_an_unknown_measurement_is_refused_with_the_names_of_the_known_ones(capsys):
    for wrong in (["--only", "nothing"], ["--size", "20000"]):
        with pytest.raises(SystemExit):
            bench.main(wrong)
    assert "callbacks" in capsys.readouterr().err


def test_a_measurement_that_breaks_down_is_named_and_the_others_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(bench, "_in_a_process", lambda name, asked: iter([row()] if name == "good" else []))
    monkeypatch.setattr(bench, "MEASUREMENTS", {"good": "good", "bad": "bad"})
    with pytest.raises(SystemExit, match="Without a result: bad"):
        bench.main([])
    assert "T1" in capsys.readouterr().out
