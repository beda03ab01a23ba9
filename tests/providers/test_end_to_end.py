"""The real SDKs against the local provider, over real sockets: every verb, every fault it can play."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from batches.providers.base import AnswerBy, BatchState, FileKind, Outcome, Part, ProviderError
from batches.providers.manifest import load
from tests.providers.local import (
    GOOD,
    MODELS,
    NAMES,
    PNG,
    ask,
    asked_of,
    collected,
    ended,
    questions,
    spent,
    submit,
    used,
)


@pytest.mark.parametrize("answer_by", AnswerBy)
@pytest.mark.parametrize("name", NAMES)
def test_calls_are_answered_and_billed_as_the_ledger_says(local, name, answer_by):
    results = ask(local.provider(name), *questions(name, 20, answer_by=answer_by))
    assert [each.outcome for each in results] == [Outcome.SUCCEEDED] * 20
    assert {json.loads(each.answer)["winner"] for each in results} <= {"A", "B"}
    rows = local.ledger(kind="sync", provider=name)
    assert sorted(row["custom_id"] for row in rows) == sorted(each.custom_id for each in results)
    assert used(rows) == spent(results)


@pytest.mark.parametrize("answer_by", AnswerBy)
@pytest.mark.parametrize("name", NAMES)
def test_every_model_of_the_manifest_takes_our_request_at_every_effort(local, name, answer_by):
    asked = [(model, effort) for model in load().values() if model.provider == name for effort in ("", *model.efforts)]
    requests = [
        asked_of(name, f"m-{i}", model=model.id, answer_by=answer_by, effort=effort, max_tokens=9_000)
        for i, (model, effort) in enumerate(asked)
    ]
    results = ask(local.provider(name), *requests)
    refused = [(r.model, r.effort, got.error) for r, got in zip(requests, results, strict=True) if not got.answer]
    assert refused == []
    assert len(results) > 60


@pytest.mark.parametrize("name", NAMES)
def test_text_images_schema_and_tool_go_together_in_one_batch(local, name, tmp_path):
    pages = (Part(text="Essay A:"), Part(image=PNG, media_type="image/png"), Part(text=f"Essay B: {GOOD}"))
    requests = [
        asked_of(name, "n-text"),
        asked_of(name, "n-tool", answer_by=AnswerBy.TOOL),
        asked_of(name, "n-page", parts=pages),
        asked_of(name, "n-page-tool", parts=pages, answer_by=AnswerBy.TOOL),
    ]
    results = {each.custom_id: each for each in collected(local.provider(name), requests, tmp_path)}
    assert {name: each.outcome for name, each in results.items()} == {
        each.custom_id: Outcome.SUCCEEDED for each in requests
    }
    assert all(json.loads(each.answer) for each in results.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_from_watermark_to_deletion(local, name, tmp_path):
    provider = local.provider(name)
    started = datetime.now(UTC)
    provider_watermark = provider.watermark()
    requests = questions(name, 25)
    submission = submit(provider, requests, tmp_path)
    since = (started - timedelta(seconds=1)).isoformat()
    looked_for = {"nonce": "n0nce", "n": 25, "input_file_id": submission.input_file_id, "since": since}
    [found] = provider.find(watermark=provider_watermark, **looked_for)
    assert found.provider_batch_id == submission.provider_batch_id
    assert submission.expires_at
    progress = ended(provider, submission.provider_batch_id)
    assert (progress.state, progress.total, progress.done, progress.results_ready) == (BatchState.ENDED, 25, 25, True)
    files = provider.download(progress, tmp_path)
    results = [each for file in files for each in provider.read_results(file.path, file.kind)]
    assert [file.kind for file in files] == [FileKind.OUTPUT]
    assert sorted(each.custom_id for each in results) == sorted(each.custom_id for each in requests)
    assert {each.outcome for each in results} == {Outcome.SUCCEEDED}
    assert used(local.ledger(kind="batch", provider=name)) == spent(results)
    assert list(provider.results(progress)) == results
    provider.delete_files(progress)
    provider.delete_files(progress)
    with pytest.raises(ProviderError) as gone:
        list(provider.results(progress))
    assert gone.value.code in ("results_gone", "not_found")


@pytest.mark.parametrize("name", NAMES)
def test_find_keeps_its_distance_from_other_batches(local, name, tmp_path):
    provider = local.provider(name)
    submit(provider, questions(name, 2), tmp_path, nonce="before")
    watermark = provider.watermark()
    since = datetime.now(UTC).isoformat()
    assert provider.find(nonce="mine", watermark=watermark, n=2, input_file_id="", since=since) == []
    mine = submit(provider, questions(name, 2), tmp_path, nonce="mine")
    submit(provider, questions(name, 3), tmp_path, nonce="other")
    found = provider.find(nonce="mine", watermark=watermark, n=2, input_file_id="", since=since)
    assert [each.provider_batch_id for each in found] == [mine.provider_batch_id]


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_answer_to_a_batch_is_in_doubt_billed_once_and_found(local, name, tmp_path):
    provider = local.provider(name)
    watermark, since = provider.watermark(), datetime.now(UTC).isoformat()
    local.faults(accept_and_drop={"next": 1, "on": ["create"]})
    with pytest.raises(ProviderError) as lost:
        submit(provider, questions(name, 4), tmp_path)
    assert (lost.value.accepted, lost.value.transient) == (None, True)
    [found] = provider.find(nonce="n0nce", watermark=watermark, n=4, input_file_id="", since=since)
    results = list(provider.results(ended(provider, found.provider_batch_id)))
    assert sorted(each.custom_id for each in results) == [f"n0nce-{i}" for i in range(4)]
    assert len(local.ledger(kind="batch")) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_answer_to_a_call_is_lost_and_billed_once(local, name):
    local.faults(accept_and_drop={"next": 1, "on": ["sync"]})
    [result] = ask(local.provider(name), asked_of(name))
    assert (result.outcome, result.accepted) == (Outcome.LOST, None)
    assert len(local.ledger(billed=True)) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("fault", "reason", "account_fault"),
    [
        ("rate_limited", "rate_limited", False),
        ("server_error", "server_error", False),
        ("out_of_credit", None, True),
        ("permission_denied", "permission", True),
    ],
)
def test_a_refused_call_is_not_billed(local, name, fault, reason, account_fault):
    local.faults(**{fault: {"next": 1}})
    [result] = ask(local.provider(name), asked_of(name))
    assert (result.outcome, result.accepted, result.account_fault) == (Outcome.ERRORED, False, account_fault)
    assert reason is None or result.reason == reason
    assert local.ledger(billed=True) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_revoked_key_is_the_accounts_fault(local, name):
    local.faults(revoked_keys=["k"])
    provider = local.provider(name)
    [result] = ask(provider, asked_of(name))
    assert (result.reason, result.account_fault) == ("authentication", True)
    with pytest.raises(ProviderError) as refused:
        provider.poll("msgbatch_0" if name == "anthropic" else "batch_0")
    assert (refused.value.account_fault, refused.value.accepted) == (True, False)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("fault", "reason"), [("refusal", "refused"), ("truncation", "truncated")])
def test_a_refusal_or_a_cut_answer_is_invalid_and_billed(local, name, fault, reason, tmp_path):
    local.faults(**{fault: {}})
    [single] = ask(local.provider(name), asked_of(name))
    [batched] = collected(local.provider(name), [asked_of(name)], tmp_path)
    for result in (single, batched):
        assert (result.outcome, result.reason, result.answer) == (Outcome.INVALID, reason, "")
    assert used(local.ledger(billed=True)) == spent([single, batched])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("fault", "outcome"), [("errored_line", Outcome.ERRORED), ("expired_line", Outcome.EXPIRED)])
def test_a_line_that_failed_is_what_it_says(local, name, fault, outcome, tmp_path):
    local.faults(**{fault: {"next": 1}})
    results = collected(local.provider(name), questions(name, 3), tmp_path)
    [failed] = [each for each in results if each.outcome is not Outcome.SUCCEEDED]
    assert (failed.outcome, failed.answer) == (outcome, "")
    assert failed.reason
    assert sorted(each.custom_id for each in results) == ["n0nce-0", "n0nce-1", "n0nce-2"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("fault", "ids"),
    [
        ("missing_line", 2),
        ("duplicate_line", 4),
        ("duplicate_line_other_answer", 4),
        ("unknown_id_line", 4),
        ("junk_line", 4),
        ("malformed_line", 3),
        ("line_separator", 3),
    ],
)
def test_odd_lines_come_through_one_by_one(local, name, fault, ids, tmp_path):
    local.faults(**{fault: {"next": 1}})
    results = collected(local.provider(name), questions(name, 3), tmp_path)
    assert len(results) == ids
    for result in results:
        assert (result.outcome is Outcome.SUCCEEDED) == bool(result.answer)


@pytest.mark.parametrize("fault", ["status_zero_line", "null_body_line"])
def test_lines_of_openai_without_an_answer_did_not_succeed(local, fault, tmp_path):
    local.faults(**{fault: {"next": 1}})
    results = collected(local.provider("openai"), questions("openai", 3), tmp_path)
    assert sorted(each.outcome for each in results) == [Outcome.ERRORED, Outcome.SUCCEEDED, Outcome.SUCCEEDED]


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_download_is_refused_and_the_next_one_whole(local, name, tmp_path):
    provider = local.provider(name)
    progress = ended(provider, submit(provider, questions(name, 8), tmp_path).provider_batch_id)
    local.faults(truncated_download={"next": 1})
    with pytest.raises(ProviderError) as cut:
        list(provider.results(progress))
    assert (cut.value.code, cut.value.transient, cut.value.accepted) == ("truncated_download", True, None)
    assert len(list(provider.results(progress))) == 8


@pytest.mark.parametrize("name", NAMES)
def test_cancelling_a_running_batch_and_an_ended_one(local, name, tmp_path):
    provider = local.provider(name)
    local.control("PUT", "/settings", {"batch_seconds": 60, "cancelling": 0})
    try:
        batch_id = submit(provider, questions(name, 3), tmp_path).provider_batch_id
        assert provider.cancel(batch_id).state in (BatchState.CANCELLING, BatchState.ENDED)
        progress = ended(provider, batch_id)
    finally:
        local.control("PUT", "/settings", {"batch_seconds": 0.1, "cancelling": 0.1})
    assert provider.cancel(batch_id).state is BatchState.ENDED
    outcomes = {each.outcome for each in provider.results(progress)} if progress.results_ready else set()
    assert outcomes <= {Outcome.CANCELLED, Outcome.SUCCEEDED}


def test_a_batch_that_openai_fails_says_why(local, tmp_path):
    local.faults(batch_failed={"next": 1, "code": "token_limit_exceeded"})
    provider = local.provider("openai")
    progress = ended(provider, submit(provider, questions("openai", 2), tmp_path).provider_batch_id)
    assert (progress.state, progress.error_code) == (BatchState.FAILED, "token_limit_exceeded")


def test_an_output_file_that_lags_makes_the_results_not_ready(local, tmp_path):
    local.faults(file_id_lag=1.0)
    provider = local.provider("openai")
    batch_id = submit(provider, questions("openai", 2), tmp_path).provider_batch_id
    progress = ended(provider, batch_id)
    assert not progress.results_ready
    time.sleep(1.2)
    assert provider.poll(batch_id).results_ready


@pytest.mark.parametrize("name", NAMES)
def test_tokens_are_counted_as_they_are_billed(local, name):
    provider = local.provider(name)
    counted = provider.count_tokens(asked_of(name))
    [result] = ask(provider, asked_of(name))
    total = result.usage.input_tokens + result.usage.cache_read_tokens + result.usage.cache_write_tokens
    assert counted == pytest.approx(total, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_models_are_checked_and_an_unknown_one_is_not_found(local, name):
    provider = local.provider(name)
    assert provider.check_model(MODELS[name])["id"] == MODELS[name]
    with pytest.raises(ProviderError) as unknown:
        provider.check_model("no-such-model")
    assert (unknown.value.code, unknown.value.accepted) == ("not_found", False)


@pytest.mark.parametrize("name", NAMES)
def test_dates_of_the_provider_and_the_manifest_agree(local, name):
    provider = local.provider(name)
    for model in load().values():
        if model.provider == name:
            told = provider.check_model(model.id)["retires_on"]
            assert (model.id, told) == (model.id, model.retires_on.isoformat() if model.retires_on else "")
