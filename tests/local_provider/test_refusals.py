"""What the real providers refuse is refused, in their own shape of an error."""

from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.local_provider import asking
from tests.local_provider.conftest import Server
from tests.local_provider.running import gpt_batch, gpt_ended

OPEN_SCHEMA = {"type": "object", "properties": {"winner": {"type": "string"}}, "required": ["winner"]}
LOOSE = asking.closed({"winner": {"type": "string"}}) | {"required": []}
BOUNDED = asking.closed({"confidence": {"type": "integer", "minimum": 1, "maximum": 5}})
SHORT = asking.closed({"winner": {"type": "string", "maxLength": 1}})
TOOL = {"name": "t", "input_schema": asking.SINGLE}
FORCED = {"schema": None, "tools": [TOOL], "tool_choice": {"type": "any"}}


def _raw(server: Server, path: str, body: Any, **headers: str) -> httpx2.Response:
    given = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"} | headers
    return httpx2.post(f"{server.url}{path}", json=body, headers=given, trust_env=False)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"temperature": 1.0}, "temperature"),
        ({"top_p": 0.9}, "top_p"),
        ({"top_k": 5}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 64_001}, "64000"),
        ({"nonsense": 1}, "Extra inputs are not permitted"),
        ({"messages": []}, "at least one message"),
        ({"schema": OPEN_SCHEMA}, "additionalProperties"),
        ({"schema": BOUNDED}, "minimum"),
        ({"schema": SHORT}, "maxLength"),
        ({"output_config": {"effort": "low"}}, "effort"),
        (FORCED | {"model": "claude-opus-5-5"}, "forcing tool use"),
        (FORCED | {"model": "claude-fable-5-1"}, "forcing tool use"),
        (FORCED | {"model": "claude-sonnet-5-5"}, "forcing tool use"),
        ({"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}, "cannot be disabled"),
        ({"prompt": [{"type": "text", "text": " "}]}, "non-whitespace"),
        (
            {"prompt": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5},
            "maximum of 4 blocks",
        ),
        (
            {
                "prompt": [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8gd29ybGQ="},
                    }
                ]
            },
            "media type",
        ),
        ({"prompt": "word " * 180_000}, "prompt is too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anthropic_refuses(server: Server, change: dict[str, Any], word: str) -> None:
    answer = _raw(server, "/anthropic/v1/messages", asking.claude(**change))
    body = answer.json()
    assert (answer.status_code, body["type"], body["error"]["type"]) == (400, "error", "invalid_request_error")
    assert word in body["error"]["message"]
    assert body["request_id"] == answer.headers["request-id"]
    assert server.ledger() == []


def test_the_older_anthropic_version_still_takes_a_temperature(server: Server) -> None:
    body = asking.claude(temperature=0.0)
    answer = _raw(server, "/anthropic/v1/messages", body, **{"anthropic-version": "2023-06-01"})
    assert answer.status_code == 200


def test_anthropic_wants_a_version_and_a_key(server: Server) -> None:
    assert _raw(server, "/anthropic/v1/messages", {}, **{"anthropic-version": ""}).status_code == 400
    nobody = _raw(server, "/anthropic/v1/messages", {}, authorization="")
    assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "authentication_error")


def test_missing_max_tokens_and_an_unknown_model_are_named(server: Server, claude: anthropic.Anthropic) -> None:
    body = asking.claude()
    del body["max_tokens"]
    assert "max_tokens: Field required" in _raw(server, "/anthropic/v1/messages", body).text
    with pytest.raises(anthropic.NotFoundError) as refused:
        claude.messages.create(**asking.claude(model="claude-2"))
    assert refused.value.type == "not_found_error"


def test_a_revoked_key_gets_401_from_both(server: Server) -> None:
    server.faults(revoked_keys=["old"])
    with pytest.raises(anthropic.AuthenticationError):
        server.claude("old").messages.create(**asking.claude())
    with pytest.raises(openai.AuthenticationError) as refused:
        server.gpt("old").chat.completions.create(**asking.gpt())
    assert refused.value.code == "invalid_api_key"
    server.claude("new").messages.create(**asking.claude())


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a" * 65], "requests.0.custom_id: String should have at most 64 characters"),
        ([""], "requests.0.custom_id: String should have at least 1 character"),
        (["ok", "not ok"], "requests.1.custom_id: String should match pattern"),
        (["same", "same"], "requests.1.custom_id: custom_ids must be unique"),
        ([], "requests: List should have at least 1 item"),
    ],
)
def test_anthropic_checks_custom_ids_at_once(claude: anthropic.Anthropic, ids: list[str], message: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        claude.messages.batches.create(requests=[{"custom_id": name, "params": asking.claude()} for name in ids])
    assert message in refused.value.api_message


@pytest.mark.parametrize("params", [{"stream": True}, {"speed": "fast"}, {"max_tokens": 0}])
def test_some_params_are_refused_when_the_batch_is_created(claude: anthropic.Anthropic, params: dict[str, Any]) -> None:
    with pytest.raises(anthropic.BadRequestError, match=next(iter(params))):
        claude.messages.batches.create(requests=[{"custom_id": "a", "params": asking.claude(**params)}])


def test_anthropic_batch_limits(claude: anthropic.Anthropic, server: Server) -> None:
    server.settings(batch_requests={"anthropic": 3}, queued_requests=5, batch_seconds=60)
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.batches.create(requests=asking.requests(4))
    assert (refused.value.status_code, refused.value.type) == (413, "request_too_large")
    claude.messages.batches.create(requests=asking.requests(3))
    with pytest.raises(anthropic.RateLimitError) as full:
        claude.messages.batches.create(requests=asking.requests(3))
    assert full.value.response.headers["retry-after"] == "60"
    server.settings(batch_bytes={"anthropic": 100})
    with pytest.raises(anthropic.APIStatusError) as large:
        claude.messages.batches.create(requests=asking.requests(1))
    assert large.value.status_code == 413


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"nonsense": 1}, "nonsense", "unknown_parameter"),
        ({"schema": OPEN_SCHEMA}, "response_format", "invalid_json_schema"),
        ({"schema": LOOSE}, "response_format", "invalid_json_schema"),
        ({"schema": BOUNDED}, "response_format", "invalid_json_schema"),
        ({"max_completion_tokens": 0}, "max_completion_tokens", "integer_below_min_value"),
        ({"model": "gpt-5-mini", "max_tokens": 9}, "max_tokens", "unsupported_parameter"),
        ({"model": "gpt-6-luna", "temperature": 0.5}, "temperature", "unsupported_value"),
        ({"model": "gpt-6.2-sol", "reasoning_effort": "none"}, "reasoning_effort", "unsupported_value"),
        ({"reasoning_effort": "low"}, "reasoning_effort", "unsupported_parameter"),
        ({"prompt": "word " * 120_000}, "messages", "context_length_exceeded"),
        ({"messages": []}, "messages", "missing_required_parameter"),
    ],
)
def test_openai_refuses(gpt: openai.OpenAI, change: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.chat.completions.create(**{"extra_body": {}} | _as_extra(asking.gpt(**change)))
    assert (refused.value.param, refused.value.code) == (param, code)


def _as_extra(body: dict[str, Any]) -> dict[str, Any]:
    """The SDK refuses keywords it does not know; the server is to refuse them."""
    return {"model": body["model"], "messages": body["messages"], "extra_body": body}


def test_openai_takes_a_temperature_where_it_is_allowed(gpt: openai.OpenAI) -> None:
    assert gpt.chat.completions.create(**asking.gpt(temperature=0.0)).choices
    body = asking.gpt(model="gpt-6-luna", temperature=0.0, reasoning_effort="none")
    assert gpt.chat.completions.create(**body).choices


def test_openai_does_not_know_every_model(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        gpt.chat.completions.create(**asking.gpt(model="gpt-0"))
    assert refused.value.code == "model_not_found"


def test_uploads_need_the_right_name_and_size(gpt: openai.OpenAI, server: Server) -> None:
    with pytest.raises(openai.BadRequestError, match=r"Must be \.jsonl"):
        gpt.files.create(file=("x.txt", b"{}"), purpose="batch")
    server.settings(batch_bytes={"openai": 10})
    with pytest.raises(openai.BadRequestError, match="too large"):
        gpt.files.create(file=("x.jsonl", b"x" * 11), purpose="batch")


def _line(custom_id: str, **change: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": asking.gpt()} | change


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([_line("a"), b'{"custom_id": '], "invalid_json_line", 2),
        ([_line("a"), _line("a")], "duplicate_custom_id", 2),
        ([_line("a", url="/v1/responses")], "url_mismatch", 1),
        ([_line("a"), _line("b", body=asking.gpt(model="gpt-4o"))], "model_mismatch", 2),
        ([_line("a", body=asking.gpt(model="gpt-0"))], "model_not_found", 1),
        ([], "empty_file", None),
        ([_line("a"), _line("b"), _line("c"), _line("d")], "too_many_tasks", None),
    ],
)
def test_an_openai_batch_fails_validation(
    gpt: openai.OpenAI, server: Server, lines: Any, code: str, number: Any
) -> None:
    server.settings(batch_requests={"openai": 3})
    created = gpt_batch(gpt, lines)
    assert created.status == "validating"
    failed = gpt_ended(gpt, created.id)
    assert (failed.status, failed.errors.data[0].code, failed.errors.data[0].line) == ("failed", code, number)
    assert failed.failed_at is not None
    assert server.ledger() == []


def test_openai_limits_queued_tokens_by_model(gpt: openai.OpenAI, server: Server) -> None:
    one = gpt.chat.completions.create(**asking.lines(1)[0]["body"]).usage.prompt_tokens
    server.settings(queued_tokens={asking.GPT: 3 * one}, batch_seconds=1.0)
    first = gpt_batch(gpt, asking.lines(2))
    second = gpt_batch(gpt, asking.lines(2))
    assert gpt_ended(gpt, second.id).errors.data[0].code == "token_limit_exceeded"
    assert gpt_ended(gpt, first.id).status == "completed"
    assert gpt_ended(gpt, gpt_batch(gpt, asking.lines(2)).id).status == "completed"


@pytest.mark.parametrize(
    "change", [{"endpoint": "/v1/decisions"}, {"completion_window": "8h"}, {"metadata": {"k": "v" * 513}}]
)
def test_openai_refuses_to_create_a_batch(gpt: openai.OpenAI, change: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        gpt_batch(gpt, asking.lines(1), **change)
    assert refused.value.param == next(iter(change))


def test_a_retired_model_and_an_invented_one(claude: anthropic.Anthropic, server: Server) -> None:
    server.settings(retired_models=[asking.CLAUDE], extra_models={"anthropic": ["claude-next"]})
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(**asking.claude())
    assert claude.messages.create(**asking.claude(model="claude-next")).model == "claude-next"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"no_such_fault": 1}),
        ("faults", {"slow": {"on": ["nowhere"]}}),
        ("faults", {"slow": {"rate": "often"}}),
        ("settings", {"latencyy": 1}),
        ("settings", {"latency": "long"}),
        ("settings", []),
    ],
)
def test_the_control_panel_refuses_what_it_does_not_know(server: Server, path: str, body: Any) -> None:
    assert "error" in server.control("PUT", path, body, status=400)
