"""The OpenAPI document -> every operation, and a request for it that is right for the rows at hand."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from batches.api import api

KINDS = {"rounds": "round", "comparisons": "comparison", "batch-jobs": "batchjob", "scales": "scale"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address, as the document describes it."""

    path: str
    method: str
    details: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.details["operationId"])

    @property
    def permission(self) -> str:
        return str(self.details["x-permission"])

    @property
    def of_a_row(self) -> bool:
        return "{" in self.path

    @property
    def success(self) -> int:
        return int(next(status for status in self.details["responses"] if status.startswith("2")))

    def url(self, rows: dict[str, Any]) -> str:
        kind = KINDS.get(self.path.split("/")[3], "")
        number = str(rows[kind].pk) if kind else ""
        return self.path.replace("{slug}", rows["assessment"].slug).replace("{id}", number)

    def body(self, rows: dict[str, Any]) -> Any:
        """The document's own example, made to fit: the example's ids are of nobody."""
        content = self.details.get("requestBody", {}).get("content", {})
        body = copy.deepcopy(content.get("application/json", {}).get("example"))
        if self.name == "submit":
            return {}
        return body | {"project": rows["project"].pk} if body and "project" in body else body


def document() -> dict[str, Any]:
    return api.get_openapi_schema(path_prefix="/api/v1/")


def operations() -> Iterator[Operation]:
    for path, described in document()["paths"].items():
        for method, details in described.items():
            yield Operation(path=path, method=method.upper(), details=details)
