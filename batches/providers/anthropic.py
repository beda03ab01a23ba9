"""The provider verbs on Anthropic's SDK, the only module that imports it: Message Batches and single messages."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import anthropic
import httpx2
import msgspec

from batches.providers import anthropic_requests, anthropic_results, connections, lines
from batches.providers.answers import words
from batches.providers.base import (
    Endpoint,
    FileKind,
    Part,
    Progress,
    ProviderError,
    Request,
    Result,
    ResultFile,
    Submission,
)
from batches.providers.failures import Failure, as_error, as_result, no_answer, retry_after
from batches.providers.lines import encode
from batches.providers.manifest import find

NAME = "anthropic"
KEY_VARIABLE, URL_VARIABLE = "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"
DEFAULT_URL = "https://api.anthropic.com"
BATCHES_PATH, CALLS_PATH = "/v1/messages/batches", "/v1/messages"
FIND_SLACK = timedelta(minutes=5)  # how far the clocks may differ where there is no watermark to go by
_HEAD, _TAIL = b'{"requests":[', b"]}"
_PAGE = 1_000

logger = logging.getLogger(__name__)


class AnthropicProvider:
    """One account at Anthropic. Only messages and batches cost money; neither is ever sent twice from here."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        http_client: httpx2.Client | None = None,
        async_http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._key = connections.require_key(endpoint, name="Anthropic", variable=KEY_VARIABLE)
        self._url = connections.resolve_url(endpoint, variable=URL_VARIABLE, default=DEFAULT_URL)
        self._endpoint = endpoint
        self._http = http_client
        self._async_http = async_http_client

    @cached_property
    def _client(self) -> anthropic.Anthropic:
        http = self._http or anthropic.DefaultHttpxClient(**connections.sync_options(self._url, self._endpoint))
        return anthropic.Anthropic(http_client=http, **_options(self._key, self._url, self._endpoint))

    def open_calls(self) -> "AnthropicCalls":
        return AnthropicCalls(self._key, self._url, self._endpoint, http_client=self._async_http)

    def payload_bytes(self, requests: Iterable[Request]) -> Iterator[bytes]:
        r"""Lines of {"custom_id", "params"}, each with its b"\n"; `submit` wraps them into the one body."""
        return map(self.line, requests)

    def line(self, request: Request) -> bytes:
        return anthropic_requests.line(request, find(NAME, request.model))

    def blocks(self, parts: Iterable[Part]) -> bytes:
        return anthropic_requests.blocks(parts)

    def watermark(self) -> str:
        page = self._page(limit=1)
        return page.data[0].id if page.data else ""

    def upload(self, path: Path, *, name: str) -> str:
        return ""

    def submit(self, path: Path, *, n: int, input_file_id: str, metadata: dict[str, str]) -> Submission:
        """Stream the file as the body of the one POST. Anthropic keeps no metadata: the nonce is in the custom_ids."""
        if lines.count_lines(path) != n:
            raise ValueError(f"{path.name} does not hold {n} requests.")
        size = len(_HEAD) + path.stat().st_size - 1 + len(_TAIL)
        headers = {"Content-Type": "application/json", "Content-Length": str(size)}
        with _errors():
            response = self._client.post(
                BATCHES_PATH,
                cast_to=httpx2.Response,
                content=_batch_body(path),
                options={"max_retries": 0, "headers": headers},
            )
            batch = msgspec.json.decode(response.content, type=anthropic_results.Batch)
        return Submission(provider_batch_id=batch.id, expires_at=batch.expires_at or "")

    def poll(self, provider_batch_id: str) -> Progress:
        return anthropic_results.progress(self._batch(provider_batch_id))

    def download(self, progress: Progress, directory: Path) -> list[ResultFile]:
        """Fetch the result file from the account's own host only: the key travels with the request."""
        batch = self._batch(progress.provider_batch_id)
        if not batch.results_url:
            raise _no_results(batch)
        if not connections.same_host(batch.results_url, self._url):
            raise _foreign_results(batch)
        return [lines.store(self._chunks(batch.id), directory, name=batch.id, kind=FileKind.OUTPUT)]

    def read_results(self, path: Path, kind: FileKind) -> Iterator[Result]:
        return lines.read_lines(path, anthropic_results.read_line)

    def results(self, progress: Progress) -> Iterator[Result]:
        with TemporaryDirectory(prefix="cj-results-") as directory:
            for file in self.download(progress, Path(directory)):
                yield from self.read_results(file.path, file.kind)

    def cancel(self, provider_batch_id: str) -> Progress:
        """Ask it to stop. One that has ended already is not an error: its state says so."""
        try:
            return anthropic_results.progress(
                self._free(lambda: self._batches.cancel(provider_batch_id).http_response, anthropic_results.Batch)
            )
        except ProviderError as exc:
            if exc.code not in ("invalid_request", "conflict"):
                raise
            return self.poll(provider_batch_id)

    def find(self, *, nonce: str, watermark: str, n: int, input_file_id: str, since: str) -> list[Progress]:
        """Batches of n requests made after the watermark, oldest first; by time where the watermark is no use.

        Nothing tells whose they are before they end: the caller drops those it knows, and adopts provisionally.
        """
        found = [anthropic_results.progress(batch) for batch in self._after(watermark, since)]
        return sorted((each for each in found if each.total == n), key=lambda each: each.created_at)

    def recent(self, since: str) -> Iterator[Progress]:
        return map(anthropic_results.progress, self._since(since))

    def delete_files(self, progress: Progress) -> None:
        """Delete the ended batch with its results; one that is gone already is fine."""
        try:
            self._free(lambda: self._batches.delete(progress.provider_batch_id).http_response, dict)
        except ProviderError as exc:
            if exc.code != "not_found":
                raise

    def count_tokens(self, request: Request) -> int:
        params = anthropic_requests.body(request, find(NAME, request.model))
        del params["max_tokens"]
        counted = self._free(
            lambda: self._client.messages.with_raw_response.count_tokens(**params).http_response, dict[str, Any]
        )
        return int(counted["input_tokens"])

    def check_model(self, model: str) -> dict[str, Any]:
        """{"id", "lifecycle", "retires_on", "capabilities"} as the API has them today."""
        found = self._free(lambda: self._client.models.with_raw_response.retrieve(model).http_response, dict[str, Any])
        return {
            "id": found.get("id", ""),
            "lifecycle": found.get("lifecycle") or "",
            "retires_on": (found.get("retires_at") or "")[:10],
            "capabilities": found.get("capabilities") or {},
        }

    @property
    def _batches(self) -> Any:
        return self._client.messages.batches.with_raw_response

    def _batch(self, provider_batch_id: str) -> anthropic_results.Batch:
        return self._free(lambda: self._batches.retrieve(provider_batch_id).http_response, anthropic_results.Batch)

    def _page(self, **query: Any) -> anthropic_results.BatchPage:
        return self._free(lambda: self._batches.list(**query).http_response, anthropic_results.BatchPage)

    def _free[T](self, call: Callable[[], httpx2.Response], type: type[T]) -> T:
        """A call that costs nothing, its answer decoded."""

        def once() -> T:
            with _errors():
                return msgspec.json.decode(call().content, type=type)

        return connections.patiently(once)

    def _after(self, watermark: str, since: str) -> Iterator[anthropic_results.Batch]:
        if not watermark:
            return self._since(since)
        try:
            return iter(self._newer_than(watermark))
        except ProviderError as exc:
            if exc.code not in ("not_found", "invalid_request"):
                raise
            logger.warning("watermark gone, looking by time watermark=%s since=%s", watermark, since)
            return self._since(since)

    def _newer_than(self, watermark: str) -> list[anthropic_results.Batch]:
        """before_id means the newer ones: the list is newest first, and paged upwards."""
        found: list[anthropic_results.Batch] = []
        cursor: str | None = watermark
        while cursor:
            page = self._page(limit=_PAGE, before_id=cursor)
            found += page.data
            cursor = page.first_id if page.has_more and page.data and page.first_id != cursor else None
        return found

    def _since(self, since: str) -> Iterator[anthropic_results.Batch]:
        query: dict[str, Any] = {}
        while True:
            page = self._page(limit=_PAGE, **query)
            for batch in page.data:
                if connections.before(batch.created_at or "", since, FIND_SLACK):
                    return
                yield batch
            if not page.has_more or not page.data or query.get("after_id") == page.data[-1].id:
                return
            query = {"after_id": page.data[-1].id}

    def _chunks(self, batch_id: str) -> Iterator[bytes]:
        with _errors(), self._client.messages.batches.with_streaming_response.results(batch_id) as streamed:
            yield from lines.whole(streamed.http_response)


