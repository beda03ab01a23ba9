"""Answers: exactly the schema's judgements get through, everything else has a reason, nothing raises."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batches.judging.answers import JudgementDraft, Unreadable, read_answer, read_bundle
from batches.judging.pairs import Pair, winning_essay

GOOD = {"justification": "A argues, B tells.", "winner": "A", "confidence": 4}


def answer(**changes) -> str:
    return json.dumps(GOOD | changes)


def test_a_judgement_is_read():
    assert read_answer(answer()) == JudgementDraft(winner="A", justification="A argues, B tells.", confidence=4)


@pytest.mark.parametrize(("winner", "place"), [("A", "A"), ("a", "A"), ("B", "B"), ("b", "B")])
def test_the_case_of_the_winner_is_folded(winner, place):
    assert read_answer(answer(winner=winner)).winner == place


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("Essay A is better.", "not_json"),
        (f"```json\n{answer()}\n```", "not_json"),
        (answer() + answer(), "not_json"),
        (answer()[:-1], "not_json"),
        ("\ufeff" + answer(), "not_json"),
        ('{"justification": "", "winner": "A", "confidence": NaN}', "not_json"),
        ('{"justification": "", "winner": "A", "confidence": -Infinity}', "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"a":' * 100_000, "not_json"),
        ("9" * 10_000, "not_json"),
        ('{"justification": "\x00", "winner": "A", "confidence": 1}', "not_json"),
        ("[]", "wrong_shape"),
        ("null", "wrong_shape"),
        ('"A"', "wrong_shape"),
        ("{}", "missing_key"),
        ('{"winner": "A", "confidence": 1}', "missing_key"),
        (answer(reason="x"), "extra_key"),
        ('{"justification": "", "winner": "A", "winner": "A", "confidence": 1}', "doubled_key"),
        (answer(winner="C"), "unknown_winner"),
        (answer(winner=""), "unknown_winner"),
        (answer(winner=" A"), "unknown_winner"),
        (answer(winner="essay A"), "unknown_winner"),
        (answer(winner="\ud800"), "unknown_winner"),
        (answer(winner=None), "unknown_winner"),
        (answer(winner=["A"]), "unknown_winner"),
        (answer(winner={"A": 1}), "unknown_winner"),
        (answer(confidence=True), "bad_confidence"),
        (answer(confidence=0), "bad_confidence"),
        (answer(confidence=6), "bad_confidence"),
        (answer(confidence=3.0), "bad_confidence"),
        (answer(confidence="3"), "bad_confidence"),
        (answer(confidence=10**100), "bad_confidence"),
        ('{"justification": "", "winner": "A", "confidence": 1e400}', "bad_confidence"),
        (answer(justification=None), "bad_justification"),
        (answer(justification=["x"]), "bad_justification"),
        (None, "not_text"),
        (b"{}", "not_text"),
    ],
)
def test_anything_but_the_schema_has_a_reason(text, reason):
    unreadable = read_answer(text)
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason == reason
    assert len(unreadable.detail) < 100
    unreadable.detail.encode()
    assert "\x00" not in unreadable.detail


def test_a_justification_is_cleaned_and_capped():
    draft = read_answer('{"justification": "a\\u0000b\\ud800c\\ud83d\\ude00", "winner": "B", "confidence": 1}')
    assert draft.justification == "abc\N{GRINNING FACE}"
    assert len(read_answer(answer(justification="x" * 3_000_000)).justification) == 20_000


def bundle(*entries) -> str:
    return json.dumps({"judgements": list(entries)})


def test_a_bundle_is_matched_by_tag_and_not_by_order():
    drafts = read_bundle(bundle({"id": "Q2", **GOOD, "winner": "b"}, {"id": "K7", **GOOD}), ["K7", "Q2"])
    assert {tag: draft.winner for tag, draft in drafts.items()} == {"K7": "A", "Q2": "B"}


def test_a_missing_doubled_or_foreign_tag_is_that_items_error_only():
    drafts = read_bundle(
        bundle(
            {"id": "K7", **GOOD},
            {"id": "K7", **GOOD},
            {"id": "Q2", **GOOD},
            {"id": "X9", **GOOD},
            {"id": "W4", **GOOD, "winner": "C"},
            {"id": "q2", **GOOD},
            {**GOOD},
            "prose",
        ),
        ["K7", "Q2", "M3", "W4"],
    )
    assert drafts["Q2"] == read_answer(answer())
    assert {tag: draft.reason for tag, draft in drafts.items() if tag != "Q2"} == {
        "K7": "doubled_tag",
        "M3": "missing_tag",
        "W4": "unknown_winner",
        "4: 'X9'": "foreign_tag",
        "6: 'q2'": "foreign_tag",
        "7: None": "foreign_tag",
        "8: None": "foreign_tag",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("[]", "wrong_shape"),
        ('{"judgements": {}}', "wrong_shape"),
        ('{"judgements": [], "note": ""}', "extra_key"),
        ("{}", "missing_key"),
    ],
)
def test_a_bundle_that_cannot_be_read_gives_every_tag_its_reason(text, reason):
    assert {tag: draft.reason for tag, draft in read_bundle(text, ["K7", "Q2"]).items()} == {"K7": reason, "Q2": reason}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["A", "b", "C"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
field_values = st.sampled_from(["A", "B", "a", "C", 1, 3, 5, True, 2.0, "text"]) | json_values
near_misses = st.dictionaries(
    st.sampled_from(["justification", "winner", "confidence", "id", "judgements"]), field_values, max_size=5
)
judgements = st.fixed_dictionaries(
    {"justification": st.text(), "winner": st.sampled_from("AaBbC"), "confidence": st.integers(0, 6)}
)
documents = (json_values | near_misses | judgements).map(json.dumps)
broken = documents.flatmap(lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut] + text[cut + 1 :]))
answers = st.one_of(st.text(), documents, broken, st.binary().map(lambda b: b.decode("utf-8", "surrogateescape")))


def is_the_schemas(text: str) -> bool:
    """An independent reading of the contract, for comparison."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(parsed, dict) or set(parsed) != {"justification", "winner", "confidence"}:
        return False
    if type(parsed["justification"]) is not str or type(parsed["confidence"]) is not int:
        return False
    return parsed["winner"] in ("A", "B", "a", "b") and parsed["confidence"] in (1, 2, 3, 4, 5)


