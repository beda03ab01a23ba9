"""The paths of the Anthropic API -> messages, counts, models and Message Batches."""

import re
from secrets import token_hex
from time import time
from typing import Any

import msgspec

from . import anthropic_wire, downloads
from .calls import Refused
from .door import Handler, Visit, pause
from .paging import page
from .store import Batch

MOST_REQUESTS = 100_000
MOST_BYTES = 256_000_000
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
REFUSED_AT_ONCE = ("stream", "speed")


def _version(visit: Visit) -> str:
    return visit.request.headers["anthropic-version"]


async def create_message(visit: Visit) -> dict[str, Any]:
    call = visit.local.read("anthropic", "", await visit.json(), version=_version(visit))
    answer = visit.local.complete(call, key=visit.key, custom_id=visit.request.headers.get("x-cj-custom-id", ""))
    await pause(visit.local, visit.local.settings.latency)
    return anthropic_wire.message(call, answer, "standard")


async def count_tokens(visit: Visit) -> dict[str, int]:
    call = visit.local.read("anthropic", "", await visit.json(), version=_version(visit), counting=True)
    return {"input_tokens": call.input_tokens}


async def list_models(visit: Visit) -> dict[str, Any]:
    data = [anthropic_wire.model(model) for model in visit.local.models["anthropic"].values()]
    return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}


async def get_model(visit: Visit) -> dict[str, Any]:
    model = visit.local.models["anthropic"].get(visit.id)
    if model is None:
        raise Refused(f"model: {visit.id}", status=404)
    return anthropic_wire.model(model)


async def create_batch(visit: Visit) -> dict[str, Any]:
    """Keep the body as it came; its requests are checked one by one when the batch ends."""
    local = visit.local
    most = local.settings.batch_bytes.get("anthropic", MOST_BYTES)
    if (visit.request.content_length or 0) > most:
        raise Refused("Request exceeds the maximum allowed number of bytes.", status=413)
    raw = await visit.request.read()
    n = _checked_requests(visit, await visit.json())
    batch = Batch(
        id=f"msgbatch_01{token_hex(11)}",
        provider="anthropic",
        key=visit.key,
        created_at=time(),
        seconds=local.settings.batch_seconds,
        cancelling=local.settings.cancelling,
        n=n,
        version=_version(visit),
    )
    local.store.batch_path(batch.id).write_bytes(raw)
    return anthropic_wire.batch(local.store.add_batch(batch), visit.origin)


def _checked_requests(visit: Visit, body: Any) -> int:
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise Refused("requests: List should have at least 1 item after validation")
    for name in body:
        if name != "requests":
            raise Refused(f"{name}: Extra inputs are not permitted")
    settings, n = visit.local.settings, len(requests)
    most = settings.batch_requests.get("anthropic", MOST_REQUESTS)
    if n > most:
        raise Refused(f"requests: {n} requests exceed the maximum of {most} in a batch", status=413)
    _check_custom_ids(requests)
    queued = sum(batch.n for batch in visit.local.store.unanswered("anthropic"))
    if settings.queued_requests is not None and queued + n > settings.queued_requests:
        message = f"Number of queued batch requests would exceed your limit of {settings.queued_requests}."
        raise Refused(message, status=429, headers={"retry-after": "60"})
    return n


def _check_custom_ids(requests: list[Any]) -> None:
    seen: set[str] = set()
    for place, request in enumerate(requests):
        if not isinstance(request, dict) or request.keys() != {"custom_id", "params"}:
            raise Refused(f"requests.{place}: exactly custom_id and params are expected")
        custom_id, params = request["custom_id"], request["params"]
        if not isinstance(custom_id, str) or not CUSTOM_ID.fullmatch(custom_id):
            raise Refused(f"requests.{place}.custom_id: {_wrong_id(custom_id)}")
        if custom_id in seen:
            raise Refused(f"requests.{place}.custom_id: custom_ids must be unique; {custom_id} is a duplicate")
        seen.add(custom_id)
        if not isinstance(params, dict):
            raise Refused(f"requests.{place}.params: Input should be a valid dictionary")
        for name in REFUSED_AT_ONCE:
            if params.get(name):
                raise Refused(f"requests.{place}.params.{name}: not supported in a batch")
        if params.get("max_tokens") == 0:
            raise Refused(f"requests.{place}.params.max_tokens: 0 is not supported in a batch")


def _wrong_id(custom_id: Any) -> str:
    if isinstance(custom_id, str) and len(custom_id) > 64:
        return "String should have at most 64 characters"
    if custom_id == "":
        return "String should have at least 1 character"
    return "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"


async def _found(visit: Visit, *, wait: bool = False) -> Batch:
    batch = visit.local.store.batch(visit.id, "anthropic")
    if batch is None:
        raise Refused(f"Batch {visit.id} not found", status=404)
    return await (visit.local.look_and_wait(batch) if wait else visit.local.look(batch))


async def get_batch(visit: Visit) -> dict[str, Any]:
    batch = await _found(visit)
    gone = visit.local.faults.strikes("results_gone", "anthropic") is not None
    return anthropic_wire.batch(batch, visit.origin, results_gone=gone)


async def list_batches(visit: Visit) -> dict[str, Any]:
    """Newest first: after_id goes to older ones, before_id to newer ones."""
    local = visit.local
    lag = local.faults.seconds("list_lag", "anthropic")
    listed = local.store.newest_batches("anthropic", time() - lag)
    query = visit.request.query
    found = page(listed, query, after="after_id", before="before_id", most=1_000)
    looked = [await local.look(batch) for batch in found.items]
    data = [anthropic_wire.batch(batch, visit.origin) for batch in looked]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"data": data, "has_more": found.has_more, **ends}


async def cancel_batch(visit: Visit) -> dict[str, Any]:
    batch = await _found(visit, wait=True)
    if batch.answered_at is not None:
        raise Refused(f"Batch {batch.id} cannot be canceled because it has already ended.")
    if batch.cancelled_at is None:
        batch = visit.local.store.save_batch(msgspec.structs.replace(batch, cancelled_at=time()))
    return anthropic_wire.batch(batch, visit.origin)


async def delete_batch(visit: Visit) -> dict[str, str]:
    batch = await _found(visit)
    if batch.answered_at is None:
        raise Refused(f"Batch {batch.id} cannot be deleted while it is processing.")
    visit.local.store.delete_batch(batch.id)
    return {"id": batch.id, "type": "message_batch_deleted"}


async def get_results(visit: Visit) -> Any:
    batch = await _found(visit)
    if batch.answered_at is None:
        raise Refused(f"Batch {batch.id} has no available results.", status=404)
    path = visit.local.store.results_path(batch.id)
    return await downloads.send(visit, "anthropic", path, "application/x-jsonl")


BATCHES = "/v1/messages/batches"
ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/v1/messages", "sync", create_message),
    ("POST", "/v1/messages/count_tokens", "count", count_tokens),
    ("POST", BATCHES, "create", create_batch),
    ("GET", BATCHES, "list", list_batches),
    ("GET", f"{BATCHES}/{{id}}", "poll", get_batch),
    ("DELETE", f"{BATCHES}/{{id}}", "delete", delete_batch),
    ("POST", f"{BATCHES}/{{id}}/cancel", "cancel", cancel_batch),
    ("GET", f"{BATCHES}/{{id}}/results", "results", get_results),
    ("GET", "/v1/models", "models", list_models),
    ("GET", "/v1/models/{id}", "models", get_model),
)
