"""Whatever goes wrong, what is paid for is posted exactly once: real SDKs, real sockets, default clients."""

import pytest

from batches.providers.base import Endpoint, Outcome, ProviderError
from batches.providers.choose import open_provider
from tests.providers.asking import question
from tests.providers.serving import breaking, complete, http

ERROR = {"type": "error", "error": {"type": "api_error", "message": "m", "code": None}}
# fault -> answer, then what is said of a batch (accepted, transient, code) and of a single call (outcome, reason)
FAULTS = {
    "reset after it was sent": ("reset", (None, True, "connection_lost"), (Outcome.LOST, "connection_lost")),
    "closed without an answer": ("close", (None, True, "connection_lost"), (Outcome.LOST, "connection_lost")),
    "no answer in time": ("hang", (None, True, "timeout"), (Outcome.LOST, "timeout")),
    "rate limited": (
        http(429, {"error": {"type": "rate_limit_error"}}, retry_after="0"),
        (False, True, "rate_limited"),
        (Outcome.ERRORED, "rate_limited"),
    ),
    "server error that asks for a retry": (
        http(500, ERROR, x_should_retry="true", retry_after_ms="1"),
        (None, True, "server_error"),
        (Outcome.ERRORED, "server_error"),
    ),
    "overloaded": (
        http(529, {"error": {"type": "overloaded_error"}}),
        (None, True, "overloaded"),
        (Outcome.ERRORED, "overloaded"),
    ),
    "time-out answered": (http(408, {}), (None, True, "timeout"), (Outcome.ERRORED, "timeout")),
    "conflict": (http(409, {}), (False, True, "conflict"), (Outcome.ERRORED, "conflict")),
    "an answer that is no JSON": (
        http(200, b"<html>"),
        (None, True, "unreadable_answer"),
        (Outcome.LOST, "unreadable_answer"),
    ),
    "an answer cut short": (
        http(200, b'{"id": "msg').replace(b"content-length: 11", b"content-length: 500"),
        (None, True, "connection_lost"),
        (Outcome.LOST, "connection_lost"),
    ),
}
MODELS = {"anthropic": "claude-haiku-4-5", "openai": "gpt-6-luna"}


def provider_at(name, url):
    return open_provider(name, Endpoint(base_url=url, api_key="k", timeout=0.7))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", MODELS)
def test_a_batch_is_posted_once_and_its_fate_is_told(name, fault, tmp_path):
    answer, said, _ = FAULTS[fault]
    path = tmp_path / "b.jsonl"
    with breaking(answer) as server:
        provider = provider_at(name, server.url)
        path.write_bytes(b"".join(provider.payload_bytes([question(model=MODELS[name])])))
        with pytest.raises(ProviderError) as failed:
            provider.submit(path, n=1, input_file_id="file-1", metadata={"cj_nonce": "n"})
        assert server.posts == 1
    error = failed.value
    assert (error.accepted, error.transient, error.code) == said


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", MODELS)
def test_a_call_is_posted_once_and_its_fate_is_told(name, fault):
    answer, _, said = FAULTS[fault]
    with breaking(answer) as server:
        result = complete(provider_at(name, server.url), question(model=MODELS[name]))
        assert server.posts == 1
    assert (result.outcome, result.reason) == said
    assert result.accepted is (None if said[0] is Outcome.LOST else False)


@pytest.mark.parametrize("name", MODELS)
def test_a_refused_connection_was_never_made(name, tmp_path):
    with breaking("close") as server:
        url = server.url
    provider = provider_at(name, url)
    path = tmp_path / "b.jsonl"
    path.write_bytes(b"".join(provider.payload_bytes([question(model=MODELS[name])])))
    with pytest.raises(ProviderError) as failed:
        provider.submit(path, n=1, input_file_id="file-1", metadata={})
    assert (failed.value.accepted, failed.value.transient, failed.value.never_connected) == (False, True, True)
    result = complete(provider, question(model=MODELS[name]))
    assert (result.outcome, result.reason, result.accepted) == (Outcome.ERRORED, "never_connected", False)


@pytest.mark.parametrize("name", MODELS)
def test_a_name_that_cannot_be_found_was_never_connected_to(name):
    result = complete(provider_at(name, "http://no-such-host.invalid"), question(model=MODELS[name]))
    assert (result.outcome, result.reason) == (Outcome.ERRORED, "never_connected")


@pytest.mark.parametrize("name", MODELS)
def test_a_proxy_in_the_environment_is_not_used_for_loopback(name, monkeypatch, tmp_path):
    with breaking(http(200, {})) as proxy, breaking(http(500, ERROR)) as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, proxy.url)
        provider = provider_at(name, server.url)
        path = tmp_path / "b.jsonl"
        path.write_bytes(b"".join(provider.payload_bytes([question(model=MODELS[name])])))
        with pytest.raises(ProviderError):
            provider.submit(path, n=1, input_file_id="file-1", metadata={})
        complete(provider, question(model=MODELS[name]))
        assert (proxy.posts, server.posts) == (0, 2)
