"""Whatever goes wrong under /api/ -> application/problem+json (RFC 9457), one sentence that says what to do."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from batches.pipeline.refused import Refused

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
UNDER = "/api/"
SENTENCES = {
    400: "The body cannot be read: send one JSON document in UTF-8, without NaN or half characters.",
    401: "Say who you are: log in, or send a token as 'Authorization: Bearer cj_...'.",
    403: "You may not do this: ask an administrator for the right, or for a token with the scope.",
    404: "There is nothing here that you may see.",
    405: "This address does not take that method: the header Allow names those it takes.",
    413: "The request is too large: send it in parts.",
    500: "Something broke here, and nothing was changed: try again later, and tell the operator if it stays.",
}


class Problem(Schema):
    """What went wrong. `errors` names the members that were wrong, where it was the request."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(ge=400, le=599, examples=[409])
    detail: str = Field(examples=["A round needs at least two essays: load essays first."])
    errors: list["Wrong"] = []


class Wrong(Schema):
    """One member of the request that cannot be taken."""

    where: str = Field(examples=["body.rounds"])
    sentence: str = Field(examples=["Input should be greater than or equal to 1"])


class Refusal(HttpError):
    """An answer with this status, sentence and headers."""

    def __init__(self, status: int, detail: str = "", **headers: str) -> None:
        super().__init__(status, detail or SENTENCES[status])
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def problem(status: int, detail: str = "", *, errors: list[dict[str, str]] | None = None) -> HttpResponse:
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or SENTENCES.get(status, HTTPStatus(status).description or HTTPStatus(status).phrase),
        "errors": errors or [],
    }
    response = HttpResponse(json.dumps(document, ensure_ascii=False), status=status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="cjadmin"'
    return response


def answer_problems(api: NinjaAPI) -> None:
    """Teach an API to answer its exceptions as problems."""
    api.add_exception_handler(Refused, lambda request, exc: problem(409, str(exc)))
    api.add_exception_handler(Http404, lambda request, exc: problem(404))
    api.add_exception_handler(AuthenticationError, lambda request, exc: problem(401))
    api.add_exception_handler(HttpError, _refusal)
    api.add_exception_handler(RequestDataTooBig, lambda request, exc: problem(413))
    api.add_exception_handler(RawPostDataException, lambda request, exc: problem(400))
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(Exception, _broken)


def _refusal(request: HttpRequest, exc: Any) -> HttpResponse:
    if isinstance(exc.__cause__, RequestDataTooBig):
        return problem(413)
    if isinstance(exc.__cause__, Refusal):
        exc = exc.__cause__
    response = problem(exc.status_code, "" if exc.status_code == 400 else str(exc))
    for name, value in getattr(exc, "headers", {}).items():
        response[name] = value
    return response


def _invalid(request: HttpRequest, exc: Any) -> HttpResponse:
    wrong = [_wrong(error) for error in exc.errors[:20]]
    first = wrong[0] if wrong else {"where": "request", "sentence": SENTENCES[400]}
    return problem(422, f"{first['where']}: {first['sentence']}.".replace("..", "."), errors=wrong)


def _wrong(error: Any) -> dict[str, str]:
    """One complaint of pydantic, without what was sent: that may be an essay."""
    source, *path = (str(step) for step in error.get("loc", ("request",)))
    place = ".".join([source, *path[-1:]] if source != "body" else [source, *path[1:]])
    return {
        "where": place[:200],
        "sentence": str(error.get("msg", "cannot be taken")).removeprefix("Value error, ")[:500],
    }


def _broken(request: HttpRequest, exc: Any) -> HttpResponse:
    log.error("api broke path=%s", request.path, exc_info=exc)
    return problem(500)


def as_problems(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost: what Django itself answers under /api/ is a problem too, whichever part of it did."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        mine = request.path_info.startswith(UNDER) and response.status_code >= 400
        if not mine or response.get("Content-Type", "").startswith(MEDIA_TYPE):
            return response
        replaced = problem(response.status_code)
        if "Allow" in response:
            replaced["Allow"] = response["Allow"]
        return replaced

    return answer
