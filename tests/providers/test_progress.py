"""What a provider says of a batch, as our Progress."""

import pytest

from batches.providers import anthropic_results, openai_results
from batches.providers.base import BatchState


def anthropic_progress(**changes):
    counts = {"processing": 0, "succeeded": 7, "errored": 1, "canceled": 0, "expired": 2}
    fields = {"id": "msgbatch_1", "processing_status": "ended", "request_counts": counts, "results_url": "http://h/r"}
    return anthropic_results.progress(anthropic_results.Batch(**(fields | {"request_counts": None} | changes)))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("in_progress", BatchState.RUNNING),
        ("canceling", BatchState.CANCELLING),
        ("ended", BatchState.ENDED),
        ("new_word", BatchState.RUNNING),
    ],
)
def test_states_of_an_anthropic_batch(status, state):
    progress = anthropic_progress(processing_status=status)
    assert (progress.state, progress.provider_status) == (state, status)


def test_anthropic_counts_are_believed_only_at_the_end():
    counts = anthropic_results._Counts
    running = anthropic_progress(processing_status="in_progress", request_counts=counts(processing=10))
    assert (running.total, running.done, running.results_ready) == (10, None, False)
    ended = anthropic_progress(request_counts=counts(succeeded=7, errored=1, expired=2))
    assert (ended.total, ended.done, ended.results_ready) == (10, 10, True)


def test_results_that_anthropic_has_archived_are_gone():
    progress = anthropic_progress(results_url=None, archived_at="2026-11-01T00:00:00Z")
    assert (progress.results_ready, progress.results_gone) == (False, True)


def openai_progress(**changes):
    fields = {"id": "batch_1", "status": "completed"}
    return openai_results.progress(openai_results.Batch(**(fields | changes)))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("validating", BatchState.RUNNING),
        ("in_progress", BatchState.RUNNING),
        ("finalizing", BatchState.RUNNING),
        ("cancelling", BatchState.CANCELLING),
        ("cancelled", BatchState.ENDED),
        ("expired", BatchState.ENDED),
        ("completed", BatchState.ENDED),
        ("failed", BatchState.FAILED),
        ("new_word", BatchState.RUNNING),
    ],
)
def test_states_of_an_openai_batch(status, state):
    assert openai_progress(status=status).state is state


@pytest.mark.parametrize(
    ("completed", "failed", "output", "errors", "ready"),
    [
        (5, 0, "file-o", None, True),
        (5, 0, None, None, False),
        (5, 1, None, "file-e", False),
        (0, 5, None, "file-e", True),
        (0, 5, None, None, False),
        (0, 0, None, None, True),
    ],
)
def test_an_openai_batch_is_ready_only_when_its_files_are_there(completed, failed, output, errors, ready):
    counts = openai_results._Counts(total=completed + failed, completed=completed, failed=failed)
    progress = openai_progress(request_counts=counts, output_file_id=output, error_file_id=errors)
    assert (progress.results_ready, progress.done) == (ready, completed + failed)


def test_a_failed_openai_batch_says_why_and_where():
    error = openai_results._Error(code="token_limit_exceeded", message="Enqueued token limit reached", line=3)
    progress = openai_progress(status="failed", errors=openai_results._Errors(data=[error]), failed_at=1_795_000_000)
    assert (progress.error_code, progress.error) == ("token_limit_exceeded", "Enqueued token limit reached (line 3)")
    assert (progress.results_ready, progress.ended_at) == (False, "2026-11-18T11:06:40Z")


def test_the_nonce_comes_back_from_openais_metadata():
    assert openai_progress(metadata={"cj_nonce": "n0nce", "cj_job": "7"}).nonce == "n0nce"
    assert openai_progress(metadata=None).nonce == ""
