"""Multipart uploads -> files on disk, and back."""

from secrets import token_hex
from time import time
from typing import Any

from aiohttp import BodyPartReader, web

from . import downloads, openai_wire
from .calls import Refused
from .door import Handler, Visit
from .paging import page
from .store import File

MOST_BYTES = 200_000_000
KEPT_FOR = 30 * 24 * 3_600
CHUNK = 256 * 1024
PURPOSES = ("batch", "user_data", "vision", "assistants", "fine-tune", "evals")


async def upload(visit: Visit) -> dict[str, Any]:
    """Stream the file to disk. Its lines are not looked at here, only its name and size."""
    if not visit.request.content_type.startswith("multipart/"):
        raise Refused("Expected multipart/form-data.")
    file_id, fields = f"file-{token_hex(11)}", {"purpose": "", "expires_after[seconds]": ""}
    filename, size = "", -1
    async for part in await visit.request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refused("Nested multipart is not accepted.")
        if part.name == "file":
            filename = part.filename or ""
            size = await _keep(visit, part, file_id)
        elif part.name:
            fields[part.name] = await part.text()
    _check(fields["purpose"], filename, size)
    now = time()
    expires_after = float(fields["expires_after[seconds]"] or KEPT_FOR)
    file = File(
        id=file_id,
        filename=filename,
        purpose=fields["purpose"],
        size=size,
        created_at=now,
        expires_at=now + expires_after if fields["purpose"] == "batch" else None,
    )
    return openai_wire.file(visit.local.store.add_file(file))


async def _keep(visit: Visit, part: BodyPartReader, file_id: str) -> int:
    most = visit.local.settings.batch_bytes.get("openai", MOST_BYTES)
    path, size = visit.local.store.file_path(file_id), 0
    with path.open("wb") as file:
        while chunk := await part.read_chunk(CHUNK):
            size += len(chunk)
            if size > most:
                path.unlink()
                raise Refused("File is too large.", param="file")
            file.write(chunk)
    return size


def _check(purpose: str, filename: str, size: int) -> None:
    if purpose not in PURPOSES:
        raise Refused(f"'{purpose}' is not one of {PURPOSES} - 'purpose'", param="purpose")
    if size < 0:
        raise Refused("Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
    if purpose == "batch" and not filename.endswith(".jsonl"):
        raise Refused("Invalid file format for Batch API. Must be .jsonl", param="file")


def _found(visit: Visit) -> File:
    file = visit.local.store.file(visit.id)
    if file is None:
        raise Refused(f"No such File object: {visit.id}", status=404, param="id")
    return file


async def list_files(visit: Visit) -> dict[str, Any]:
    query = visit.request.query
    listed = visit.local.store.files(query.get("purpose", ""))
    if query.get("order", "desc") == "asc":
        listed.reverse()
    found = page(listed, {"limit": "10000"} | dict(query), after="after", most=10_000)
    data = [openai_wire.file(file) for file in found.items]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, "has_more": found.has_more, **ends}


async def get_file(visit: Visit) -> dict[str, Any]:
    return openai_wire.file(_found(visit))


async def delete_file(visit: Visit) -> dict[str, Any]:
    visit.local.store.delete_file(_found(visit).id)
    return {"id": visit.id, "object": "file", "deleted": True}


async def get_content(visit: Visit) -> web.StreamResponse:
    file = _found(visit)
    if visit.local.faults.strikes("results_gone", "openai"):
        raise Refused(f"No such File object: {visit.id}", status=404, param="id")
    path = visit.local.store.file_path(file.id)
    return await downloads.send(visit, "openai", path, "application/octet-stream")


ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/v1/files", "files", upload),
    ("GET", "/v1/files", "files", list_files),
    ("GET", "/v1/files/{id}", "files", get_file),
    ("DELETE", "/v1/files/{id}", "files", delete_file),
    ("GET", "/v1/files/{id}/content", "results", get_content),
)
