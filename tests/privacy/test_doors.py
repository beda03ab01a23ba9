"""Keys stay out of logs, errors and tracebacks; a door that is tried too often closes."""

import io
import logging
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from batches.models import FailedLogin
from batches.providers.base import ProviderError
from batches.providers.keys import without_keys
from tests.admin import factories

CANARY = "sk-ant-api03-canary0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: {CANARY}. You can find it at",
        f"{{'Authorization': 'Bearer {CANARY}'}}",
        f"headers={{'x-api-key': '{CANARY}', 'a': 'b'}}",
        f"x-api-key: {CANARY[7:]}",
        f"Authorization: Basic {CANARY[7:]}",
        f"(b'authorization', b'{CANARY[7:]}')",
        f"whsec_{CANARY[7:]} is not base64",
        f"postgres://user:{CANARY[7:]}@host/name",
    ],
)
def test_nothing_that_looks_like_a_key_is_left_in_a_text(text):
    assert CANARY[7:] not in without_keys(text)


@pytest.mark.parametrize("text", ["A task-force of risk-averse people; ask-me.", "the authorisation was late", "sk-8"])
def test_other_words_stay(text):
    assert without_keys(text) == text


@pytest.mark.parametrize("name", ["", "openai", "anthropic._base_client", "httpcore2.http11", "somebody.else"])
def test_no_logger_lets_a_key_through_in_message_arguments_or_traceback(name):
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        raise ValueError(f"bad key {CANARY}")
    except ValueError:
        logger.exception("request headers=%s", {"Authorization": f"Bearer {CANARY}"})
    finally:
        logger.removeHandler(handler)
    assert "canary" not in out.getvalue()
    assert "bad key [key]" in out.getvalue()


def test_a_traceback_that_nobody_caught_shows_no_key():
    code = f"import django; django.setup(); raise RuntimeError('sent with {CANARY}')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert "sent with [key]" in done.stderr
    assert "canary" not in done.stderr


def test_a_providers_error_is_kept_without_the_key_it_quotes():
    error = ProviderError(f"Incorrect API key provided: {CANARY}", accepted=False, transient=False)
    assert str(error) == "Incorrect API key provided: [key]"


@pytest.mark.django_db
def test_after_five_wrong_passwords_the_right_one_opens_nothing_for_a_while():
    name = "ada.lovelace"  # the point is in no hash
    factories.person(name, factories.project("P"))
    client, url = Client(), reverse("admin:login")
    for _ in range(5):
        assert client.post(url, {"username": name, "password": "wrong"}).status_code == 200
    assert client.post(url, {"username": name.title(), "password": factories.PASSWORD}).status_code == 200
    assert client.post(url, {"username": name, "password": factories.PASSWORD}).status_code == 200
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post(url, {"username": name, "password": factories.PASSWORD}).status_code == 302
    kept = list(FailedLogin.objects.values())
    assert len(kept) >= 5
    assert name not in str(kept).lower()
    FailedLogin.objects.all().delete()
    assert client.post(url, {"username": name, "password": factories.PASSWORD}).status_code == 302


@pytest.mark.django_db
def test_the_session_cookie_is_for_http_alone_and_lasts_eight_hours():
    factories.person("ada", factories.project("P"))
    client = Client()
    client.post(reverse("admin:login"), {"username": "ada", "password": factories.PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 8 * 3600)


@pytest.mark.parametrize("name", ["anthropic._base_client", "openai._base_client"])
def test_an_sdk_that_logs_its_requests_logs_no_essay(name, caplog):
    """ANTHROPIC_LOG=debug and OPENAI_LOG=debug write whole requests, essays and all."""
    logger = logging.getLogger(name)
    caplog.set_level("DEBUG", name)
    logger.debug("Request options: %s", {"json_data": {"messages": "What a pupil wrote."}})
    logger.info("retrying after %s", 2)
    assert [record.getMessage() for record in caplog.records] == ["Request options: %s", "retrying after 2"]
