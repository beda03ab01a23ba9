"""The resources -> one API: how bodies are read and written, what every answer carries, and its document."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from batches.api import (
    assessments,
    comparisons,
    essays,
    etag,
    flow,
    health,
    jobs,
    problems,
    projects,
    rounds,
    scales,
    standing,
)
from batches.api.document import Document, complete
from batches.api.problems import Refusal


class StrictJson(Parser):
    """JSON as the standard has it: no NaN, no lone surrogates, nothing but application/json."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Refusal(415, "Send the body as Content-Type: application/json.")
        return orjson.loads(request.body)


class Json(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data)


class StatusApi(NinjaAPI):
    """Every answer to a GET carries an ETag, and is not sent again to whoever has it."""

    def create_response(self, request: HttpRequest, data: Any, **kwargs: Any) -> HttpResponse:
        response = super().create_response(request, data, **kwargs)
        if request.method != "GET" or response.status_code != 200:
            return response
        tag = getattr(request, "etag", None) or etag.of_bytes(response.content)
        return etag.not_modified(tag) if etag.known(request, tag) else etag.dress(response, tag)

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        prefix = kwargs.get("path_prefix") or self.get_root_path({})
        return complete(Document(self, prefix))


api = StatusApi(
    title="cjadmin status API",
    version="1",
    description="Comparative judgement in batches: where it stands, and what moves it on. docs/api.md has examples.",
    docs_url=None,  # a page of documentation would load its scripts from elsewhere
    openapi_url="/openapi.json",
    urls_namespace="api",
    parser=StrictJson(),
    renderer=Json(),
)
problems.answer_problems(api)
for prefix, router in (
    ("/projects", projects.router),
    ("/assessments", assessments.router),
    ("/assessments", standing.router),
    ("/assessments", essays.router),
    ("/assessments", flow.router),
    ("/rounds", rounds.router),
    ("/comparisons", comparisons.router),
    ("/batch-jobs", jobs.router),
    ("/scales", scales.router),
    ("/health", health.router),
):
    api.add_router(prefix, router)


def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any other address under /api/."""
    return problems.problem(404)
