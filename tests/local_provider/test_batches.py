"""Whole batches through the real SDKs: out of order, with counts, lists, cancels and files."""

import asyncio
import time
from pathlib import Path

import anthropic
import openai
import orjson
import pytest

from cjadmin.local.provider.ledger import rows
from cjadmin.local.provider.local_provider import LocalProvider
from cjadmin.local.provider.settings import read
from cjadmin.local.provider.store import Batch
from tests.local_provider import asking
from tests.local_provider.conftest import Server
from tests.local_provider.running import claude_ended, gpt_batch, gpt_ended, gpt_lines, parsed


def test_an_anthropic_batch_answers_every_request_out_of_order(claude: anthropic.Anthropic, server: Server) -> None:
    asked = asking.requests(12)
    batch = claude.messages.batches.create(requests=asked)
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 12)
    assert batch.results_url is None
    ended = claude_ended(claude, batch.id)
    assert ended.results_url.startswith(f"{server.url}/anthropic/v1/messages/batches/")
    assert (ended.request_counts.succeeded, ended.request_counts.processing) == (12, 0)
    results = list(claude.messages.batches.results(batch.id))
    ids = [result.custom_id for result in results]
    assert sorted(ids) == [request["custom_id"] for request in asked] != ids
    assert {result.result.message.usage.service_tier for result in results} == {"batch"}
    sync = claude.messages.create(**asked[0]["params"])
    (same,) = [result for result in results if result.custom_id == "cj-0000"]
    assert same.result.message.content == sync.content


def test_an_openai_batch_answers_every_line_out_of_order(gpt: openai.OpenAI) -> None:
    batch = gpt_batch(gpt, asking.lines(12), metadata={"cj_nonce": "n1"})
    assert (batch.status, batch.metadata) == ("validating", {"cj_nonce": "n1"})
    ended = gpt_ended(gpt, batch.id)
    assert (ended.status, ended.error_file_id) == ("completed", None)
    assert (ended.request_counts.total, ended.request_counts.completed) == (12, 12)
    found = parsed(gpt_lines(gpt, ended.output_file_id))
    ids = [line["custom_id"] for line in found]
    assert sorted(ids) == [line["custom_id"] for line in asking.lines(12)] != ids
    assert {line["response"]["status_code"] for line in found} == {200}
    tokens = sum(line["response"]["body"]["usage"]["total_tokens"] for line in found)
    assert ended.usage.total_tokens == tokens


def test_a_batch_of_responses_answers_with_responses(gpt: openai.OpenAI) -> None:
    line = {"custom_id": "r1", "method": "POST", "url": "/v1/responses", "body": asking.gpt_response()}
    ended = gpt_ended(gpt, gpt_batch(gpt, [line], endpoint="/v1/responses").id)
    (found,) = parsed(gpt_lines(gpt, ended.output_file_id))
    assert found["response"]["body"]["object"] == "response"


def test_counts_and_status_of_an_openai_batch_move_with_the_clock(gpt: openai.OpenAI, server: Server) -> None:
    server.settings(batch_seconds=1.0)
    batch = gpt_batch(gpt, asking.lines(20))
    statuses, counts = [], set()
    while (seen := gpt.batches.retrieve(batch.id)).status != "completed":
        statuses.append(seen.status)
        counts.add(seen.request_counts.completed)
        time.sleep(0.02)
    assert list(dict.fromkeys(statuses)) == ["validating", "in_progress", "finalizing"]
    assert len(counts) > 5
    assert seen.in_progress_at <= seen.finalizing_at <= seen.completed_at
    assert seen.expires_at - seen.created_at == 24 * 3_600


def test_params_are_checked_only_when_the_anthropic_batch_runs(claude: anthropic.Anthropic) -> None:
    hot = {"custom_id": "hot", "params": asking.claude(temperature=0.0)}
    asked = [*asking.requests(2), hot, {"custom_id": "open", "params": {"model": asking.CLAUDE, "messages": []}}]
    batch = claude.messages.batches.create(requests=asked)
    found = {
        result.custom_id: result.result for result in claude.messages.batches.results(claude_ended(claude, batch.id).id)
    }
    assert (found["hot"].type, found["hot"].error.error.type) == ("errored", "invalid_request_error")
    assert "temperature" in found["hot"].error.error.message
    assert "max_tokens" in found["open"].error.error.message
    assert claude.messages.batches.retrieve(batch.id).request_counts.errored == 2


def test_lines_that_openai_refuses_stand_in_the_error_file_only(gpt: openai.OpenAI) -> None:
    bad = asking.lines(2, max_completion_tokens=0)
    ended = gpt_ended(gpt, gpt_batch(gpt, bad).id)
    assert (ended.status, ended.output_file_id, ended.request_counts.failed) == ("completed", None, 2)
    (first, _) = parsed(gpt_lines(gpt, ended.error_file_id))
    assert (first["response"]["status_code"], first["error"]) == (400, None)
    assert first["response"]["body"]["error"]["param"] == "max_completion_tokens"


def test_a_cancelled_anthropic_batch_keeps_what_was_done(claude: anthropic.Anthropic, server: Server) -> None:
    server.settings(batch_seconds=6.0)
    batch = claude.messages.batches.create(requests=asking.requests(20))
    time.sleep(1.0)  # some answers are there, and five seconds later some are not
    cancelled = claude.messages.batches.cancel(batch.id)
    assert (cancelled.processing_status, cancelled.request_counts.processing) == ("canceling", 20)
    counts = claude_ended(claude, batch.id).request_counts
    assert counts.succeeded + counts.canceled == 20
    assert 0 < counts.succeeded < 20
    assert sum(row["billed"] for row in server.ledger()) == counts.succeeded
    with pytest.raises(anthropic.BadRequestError, match="already ended"):
        claude.messages.batches.cancel(batch.id)


