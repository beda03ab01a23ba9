"""What an SDK raised, or a provider answered in place of an answer -> ProviderError or Result, by tables.

Reason codes: authentication, permission, billing, quota, on_hold (the account's fault); invalid_request, too_long,
too_large, not_found, conflict, content_filter (the request's); rate_limited, overloaded, server_error, timeout
(try again); never_connected, connection_lost, unreadable_answer (no answer at all).
"""

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
import httpx2

from batches.providers.answers import words
from batches.providers.base import Outcome, ProviderError, Result

RETRY_AFTER_MAX = 3600.0  # seconds; neither provider means to send a worker to sleep for weeks

VENDOR_REASONS = {
    # Anthropic: error.details.error_code, then error.type
    "enforced_spend_limit_reached": "quota",
    "contract_spend_limit_reached": "quota",
    "linked_organization_spend_limit_reached": "quota",
    "linked_organization_billing_unavailable": "billing",
    "organization_on_hold": "on_hold",
    "authentication_error": "authentication",
    "billing_error": "billing",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "conflict_error": "conflict",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "api_error": "server_error",
    "overloaded_error": "overloaded",
    # OpenAI: error.code, then error.type
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "billing_not_active": "billing",
    "account_deactivated": "on_hold",
    "invalid_api_key": "authentication",
    "rate_limit_exceeded": "rate_limited",
    "context_length_exceeded": "too_long",
    "model_not_found": "not_found",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "server_error": "server_error",
    # not invalid_request_error: both file so much under it that the status tells more
}
STATUS_REASONS = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limited",
    499: "timeout",
    504: "timeout",
    529: "overloaded",
}
ACCOUNT_FAULTS = frozenset({"authentication", "permission", "billing", "quota", "on_hold"})
TRANSIENT = frozenset(
    {"rate_limited", "overloaded", "server_error", "timeout", "conflict"}
    | {"never_connected", "connection_lost", "unreadable_answer"}
)
# Anthropic reports a used-up balance or a workspace's spend limit as a plain 400.
_MONEY = re.compile(r"credit balance is too low|spend(ing)? limit|reached your .*usage limits", re.IGNORECASE)
_ANSWERED_UNCLEARLY = frozenset({408, 499})  # says that time ran out, not that nothing was done

# aiohttp's adapter in both SDKs reports a reset after sending as a connect error; only these are raised before sending.
_AIOHTTP_BEFORE_SENDING = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
_HTTPX_BEFORE_SENDING = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call in text and numbers only: it outlives the SDK's exception (OpenAI's cannot be unpickled)."""

    message: str
    status: int | None = None  # None: no answer came
    codes: tuple[str, ...] = ()  # the vendor's own, the most telling first
    lost: str = "connection_lost"  # why there is no answer: never_connected, timeout, connection_lost, ...
    request_id: str = ""
    retry_after: float | None = None

    @property
    def reason(self) -> str:
        return self.lost if self.status is None else reason(self.status, self.codes, self.message)

    @property
    def accepted(self) -> bool | None:
        """False: surely not taken. None: nobody can know."""
        if self.status is None:
            return False if self.lost == "never_connected" else None
        return False if 400 <= self.status < 500 and self.status not in _ANSWERED_UNCLEARLY else None

    @property
    def account_fault(self) -> bool:
        return self.reason in ACCOUNT_FAULTS


def as_error(failure: Failure) -> ProviderError:
    """For the batch verbs: the pipeline decides by `accepted` and `transient`."""
    return ProviderError(
        failure.message,
        accepted=failure.accepted,
        transient=failure.reason in TRANSIENT,
        code=failure.reason,
        retry_after=failure.retry_after,
        account_fault=failure.account_fault,
    )


def as_result(failure: Failure, custom_id: str) -> Result:
    """For a single call: an answered error is never billed, an answer that did not come perhaps is."""
    lost = failure.status is None and failure.accepted is None
    return Result(
        custom_id=custom_id,
        outcome=Outcome.LOST if lost else Outcome.ERRORED,
        reason=failure.reason,
        error=failure.message,
        request_id=failure.request_id,
        retry_after=failure.retry_after,
        account_fault=failure.account_fault,
        accepted=None if lost else False,
    )


def reason(status: int, codes: tuple[str, ...], message: str) -> str:
    """Our word for an answered error: the vendor's code decides, then the status."""
    known = next((VENDOR_REASONS[code] for code in codes if code in VENDOR_REASONS), "")
    found = known or STATUS_REASONS.get(status) or ("server_error" if status >= 500 else "invalid_request")
    return "billing" if found == "invalid_request" and _MONEY.search(message) else found


def no_answer(exc: BaseException) -> Failure:
    """The Failure of a call that ended without an answer: the chain of causes says whether it was ever sent."""
    chain = _chain(exc)
    timed_out = any(isinstance(link, TimeoutError | httpx2.TimeoutException) for link in _telling(chain))
    lost = "never_connected" if _before_sending(chain) else "timeout" if timed_out else "connection_lost"
    return Failure(message=words(" <- ".join(_sentence(link) for link in chain)), lost=lost)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from retry-after-ms or retry-after (seconds or a date), between 0 and one hour."""
    named = headers.get("retry-after", "")
    found = (_number(headers.get("retry-after-ms", ""), scale=0.001), _number(named), _until(named))
    seconds = next((each for each in found if each is not None), None)
    return None if seconds is None else min(max(seconds, 0.0), RETRY_AFTER_MAX)


def _chain(exc: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = exc
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__
    return chain


def _telling(chain: list[BaseException]) -> list[BaseException]:
    """The links to believe: where aiohttp spoke, its own last word, not what an adapter made of it."""
    of_aiohttp: list[BaseException] = [link for link in chain if isinstance(link, aiohttp.ClientError)]
    return of_aiohttp[-1:] or chain


def _before_sending(chain: list[BaseException]) -> bool:
    return any(isinstance(link, _AIOHTTP_BEFORE_SENDING + _HTTPX_BEFORE_SENDING) for link in _telling(chain))


def _sentence(exc: BaseException) -> str:
    return str(exc).strip() or type(exc).__name__


def _number(value: str, *, scale: float = 1.0) -> float | None:
    try:
        seconds = float(value) * scale
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _until(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
