"""CSV files -> essays by row, or every problem by row."""

import csv
import io
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.essays import limits, sheet
from batches.essays.clean import clean_text
from batches.essays.nouns import Draft, Reading
from batches.essays.read import EssayRow, read_essays
from batches.essays.sheet import read_sheet


def reading_of(tmp_path: Path, content: str | bytes) -> Reading:
    path = tmp_path / "essays.csv"
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return read_essays(path)


def said(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


def test_candidates_texts_and_anchor_scores_are_read_and_other_columns_only_named(tmp_path):
    reading = reading_of(
        tmp_path,
        'Candidate,human_score, TEXT ,anchor_score,\r\nK4-07,3.5,"Dear Head,\r\n\r\nI think, ""no"".",4.5,x\r\n'
        "B2-11,2,Because.,,\r\n",
    )
    assert reading.problems == ()
    assert reading.ignored_columns == ("human_score", "column 5 (no name)")
    assert reading.rows == (
        EssayRow(
            candidate="K4-07",
            text='Dear Head,\n\nI think, "no".',
            anchor_score=Decimal("4.5"),
            source="essays.csv",
            line=2,
        ),
        EssayRow(candidate="B2-11", text="Because.", anchor_score=None, source="essays.csv", line=3),
    )


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_and_any_newline_are_welcome(tmp_path, mark, end):
    reading = reading_of(tmp_path, mark + end.join(["candidate,text", "K1,naïve café", ",", "", "K2,two"]).encode())
    assert [(row.candidate, row.text, row.line) for row in reading.rows] == [("K1", "naïve café", 2), ("K2", "two", 5)]
    assert reading.problems == ()


def test_every_problem_is_named_by_its_row_and_good_rows_are_still_seen(tmp_path):
    reading = reading_of(
        tmp_path,
        "candidate,text,anchor_score\n"
        "K1,fine,\n"
        ",no name,\n"
        "K3,   ,\n"
        "K1,again,\n"
        "K5,nul\x00,\n"
        "K6,half \ud83d,\n"
        "K7,fine,=1+1\n"
        "K\x078,fine,\n"
        f"{'K' * 101},fine,\n"
        "K10,fine,,over\n"
        "\u200b,\u200b,NaN\n",
    )
    rows = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12]
    assert [problem.where for problem in reading.problems] == [f"row {row}" for row in rows]
    expected = "empty|empty|already used by row 2|NUL|surrogate|three decimals|control|101 characters|4 cells|invisible"
    for problem, words in zip(reading.problems, f"{expected}|empty|three decimals".split("|"), strict=True):
        assert words in problem.sentence
        assert problem.sentence.endswith(".")
        assert "\n" not in problem.sentence
    assert [row.candidate for row in reading.rows] == ["K1"]
    assert reading.refusal == "row 3: The candidate is empty: give every essay a code. (And 11 more.)"


@pytest.mark.parametrize(
    ("written", "score"),
    [
        *[(good, Decimal(good)) for good in ("3", "-0.5", "+12.125", "99999.999", "0")],
        *[(bad, None) for bad in ("3,5", "1e3", "NaN", "Infinity", "100000", "0.0001", "٣", "=1", "3.", ".5", "1 2")],
    ],
)
def test_an_anchor_score_is_plain_digits_that_the_column_holds_without_rounding(tmp_path, written, score):
    reading = reading_of(tmp_path, f'candidate,text,anchor_score\nK1,One.," {written} "\n')
    assert [row.anchor_score for row in reading.rows] == ([] if score is None else [score])
    assert len(reading.problems) == (score is None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty (0 bytes)"),
        (b"\n\n", "The column candidate and the column text are missing"),
        (b"id,essay\n1,x\n", "(it names: id,essay)".replace(",", ", ")),
        (b"candidate,essay\n1,x\n", "The column text is missing"),
        (b"candidate;text\n1;x\n", "separated by semicolons"),
        (b"candidate\ttext\n1\tx\n", "separated by tabs"),
        (b"candidate,text,Text\n1,x,y\n", "The column text is there 2 times"),
        (b"candidate,text\n", "There are no essays in it"),
        (b"candidate,text\nK1,caf\xe9\n", "not UTF-8 (line 2)"),
        ("candidate,text\nK1,x\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04" + bytes(40), "missing"),
    ],
)
def test_a_file_that_is_no_table_of_essays_is_one_problem(tmp_path, content, words):
    reading = reading_of(tmp_path, content)
    assert reading.rows == ()
    assert len(reading.problems) == 1
    assert reading.problems[0].where == "essays.csv"
    assert words in reading.problems[0].sentence


def test_a_forgotten_quotation_mark_does_not_swallow_the_essays_after_it(tmp_path):
    reading = reading_of(tmp_path, 'candidate,text\nK1,fine\nK2,"open\nK3,lost\nK4,lost\n')
    assert len(reading.problems) == 1
    assert "quotation marks of row 3 do not match (read up to line 5)" in reading.problems[0].sentence


def test_a_candidate_is_the_same_in_composed_and_decomposed_letters(tmp_path):
    reading = reading_of(tmp_path, "candidate,text\nZoe\u0308,one\nZo\u00eb,two\n")
    assert said(reading) == ["row 3: The candidate Zoë is already used by row 2: give every essay a code of its own."]


def test_a_line_that_could_become_millions_of_cells_is_refused_unread(tmp_path):
    reading = reading_of(tmp_path, "candidate,text\n" + "," * (limits.MAX_LINE_CHARACTERS + 1))
    assert "Line 2 is 2,000,001 characters long" in reading.problems[0].sentence


def test_an_essay_may_be_a_million_characters_long_and_no_longer(tmp_path):
    most = "w" * limits.MAX_TEXT_CHARACTERS
    reading = reading_of(tmp_path, f"candidate,text\nK1,{most}\nK2,{most}w\n")
    assert [row.candidate for row in reading.rows] == ["K1"]
    assert "1,000,001 characters long" in reading.problems[0].sentence


def test_a_sheet_larger_than_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.truncate(limits.MAX_SHEET_BYTES + 1)
    assert "larger than 30 MB" in read_essays(path).problems[0].sentence


def test_more_rows_than_the_limit_end_the_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_ESSAYS", 3)
    reading = reading_of(tmp_path, "candidate,text\n" + "".join(f"K{n},x\n" for n in range(9)))
    assert len(reading.rows) == 3
    assert "more than 3 rows" in reading.problems[0].sentence


CODES = st.text(st.characters(categories=("Lu", "Ll", "Nd"), max_codepoint=0x24F), min_size=1, max_size=12)
# No NUL and no surrogates: those are refused, see above.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)


@given(st.dictionaries(CODES, TEXTS.map(lambda text: f"a{text}b"), min_size=1, max_size=8), st.sampled_from([0, 1]))
def test_whatever_a_csv_writer_writes_comes_back(essays, quoting):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting).writerows([("candidate", "text"), *essays.items()])
    draft = Draft()
    read_sheet(stream.getvalue().encode(), "essays.csv", draft)
    same: dict[str, str] = {}
    for code, text in essays.items():
        same.setdefault(unicodedata.normalize("NFC", code), clean_text(text))
    assert {row.candidate: row.text for row in draft.rows} == same
    assert len(draft.problems) == len(essays) - len(same)


@given(st.binary(max_size=300))
def test_no_bytes_whatever_make_the_reader_fail(content):
    draft = Draft()
    with draft.noting("file"):
        read_sheet(b"candidate,text\n" + content, "essays.csv", draft)
    assert all(row.candidate and row.text for row in draft.rows)
