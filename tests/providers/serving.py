"""A provider played by a function (MockTransport) or by a bare socket that breaks the connection on purpose."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from batches.providers.anthropic import AnthropicProvider
from batches.providers.base import Endpoint, Request, Result
from batches.providers.openai import OpenAIProvider
from tests.providers.asking import ENDPOINT

Answer = Callable[[httpx2.Request], httpx2.Response]


class Played:
    """Answers by (method, path) and remembers what was asked. A list is answered one by one, its last one for ever."""

    def __init__(self, routes: dict[tuple[str, str], Any]) -> None:
        self.routes = routes
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        answer = self.routes[request.method, request.url.path]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        answer = answer(request) if callable(answer) else answer
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)

    def asked(self, method: str) -> list[httpx2.Request]:
        return [request for request in self.requests if request.method == method]

    def anthropic(self, endpoint: Endpoint = ENDPOINT) -> AnthropicProvider:
        return AnthropicProvider(endpoint, **self._clients())

    def openai(self, endpoint: Endpoint = ENDPOINT) -> OpenAIProvider:
        return OpenAIProvider(endpoint, **self._clients())

    def _clients(self) -> dict[str, Any]:
        transport = httpx2.MockTransport(self)
        return {
            "http_client": httpx2.Client(transport=transport),
            "async_http_client": httpx2.AsyncClient(transport=transport),
        }


def complete(provider: AnthropicProvider | OpenAIProvider, request: Request) -> Result:
    async def once() -> Result:
        async with provider.open_calls() as calls:
            return await calls.complete(request)

    return asyncio.run(once())


def http(status: int, body: Any, **headers: str) -> bytes:
    """A whole HTTP answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}", "content-type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + content


class Breaking:
    """A server that reads whole requests, counts them, and then answers, hangs, closes or resets."""

    def __init__(self, answer: bytes | str) -> None:
        self.answer = answer
        self.posts = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._done = threading.Event()

    def serve(self) -> None:
        while not self._done.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            if not _read_request(connection):
                return
            self.posts += 1
            if self.answer == "hang":
                self._done.wait(10)
            elif self.answer == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif isinstance(self.answer, bytes):
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        self._done.set()
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the one that accepts
        self._socket.close()


def _read_request(connection: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    named = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(named[0].split(b":")[1]) - len(body)
    while left > 0 and (more := connection.recv(65536)):
        left -= len(more)
    return left <= 0


@contextmanager
def breaking(answer: bytes | str) -> Iterator[Breaking]:
    server = Breaking(answer)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(1)
