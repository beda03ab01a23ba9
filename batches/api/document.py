"""The OpenAPI document as ninja writes it -> one that says what really comes: problems, ETags, examples."""

from http import HTTPStatus
from typing import Any, cast

from ninja.openapi.schema import OpenAPISchema

from batches.api.problems import MEDIA_TYPE, SENTENCES, Problem

ALWAYS = (401, 403, 429, 500)
METHODS = ("get", "post", "put", "patch", "delete")
REF = "#/components/schemas/"
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the answer that you have.",
}
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Send it back as If-None-Match."}}
RETRY_AFTER = {
    "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "required": True, "description": "Seconds."}
}
REPLAYED = {"Idempotency-Replayed": {"schema": {"const": "true"}, "description": "There where nothing was done again."}}


class Document(OpenAPISchema):
    """The document as ninja writes it, but never with two schemas under one name."""

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        for name, schema in definitions.items():
            if self.schemas.setdefault(name, schema) != schema:
                raise ValueError(f"Two schemas of the document are called {name}: rename one.")


def complete(document: OpenAPISchema) -> OpenAPISchema:
    """Add to each operation what all have in common, and examples everywhere."""
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template=REF + "{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                _complete(operations[method], method, path, schemas)
    document["components"].setdefault("securitySchemes", {}).setdefault("Token", {})
    return document


def _complete(operation: dict[str, Any], method: str, path: str, schemas: dict[str, Any]) -> None:
    responses = {str(status): answer for status, answer in operation["responses"].items()}
    for answer in responses.values():
        for content in answer.get("content", {}).values():
            content["example"] = example(content["schema"], schemas)
    if method == "get":
        operation["parameters"].append(IF_NONE_MATCH)
        responses["200"]["headers"] = ETAG
        responses["304"] = {"description": "You have it already.", "headers": ETAG}
    else:
        for answer in responses.values():
            answer["headers"] = REPLAYED
    for status in _statuses(operation, method, path):
        responses[str(status)] = _problem(status, schemas)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example(content["schema"], schemas)
    operation["responses"] = dict(sorted(responses.items()))


def _statuses(operation: dict[str, Any], method: str, path: str) -> list[int]:
    """The problems that an operation can answer with."""
    found = list(ALWAYS)
    if "{" in path:
        found.append(404)
    if operation["parameters"] or "requestBody" in operation:
        found.append(422)
    if "requestBody" in operation:
        found += [400, 413, 415]
    if method == "post" or path.endswith("/forecast"):
        found.append(409)
    return found


def _problem(status: int, schemas: dict[str, Any]) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    shown = example({"$ref": f"{REF}Problem"}, schemas) | {"status": status, "title": phrase, "errors": []}
    if status in SENTENCES:
        shown["detail"] = SENTENCES[status]
    answer: dict[str, Any] = {
        "description": phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REF}Problem"}, "example": shown}},
    }
    if status == 429:
        shown["detail"] = "More than 600 calls in a minute: wait 12 s."
        answer["headers"] = RETRY_AFTER
    return answer


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of this schema, from the examples of its members."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example(schemas[schema["$ref"].removeprefix(REF)], schemas)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "properties" in schema:
        return {name: example(member, schemas) for name, member in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)]
    return cast(Any, schema.get("default", schema.get("const", next(iter(schema.get("enum", [None]))))))