def check_answer(text: str) -> None:
    read = read_answer(text)
    assert isinstance(read, JudgementDraft) == is_the_schemas(text)
    for draft in read_bundle(text, ["K7"]).values():
        assert isinstance(draft, JudgementDraft | Unreadable)
    if isinstance(read, JudgementDraft):
        read.justification.encode()
        assert "\x00" not in read.justification
        assert read.winner in ("A", "B")


@settings(max_examples=300, deadline=None)
@given(answers)
@example('{"judgements": [{"id": [], "winner": "A"}]}')
def test_no_answer_raises_and_only_the_schema_gets_through(text):
    check_answer(text)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(answers)
def test_twenty_thousand_answers_raise_nothing(text):
    check_answer(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["K7", "Q2", "M3", "X9"]), max_size=6), st.data())
def test_every_expected_tag_is_in_the_result_whatever_the_bundle_holds(tags, data):
    entries = [{"id": tag, **GOOD, "winner": data.draw(st.sampled_from("ABC"))} for tag in tags]
    drafts = read_bundle(bundle(*entries), ["K7", "Q2", "M3"])
    assert list(drafts)[:3] == ["K7", "Q2", "M3"]
    for tag in ("K7", "Q2", "M3"):
        said = [entry["winner"] for entry in entries if entry["id"] == tag]
        if isinstance(drafts[tag], JudgementDraft):
            assert said == [drafts[tag].winner]
        else:
            assert drafts[tag].reason == {0: "missing_tag", 1: "unknown_winner"}.get(len(said), "doubled_tag")


@given(st.integers(), st.integers(), st.sampled_from("AaBb"))
def test_swapping_essays_and_winner_leaves_the_same_essay_winning(x, y, winner):
    other = {"A": "B", "a": "b", "B": "A", "b": "a"}[winner]
    one = winning_essay(Pair(x, y), read_answer(answer(winner=winner)).winner)
    assert one == winning_essay(Pair(y, x), read_answer(answer(winner=other)).winner)
    assert one == (x if winner in "Aa" else y)
