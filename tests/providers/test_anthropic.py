import json
from dataclasses import replace

import httpx2
import pytest

from batches.providers.base import BatchState, FileKind, Outcome, Progress, ProviderError
from tests.providers.asking import ANSWER, anthropic_line, message, question
from tests.providers.serving import Played, complete

PATH = "/v/v1/messages/batches"
ONE = f"{PATH}/msgbatch_1"
HERE = "http://127.0.0.1:9/v/v1/messages/batches/msgbatch_1/results"


def batch(batch_id="msgbatch_1", status="ended", created="2026-11-22T12:00:00Z", url=HERE, **counts):
    none = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    return {
        "id": batch_id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": none | counts,
        "created_at": created,
        "expires_at": "2026-11-23T12:00:00Z",
        "ended_at": None,
        "archived_at": None,
        "results_url": url,
    }


def page(*batches, more=False):
    first, last = (batches[0]["id"], batches[-1]["id"]) if batches else (None, None)
    return {"data": list(batches), "has_more": more, "first_id": first, "last_id": last}


def error(status, kind="invalid_request_error", **headers):
    body = {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "req_1"}
    return httpx2.Response(status, json=body, headers=headers | {"request-id": "req_1"})


def written(tmp_path, provider, *requests):
    path = tmp_path / "b.jsonl"
    path.write_bytes(b"".join(provider.payload_bytes(requests)))
    return path


@pytest.mark.parametrize("n", [1, 3])
def test_a_batch_goes_as_one_post_with_the_lines_as_its_requests(tmp_path, n):
    played = Played({("POST", PATH): batch(status="in_progress", processing=n)})
    provider = played.anthropic()
    requests = [question(custom_id=f"n-{i}") for i in range(n)]
    path = written(tmp_path, provider, *requests)
    submission = provider.submit(path, n=n, input_file_id="", metadata={"cj_nonce": "n"})
    assert (submission.provider_batch_id, submission.expires_at) == ("msgbatch_1", "2026-11-23T12:00:00Z")
    [sent] = played.requests
    assert json.loads(sent.content) == {"requests": [json.loads(line) for line in path.read_bytes().splitlines()]}
    assert int(sent.headers["content-length"]) == len(sent.content)
    assert "transfer-encoding" not in sent.headers
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["authorization"] == "Bearer k-secret"


def test_a_body_larger_than_one_block_is_sent_whole(tmp_path):
    played = Played({("POST", PATH): batch()})
    provider = played.anthropic()
    requests = [replace(question(custom_id=f"n-{i}"), system="s" * 700_000) for i in range(4)]
    provider.submit(written(tmp_path, provider, *requests), n=4, input_file_id="", metadata={})
    sent = json.loads(played.requests[0].content)["requests"]
    assert [each["custom_id"] for each in sent] == ["n-0", "n-1", "n-2", "n-3"]
    assert {len(each["params"]["system"]) for each in sent} == {700_000}


def test_a_file_with_another_number_of_requests_is_never_sent(tmp_path):
    played = Played({})
    provider = played.anthropic()
    with pytest.raises(ValueError, match="does not hold 2 requests"):
        provider.submit(written(tmp_path, provider, question()), n=2, input_file_id="", metadata={})
    assert played.requests == []


def test_nothing_is_uploaded():
    assert Played({}).anthropic().upload(None, name="cj-n.jsonl") == ""


def test_the_watermark_is_the_newest_batch_or_nothing():
    played = Played({("GET", PATH): [page(batch("msgbatch_9")), page()]})
    provider = played.anthropic()
    assert (provider.watermark(), provider.watermark()) == ("msgbatch_9", "")
    assert played.requests[0].url.params["limit"] == "1"


def test_what_costs_nothing_is_tried_again_but_not_for_ever():
    played = Played({("GET", ONE): [error(529, "overloaded_error", **{"retry-after": "0"}), batch(succeeded=3)]})
    assert played.anthropic().poll("msgbatch_1").total == 3
    played = Played({("GET", ONE): error(529, "overloaded_error", **{"retry-after": "0"})})
    with pytest.raises(ProviderError):
        played.anthropic().poll("msgbatch_1")
    assert len(played.requests) == 3
    played = Played({("GET", ONE): error(429, "rate_limit_error", **{"retry-after": "60"})})
    with pytest.raises(ProviderError) as asked:
        played.anthropic().poll("msgbatch_1")
    assert (len(played.requests), asked.value.retry_after) == (1, 60.0)


