"""The provider verbs on OpenAI's SDK, the only module that imports it: the Batch API and single chat completions."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import httpx2
import msgspec
import openai

from batches.providers import connections, lines, openai_requests, openai_results
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

NAME = "openai"
KEY_VARIABLE, URL_VARIABLE = "OPENAI_API_KEY", "OPENAI_BASE_URL"
DEFAULT_URL = "https://api.openai.com/v1"
COMPLETION_WINDOW: Final = "24h"
CALLS_PATH: Final = "/chat/completions"
FIND_SLACK = timedelta(hours=1)
_PAGE = 100


class OpenAIProvider:
    """One account at OpenAI. Only completions and batches cost money; neither is ever sent twice from here."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        http_client: httpx2.Client | None = None,
        async_http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._key = connections.require_key(endpoint, name="OpenAI", variable=KEY_VARIABLE)
        self._url = connections.resolve_url(endpoint, variable=URL_VARIABLE, default=DEFAULT_URL)
        self._endpoint = endpoint
        self._http = http_client
        self._async_http = async_http_client

    @cached_property
    def _client(self) -> openai.OpenAI:
        http = self._http or openai.DefaultHttpxClient(**connections.sync_options(self._url, self._endpoint))
        return openai.OpenAI(http_client=http, **_options(self._key, self._url, self._endpoint))

    def open_calls(self) -> "OpenAICalls":
        return OpenAICalls(self._key, self._url, self._endpoint, http_client=self._async_http)

    def payload_bytes(self, requests: Iterable[Request]) -> Iterator[bytes]:
        r"""The lines of the input file, each with its b"\n"."""
        return map(self.line, requests)

    def line(self, request: Request) -> bytes:
        return openai_requests.line(request, find(NAME, request.model))

    def blocks(self, parts: Iterable[Part]) -> bytes:
        return openai_requests.blocks(parts)

    def watermark(self) -> str:
        return ""

    def upload(self, path: Path, *, name: str) -> str:
        """Stream the file to the provider. Trying again may leave a second copy, which costs nothing and expires."""

        def once() -> str:
            with _errors(), path.open("rb") as file:
                create = self._client.files.with_raw_response.create
                answer = create(file=(name, file, "application/jsonl"), purpose="batch")
                return str(msgspec.json.decode(answer.http_response.content, type=dict[str, Any]).get("id") or "")

        file_id = connections.patiently(once)
        if not file_id:
            raise as_error(Failure(message="The upload was answered without a file id.", lost="unreadable_answer"))
        return file_id

    def submit(self, path: Path, *, n: int, input_file_id: str, metadata: dict[str, str]) -> Submission:
        """The one POST that makes the uploaded file a batch."""
        with _errors():
            answer = self._client.with_options(max_retries=0).batches.with_raw_response.create(
                input_file_id=input_file_id,
                endpoint=openai_requests.ENDPOINT,
                completion_window=COMPLETION_WINDOW,
                metadata=metadata,
            )
            batch = msgspec.json.decode(answer.http_response.content, type=openai_results.Batch)
        progress = openai_results.progress(batch)
        return Submission(provider_batch_id=batch.id, input_file_id=input_file_id, expires_at=progress.expires_at)

    def poll(self, provider_batch_id: str) -> Progress:
        batch = self._free(lambda: self._batches.retrieve(provider_batch_id).http_response, openai_results.Batch)
        return openai_results.progress(batch)

    def download(self, progress: Progress, directory: Path) -> list[ResultFile]:
        """Both files: a batch in which every request failed has an error file only."""
        files = ((FileKind.OUTPUT, progress.output_file_id), (FileKind.ERROR, progress.error_file_id))
        name = progress.provider_batch_id
        return [lines.store(self._chunks(each), directory, name=name, kind=kind) for kind, each in files if each]

    def read_results(self, path: Path, kind: FileKind) -> Iterator[Result]:
        return lines.read_lines(path, openai_results.read_line)

    def results(self, progress: Progress) -> Iterator[Result]:
        with TemporaryDirectory(prefix="cj-results-") as directory:
            for file in self.download(progress, Path(directory)):
                yield from self.read_results(file.path, file.kind)

    def cancel(self, provider_batch_id: str) -> Progress:
        """Ask it to stop. One that has ended already is not an error: its state says so."""
        try:
            batch = self._free(lambda: self._batches.cancel(provider_batch_id).http_response, openai_results.Batch)
            return openai_results.progress(batch)
        except ProviderError as exc:
            if exc.code not in ("invalid_request", "conflict"):
                raise
            return self.poll(provider_batch_id)

    def find(self, *, nonce: str, watermark: str, n: int, input_file_id: str, since: str) -> list[Progress]:
        """Batches that carry the nonce or were made from the input file, oldest first."""
        found = [each for each in self._since(since) if _is_ours(each, nonce=nonce, input_file_id=input_file_id)]
        return sorted(found, key=lambda each: each.created_at)

    def recent(self, since: str) -> Iterator[Progress]:
        return self._since(since)

    def delete_files(self, progress: Progress) -> None:
        """Delete the input, output and error file; those that are gone already are fine."""
        for file_id in filter(None, (progress.input_file_id, progress.output_file_id, progress.error_file_id)):
            self._delete(file_id)

    def count_tokens(self, request: Request) -> int:
        params = openai_requests.count_body(request)
        count = self._client.responses.input_tokens.with_raw_response.count
        return int(self._free(lambda: count(**params).http_response, dict[str, Any])["input_tokens"])

    def check_model(self, model: str) -> dict[str, Any]:
        """{"id", "lifecycle", "retires_on", "capabilities"} as far as the API tells: it names a shutdown date only."""
        found = self._free(lambda: self._client.models.with_raw_response.retrieve(model).http_response, dict[str, Any])
        retires_on = (found.get("shutdown_date") or "")[:10]
        lifecycle = "deprecated" if retires_on else "active"
        return {"id": found.get("id", ""), "lifecycle": lifecycle, "retires_on": retires_on, "capabilities": {}}

    @property
    def _batches(self) -> Any:
        return self._client.batches.with_raw_response

    def _free[T](self, call: Callable[[], httpx2.Response], type: type[T]) -> T:
        """A call that costs nothing, its answer decoded."""

        def once() -> T:
            with _errors():
                return msgspec.json.decode(call().content, type=type)

        return connections.patiently(once)

    def _since(self, since: str) -> Iterator[Progress]:
        """Newest first, until one is too old."""
        query: dict[str, Any] = {}
        while True:
            page = self._free(
                lambda query=query: self._batches.list(limit=_PAGE, **query).http_response,  # type: ignore[misc]
                openai_results.BatchPage,
            )
            for progress in map(openai_results.progress, page.data):
                if connections.before(progress.created_at, since, FIND_SLACK):
                    return
                yield progress
            if not page.has_more or not page.data or query.get("after") == page.data[-1].id:
                return
            query = {"after": page.data[-1].id}

    def _delete(self, file_id: str) -> None:
        try:
            self._free(lambda: self._client.files.with_raw_response.delete(file_id).http_response, dict)
        except ProviderError as exc:
            if exc.code != "not_found":
                raise

    def _chunks(self, file_id: str) -> Iterator[bytes]:
        with _errors(file_id), self._client.files.with_streaming_response.content(file_id) as streamed:
            yield from lines.whole(streamed.http_response)


