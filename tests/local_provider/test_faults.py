"""Faults of connections, endpoints and whole batches, seen through the real SDKs, and what they billed."""

import time
from collections import Counter
from typing import Any

import anthropic
import openai
import pytest

from tests.local_provider import asking
from tests.local_provider.conftest import Server
from tests.local_provider.running import claude_ended, gpt_batch, gpt_ended, gpt_lines, parsed

ONCE = {"next": 1}


@pytest.mark.parametrize(
    ("fault", "status", "claude_error", "gpt_error"),
    [
        ("rate_limited", (429, 429), "rate_limit_error", "rate_limit_exceeded"),
        ("overloaded", (529, 503), "overloaded_error", None),
        ("server_error", (500, 500), "api_error", None),
        ("out_of_credit", (429, 429), "rate_limit_error", "insufficient_quota"),
        ("permission_denied", (403, 403), "permission_error", None),
    ],
)
def test_a_call_is_refused_without_a_bill(
    server: Server,
    claude: anthropic.Anthropic,
    gpt: openai.OpenAI,
    fault: str,
    status: tuple[int, int],
    claude_error: str,
    gpt_error: str | None,
) -> None:
    server.faults(**{fault: {"next": 2, "retry_after": 7}})
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.create(**asking.claude())
    assert (refused.value.status_code, refused.value.type) == (status[0], claude_error)
    with pytest.raises(openai.APIStatusError) as also:
        gpt.chat.completions.create(**asking.gpt())
    assert (also.value.status_code, also.value.code) == (status[1], gpt_error)
    if fault == "rate_limited":
        assert refused.value.response.headers["retry-after"] == "7"
    assert server.ledger() == []
    claude.messages.create(**asking.claude())
    assert server.control("GET", "faults")["struck"] == {fault: 2}


def test_a_spend_limit_is_told_apart_from_a_rate_limit(server: Server, claude: anthropic.Anthropic) -> None:
    server.faults(out_of_credit=ONCE)
    with pytest.raises(anthropic.RateLimitError) as refused:
        claude.messages.create(**asking.claude())
    assert refused.value.error_code == "enforced_spend_limit_reached"


