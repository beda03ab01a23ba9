import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest

from batches.providers.base import BatchState, Endpoint, FileKind, NotConfigured, Outcome, Progress, ProviderError
from batches.providers.openai import OpenAIProvider
from tests.providers.asking import ANSWER, ENDPOINT, completion, openai_line, question
from tests.providers.serving import Played, complete

BATCHES, FILES, CHAT = "/v/batches", "/v/files", "/v/chat/completions"
NOON = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp())
ASKED = question(model="gpt-6-luna")


def batch(batch_id="batch_1", status="completed", created=NOON, **changes):
    return {
        "id": batch_id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "status": status,
        "input_file_id": "file-in",
        "completion_window": "24h",
        "created_at": created,
        "expires_at": NOON + 86_400,
        "request_counts": {"total": 2, "completed": 2, "failed": 0},
    } | changes


def page(*batches, more=False):
    return {"object": "list", "data": list(batches), "has_more": more}


def error(status, code=None, kind="invalid_request_error", **headers):
    return httpx2.Response(status, json={"error": {"message": "m", "type": kind, "code": code}}, headers=headers)


def test_the_file_goes_up_under_its_name_and_again_after_a_fault(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"custom_id": "n-1"}\n')
    played = Played({("POST", FILES): [error(503, **{"retry-after": "0"}), {"id": "file-in", "object": "file"}]})
    assert played.openai().upload(path, name="cj-n0nce.jsonl") == "file-in"
    first, second = (request.content for request in played.requests)
    assert first.split(b"\r\n", 1)[1] == second.split(b"\r\n", 1)[1].replace(_boundary(second), _boundary(first))
    assert b'name="purpose"\r\n\r\nbatch\r\n' in second
    assert (
        b'name="file"; filename="cj-n0nce.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n{"custom_id": "n-1"}\n\r\n'
        in second
    )


def _boundary(content):
    return content.split(b"\r\n", 1)[0].removeprefix(b"--")


def test_an_upload_without_an_id_is_no_upload(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"{}\n")
    with pytest.raises(ProviderError) as odd:
        Played({("POST", FILES): {}}).openai().upload(tmp_path / "x.jsonl", name="n.jsonl")
    assert odd.value.code == "unreadable_answer"


def test_a_batch_is_made_of_the_uploaded_file_with_our_metadata(tmp_path):
    played = Played({("POST", BATCHES): batch(status="validating")})
    metadata = {"cj_nonce": "n0nce", "cj_job": "7"}
    submission = played.openai().submit(tmp_path / "x", n=2, input_file_id="file-in", metadata=metadata)
    assert (submission.provider_batch_id, submission.input_file_id) == ("batch_1", "file-in")
    assert submission.expires_at == "2026-11-23T12:00:00Z"
    assert [json.loads(request.content) for request in played.requests] == [
        {
            "input_file_id": "file-in",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": metadata,
        }
    ]


def test_a_poll_tells_progress_while_it_runs():
    running = batch(status="in_progress", request_counts={"total": 9, "completed": 3, "failed": 1})
    progress = Played({("GET", f"{BATCHES}/batch_1"): running}).openai().poll("batch_1")
    assert (progress.state, progress.total, progress.done) == (BatchState.RUNNING, 9, 4)
    assert (progress.input_file_id, progress.created_at) == ("file-in", "2026-11-22T12:00:00Z")


OUTPUT = openai_line(body=completion(), custom_id="n-1") + b"\n"
FAILED = openai_line(400, {"error": {"code": "context_length_exceeded"}}, custom_id="n-2") + b"\n"
LATE = openai_line(None, None, {"code": "batch_expired", "message": "m"}, custom_id="n-3") + b"\n"


def contents(**files):
    return {
        ("GET", f"{FILES}/{name}/content"): httpx2.Response(200, content=content) for name, content in files.items()
    }


def ended(**changes):
    return replace(Progress(provider_batch_id="batch_1", state=BatchState.ENDED), **changes)


def test_both_result_files_are_stored_and_read_output_first(tmp_path):
    provider = Played(contents(out=OUTPUT, err=FAILED + LATE)).openai()
    files = provider.download(ended(output_file_id="out", error_file_id="err"), tmp_path)
    assert [(file.kind, file.path.read_bytes()) for file in files] == [
        (FileKind.OUTPUT, OUTPUT),
        (FileKind.ERROR, FAILED + LATE),
    ]
    assert [result.custom_id for file in files for result in provider.read_results(file.path, file.kind)] == [
        "n-1",
        "n-2",
        "n-3",
    ]


def test_a_batch_in_which_everything_failed_has_an_error_file_only():
    provider = Played(contents(err=FAILED + LATE)).openai()
    results = list(provider.results(ended(error_file_id="err")))
    assert [(each.custom_id, each.outcome) for each in results] == [("n-2", Outcome.ERRORED), ("n-3", Outcome.EXPIRED)]


def test_a_result_file_that_is_not_found_is_gone(tmp_path):
    provider = Played({("GET", f"{FILES}/out/content"): error(404)}).openai()
    with pytest.raises(ProviderError) as gone:
        provider.download(ended(output_file_id="out"), tmp_path)
    assert (gone.value.code, gone.value.transient) == ("results_gone", False)


