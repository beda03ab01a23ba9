"""The paths under /control -> faults, settings and the ledger, for tests and people; no provider has them."""

import os
from collections.abc import Awaitable, Callable
from time import time
from typing import Any

import msgspec
import orjson
from aiohttp import web

from . import ledger
from .life import openai_status
from .local_provider import LocalProvider
from .settings import BadSettings
from .store import Batch

Handler = Callable[[LocalProvider, web.Request], Awaitable[Any]]


async def health(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    return {
        "ok": True,
        "pid": os.getpid(),
        "uptime": time() - local.started_at,
        "requests": dict(sorted(local.requests.items())),
        "open_batches": len(local.store.unanswered()),
    }


async def get_faults(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    return {"faults": local.faults.plan, "struck": dict(local.faults.struck)}


async def put_faults(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    local.faults.replace(orjson.loads(await request.read()))
    return await get_faults(local, request)


async def delete_faults(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    local.faults.replace({})
    return await get_faults(local, request)


async def get_settings(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(local.settings)
    del found["faults"]
    return found


async def put_settings(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    local.change(orjson.loads(await request.read()))
    return await get_settings(local, request)


async def get_ledger(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    await _complete_books(local)
    query = request.query
    return ledger.rows(
        local.store,
        since=ledger.moment(query.get("since", "0")),
        after=int(query.get("after", "0")),
        limit=int(query.get("limit", "1000")),
    )


async def get_summary(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    await _complete_books(local)
    return ledger.summary(local.store)


async def _complete_books(local: LocalProvider) -> None:
    await local.settle_due()
    local.flush()


async def get_batches(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    """Every batch that is not deleted, oldest first, without the lag of lists."""
    await local.settle_due()
    now = time()
    found = [*local.store.newest_batches("anthropic", now), *local.store.newest_batches("openai", now)]
    return {"batches": [_batch(batch, now) for batch in sorted(found, key=lambda batch: batch.ordinal)]}


def _batch(batch: Batch, now: float) -> dict[str, Any]:
    ours = "ended" if batch.answered_at is not None else "canceling" if batch.cancelled_at else "in_progress"
    return msgspec.to_builtins(batch) | {"status": openai_status(batch, now) if batch.provider == "openai" else ours}


async def reset(local: LocalProvider, request: web.Request) -> dict[str, Any]:
    await local.reset()
    return {"ok": True}


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/control/health", health),
    ("GET", "/control/faults", get_faults),
    ("PUT", "/control/faults", put_faults),
    ("DELETE", "/control/faults", delete_faults),
    ("GET", "/control/settings", get_settings),
    ("PUT", "/control/settings", put_settings),
    ("GET", "/control/ledger", get_ledger),
    ("GET", "/control/ledger/summary", get_summary),
    ("GET", "/control/batches", get_batches),
    ("POST", "/control/reset", reset),
)


def opened(local: LocalProvider, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler as aiohttp calls it: bad input is 400 and changes nothing."""

    async def answer(request: web.Request) -> web.Response:
        try:
            body, status = await handler(local, request), 200
        except (BadSettings, ValueError) as error:
            body, status = {"error": str(error)}, 400
        return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")

    return answer
