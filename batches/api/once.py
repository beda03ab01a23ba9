"""A call with an Idempotency-Key -> its effect once, and the same answer however often, and when, it comes."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, Schema

from batches.api.callers import caller_of
from batches.api.problems import Refusal
from batches.models import StoredAnswer

KEPT = timedelta(days=7)
PRUNED_AT_ONCE = 1000
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,100}$",
        description="Of your own making, a new one for each thing to be done, the same when it is sent again.",
        examples=["5f0c2d0e-round-3"],
    ),
]


def once(request: HttpRequest, key: str, act: Callable[[], Schema], *, status: int = 200) -> HttpResponse:
    """Do `act` and keep its answer, in one transaction; for a key that is known, the kept answer.

    Calls with one key wait for each other on the key's row. What was refused changed nothing, and keeps nothing: the
    same key may be tried again. Kept for seven days.
    """
    caller, digest = caller_of(request).name, _digest(request)
    with transaction.atomic():
        kept = _claim(caller, key, digest)
        if kept is not None:
            return _again(kept, digest)
        body = orjson.dumps(act().model_dump()).decode()
        StoredAnswer.objects.filter(caller=caller, key=key).update(status=status, body=body)  # rule status: of HTTP
    _prune()
    return _answer(body, status)


def _claim(caller: str, key: str, digest: str) -> StoredAnswer | None:
    """Take the key, or give back what it holds; waits while another call with it is under way."""
    mine = StoredAnswer(caller=caller, key=key, request_sha256=digest)
    StoredAnswer.objects.bulk_create([mine], ignore_conflicts=True)
    row = StoredAnswer.objects.get(caller=caller, key=key)
    return row if row.status is not None else None


def _again(kept: StoredAnswer, digest: str) -> HttpResponse:
    if kept.request_sha256 != digest:
        raise Refusal(422, "This Idempotency-Key was used for another request: take a new one for a new request.")
    response = _answer(kept.body, kept.status or 200)
    response["Idempotency-Replayed"] = "true"
    return response


def _answer(body: str, status: int) -> HttpResponse:
    response = HttpResponse(body, status=status, content_type="application/json; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def _digest(request: HttpRequest) -> str:
    """Of method, address and body: whoever means the same thing sends the same bytes again."""
    parts = (str(request.method).encode(), request.get_full_path().encode(), request.body)
    return hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _prune() -> None:
    old = StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
    StoredAnswer.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])).delete()