def test_an_answer_of_another_shape_is_an_error_that_may_pass():
    played = Played({("GET", ONE): {"ID": "msgbatch_1"}})
    with pytest.raises(ProviderError) as odd:
        played.anthropic().poll("msgbatch_1")
    assert (odd.value.code, odd.value.transient, odd.value.accepted) == ("unreadable_answer", True, None)


def results_of(*lines):
    return httpx2.Response(200, content=b"\n".join(lines) + b"\n")


SUCCEEDED = anthropic_line({"type": "succeeded", "message": message()}, custom_id="n-1")
EXPIRED = anthropic_line({"type": "expired"}, custom_id="n-2")


def test_results_are_downloaded_whole_hashed_and_read(tmp_path):
    played = Played(
        {("GET", ONE): batch(succeeded=1, expired=1), ("GET", f"{ONE}/results"): results_of(SUCCEEDED, EXPIRED)}
    )
    provider = played.anthropic()
    progress = provider.poll("msgbatch_1")
    [file] = provider.download(progress, tmp_path)
    assert file.path.read_bytes() == SUCCEEDED + b"\n" + EXPIRED + b"\n"
    read = list(provider.read_results(file.path, FileKind.OUTPUT))
    assert [(each.custom_id, each.outcome) for each in read] == [("n-1", Outcome.SUCCEEDED), ("n-2", Outcome.EXPIRED)]
    played.routes["GET", f"{ONE}/results"] = results_of(SUCCEEDED, EXPIRED)
    assert list(provider.results(progress)) == read


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/v/v1/messages/batches/msgbatch_1/results",
        "http://127.0.0.1:10/v/v1/messages/batches/msgbatch_1/results",
        "https://127.0.0.1:9/v/v1/messages/batches/msgbatch_1/results",
        "http://127.0.0.1:9@evil.example/results",
    ],
)
def test_results_on_another_host_are_never_fetched(tmp_path, url):
    played = Played({("GET", ONE): batch(url=url)})
    with pytest.raises(ProviderError) as refused:
        played.anthropic().download(Progress(provider_batch_id="msgbatch_1", state=BatchState.ENDED), tmp_path)
    assert (refused.value.code, refused.value.transient) == ("foreign_results_url", False)
    assert {request.url.host for request in played.requests} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("changes", "code", "transient"),
    [({"archived_at": "2026-12-22T00:00:00Z"}, "results_gone", False), ({}, "results_not_ready", True)],
)
def test_results_that_are_not_there_say_whether_they_ever_will_be(tmp_path, changes, code, transient):
    played = Played({("GET", ONE): batch(url=None) | changes})
    with pytest.raises(ProviderError) as gone:
        played.anthropic().download(Progress(provider_batch_id="msgbatch_1", state=BatchState.ENDED), tmp_path)
    assert (gone.value.code, gone.value.transient) == (code, transient)


def test_a_download_shorter_than_promised_is_refused(tmp_path):
    short = httpx2.Response(200, content=SUCCEEDED + b"\n", headers={"content-length": "9999"})
    played = Played({("GET", ONE): batch(), ("GET", f"{ONE}/results"): short})
    with pytest.raises(ProviderError, match="of 9999 bytes") as cut:
        played.anthropic().download(Progress(provider_batch_id="msgbatch_1", state=BatchState.ENDED), tmp_path)
    assert (cut.value.code, cut.value.transient, cut.value.accepted) == ("truncated_download", True, None)


def test_cancelling_tells_where_it_stands_even_when_it_is_too_late():
    played = Played(
        {("POST", f"{ONE}/cancel"): [batch(status="canceling"), error(400)], ("GET", ONE): batch(succeeded=1)}
    )
    provider = played.anthropic()
    assert provider.cancel("msgbatch_1").state is BatchState.CANCELLING
    assert provider.cancel("msgbatch_1").state is BatchState.ENDED


