"""An answer, or the counters behind it -> an ETag; the same ETag sent back -> 304 without a body."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags


def of(*values: object) -> str:
    """A strong ETag of values whose text says all that the answer says."""
    return f'"{hashlib.sha256(repr(values).encode()).hexdigest()[:32]}"'


def of_bytes(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def known(request: HttpRequest, etag: str) -> bool:
    """Whether the caller has this answer already. Weak and strong are compared alike (RFC 9110, 13.1.2)."""
    given = [one.removeprefix("W/") for one in parse_etags(request.headers.get("If-None-Match", ""))]
    return etag in given or "*" in given


def not_modified(etag: str) -> HttpResponse:
    return dress(HttpResponse(status=304), etag)


def dress(response: HttpResponse, etag: str) -> HttpResponse:
    """Let the caller keep the answer and ask each time whether it still holds."""
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
