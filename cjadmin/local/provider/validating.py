"""An uploaded OpenAI input file -> a batch that may run, or the list of lines for which it failed."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from .calls import Refused
from .store import Batch

if TYPE_CHECKING:
    from .local_provider import LocalProvider

MOST_LINES = 50_000
MOST_ERRORS_TOLD = 1_000
Complaint = dict[str, Any]


def _complaint(code: str, message: str, line: int | None = None, param: str | None = None) -> Complaint:
    return {"code": code, "message": message, "line": line, "param": param}


def validate(local: "LocalProvider", batch: Batch) -> Batch:
    """Read the whole file once and keep the finding."""
    found = _Reading(local, batch)
    for number, raw in enumerate(_lines(local, batch), 1):
        if raw.strip():
            found.line(number, raw)
    failure = found.verdict()
    return local.store.save_batch(
        msgspec.structs.replace(
            batch,
            checked=True,
            n=found.n,
            model=found.model,
            queued_tokens=found.tokens,
            failure=failure[:MOST_ERRORS_TOLD],
        )
    )


def _lines(local: "LocalProvider", batch: Batch) -> Iterator[bytes]:
    with local.store.file_path(batch.input_file_id).open("rb") as file:
        yield from file


class _Reading:
    """What has been seen of one file so far."""

    def __init__(self, local: "LocalProvider", batch: Batch) -> None:
        self.local, self.batch = local, batch
        self.n, self.tokens, self.model = 0, 0, ""
        self._ids: set[str] = set()
        self._complaints: list[Complaint] = []
        self._most_lines = local.settings.batch_requests.get("openai", MOST_LINES)

    def line(self, number: int, raw: bytes) -> None:
        self.n += 1
        if self.n <= self._most_lines and (found := self._complaint_about(number, raw)):
            self._complaints.append(found)

    def _complaint_about(self, number: int, raw: bytes) -> Complaint | None:
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return _complaint("invalid_json_line", "This line is not parseable as valid JSON.", number)
        if not isinstance(line, dict):
            return _complaint("invalid_json_line", "This line is not a JSON object.", number)
        return next(self._field_complaints(number, line), None)

    def _field_complaints(self, number: int, line: dict[str, Any]) -> Iterator[Complaint]:
        custom_id, body = line.get("custom_id"), line.get("body")
        if not isinstance(custom_id, str) or not custom_id:
            yield _complaint(
                "missing_required_parameter", "Missing required parameter: 'custom_id'.", number, "custom_id"
            )
            return
        if custom_id in self._ids:
            yield _complaint(
                "duplicate_custom_id",
                f"The custom_id '{custom_id}' is a duplicate of another request.",
                number,
                "custom_id",
            )
        self._ids.add(custom_id)
        if line.get("method") != "POST":
            yield _complaint("invalid_method", "The HTTP method must be POST.", number, "method")
        if line.get("url") != self.batch.endpoint:
            message = f"The URL provided for this request does not match the batch endpoint {self.batch.endpoint}."
            yield _complaint("url_mismatch", message, number, "url")
        if not isinstance(body, dict):
            yield _complaint("missing_required_parameter", "Missing required parameter: 'body'.", number, "body")
            return
        yield from self._model_complaints(number, body)
        self._count(body)

    def _model_complaints(self, number: int, body: dict[str, Any]) -> Iterator[Complaint]:
        model = body.get("model")
        if not isinstance(model, str) or model not in self.local.models["openai"]:
            message = f"The provided model '{model}' is not supported by the Batch API."
            yield _complaint("model_not_found", message, number, "body.model")
        elif self.model and model != self.model:
            message = f"The model '{model}' does not match '{self.model}' of the first request."
            yield _complaint("model_mismatch", message, number, "body.model")
        else:
            self.model = model
        if body.get("stream"):
            yield _complaint("invalid_request", "Streaming is not supported in a batch.", number, "body.stream")

    def _count(self, body: dict[str, Any]) -> None:
        """Count prompt tokens only where a limit on them is set: it is the dear part."""
        if _queue_limit(self.local, self.model) is None:
            return
        with suppress(Refused):  # such a line will fail by itself
            self.tokens += self.local.read("openai", self.batch.endpoint, body).input_tokens

    def verdict(self) -> list[Complaint]:
        fault = self.local.faults.strikes("batch_failed", "openai")
        if fault:
            return [_complaint(fault.code or "invalid_json_line", "The local provider was told to fail this batch.", 1)]
        if self.n == 0:
            return [_complaint("empty_file", "The input file is empty.")]
        if self.n > self._most_lines:
            message = f"The batch has {self.n} requests; at most {self._most_lines} are allowed."
            return [_complaint("too_many_tasks", message)]
        return self._complaints or self._queue_complaints()

    def _queue_complaints(self) -> list[Complaint]:
        limit = _queue_limit(self.local, self.model)
        others = [one for one in self.local.store.unanswered("openai") if one.id != self.batch.id and not one.failure]
        queued = sum(one.queued_tokens for one in others if one.model == self.model)
        if limit is None or queued + self.tokens <= limit:
            return []
        message = (
            f"Enqueued token limit reached for {self.model}. Limit: {limit:,} enqueued tokens."
            " Please try again once some in_progress batches have been completed."
        )
        return [_complaint("token_limit_exceeded", message)]


def _queue_limit(local: "LocalProvider", model: str) -> int | None:
    limits = local.settings.queued_tokens
    return limits.get(model, limits.get("*"))
