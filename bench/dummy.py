"""A port -> the leanest provider there can be: it answers every POST alike, after 30 ms, and checks nothing.

For comparisons of clients only, where both sides speak to it; it takes as little of the processor as asyncio allows.
"""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LATENCY = 0.03
ANSWER = json.dumps({"justification": "Essay A argues more clearly. " * 6, "winner": "A", "confidence": 3})
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": ANSWER}], "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 1800, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
              "output_tokens": 80},
}  # fmt: skip
BODY = json.dumps(MESSAGE).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_1\r\ncontent-length: %d\r\n\r\n"
RESPONSE = HEAD % len(BODY) + BODY
LENGTH = b"content-length:"


class Dummy(asyncio.Protocol):
    """One connection, kept alive."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, ended, body = self.received.partition(b"\r\n\r\n")
        if ended and len(body) >= _length(head):
            self.received = body[_length(head) :]
            asyncio.get_running_loop().call_later(LATENCY, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(RESPONSE)  # type: ignore[attr-defined]


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(LENGTH)
    return int(lowered[start + len(LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Dummy, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running() -> Iterator[str]:
    """Its URL, for as long as the context lasts."""
    with subprocess.Popen([sys.executable, "-m", "bench.dummy"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a connection for each call in flight
    asyncio.run(serve())
