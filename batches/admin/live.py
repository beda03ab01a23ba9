"""What a page shows of something that moves -> an answer with an ETag, or 304 where nothing has."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.http import quote_etag


def etag_of(*values: object) -> str:
    """A strong ETag of values whose text says all that the page says."""
    return quote_etag(hashlib.sha256(repr(values).encode()).hexdigest()[:32])


def unchanged(request: HttpRequest, *values: object) -> HttpResponse | None:
    """304 where the page has what these values say; None where it has to be told."""
    etag = etag_of(*values)
    answer = get_conditional_response(request, etag=etag)
    return dress(answer, etag) if answer is not None else None


def dress[R: HttpResponse](response: R, etag: str) -> R:
    """Let the page ask each time whether its answer still holds."""
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["Cookie"])
    return response
