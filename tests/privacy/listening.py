"""A relay in front of the local provider that remembers every byte it was sent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from batches.pipeline import account
from tests.local_provider.conftest import Server

DROPPED = {"content-length", "transfer-encoding", "connection", "content-encoding", "accept-encoding"}


class Listener:
    """What was sent, in order, and the relay's own address."""

    def __init__(self, upstream: str) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.quoting = False  # refuse everything, and quote the key in doing so
        listener, http = self, httpx2.Client(base_url=upstream, timeout=60, trust_env=False)

        class Relay(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = _body(self)
                listener.requests.append((f"{self.command} {self.path}", str(self.headers), body))
                if listener.quoting:
                    return self.refuse()
                headers = {key: value for key, value in self.headers.items() if key.lower() not in DROPPED}
                answer = http.request(self.command, self.path, content=body, headers=headers)
                self.send_response(answer.status_code)
                for key, value in answer.headers.items():
                    if key.lower() not in DROPPED:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def refuse(self) -> None:
                key = self.headers.get("x-api-key") or self.headers.get("Authorization", "")
                error = {"type": "authentication_error", "message": f"Incorrect API key provided: {key}.", "code": key}
                content = json.dumps({"type": "error", "error": error}).encode()
                self.send_response(401, f"no {key}")
                self.send_header("Content-Type", "application/json")
                self.send_header("request-id", key)
                self.send_header("x-request-id", key)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def heard(self) -> str:
        """Every request, as text; escapes of JSON undone."""
        bodies = [body.decode("utf-8", "replace") for _, _, body in self.requests]
        heads = [head + headers for head, headers, _ in self.requests]
        text = "\n".join([*heads, *bodies])
        return text + "\n".join(_unescaped(body) for body in bodies)

    def unheard(self, *words: str) -> None:
        heard = self.heard()
        for word in words:
            assert word not in heard, word


def _unescaped(body: str) -> str:
    return body.encode("ascii", "backslashreplace").decode("unicode_escape", "replace") if "\\u" in body else ""


def _body(relay: BaseHTTPRequestHandler) -> bytes:
    if relay.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return relay.rfile.read(int(relay.headers.get("Content-Length") or 0))
    body = b""
    while size := int(relay.rfile.readline().strip() or b"0", 16):
        body += relay.rfile.read(size)
        relay.rfile.readline()
    relay.rfile.readline()
    return body


@pytest.fixture
def listener(provider: Server, settings: Any) -> Iterator[Listener]:
    listening = Listener(provider.url)
    settings.LOCAL_PROVIDER_URL = listening.url
    account._open.cache_clear()
    yield listening
    listening.server.shutdown()
    account._open.cache_clear()
