"""Which key goes where: nothing is picked up that was not given."""

from dataclasses import replace

import pytest

from batches.providers.anthropic import AnthropicProvider
from batches.providers.base import Endpoint, NotConfigured
from tests.providers.asking import ENDPOINT, message, question
from tests.providers.serving import Played, complete

ONE = "/v/v1/messages/batches/msgbatch_1"
BATCH = {"id": "msgbatch_1", "processing_status": "in_progress"}


@pytest.mark.parametrize(("url", "told"), [("http://127.0.0.1:9/v", "n0nce-1"), ("https://api.example/v", None)])
def test_only_a_loopback_provider_is_told_the_custom_id_of_a_call(url, told):
    played = Played({("POST", "/v/v1/messages"): message()})
    complete(played.anthropic(replace(ENDPOINT, base_url=url)), question())
    assert played.requests[0].headers.get("x-cj-custom-id") == told


@pytest.mark.parametrize("key", ["", "  "])
def test_without_a_key_it_says_what_to_do(key, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "from-the-environment")
    with pytest.raises(NotConfigured) as missing:
        AnthropicProvider(Endpoint(api_key=key))
    assert str(missing.value) == (
        "There is no key for Anthropic: set ANTHROPIC_API_KEY, or CJ_LOCAL_PROVIDER=1 to use the local provider."
    )


def test_the_key_comes_from_the_endpoint_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "other")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another")
    played = Played({("GET", ONE): BATCH})
    played.anthropic().poll("msgbatch_1")
    assert played.requests[0].headers["authorization"] == "Bearer k-secret"


@pytest.mark.parametrize(
    ("variable", "host"),
    [(None, "api.anthropic.com"), ("", "api.anthropic.com"), ("http://gate.example", "gate.example")],
)
def test_without_a_url_the_sdks_own_variable_counts_and_an_empty_one_does_not(monkeypatch, variable, host):
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    if variable is not None:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", variable)
    played = Played({("GET", "/v1/messages/batches/msgbatch_1"): BATCH})
    played.anthropic(replace(ENDPOINT, base_url="")).poll("msgbatch_1")
    assert played.requests[0].url.host == host
