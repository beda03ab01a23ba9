import pickle
from datetime import UTC, datetime
from itertools import pairwise

import aiohttp
import httpx2
import pytest

from batches.providers.base import Outcome, ProviderError
from batches.providers.failures import Failure, as_error, as_result, no_answer, retry_after


def caused(*chain):
    """The first exception, each with the next as its cause."""
    for outer, inner in pairwise(chain):
        outer.__cause__ = inner
    return chain[0]


@pytest.mark.parametrize(
    ("status", "codes", "accepted", "transient", "code", "account_fault"),
    [
        (400, ("", "invalid_request_error"), False, False, "invalid_request", False),
        (400, ("organization_on_hold", "invalid_request_error"), False, False, "on_hold", True),
        (401, ("", "authentication_error"), False, False, "authentication", True),
        (402, ("", "billing_error"), False, False, "billing", True),
        (403, ("", "permission_error"), False, False, "permission", True),
        (404, ("", "not_found_error"), False, False, "not_found", False),
        (404, ("", "invalid_request_error"), False, False, "not_found", False),
        (404, ("model_not_found", "invalid_request_error"), False, False, "not_found", False),
        (408, (), None, True, "timeout", False),
        (409, ("", "conflict_error"), False, True, "conflict", False),
        (413, ("", "request_too_large"), False, False, "too_large", False),
        (422, (), False, False, "invalid_request", False),
        (429, ("", "rate_limit_error"), False, True, "rate_limited", False),
        (429, ("rate_limit_exceeded", "requests"), False, True, "rate_limited", False),
        (429, ("insufficient_quota", "insufficient_quota"), False, False, "quota", True),
        (429, ("enforced_spend_limit_reached", "rate_limit_error"), False, False, "quota", True),
        (499, (), None, True, "timeout", False),
        (500, ("", "api_error"), None, True, "server_error", False),
        (502, (), None, True, "server_error", False),
        (503, (), None, True, "server_error", False),
        (504, (), None, True, "timeout", False),
        (529, ("", "overloaded_error"), None, True, "overloaded", False),
        (418, (), False, False, "invalid_request", False),
        (307, (), None, False, "invalid_request", False),
    ],
)
def test_an_answered_error_by_status_and_code(status, codes, accepted, transient, code, account_fault):
    error = as_error(Failure(message="m", status=status, codes=codes))
    assert (error.accepted, error.transient, error.code) == (accepted, transient, code)
    assert error.account_fault is account_fault
    result = as_result(Failure(message="m", status=status, codes=codes), "c-1")
    assert (result.outcome, result.reason, result.accepted) == (Outcome.ERRORED, code, False)


@pytest.mark.parametrize(
    "words",
    [
        "Your credit balance is too low to access the Anthropic API.",
        "This workspace has reached its spend limit.",
        "You have reached your specified API usage limits.",
    ],
)
def test_an_empty_purse_behind_a_plain_400_is_the_accounts_fault(words):
    error = as_error(Failure(message=words, status=400, codes=("", "invalid_request_error")))
    assert (error.code, error.account_fault, error.transient) == ("billing", True, False)


@pytest.mark.parametrize(
    ("exc", "lost"),
    [
        (caused(Exception("sdk"), httpx2.ConnectError("refused")), "never_connected"),
        (caused(Exception("sdk"), httpx2.ConnectTimeout("slow")), "never_connected"),
        (caused(Exception("sdk"), httpx2.PoolTimeout("full")), "never_connected"),
        (caused(Exception("sdk"), httpx2.UnsupportedProtocol("ftp")), "never_connected"),
        (caused(Exception("sdk"), httpx2.ReadTimeout("slow")), "timeout"),
        (caused(Exception("sdk"), httpx2.WriteTimeout("slow")), "timeout"),
        (caused(Exception("sdk"), httpx2.ReadError("reset")), "connection_lost"),
        (caused(Exception("sdk"), httpx2.RemoteProtocolError("closed")), "connection_lost"),
        (TimeoutError(), "timeout"),
        (Exception("anything"), "connection_lost"),
        # the SDKs' aiohttp adapter calls all of these a connect error; two of them come after sending
        (caused(Exception("sdk"), httpx2.ConnectError("x"), aiohttp.ServerDisconnectedError()), "connection_lost"),
        (caused(Exception("sdk"), httpx2.ConnectError("x"), aiohttp.ClientOSError(104, "reset")), "connection_lost"),
        (caused(Exception("sdk"), httpx2.ConnectTimeout("x"), aiohttp.ServerDisconnectedError()), "connection_lost"),
        (caused(Exception("sdk"), httpx2.ConnectTimeout("x"), aiohttp.ConnectionTimeoutError()), "never_connected"),
    ],
)
def test_without_an_answer_the_causes_say_whether_it_was_sent(exc, lost):
    failure = no_answer(exc)
    assert failure.lost == lost
    assert failure.accepted is (False if lost == "never_connected" else None)
    assert as_error(failure).transient
    assert as_result(failure, "c").outcome is (Outcome.ERRORED if lost == "never_connected" else Outcome.LOST)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "4233600"}, 3600.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "?", "retry-after": "7"}, 7.0),
        ({"retry-after": "Sun, 22 Nov 2026 13:30:00 GMT"}, 3600.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_in_all_its_forms_is_at_most_an_hour(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_in_retry_after_is_counted_from_now():
    seconds = retry_after({"retry-after": "Sun, 22 Nov 2026 12:02:00 GMT"})
    left = (datetime(2026, 11, 22, 12, 2, tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    assert seconds == pytest.approx(left, abs=1)


def test_a_provider_error_survives_pickling_with_its_answers():
    error = as_error(Failure(message="Slow down.", status=429, codes=("rate_limit_error",), retry_after=3.0))
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, ProviderError)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
