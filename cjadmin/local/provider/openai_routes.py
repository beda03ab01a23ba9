"""The paths of the OpenAI API -> chat completions, responses, models and batches."""

from secrets import token_hex
from time import time
from typing import Any

import msgspec

from . import openai_files, openai_wire
from .calls import Call, Refused
from .door import Handler, Visit, pause
from .openai_checks import check_metadata
from .paging import page
from .store import Batch

ENDPOINTS = ("/v1/chat/completions", "/v1/responses")
BATCH_FIELDS = ("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")


async def _said(visit: Visit, call: Call, shape: Any) -> dict[str, Any]:
    answer = visit.local.complete(call, key=visit.key, custom_id=visit.request.headers.get("x-cj-custom-id", ""))
    await pause(visit.local, visit.local.settings.latency)
    body: dict[str, Any] = shape(call, answer, time())
    return body


async def create_chat(visit: Visit) -> dict[str, Any]:
    return await _said(visit, visit.local.read("openai", ENDPOINTS[0], await visit.json()), openai_wire.chat)


async def create_response(visit: Visit) -> dict[str, Any]:
    return await _said(visit, visit.local.read("openai", ENDPOINTS[1], await visit.json()), openai_wire.response)


async def count_tokens(visit: Visit) -> dict[str, Any]:
    call = visit.local.read("openai", ENDPOINTS[1], await visit.json(), counting=True)
    return {"object": "response.input_tokens", "input_tokens": call.input_tokens}


async def list_models(visit: Visit) -> dict[str, Any]:
    return {"object": "list", "data": [openai_wire.model(model) for model in visit.local.models["openai"].values()]}


async def get_model(visit: Visit) -> dict[str, Any]:
    model = visit.local.models["openai"].get(visit.id)
    if model is None:
        raise Refused(f"The model '{visit.id}' does not exist", status=404, code="model_not_found", param="model")
    return openai_wire.model(model)


async def create_batch(visit: Visit) -> dict[str, Any]:
    """Take the batch on; its file is validated in the background while it stands at `validating`."""
    local, body = visit.local, await visit.json()
    _check_batch(visit, body)
    batch = local.store.add_batch(
        Batch(
            id=f"batch_{token_hex(16)}",
            provider="openai",
            key=visit.key,
            created_at=time(),
            seconds=local.settings.batch_seconds,
            cancelling=local.settings.cancelling,
            endpoint=body["endpoint"],
            input_file_id=body["input_file_id"],
            metadata=body.get("metadata"),
            checked=False,
        )
    )
    local.begin_validating(batch)
    return _shape(visit, batch)


def _check_batch(visit: Visit, body: Any) -> None:
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request.")
    for name in body:
        if name not in BATCH_FIELDS:
            raise Refused(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    for name in BATCH_FIELDS[:3]:
        if not body.get(name):
            raise Refused(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    if body["endpoint"] not in ENDPOINTS:
        raise Refused(
            f"Invalid value: '{body['endpoint']}'. Spoken here: {ENDPOINTS}.", param="endpoint", code="invalid_value"
        )
    if body["completion_window"] != "24h":
        raise Refused(
            "Invalid value for 'completion_window'. Supported: '24h'.", param="completion_window", code="invalid_value"
        )
    check_metadata(body.get("metadata"))
    file = visit.local.store.file(body["input_file_id"])
    if file is None:
        raise Refused(f"No such File object: {body['input_file_id']}", status=404, param="input_file_id")
    if file.purpose != "batch":
        raise Refused("The input file's purpose must be 'batch'.", param="input_file_id", code="invalid_value")


def _shape(visit: Visit, batch: Batch) -> dict[str, Any]:
    return openai_wire.batch(batch, time(), visit.local.faults.seconds("file_id_lag", "openai"))


async def _found(visit: Visit, *, wait: bool = False) -> Batch:
    batch = visit.local.store.batch(visit.id, "openai")
    if batch is None:
        raise Refused(f"No batch found with id '{visit.id}'.", status=404)
    return await (visit.local.look_and_wait(batch) if wait else visit.local.look(batch))


async def get_batch(visit: Visit) -> dict[str, Any]:
    return _shape(visit, await _found(visit))


async def list_batches(visit: Visit) -> dict[str, Any]:
    local = visit.local
    listed = local.store.newest_batches("openai", time() - local.faults.seconds("list_lag", "openai"))
    found = page(listed, visit.request.query, after="after", most=100)
    data = [_shape(visit, await local.look(batch)) for batch in found.items]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, "has_more": found.has_more, **ends}


async def cancel_batch(visit: Visit) -> dict[str, Any]:
    batch = await _found(visit, wait=True)
    if batch.answered_at is not None or batch.failure:
        status = _shape(visit, batch)["status"]
        raise Refused(f"Cannot cancel a batch with status '{status}'.", status=409)
    if batch.cancelled_at is None:
        batch = visit.local.store.save_batch(msgspec.structs.replace(batch, cancelled_at=time()))
    return _shape(visit, batch)


ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/v1/chat/completions", "sync", create_chat),
    ("POST", "/v1/responses", "sync", create_response),
    ("POST", "/v1/responses/input_tokens", "count", count_tokens),
    ("POST", "/v1/batches", "create", create_batch),
    ("GET", "/v1/batches", "list", list_batches),
    ("GET", "/v1/batches/{id}", "poll", get_batch),
    ("POST", "/v1/batches/{id}/cancel", "cancel", cancel_batch),
    ("GET", "/v1/models", "models", list_models),
    ("GET", "/v1/models/{id}", "models", get_model),
    *openai_files.ROUTES,
)