class OpenAICalls:
    """Many single completions in flight over one pool of connections."""

    def __init__(
        self, key: str, url: str, endpoint: Endpoint, *, http_client: httpx2.AsyncClient | None = None
    ) -> None:
        self._key, self._url, self._endpoint, self._http = key, url, endpoint, http_client

    async def __aenter__(self) -> Self:
        http = self._http or openai.DefaultAioHttpClient(**connections.async_options(self._url, self._endpoint))
        self._client = openai.AsyncOpenAI(http_client=http, **_options(self._key, self._url, self._endpoint))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.close()

    async def complete(self, request: Request) -> Result:
        content = encode(openai_requests.body(request, find(NAME, request.model)))
        headers = connections.json_headers(self._url, request.custom_id)
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                response = await self._client.post(
                    CALLS_PATH, cast_to=httpx2.Response, content=content, options={"headers": headers}
                )
        except (openai.OpenAIError, httpx2.HTTPError, TimeoutError) as exc:
            return as_result(_failure(exc), request.custom_id)
        request_id = response.headers.get("x-request-id", "")
        return openai_results.read_completion(response.content, custom_id=request.custom_id, request_id=request_id)


def _options(key: str, url: str, endpoint: Endpoint) -> dict[str, Any]:
    """No retries: each would be paid for."""
    return {"api_key": key, "base_url": url, "max_retries": 0, "timeout": connections.timeout(endpoint)}


def _is_ours(progress: Progress, *, nonce: str, input_file_id: str) -> bool:
    return bool((nonce and progress.nonce == nonce) or (input_file_id and progress.input_file_id == input_file_id))


@contextmanager
def _errors(file_id: str = "") -> Iterator[None]:
    """SDK exceptions -> ProviderError; a result file that is not found any more is past its 30 days."""
    try:
        yield
    except (openai.OpenAIError, httpx2.HTTPError, msgspec.MsgspecError, UnicodeError) as exc:
        error = as_error(_failure(exc))
        if file_id and error.code == "not_found":
            error.code = "results_gone"
        raise error from exc


def _failure(exc: Exception) -> Failure:
    if isinstance(exc, openai.APIStatusError):
        return Failure(
            message=words(_message(exc)),
            status=exc.status_code,
            codes=(str(exc.code or ""), str(exc.type or "")),
            request_id=words(exc.request_id or ""),
            retry_after=retry_after(exc.response.headers),
        )
    if isinstance(exc, openai.APIResponseValidationError | msgspec.MsgspecError | UnicodeError):
        return Failure(message=words(f"The answer cannot be read: {exc}"), lost="unreadable_answer")
    return no_answer(exc)


def _message(exc: openai.APIStatusError) -> str:
    """The provider's own sentence; the SDK's repeats the whole body."""
    told = exc.body.get("message") if isinstance(exc.body, dict) else None
    return told if isinstance(told, str) else exc.message


class Unbelievable(Exception):
    """A webhook that OpenAI did not sign, or signed too long ago."""


def ended_batch(body: bytes, headers: Mapping[str, str], *, secrets: str) -> str:
    """The batch that a webhook says has ended, "" where it tells of something else; Unbelievable. Several secrets may
    be in force while one replaces the other."""
    for secret in secrets.split():
        try:
            event = _webhooks().unwrap(body, headers, secret=secret)
        except (ValueError, TypeError, RecursionError):  # a bad signature, no header, strange bytes
            continue
        kind, data = getattr(event, "type", ""), getattr(event, "data", None)
        return str(getattr(data, "id", "")) if kind in BATCH_EVENTS else ""
    raise Unbelievable


BATCH_EVENTS = ("batch.completed", "batch.failed", "batch.expired", "batch.cancelled")


@cache
def _webhooks() -> Any:
    """The SDK's own reader of webhooks. It asks nobody, so it needs no key."""
    return openai.OpenAI(api_key="none", base_url=DEFAULT_URL, max_retries=0).webhooks
