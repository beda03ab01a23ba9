"""An HTTP request -> its handler's answer, behind key checks, faults and each provider's shape of an error."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import orjson
from aiohttp import web

from . import anthropic_wire, openai_wire
from .calls import Refused
from .faults import AFTER, BEFORE, Fault
from .ledger import fingerprint
from .local_provider import LocalProvider

HANGS_FOR = 3_600.0
SLOW_FOR = 1.0
JSON = "application/json"
REQUEST_ID = {"anthropic": "request-id", "openai": "x-request-id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One HTTP request that got past the door."""

    local: LocalProvider
    request: web.Request
    key: str  # fingerprint
    request_id: str

    @property
    def origin(self) -> str:
        return f"http://{self.request.host}"

    @property
    def id(self) -> str:
        return self.request.match_info["id"]

    async def json(self) -> Any:
        try:
            return orjson.loads(await self.request.read())
        except orjson.JSONDecodeError as error:
            raise Refused(f"The request body is not valid JSON: {error}") from error


Handler = Callable[[Visit], Awaitable[Any]]


def guarded(local: LocalProvider, provider: str, endpoint: str, handler: Handler) -> Callable[[web.Request], Any]:
    """The handler as aiohttp calls it."""

    async def open_door(request: web.Request) -> web.StreamResponse:
        request_id = f"req_{token_hex(12)}"
        try:
            response, became = await _answered(local, provider, endpoint, handler, request, request_id)
        except Refused as refused:
            response, became = _refusal(provider, refused, request_id), str(refused.status)
        local.requests[f"{provider} {endpoint} {became}"] += 1
        return response

    return open_door


async def _answered(
    local: LocalProvider, provider: str, endpoint: str, handler: Handler, request: web.Request, request_id: str
) -> tuple[web.StreamResponse, str]:
    key = _key(request)
    _check_key(local, provider, key, request)
    for name in BEFORE:
        fault = local.faults.strikes(name, provider, endpoint)
        if fault and name == "drop_before_accept":
            return _hung_up(request), name
        if fault:
            raise _told_to_refuse(name, provider, fault)
    if slow := local.faults.strikes("slow", provider, endpoint):
        await pause(local, slow.seconds or SLOW_FOR)
    visit = Visit(local=local, request=request, key=fingerprint(key), request_id=request_id)
    result = await handler(visit)
    for name in AFTER:
        if fault := local.faults.strikes(name, provider, endpoint):
            if name == "accept_and_hang":
                await pause(local, fault.seconds or HANGS_FOR)
            return _hung_up(request), name
    if isinstance(result, web.StreamResponse):
        return result, str(result.status)
    return _json(provider, result, 200, request_id), "200"


async def pause(local: LocalProvider, seconds: float) -> None:
    """Wait, but not beyond the server's own end."""
    try:
        await asyncio.wait_for(local.stopping.wait(), seconds)
    except TimeoutError:
        return


def _key(request: web.Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")


def _check_key(local: LocalProvider, provider: str, key: str, request: web.Request) -> None:
    if not key or key in local.faults.revoked_keys:
        message = {"anthropic": "invalid x-api-key", "openai": "Incorrect API key provided."}[provider]
        raise Refused(message, status=401)
    if provider == "anthropic" and not request.headers.get("anthropic-version"):
        raise Refused("anthropic-version: header is required")


def _told_to_refuse(name: str, provider: str, fault: Fault) -> Refused:
    later = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    anthropic = provider == "anthropic"
    if name == "rate_limited":
        return Refused("This request would exceed your rate limit.", status=429, code=fault.code or None, headers=later)
    if name == "overloaded":
        return Refused("Overloaded", status=529 if anthropic else 503)
    if name == "out_of_credit":
        code = "enforced_spend_limit_reached" if anthropic else "insufficient_quota"
        return Refused("You exceeded your current quota, please check your plan.", status=429, code=code)
    if name == "permission_denied":
        return Refused("Your key does not have permission to use this resource.", status=403)
    return Refused("Internal server error", status=500)


def _refusal(provider: str, refused: Refused, request_id: str) -> web.Response:
    shape = anthropic_wire.error(refused, request_id) if provider == "anthropic" else openai_wire.error(refused)
    response = _json(provider, shape, refused.status, request_id)
    response.headers.update(refused.headers)
    return response


def _json(provider: str, body: Any, status: int, request_id: str) -> web.Response:
    headers = {REQUEST_ID[provider]: request_id}
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type=JSON)


def _hung_up(request: web.Request) -> web.Response:
    """Cut the connection; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