class AnthropicCalls:
    """Many single messages in flight over one pool of connections."""

    def __init__(
        self, key: str, url: str, endpoint: Endpoint, *, http_client: httpx2.AsyncClient | None = None
    ) -> None:
        self._key, self._url, self._endpoint, self._http = key, url, endpoint, http_client

    async def __aenter__(self) -> Self:
        http = self._http or anthropic.DefaultAioHttpClient(**connections.async_options(self._url, self._endpoint))
        self._client = anthropic.AsyncAnthropic(http_client=http, **_options(self._key, self._url, self._endpoint))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.close()

    async def complete(self, request: Request) -> Result:
        content = encode(anthropic_requests.body(request, find(NAME, request.model)))
        headers = connections.json_headers(self._url, request.custom_id)
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                response = await self._client.post(
                    CALLS_PATH, cast_to=httpx2.Response, content=content, options={"headers": headers}
                )
        except (anthropic.AnthropicError, httpx2.HTTPError, TimeoutError) as exc:
            return as_result(_failure(exc), request.custom_id)
        request_id = response.headers.get("request-id", "")
        return anthropic_results.read_message(response.content, custom_id=request.custom_id, request_id=request_id)


def _options(key: str, url: str, endpoint: Endpoint) -> dict[str, Any]:
    """No retries (each would be paid for), and no tracing (essays would be in it)."""
    timeout = connections.timeout(endpoint)
    return {"api_key": key, "base_url": url, "max_retries": 0, "timeout": timeout, "open_telemetry": False}


