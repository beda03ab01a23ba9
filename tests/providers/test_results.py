"""Result lines of both providers, each as our Result: what succeeded, what did not, and why."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.providers import anthropic_results, openai_results
from batches.providers.base import Outcome, Usage
from tests.providers.asking import ANSWER, anthropic_line, completion, line, message, openai_line

USAGE = Usage(input_tokens=100, cache_read_tokens=30, cache_write_tokens=20, output_tokens=40)
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "s"}


def text(value):
    return {"type": "text", "text": value}


def tool(value):
    return {"type": "tool_use", "id": "toolu_1", "name": "record_judgement", "input": value}


def read_anthropic(**changes):
    return anthropic_results.read_line(anthropic_line({"type": "succeeded", "message": message(**changes)}))


def test_an_anthropic_answer_with_its_usage():
    result = read_anthropic()
    assert (result.custom_id, result.outcome, result.answer) == ("n0nce-1", Outcome.SUCCEEDED, ANSWER)
    assert (result.usage, result.accepted, result.reason) == (USAGE, True, "")


@pytest.mark.parametrize(
    ("content", "answer", "reason"),
    [
        ([THINKING, text(ANSWER)], ANSWER, ""),
        ([text("Let me see."), text(ANSWER)], ANSWER, ""),
        ([text(ANSWER), text('{"winner":"A","justification":"Clearer."}')], ANSWER, ""),
        ([text(ANSWER), text(ANSWER.replace('"A"', '"B"'))], "", "ambiguous"),
        ([text("One."), text("Two.")], "", "ambiguous"),
        ([text("not json at all")], "not json at all", ""),
        ([text(" \n")], "", "no_text"),
        ([THINKING], "", "no_text"),
        ([{"type": "text", "text": None}], "", "no_text"),
        ([], "", "no_text"),
        (None, "", "no_text"),
    ],
)
def test_of_an_anthropic_message_exactly_one_text_counts(content, answer, reason):
    result = read_anthropic(content=content)
    assert (result.answer, result.reason) == (answer, reason)
    assert result.outcome is (Outcome.SUCCEEDED if answer else Outcome.INVALID)


def test_a_tools_input_is_the_answer_and_the_chat_before_it_is_not():
    result = read_anthropic(content=[THINKING, text("I call it."), tool({"winner": "B"})], stop_reason="tool_use")
    assert (result.outcome, json.loads(result.answer)) == (Outcome.SUCCEEDED, {"winner": "B"})


def test_two_tool_calls_that_disagree_are_ambiguous():
    result = read_anthropic(content=[tool({"winner": "B"}), tool({"winner": "A"})], stop_reason="tool_use")
    assert (result.outcome, result.reason) == (Outcome.INVALID, "ambiguous")


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("refusal", "refused"),
        ("max_tokens", "truncated"),
        ("model_context_window_exceeded", "truncated"),
        ("pause_turn", "unknown_stop_reason"),
        ("something_new", "unknown_stop_reason"),
        (None, "unknown_stop_reason"),
    ],
)
def test_a_stop_reason_that_is_not_an_end_is_invalid_and_billed_even_with_a_whole_answer(stop, reason):
    result = read_anthropic(stop_reason=stop)
    assert (result.outcome, result.reason, result.answer, result.usage) == (Outcome.INVALID, reason, "", USAGE)


def test_an_errored_line_of_anthropic_is_nested_twice():
    error = {"type": "invalid_request_error", "message": "max_tokens: too large"}
    result = anthropic_results.read_line(
        anthropic_line({"type": "errored", "error": {"type": "error", "error": error, "request_id": "req_9"}})
    )
    assert (result.outcome, result.reason, result.request_id) == (Outcome.ERRORED, "invalid_request", "req_9")
    assert (result.error, result.accepted) == ("invalid_request_error: max_tokens: too large", False)


@pytest.mark.parametrize(
    ("kind", "reason", "account_fault"),
    [
        ("authentication_error", "authentication", True),
        ("billing_error", "billing", True),
        ("permission_error", "permission", True),
        ("rate_limit_error", "rate_limited", False),
        ("overloaded_error", "overloaded", False),
        ("api_error", "server_error", False),
        ("never_heard_of", "invalid_request", False),
    ],
)
def test_an_errored_line_says_whose_fault_it_is(kind, reason, account_fault):
    nested = {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": None}
    result = anthropic_results.read_line(anthropic_line({"type": "errored", "error": nested}))
    assert (result.outcome, result.reason, result.account_fault) == (Outcome.ERRORED, reason, account_fault)


@pytest.mark.parametrize(
    ("result", "outcome", "reason"),
    [
        ({"type": "expired"}, Outcome.EXPIRED, "expired"),
        ({"type": "canceled"}, Outcome.CANCELLED, "cancelled"),
        ({"type": "teleported"}, Outcome.ERRORED, "unknown_result_type"),
        ({"type": "errored", "error": None}, Outcome.ERRORED, "unknown_error"),
        ({"type": "errored"}, Outcome.ERRORED, "unknown_error"),
        ({"type": "succeeded"}, Outcome.INVALID, "null_body"),
        ({"type": "succeeded", "message": None}, Outcome.INVALID, "null_body"),
        ({"type": "succeeded", "message": "yes"}, Outcome.INVALID, "malformed_result"),
        (
            {"type": "succeeded", "message": message(usage={"input_tokens": "many"})},
            Outcome.INVALID,
            "malformed_result",
        ),
        ({}, Outcome.INVALID, "malformed_result"),
        (None, Outcome.INVALID, "malformed_result"),
    ],
)
def test_other_anthropic_lines(result, outcome, reason):
    found = anthropic_results.read_line(anthropic_line(result))
    assert (found.custom_id, found.outcome, found.reason, found.answer) == ("n0nce-1", outcome, reason, "")


def test_an_openai_answer_takes_cached_and_written_tokens_out_of_the_prompt():
    result = openai_results.read_line(openai_line(body=completion()))
    assert (result.custom_id, result.outcome, result.answer) == ("n0nce-1", Outcome.SUCCEEDED, ANSWER)
    assert (result.usage, result.accepted, result.request_id) == (USAGE, True, "req_1")


def test_openai_tool_arguments_are_the_answer():
    called = [{"id": "call_1", "type": "function", "function": {"name": "record_judgement", "arguments": ANSWER}}]
    result = openai_results.read_line(openai_line(body=completion(None, "tool_calls", tool_calls=called)))
    assert (result.outcome, result.answer) == (Outcome.SUCCEEDED, ANSWER)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (completion(finish="length"), "truncated"),
        (completion(finish="content_filter"), "content_filter"),
        (completion(finish="function_call"), "unknown_finish_reason"),
        (completion(None, refusal="I will not."), "refused"),
        (completion(refusal="I will not."), "refused"),
        (completion(None), "no_text"),
        (completion(""), "no_text"),
        (completion() | {"choices": []}, "no_text"),
        (completion() | {"choices": None}, "no_text"),
        (completion() | {"choices": [{"finish_reason": "stop", "message": None}]}, "no_text"),
        ("yes", "malformed_result"),
    ],
)
def test_an_openai_completion_without_a_usable_answer_is_invalid(body, reason):
    result = openai_results.read_line(openai_line(body=body))
    assert (result.custom_id, result.outcome, result.reason, result.answer) == ("n0nce-1", Outcome.INVALID, reason, "")


def test_a_refusal_keeps_the_models_words_and_its_bill():
    result = openai_results.read_line(openai_line(body=completion(None, refusal="I will not.")))
    assert (result.error, result.usage) == ("I will not.", USAGE)


@pytest.mark.parametrize(
    ("status", "body", "error", "outcome", "reason"),
    [
        (0, None, None, Outcome.ERRORED, "no_response"),
        (0, completion(), None, Outcome.ERRORED, "no_response"),
        (None, None, None, Outcome.ERRORED, "no_response"),
        (None, None, {"code": "batch_expired", "message": "late"}, Outcome.EXPIRED, "expired"),
        (None, None, {"code": "batch_cancelled", "message": "stopped"}, Outcome.CANCELLED, "cancelled"),
        (200, None, None, Outcome.ERRORED, "null_body"),
        (400, {"error": {"code": "context_length_exceeded", "message": "m"}}, None, Outcome.ERRORED, "too_long"),
        (400, {"error": {"type": "invalid_request_error", "code": None}}, None, Outcome.ERRORED, "invalid_request"),
        (429, {"error": {"code": "insufficient_quota"}}, None, Outcome.ERRORED, "quota"),
        (429, {"error": {"code": "rate_limit_exceeded"}}, None, Outcome.ERRORED, "rate_limited"),
        (500, "<html>", None, Outcome.ERRORED, "server_error"),
        (503, None, None, Outcome.ERRORED, "server_error"),
        (302, completion(), None, Outcome.ERRORED, "invalid_request"),
    ],
)
def test_only_status_200_with_a_body_can_succeed_at_openai(status, body, error, outcome, reason):
    result = openai_results.read_line(openai_line(status, body, error))
    assert (result.custom_id, result.outcome, result.reason, result.answer) == ("n0nce-1", outcome, reason, "")


READERS = [anthropic_results.read_line, openai_results.read_line]


@pytest.mark.parametrize("read_line", READERS)
@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"\x00",
        b'{"custom_id": 7}',
        b'{"custom_id": ""}',
        b'{"custom_id": "a b"}',
        b'{"custom_id": "\\ud800"}',
        b'{"custom_id": "' + b"x" * 65 + b'"}',
        b"[" * 100_000,
    ],
)
def test_a_line_without_json_or_custom_id_is_malformed(read_line, raw):
    result = read_line(raw)
    assert (result.custom_id, result.outcome, result.reason) == ("", Outcome.ERRORED, "malformed_line")
    assert result.error == raw.decode("utf-8", "replace")[:200].replace("\x00", "\N{REPLACEMENT CHARACTER}")


def test_an_answer_with_a_lone_surrogate_is_malformed_but_keeps_its_id():
    raw = openai_line(body=completion("\\ud800")).replace(b"\\\\ud800", b"\\ud800")
    assert b'"content": "\\ud800"' in raw
    result = openai_results.read_line(raw)
    assert (result.custom_id, result.outcome, result.reason) == ("n0nce-1", Outcome.INVALID, "malformed_result")
    result.error.encode()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["succeeded", "stop", ANSWER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
GOOD = [
    {"custom_id": "n0nce-1", "result": {"type": "succeeded", "message": message()}},
    {"custom_id": "n0nce-1", "result": {"type": "errored", "error": {"type": "error", "error": {"type": "api_error"}}}},
    {"custom_id": "n0nce-1", "response": {"status_code": 200, "body": completion()}, "error": None},
    {"custom_id": "n0nce-1", "response": {"status_code": 400, "body": {"error": {"code": "c"}}}, "error": None},
]


@st.composite
def spoilt(draw):
    """A good line with one value somewhere inside it replaced, or left out."""
    value = json.loads(json.dumps(draw(st.sampled_from(GOOD))))
    place = value
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            break
        place = inner
    if draw(st.booleans()):
        place[key] = draw(JSON)
    else:
        del place[key]
    return line(value)


@pytest.mark.parametrize("read_line", READERS)
@settings(max_examples=400, deadline=None)
@given(raw=st.binary(max_size=200) | JSON.map(line) | spoilt())
def test_no_line_raises_and_none_succeeds_without_an_answer(read_line, raw):
    result = read_line(raw)
    assert (result.outcome is Outcome.SUCCEEDED) == bool(result.answer.strip())
    assert (result.outcome is Outcome.SUCCEEDED) == (result.reason == "")
    assert result.custom_id in ("", "n0nce-1") or result.custom_id.isascii()
    for value in (result.error, result.request_id):
        assert "\x00" not in value
        value.encode()


def test_a_message_that_cannot_be_read_was_perhaps_billed():
    for read in (anthropic_results.read_message, openai_results.read_completion):
        result = read(b"<html>", custom_id="n0nce-1", request_id="r")
        assert (result.outcome, result.reason, result.accepted) == (Outcome.LOST, "unreadable_answer", None)
