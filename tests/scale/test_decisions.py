"""Decisions from rows and from CSV: one canonical order, nothing left out unseen."""

import io

import numpy as np
import pytest

from batches.scale import Decisions, NotDecisions, read_decisions
from batches.scale.decisions import groups


def test_rows_become_sorted_indices():
    decisions = Decisions.from_rows([(3, 1, 1, "x"), (1, 2, None, None), (1, 2, 1, "w")], essays=[7])
    assert decisions.essays == (1, 2, 3, 7)
    assert decisions.judges == ("w", "x")
    assert decisions.winner.tolist() == [0, 0, 2]
    assert decisions.left.tolist() == [-1, 0, 0]
    assert decisions.judge.tolist() == [-1, 0, 1]
    assert decisions.place.tolist() == [0, 1, -1]
    assert decisions.wins.tolist() == [2, 0, 1, 0]
    assert decisions.appearances.tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize("row", [(1, 1), (None, 2), (1, 2, 3)])
def test_a_row_that_is_no_decision_is_refused(row):
    with pytest.raises(ValueError):
        Decisions.from_rows([row])


def test_ids_of_several_types_have_an_order_too():
    rows = [(1, "x"), ("x", (2,))]
    assert Decisions.from_rows(rows).essays == Decisions.from_rows(rows[::-1]).essays


def test_groups_are_numbered_by_size():
    decisions = Decisions.from_rows([("a", "b"), ("c", "d"), ("d", "e")], essays=["z"])
    assert groups(decisions).tolist() == [1, 1, 0, 0, 0, 2]
    assert groups(decisions, joined=np.array([0, 2])).tolist() == [0, 0, 0, 0, 0, 1]


def read(text: str) -> Decisions:
    return read_decisions(io.StringIO(text, newline=""))


def test_a_csv_of_decisions_is_read():
    decisions = read('\ufeffJudge,chosen,not_chosen,left,note\r\nj1,"e, 1",e2,e2,\r\n\r\n,e2,e3,,x\r\n')
    assert decisions.essays == ("e, 1", "e2", "e3")
    assert decisions.judges == ("j1",)
    assert decisions.place.tolist() == [-1, 0]
    assert decisions.judge.tolist() == [0, -1]


def test_the_layouts_of_other_engines_are_recognised():
    plain = read("chosen,not_chosen\na,b\nc,a\n")
    for text in ("id1,id2,result\na,b,1\na,c,0\n", "won,lost\na,b\nc,a\n"):
        other = read(text)
        assert other.essays == plain.essays
        assert other.winner.tolist() == plain.winner.tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "chosen and not_chosen"),
        ("essay,score\na,1\n", "chosen and not_chosen"),
        ("chosen,not_chosen\na\n", "line 2 has 1 columns"),
        ("chosen,not_chosen\na,a\n", "line 2: a decision is between two different essays"),
        ("chosen,not_chosen\na,\n", "line 2: a decision is between two different essays"),
        ("chosen,not_chosen,left\na,b,c\n", "line 2: left is neither"),
        ("chosen,not_chosen\na,b\x00\n", "NUL"),
        ("chosen,chosen,not_chosen\na,a,b\n", "the same name"),
        ('chosen,not_chosen\n"a,b\n', "unexpected end"),
        ("id1,id2,result\na,b,0.5\n", "line 2: result"),
    ],
)
def test_a_file_that_is_not_decisions_is_refused_in_a_sentence(text, says):
    with pytest.raises(NotDecisions, match=says):
        read(text)


def test_a_header_alone_is_an_empty_set_of_decisions():
    assert len(read("chosen,not_chosen\n")) == 0


HEADERS = [
    "chosen,notChosen,judgeId",
    "Chosen,Not Chosen,Judge",
    "won,lost,judge",
    "chosen,not_chosen,judge_id",
    "chosen,notChosen,judgeName",
    "candidate_chosen,candidate_not_chosen,judge",
]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", HEADERS)
def test_the_names_of_columns_are_read_however_they_are_written(header, separator):
    lines = [line.replace(",", separator) for line in ("\ufeff" + header + "\n", "a,b,x\n", " ,, \n", "c,b,y\n")]
    decisions = read_decisions(lines)
    assert decisions.essays == ("a", "b", "c")
    assert decisions.judges == ("x", "y")
    assert decisions.wins.tolist() == [1, 0, 1]


def test_columns_that_say_nothing_may_share_a_name():
    assert len(read(",chosen,not_chosen,\n1,a,b,\n")) == 1
