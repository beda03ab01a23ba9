"""Strange text -> text that can be stored, or a refusal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.essays.clean import BadEssay, check_text, clean_text, utf8_text

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("Word's\x0bline\x0cpage\x85next\u2028line\u2029paragraph", "Word's\nline\npage\nnext\nline\nparagraph"),
        ("nul\x00bell\x07escape\x1bdelete\x7f", "nulbellescapedelete"),
        ("a\ttab", "a\ttab"),
        ("half \ud83d of a smile", "half \ufffd of a smile"),
        ("two halves \ud83d\ude00", "two halves 😀"),
        ("\r\x00\n", "\n"),
        ("\ufffe\uffff", ""),
    ],
)
def test_what_cannot_be_stored_goes_and_the_rest_stays(written, clean):
    assert clean_text(written) == clean


@pytest.mark.parametrize(
    "written",
    [
        "I beleive  it's “true” – its allways so,,",
        "e\u0301 is not é",
        "naïve\u00a0café",
        "\u202eabc\u202c",
        "don\x92t",
        "👩‍👩‍👧",
    ],
)
def test_spelling_punctuation_and_marks_are_the_pupils_own(written):
    assert clean_text(written) == written


@given(ANY_TEXT)
def test_clean_text_survives_storage_and_a_second_cleaning(written):
    clean = clean_text(written)
    assert clean_text(clean) == clean
    assert "\x00" not in clean
    assert json.loads(json.dumps(clean)) == clean
    assert clean.encode("utf-8").decode("utf-8") == clean
    assert len(clean.splitlines()) == len(clean.removesuffix("\n").split("\n")) or not clean


@given(ANY_TEXT)
def test_text_that_passes_the_check_loses_no_letter(written):
    try:
        check_text(written)
    except BadEssay:
        assert any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in written)
    else:
        assert [c for c in clean_text(written) if c.isalnum()] == [c for c in written if c.isalnum()]


@pytest.mark.parametrize(("written", "word"), [("a\x00b", "NUL"), ("a\ud800b", "surrogate"), ("\udc00", "surrogate")])
def test_an_essay_with_half_a_character_or_nul_is_refused(written, word):
    with pytest.raises(BadEssay, match=word):
        check_text(written)


def test_utf8_is_read_with_and_without_its_mark_and_nothing_else_is():
    assert utf8_text("é".encode()) == utf8_text("é".encode("utf-8-sig")) == "é"
    with pytest.raises(BadEssay, match=r"not UTF-8 \(line 3\)"):
        utf8_text(b"one\ntwo\ncaf\xe9")
    with pytest.raises(BadEssay, match="UTF-16"):
        utf8_text("candidate,text".encode("utf-16"))