def _batch_body(path: Path) -> Iterator[bytes]:
    r"""The lines of the file as one JSON array: JSON has no raw b"\n" of its own, so each becomes a comma."""
    left = path.stat().st_size - 1  # without the last b"\n"
    yield _HEAD
    for block in lines.blocks(path):
        yield block[:left].replace(b"\n", b",")
        left -= len(block)
    yield _TAIL


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (anthropic.AnthropicError, httpx2.HTTPError, msgspec.MsgspecError, UnicodeError) as exc:
        raise as_error(_failure(exc)) from exc


def _failure(exc: Exception) -> Failure:
    if isinstance(exc, anthropic.APIStatusError):
        return Failure(
            message=words(exc.api_message or exc.message),
            status=exc.status_code,
            codes=(exc.error_code or "", exc.type or ""),
            request_id=words(exc.request_id or ""),
            retry_after=retry_after(exc.response.headers),
        )
    if isinstance(exc, anthropic.APIResponseValidationError | msgspec.MsgspecError | UnicodeError):
        return Failure(message=words(f"The answer cannot be read: {exc}"), lost="unreadable_answer")
    return no_answer(exc)


def _no_results(batch: anthropic_results.Batch) -> ProviderError:
    if batch.archived_at:
        message = f"The results of {batch.id} are gone: Anthropic keeps them for 29 days."
        return ProviderError(message, accepted=None, transient=False, code="results_gone")
    message = f"{batch.id} has no results yet ({batch.processing_status})."
    return ProviderError(message, accepted=None, transient=True, code="results_not_ready")


def _foreign_results(batch: anthropic_results.Batch) -> ProviderError:
    message = f"The results of {batch.id} are said to be on another host than the account's; they are not fetched."
    return ProviderError(words(message), accepted=None, transient=False, code="foreign_results_url")