def test_find_looks_upwards_from_the_watermark_and_keeps_those_of_the_right_size():
    def listed(request):
        before = request.url.params["before_id"]
        newer = [batch("msgbatch_3", processing=2), batch("msgbatch_2", created="2026-11-22T11:59:00Z", processing=2)]
        newest = [batch("msgbatch_5", processing=3), batch("msgbatch_4", succeeded=1, errored=1)]
        return {"msgbatch_1": page(*newer, more=True), "msgbatch_3": page(*newest)}[before]

    played = Played({("GET", PATH): listed})
    found = played.anthropic().find(
        nonce="n", watermark="msgbatch_1", n=2, input_file_id="", since="2026-11-22T12:00:00Z"
    )
    assert [each.provider_batch_id for each in found] == ["msgbatch_2", "msgbatch_3", "msgbatch_4"]


@pytest.mark.parametrize("watermark", ["", "msgbatch_gone"])
def test_without_a_usable_watermark_find_goes_by_time_with_five_minutes_of_slack(watermark):
    def listed(request):
        if "before_id" in request.url.params:
            return error(404, "not_found_error")
        if "after_id" in request.url.params:
            return page(
                batch("msgbatch_2", created="2026-11-22T11:55:30Z", processing=2),
                batch("msgbatch_1", created="2026-11-22T11:54:00Z", processing=2),
                more=True,
            )
        return page(batch("msgbatch_3", processing=2), more=True)

    played = Played({("GET", PATH): listed})
    found = played.anthropic().find(nonce="n", watermark=watermark, n=2, input_file_id="", since="2026-11-22T12:00:00Z")
    assert [each.provider_batch_id for each in found] == ["msgbatch_2", "msgbatch_3"]
    assert [r.url.params["after_id"] for r in played.requests if "after_id" in r.url.params] == ["msgbatch_3"]


def test_deleting_what_is_gone_is_no_error():
    gone = {"id": "msgbatch_1", "type": "message_batch_deleted"}
    played = Played({("DELETE", ONE): [gone, error(404, "not_found_error"), error(403, "permission_error")]})
    provider, progress = played.anthropic(), Progress(provider_batch_id="msgbatch_1", state=BatchState.ENDED)
    provider.delete_files(progress)
    provider.delete_files(progress)
    with pytest.raises(ProviderError) as refused:
        provider.delete_files(progress)
    assert refused.value.account_fault


def test_tokens_are_counted_on_the_same_body_without_its_limit():
    played = Played({("POST", "/v/v1/messages/count_tokens"): {"input_tokens": 321}})
    assert played.anthropic().count_tokens(question()) == 321
    sent = json.loads(played.requests[0].content)
    assert "max_tokens" not in sent
    assert sent["messages"][0]["content"][0] == {"type": "text", "text": "Essay A: cats."}


def test_a_model_is_checked_at_the_provider():
    found = {
        "id": "claude-sonnet-4-5",
        "type": "model",
        "lifecycle": "deprecated",
        "retires_at": "2026-11-30T00:00:00Z",
        "capabilities": {"batch": {"supported": True}},
    }
    played = Played({("GET", "/v/v1/models/claude-sonnet-4-5"): found})
    assert played.anthropic().check_model("claude-sonnet-4-5") == {
        "id": "claude-sonnet-4-5",
        "lifecycle": "deprecated",
        "retires_on": "2026-11-30",
        "capabilities": {"batch": {"supported": True}},
    }


def test_a_call_answers_with_its_usage_and_its_request_id():
    answer = httpx2.Response(200, json=message(), headers={"request-id": "req_7"})
    played = Played({("POST", "/v/v1/messages"): answer})
    result = complete(played.anthropic(), question())
    assert (result.custom_id, result.outcome, result.answer) == ("n0nce-1", Outcome.SUCCEEDED, ANSWER)
    assert (result.request_id, result.usage.cache_read_tokens, result.accepted) == ("req_7", 30, True)


def test_the_body_of_a_call_is_the_body_of_a_batch_line():
    played = Played({("POST", "/v/v1/messages"): message()})
    provider = played.anthropic()
    complete(provider, question(max_tokens=60_000))
    [line] = provider.payload_bytes([question(max_tokens=60_000)])
    assert json.loads(played.requests[0].content) == json.loads(line)["params"]


def test_a_rate_limited_call_says_how_long_to_wait():
    played = Played({("POST", "/v/v1/messages"): error(429, "rate_limit_error", **{"retry-after": "12"})})
    result = complete(played.anthropic(), question())
    assert (result.outcome, result.reason, result.retry_after) == (Outcome.ERRORED, "rate_limited", 12.0)
    assert (result.accepted, result.account_fault, result.request_id) == (False, False, "req_1")