def test_dropped_before_accepting_bills_nothing_and_after_accepting_bills(
    server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    for fault, billed in (("drop_before_accept", 0), ("accept_and_drop", 2)):
        server.faults(**{fault: {"next": 2}})
        with pytest.raises(anthropic.APIConnectionError):
            claude.messages.create(**asking.claude())
        with pytest.raises(openai.APIConnectionError):
            gpt.chat.completions.create(**asking.gpt())
        assert len(server.ledger()) == billed


def test_a_lost_answer_to_create_leaves_a_batch_that_is_billed(
    server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    server.faults(accept_and_drop={"next": 2, "on": ["create"]})
    with pytest.raises(anthropic.APIConnectionError):
        claude.messages.batches.create(requests=asking.requests(3))
    with pytest.raises(openai.APIConnectionError):
        gpt_batch(gpt, asking.lines(2))
    assert len(claude.messages.batches.list().data) == 1
    assert len(gpt.batches.list().data) == 1
    time.sleep(0.2)
    assert Counter(row["provider"] for row in server.ledger()) == {"anthropic": 3, "openai": 2}


def test_the_sdks_own_retries_pay_for_a_lost_batch_twice(server: Server) -> None:
    server.faults(accept_and_drop={"next": 1, "on": ["create"]})
    server.claude(max_retries=1).messages.batches.create(requests=asking.requests(2))
    time.sleep(0.2)
    summary = server.control("GET", "ledger/summary")
    assert summary["custom_ids_billed_again"] == {"things": 2, "extra_bills": 2}
    assert summary["prompts_billed_again"] == {"things": 2, "extra_bills": 2}


def test_a_hanging_answer_times_out_and_is_billed(server: Server) -> None:
    server.faults(accept_and_hang={"next": 1, "seconds": 30})
    with pytest.raises(anthropic.APITimeoutError):
        server.claude(timeout=0.3).messages.create(**asking.claude())
    assert len(server.ledger()) == 1


def test_slow_is_slow(server: Server, claude: anthropic.Anthropic) -> None:
    server.faults(slow={"next": 1, "seconds": 0.3})
    began = time.monotonic()
    claude.messages.create(**asking.claude())
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("endpoint", ["poll", "list", "results", "cancel", "create", "files"])
def test_a_fault_strikes_where_it_is_told_to(server: Server, gpt: openai.OpenAI, endpoint: str) -> None:
    server.settings(batch_seconds=60)
    done = gpt_batch(gpt, asking.lines(1))
    calls: dict[str, Any] = {
        "poll": lambda: gpt.batches.retrieve(done.id),
        "list": lambda: gpt.batches.list(),
        "results": lambda: gpt.files.content(done.input_file_id),
        "cancel": lambda: gpt.batches.cancel(done.id),
        "create": lambda: gpt.batches.create(
            input_file_id=done.input_file_id, endpoint="/v1/chat/completions", completion_window="24h"
        ),
        "files": lambda: gpt.files.retrieve(done.input_file_id),
    }
    server.faults(server_error={"on": [endpoint]})
    for name, call in calls.items():
        if name == endpoint:
            with pytest.raises(openai.InternalServerError):
                call()
        else:
            call()


def test_rates_are_drawn_the_same_way_again(server: Server, claude: anthropic.Anthropic) -> None:
    def run() -> list[bool]:
        server.faults(server_error=0.5)
        return [_fails(claude) for _ in range(20)]

    first = run()
    assert 3 <= sum(first) <= 17
    assert run() == first


def _fails(claude: anthropic.Anthropic) -> bool:
    try:
        claude.messages.create(**asking.claude())
    except anthropic.InternalServerError:
        return True
    return False


def test_skip_lets_the_first_ones_pass(server: Server, claude: anthropic.Anthropic) -> None:
    server.faults(server_error={"skip": 2, "next": 1})
    assert [_fails(claude) for _ in range(4)] == [False, False, True, False]


def test_a_fault_may_concern_one_provider(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    server.faults(server_error={"provider": "anthropic"})
    assert _fails(claude)
    gpt.chat.completions.create(**asking.gpt())


def test_a_new_batch_shows_late_in_the_list(server: Server, claude: anthropic.Anthropic) -> None:
    server.faults(list_lag=0.4)
    batch = claude.messages.batches.create(requests=asking.requests(1))
    assert claude.messages.batches.list().data == []
    assert claude.messages.batches.retrieve(batch.id).id == batch.id
    time.sleep(0.45)
    assert [one.id for one in claude.messages.batches.list()] == [batch.id]


def test_an_expired_batch_keeps_what_was_done(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    server.faults(expire_after_done={"n": 12})
    batch = claude.messages.batches.create(requests=asking.requests(20))
    counts = claude_ended(claude, batch.id).request_counts
    assert (counts.succeeded, counts.expired) == (12, 8)
    types = Counter(result.result.type for result in claude.messages.batches.results(batch.id))
    assert types == {"succeeded": 12, "expired": 8}
    ended = gpt_ended(gpt, gpt_batch(gpt, asking.lines(20)).id)
    assert (ended.status, ended.request_counts.completed, ended.request_counts.failed) == ("expired", 12, 8)
    assert {line["error"]["code"] for line in parsed(gpt_lines(gpt, ended.error_file_id))} == {"batch_expired"}
    assert Counter((row["billed"], row["outcome"]) for row in server.ledger()) == {
        (True, "answered"): 24,
        (False, "expired"): 16,
    }


def test_a_batch_fails_on_demand(server: Server, gpt: openai.OpenAI) -> None:
    server.faults(batch_failed={"code": "token_limit_exceeded"})
    failed = gpt_ended(gpt, gpt_batch(gpt, asking.lines(2)).id)
    assert (failed.status, failed.errors.data[0].code) == ("failed", "token_limit_exceeded")
    assert server.ledger() == []


def test_results_can_be_gone(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    batch = claude.messages.batches.create(requests=asking.requests(1))
    ended = gpt_ended(gpt, gpt_batch(gpt, asking.lines(1)).id)
    claude_ended(claude, batch.id)
    server.faults(results_gone={})
    assert claude.messages.batches.retrieve(batch.id).archived_at is not None
    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        claude.messages.batches.results(batch.id)
    with pytest.raises(openai.NotFoundError):
        gpt.files.content(ended.output_file_id)


def test_the_output_file_id_can_lag(server: Server, gpt: openai.OpenAI) -> None:
    server.faults(file_id_lag=0.4)
    ended = gpt_ended(gpt, gpt_batch(gpt, asking.lines(1)).id)
    assert (ended.status, ended.output_file_id) == ("completed", None)
    time.sleep(0.45)
    assert gpt.batches.retrieve(ended.id).output_file_id is not None
