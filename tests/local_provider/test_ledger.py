"""What the ledger books is what was asked and told."""

import time
from collections import Counter
from hashlib import sha256

import anthropic
import openai

from tests.local_provider import asking
from tests.local_provider.conftest import Server
from tests.local_provider.running import claude_ended, gpt_batch, gpt_ended, gpt_lines, parsed


def test_a_call_is_booked_with_what_its_answer_told(server: Server, claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(**asking.claude(), extra_headers={"x-cj-custom-id": "cj-7"})
    (row,) = server.ledger()
    assert row["input_tokens"] == answer.usage.input_tokens
    assert row["output_tokens"] == answer.usage.output_tokens
    assert (row["provider"], row["kind"], row["model"], row["custom_id"], row["batch_id"]) == (
        "anthropic",
        "sync",
        asking.CLAUDE,
        "cj-7",
        "",
    )
    assert (row["billed"], row["outcome"], row["winner"]) == (True, "answered", "A")
    assert row["prompt_sha256"] == sha256(asking.pair().encode() + b"\x00").hexdigest()
    assert row["key"] == sha256(b"key-a").hexdigest()[:12]


def test_cache_tokens_are_booked_apart(server: Server, gpt: openai.OpenAI) -> None:
    body = asking.gpt(asking.pair(rubric="Consider ideas. " * 600), model="gpt-6-luna")
    details = [gpt.chat.completions.create(**body).usage for _ in range(2)]
    first, second = server.ledger()
    assert first["cache_write_tokens"] == details[0].prompt_tokens_details.cache_write_tokens >= 1_024
    assert second["cache_read_tokens"] == details[1].prompt_tokens_details.cached_tokens >= 1_024
    for row, usage in zip((first, second), details, strict=True):
        whole = row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"]
        assert whole == usage.prompt_tokens


def test_a_batch_books_each_request_once(server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    batch = claude.messages.batches.create(requests=asking.requests(7))
    claude_ended(claude, batch.id)
    ended = gpt_ended(gpt, gpt_batch(gpt, asking.lines(5)).id)
    rows = server.ledger()
    assert Counter((row["provider"], row["batch_id"]) for row in rows) == {
        ("anthropic", batch.id): 7,
        ("openai", ended.id): 5,
    }
    told = {
        result.custom_id: result.result.message.usage.output_tokens
        for result in claude.messages.batches.results(batch.id)
    }
    assert {row["custom_id"]: row["output_tokens"] for row in rows if row["provider"] == "anthropic"} == told
    told = {
        line["custom_id"]: line["response"]["body"]["usage"]["prompt_tokens"]
        for line in parsed(gpt_lines(gpt, ended.output_file_id))
    }
    assert {row["custom_id"]: row["input_tokens"] for row in rows if row["provider"] == "openai"} == told


def test_a_batch_nobody_looks_at_is_booked_too(server: Server, claude: anthropic.Anthropic) -> None:
    claude.messages.batches.create(requests=asking.requests(4))
    assert server.ledger() == []
    time.sleep(0.15)
    assert len(server.ledger()) == 4


def test_the_summary_adds_up_and_finds_what_was_billed_again(
    server: Server, claude: anthropic.Anthropic, gpt: openai.OpenAI
) -> None:
    for custom_id in ("a", "b", "b"):
        claude.messages.create(**asking.claude(), extra_headers={"x-cj-custom-id": custom_id})
    gpt.chat.completions.create(**asking.gpt())
    server.faults(errored_line={"next": 1})
    claude_ended(claude, claude.messages.batches.create(requests=asking.requests(2)).id)
    summary, rows = server.control("GET", "ledger/summary"), server.ledger()
    assert (summary["requests"], summary["billed"]) == (6, 5)
    assert summary["outcomes"] == {"answered": 5, "errored": 1}
    assert [(one["provider"], one["kind"], one["requests"], one["billed"]) for one in summary["totals"]] == [
        ("anthropic", "batch", 2, 1),
        ("anthropic", "sync", 3, 3),
        ("openai", "sync", 1, 1),
    ]
    assert sum(one["output_tokens"] for one in summary["totals"]) == sum(row["output_tokens"] for row in rows)
    assert summary["custom_ids_billed_again"] == {"things": 1, "extra_bills": 1}
    assert summary["prompts_billed_again"] == {"things": 1, "extra_bills": 2}


def test_the_ledger_is_read_in_pages_and_from_a_time(server: Server, claude: anthropic.Anthropic) -> None:
    for _ in range(5):
        claude.messages.create(**asking.claude())
    page = server.control("GET", "ledger?limit=2")
    assert len(page["rows"]) == 2
    rest = server.control("GET", f"ledger?after={page['next_after']}")
    assert (len(rest["rows"]), rest["next_after"]) == (3, None)
    assert len(server.ledger(since=rest["rows"][1]["at"])) == 2
    assert server.ledger(since="2100-01-01T00:00:00Z") == []


def test_batches_and_requests_are_shown_as_they_came(server: Server, claude: anthropic.Anthropic) -> None:
    batch = claude.messages.batches.create(requests=asking.requests(2))
    (shown,) = server.control("GET", "batches")["batches"]
    assert (shown["id"], shown["n"], shown["status"]) == (batch.id, 2, "in_progress")
    assert server.control("GET", "health")["requests"] == {"anthropic create 200": 1}
    server.control("POST", "reset")
    assert server.control("GET", "batches") == {"batches": []}
