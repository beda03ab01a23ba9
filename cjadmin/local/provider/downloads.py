"""A result file -> its bytes on the wire, whole or cut off as the fault in force says."""

from pathlib import Path

from aiohttp import web

from .door import Visit

CHUNK = 256 * 1024
CUT_AT = 0.6  # of the file


async def send(visit: Visit, provider: str, path: Path, content_type: str) -> web.StreamResponse:
    """Stream a file. `how` of truncated_download: short (a whole-looking answer that ends inside a line), whole_lines
    (one that ends behind a line), broken (the connection dies before Content-Length is reached)."""
    size = path.stat().st_size
    fault = visit.local.faults.strikes("truncated_download", provider)
    how = (fault.how or "short") if fault else ""
    end = _end(path, size, how)
    response = web.StreamResponse(headers={"content-type": content_type})
    response.content_length = size if how == "broken" else end
    await response.prepare(visit.request)
    with path.open("rb") as file:
        left = end
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            await response.write(chunk)
            left -= len(chunk)
    if how == "broken" and visit.request.transport is not None:
        visit.request.transport.close()
        return response
    await response.write_eof()
    return response


def _end(path: Path, size: int, how: str) -> int:
    if not how or size < 3:
        return size
    cut = int(size * CUT_AT)
    head = path.read_bytes()[:cut]
    last_line = head.rfind(b"\n") + 1
    if how == "whole_lines":
        return last_line
    return cut - 1 if last_line == cut else cut