def test_a_cancelled_openai_batch_keeps_what_was_done(gpt: openai.OpenAI, server: Server) -> None:
    server.settings(batch_seconds=6.0)
    batch = gpt_batch(gpt, asking.lines(20))
    time.sleep(1.0)  # some answers are there, and five seconds later some are not
    assert gpt.batches.cancel(batch.id).status == "cancelling"
    ended = gpt_ended(gpt, batch.id)
    assert ended.status == "cancelled"
    assert ended.cancelled_at >= ended.cancelling_at
    done = parsed(gpt_lines(gpt, ended.output_file_id))
    undone = parsed(gpt_lines(gpt, ended.error_file_id))
    assert len(done) + len(undone) == 20
    assert {line["error"]["code"] for line in undone} == {"batch_cancelled"}
    with pytest.raises(openai.ConflictError):
        gpt.batches.cancel(batch.id)


def test_anthropic_lists_newest_first_and_pages_both_ways(claude: anthropic.Anthropic) -> None:
    ids = [claude.messages.batches.create(requests=asking.requests(1)).id for _ in range(5)]
    newest_first = ids[::-1]
    assert [batch.id for batch in claude.messages.batches.list(limit=2)] == newest_first
    page = claude.messages.batches.list(limit=2, before_id=ids[0])
    assert [batch.id for batch in page.data] == [ids[2], ids[1]]
    assert page.has_more
    assert {batch.id for batch in page} == set(ids[1:])
    assert [batch.id for batch in claude.messages.batches.list(after_id=ids[1])] == [ids[0]]
    assert claude.messages.batches.list(before_id=ids[4]).data == []
    claude_ended(claude, ids[0])
    assert claude.messages.batches.delete(ids[0]).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.batches.retrieve(ids[0])
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.batches.list(before_id=ids[0])


def test_openai_lists_newest_first_and_pages(gpt: openai.OpenAI) -> None:
    ids = [gpt_batch(gpt, asking.lines(1), metadata={"n": str(n)}).id for n in range(5)]
    assert [batch.id for batch in gpt.batches.list(limit=2)] == ids[::-1]
    assert [batch.metadata["n"] for batch in gpt.batches.list(limit=2).data] == ["4", "3"]
    names = {file.filename for file in gpt.files.list(purpose="batch")}
    assert names == {"cj-job.jsonl"}


def test_a_deleted_file_is_gone_but_its_batch_runs_on(gpt: openai.OpenAI) -> None:
    batch = gpt_batch(gpt, asking.lines(1))
    assert gpt.files.delete(batch.input_file_id).deleted
    with pytest.raises(openai.NotFoundError):
        gpt.files.retrieve(batch.input_file_id)
    ended = gpt_ended(gpt, batch.id)
    (line,) = parsed(gpt_lines(gpt, ended.output_file_id))
    assert orjson.loads(line["response"]["body"]["choices"][0]["message"]["content"])["winner"] in ("A", "B")


def test_batches_survive_kill_9_in_the_middle_of_their_life(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("restarted")
    first = Server(folder, "--batch-seconds", "2", "--latency", "0")
    claude, gpt = first.claude(), first.gpt()
    batch_id = claude.messages.batches.create(requests=asking.requests(3)).id
    gpt_id = gpt_batch(gpt, asking.lines(3)).id
    claude.messages.create(**asking.claude())
    time.sleep(0.2)  # calls are written down every 50 ms
    first.kill()
    second = Server(folder, "--latency", "0")
    claude, gpt = second.claude(), second.gpt()
    assert claude_ended(claude, batch_id).request_counts.succeeded == 3
    assert {result.custom_id for result in claude.messages.batches.results(batch_id)} == {
        "cj-0000",
        "cj-0001",
        "cj-0002",
    }
    assert gpt_ended(gpt, gpt_id).request_counts.completed == 3
    assert [row["kind"] for row in second.ledger()].count("sync") == 1
    assert second.control("GET", "ledger/summary")["billed"] == 7
    assert second.stop() == 0


def test_a_batch_is_answered_once_however_old_the_look_that_asks_for_it(tmp_path: Path) -> None:
    local = LocalProvider(tmp_path, read(None, batch_seconds=0, faults={"errored_line": 0.5}))
    requests = orjson.dumps({"requests": asking.requests(40)})
    local.store.batch_path("one").write_bytes(requests)
    old = local.store.add_batch(
        Batch(id="one", provider="anthropic", key="key", created_at=0, seconds=0, n=40, version="2023-06-01")
    )

    async def look_twice() -> tuple[bytes, bytes]:
        await local.look_and_wait(old)
        first = local.store.results_path("one").read_bytes()
        await local.look_and_wait(old)  # as a list does that was read before
        return first, local.store.results_path("one").read_bytes()

    first, second = asyncio.run(look_twice())
    billed = {row["custom_id"] for row in rows(local.store)["rows"] if row["billed"]}
    local.close()
    assert 0 < len(billed) < 40
    assert first == second
    told = [orjson.loads(line) for line in second.splitlines()]
    assert {line["custom_id"] for line in told if line["result"]["type"] == "succeeded"} == billed
