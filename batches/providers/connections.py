"""Endpoint -> the connection options of both SDKs: where, how long, through which proxy, and what may be repeated."""

import ipaddress
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2

from batches.providers.base import Endpoint, NotConfigured, ProviderError

CONNECT_TIMEOUT = 10.0  # seconds
MAX_CALLS = 2_000  # connections of one process; the pipeline's own bound is far below
_TRIES = 3  # for what costs nothing
_LONGEST_WAIT = 8.0  # seconds; anything longer is the schedule's business


def require_key(endpoint: Endpoint, *, name: str, variable: str) -> str:
    key = endpoint.api_key.strip()
    if not key:
        raise NotConfigured(
            f"There is no key for {name}: set {variable}, or CJ_LOCAL_PROVIDER=1 to use the local provider."
        )
    return key


def resolve_url(endpoint: Endpoint, *, variable: str, default: str) -> str:
    """The endpoint's URL, else the SDK's own variable, else its default; an empty variable counts as unset.

    (The SDKs take an empty one for the URL.) Always passed explicitly, so that what is checked is what is used.
    """
    return (endpoint.base_url or os.environ.get(variable, "").strip() or default).rstrip("/")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def same_host(url: str, base_url: str) -> bool:
    ours, theirs = urlsplit(base_url), urlsplit(url)
    return (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)


def timeout(endpoint: Endpoint) -> httpx2.Timeout:
    return httpx2.Timeout(endpoint.timeout, connect=min(CONNECT_TIMEOUT, endpoint.timeout))


def sync_options(url: str, endpoint: Endpoint) -> dict[str, Any]:
    """For the SDK's DefaultHttpxClient. A transport of our own keeps a proxy variable from catching loopback."""
    options: dict[str, Any] = {"timeout": timeout(endpoint)}
    return options | {"transport": httpx2.HTTPTransport(), "trust_env": False} if is_loopback(url) else options


def async_options(url: str, endpoint: Endpoint) -> dict[str, Any]:
    """For the SDK's DefaultAioHttpClient, which takes proxies from the environment only when it trusts it."""
    limits = httpx2.Limits(max_connections=MAX_CALLS, max_keepalive_connections=MAX_CALLS)
    return {"timeout": timeout(endpoint), "limits": limits, "trust_env": not is_loopback(url)}


def json_headers(url: str, custom_id: str) -> dict[str, str]:
    """For a body that is JSON already. The local provider books single calls under our custom_id; nobody else is told
    it."""
    headers = {"Content-Type": "application/json"}
    return headers | {"x-cj-custom-id": custom_id} if is_loopback(url) else headers


def patiently[T](call: Callable[[], T], *, wait: Callable[[float], None] = time.sleep) -> T:
    """Try what costs nothing up to three times. The SDKs' own retries are off: theirs may sleep for days."""
    for attempt in range(_TRIES - 1):
        try:
            return call()
        except ProviderError as exc:
            seconds = exc.retry_after if exc.retry_after is not None else 0.5 * 2**attempt
            if not exc.transient or seconds > _LONGEST_WAIT:
                raise
            wait(seconds)
    return call()


def moment(iso: str) -> datetime:
    """An ISO 8601 time; UTC where it names no zone."""
    parsed = datetime.fromisoformat(iso)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def before(iso: str, since: str, slack: timedelta) -> bool:
    """Whether a batch's created_at is too old to be the one we look for; an unknown time never is."""
    return bool(iso and since) and moment(iso) < moment(since) - slack