def test_a_cut_download_is_refused(tmp_path):
    provider = Played(contents(out=OUTPUT[:-20])).openai()
    with pytest.raises(ProviderError) as cut:
        list(provider.results(ended(output_file_id="out")))
    assert (cut.value.code, cut.value.transient, cut.value.accepted) == ("truncated_download", True, None)


def test_find_knows_a_batch_by_nonce_or_input_file_and_stops_an_hour_before():
    minute = 60
    listed = [
        page(
            batch("batch_6", created=NOON + 9, metadata={"cj_nonce": "n0nce"}, input_file_id="file-x"),
            batch("batch_5", created=NOON + 8, metadata={"cj_nonce": "other"}, input_file_id="file-x"),
            more=True,
        ),
        page(
            batch("batch_4", created=NOON - 59 * minute, metadata=None, input_file_id="file-in"),
            batch("batch_3", created=NOON - 61 * minute, metadata={"cj_nonce": "n0nce"}),
            more=True,
        ),
    ]
    played = Played({("GET", BATCHES): listed})
    found = played.openai().find(
        nonce="n0nce", watermark="", n=2, input_file_id="file-in", since="2026-11-22T12:00:00+00:00"
    )
    assert [each.provider_batch_id for each in found] == ["batch_4", "batch_6"]
    assert [request.url.params.get("after") for request in played.requests] == [None, "batch_5"]


def test_find_matches_nothing_by_emptiness():
    played = Played({("GET", BATCHES): page(batch(metadata=None, input_file_id=""))})
    assert played.openai().find(nonce="", watermark="", n=2, input_file_id="", since="2026-11-22T12:00:00Z") == []


def test_cancelling_tells_where_it_stands_even_when_it_is_too_late():
    played = Played(
        {
            ("POST", f"{BATCHES}/batch_1/cancel"): [batch(status="cancelling"), error(409)],
            ("GET", f"{BATCHES}/batch_1"): batch(output_file_id="out"),
        }
    )
    provider = played.openai()
    assert provider.cancel("batch_1").state is BatchState.CANCELLING
    assert provider.cancel("batch_1").state is BatchState.ENDED


def test_all_three_files_are_deleted_and_those_gone_already_are_fine():
    routes = {("DELETE", f"{FILES}/{name}"): {"id": name, "deleted": True} for name in ("file-in", "err")}
    played = Played(routes | {("DELETE", f"{FILES}/out"): error(404)})
    played.openai().delete_files(ended(input_file_id="file-in", output_file_id="out", error_file_id="err"))
    assert [request.url.path for request in played.requests] == [f"{FILES}/{n}" for n in ("file-in", "out", "err")]


def test_tokens_are_counted_by_the_responses_endpoint():
    played = Played({("POST", "/v/responses/input_tokens"): {"object": "response.input_tokens", "input_tokens": 77}})
    assert played.openai().count_tokens(ASKED) == 77


def test_a_model_is_checked_at_the_provider():
    found = {"id": "gpt-4o-mini", "object": "model", "shutdown_date": "2027-01-14"}
    checked = Played({("GET", "/v/models/gpt-4o-mini"): found}).openai().check_model("gpt-4o-mini")
    assert checked == {"id": "gpt-4o-mini", "lifecycle": "deprecated", "retires_on": "2027-01-14", "capabilities": {}}


def test_a_call_answers_with_its_usage_and_its_request_id():
    played = Played({("POST", CHAT): httpx2.Response(200, json=completion(), headers={"x-request-id": "req_7"})})
    provider = played.openai()
    result = complete(provider, ASKED)
    assert (result.custom_id, result.outcome, result.answer) == ("n0nce-1", Outcome.SUCCEEDED, ANSWER)
    assert (result.request_id, result.usage.input_tokens, result.accepted) == ("req_7", 100, True)
    [line] = provider.payload_bytes([ASKED])
    assert json.loads(played.requests[0].content) == json.loads(line)["body"]


@pytest.mark.parametrize(
    ("answer", "reason", "account_fault"),
    [
        (error(401, "invalid_api_key"), "authentication", True),
        (error(429, "insufficient_quota", "insufficient_quota"), "quota", True),
        (error(429, "rate_limit_exceeded", "tokens"), "rate_limited", False),
        (error(400, "context_length_exceeded"), "too_long", False),
        (error(404, "model_not_found"), "not_found", False),
    ],
)
def test_a_refused_call_says_whose_fault_it_is(answer, reason, account_fault):
    result = complete(Played({("POST", CHAT): answer}).openai(), ASKED)
    assert (result.outcome, result.reason, result.account_fault) == (Outcome.ERRORED, reason, account_fault)
    assert (result.error, result.accepted) == ("m", False)


@pytest.mark.parametrize(("url", "told"), [("http://localhost:9/v", "n0nce-1"), ("https://api.example/v", None)])
def test_only_a_loopback_provider_is_told_the_custom_id_of_a_call(url, told):
    played = Played({("POST", CHAT): completion()})
    complete(played.openai(replace(ENDPOINT, base_url=url)), ASKED)
    assert played.requests[0].headers.get("x-cj-custom-id") == told


def test_without_a_key_it_says_what_to_do(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    with pytest.raises(NotConfigured) as missing:
        OpenAIProvider(Endpoint())
    assert str(missing.value) == (
        "There is no key for OpenAI: set OPENAI_API_KEY, or CJ_LOCAL_PROVIDER=1 to use the local provider."
    )
