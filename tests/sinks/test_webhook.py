"""Messages as POST requests: signed, several at a time, and never anywhere else than where they were meant to go."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest

from batches.models import Callback, Relay
from batches.pipeline import relay
from batches.sinks import signature
from batches.sinks.base import Message
from batches.sinks.webhook import WebhookSink
from tests.pipeline.conftest import cj  # noqa: F401
from tests.pipeline.outbox import write_callbacks

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 40


def test_the_signature_is_that_of_the_specifications_example():
    headers = signature.headers(
        signature.keys(SECRET),
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", SECRET.removeprefix("whsec_"), "é"])
def test_a_secret_that_protects_nothing_is_refused_in_a_sentence(secret):
    with pytest.raises(ValueError, match="webhook secret is"):
        signature.keys(secret)


class Receiver:
    """Somebody else's web server: what it was sent, and how it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer: Any = lambda body: (204, {})
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver._lock:
                    receiver.at_once += 1
                    receiver.most_at_once = max(receiver.at_once, receiver.most_at_once)
                status, headers = receiver.answer(body)
                with receiver._lock:
                    receiver.at_once -= 1
                    receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                for name, value in ({"content-length": "0"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture
def sink(receiver) -> Iterator[WebhookSink]:
    sink = WebhookSink(receiver.url, SECRET, timeout=5)
    yield sink
    sink.close()


def message(number: int = 1) -> Message:
    body = json.dumps({"number": number, "text": "“Ü”"}, ensure_ascii=False).encode()
    return Message(id=number, event_id=f"event-{number}", topic="cj.comparison_result.v1", key=str(number), body=body)


def delivered(sink: WebhookSink, *messages: Message) -> dict[int, str]:
    """Id -> error of all that were tried."""
    return {report.id: report.error for reports in sink.deliver(messages) for report in reports}


def test_a_receiver_can_verify_it_with_an_implementation_that_is_not_ours(receiver, sink):
    assert delivered(sink, message()) == {1: ""}
    [(headers, body)] = receiver.requests
    assert body == message().body
    assert (headers["webhook-id"], headers["content-type"]) == ("event-1", "application/json")
    assert headers["cj-topic"] == "cj.comparison_result.v1"
    verifier = openai.OpenAI(api_key="none").webhooks
    verifier.verify_signature(body, headers, secret=SECRET)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        verifier.verify_signature(body + b" ", headers, secret=SECRET)


def test_while_one_secret_replaces_the_other_both_verify(receiver):
    sink = WebhookSink(receiver.url, f"{OTHER} {SECRET}")
    delivered(sink, message())
    sink.close()
    [(headers, body)] = receiver.requests
    for secret in (SECRET, OTHER):
        openai.OpenAI(api_key="none").webhooks.verify_signature(body, headers, secret=secret)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver, sink, status):
    receiver.answer = lambda body: (status, {"location": f"{receiver.url}/elsewhere"})
    assert "redirects are not followed" in delivered(sink, message())[1]
    assert len(receiver.requests) == 1


def test_several_are_under_way_at_once(receiver, sink):
    together = threading.Barrier(8)
    receiver.answer = lambda body: (together.wait(30) * 0 + 200, {})
    assert set(delivered(sink, *map(message, range(16))).values()) == {""}
    assert receiver.most_at_once == 8


def test_a_receiver_that_is_gone_is_not_asked_a_thousand_times():
    sink = WebhookSink("http://127.0.0.1:9/hook", SECRET)
    tried = delivered(sink, *map(message, range(1000)))
    sink.close()
    assert 8 <= len(tried) < 20
    assert all("refused" in error for error in tried.values())


def test_one_that_hangs_is_not_waited_for_longer_than_the_time_limit(receiver):
    over = threading.Event()
    receiver.answer = lambda body: (200 + 0 * over.wait(60), {})
    sink = WebhookSink(receiver.url, SECRET, timeout=0.2)
    assert "Timeout" in delivered(sink, message())[1]
    over.set()
    sink.close()


@pytest.fixture
def hooked(receiver, settings, cj) -> Iterator[WebhookSink]:  # noqa: F811
    """Callbacks leave for the receiver."""
    settings.WEBHOOK_URL, settings.WEBHOOK_SECRET = receiver.url, SECRET
    cj(callback_sink="webhook")
    sink = relay.sink()
    assert isinstance(sink, WebhookSink)
    yield sink
    sink.close()


@pytest.mark.django_db
def test_the_same_messages_leave_in_order_for_each_comparison(receiver, hooked):
    rows = write_callbacks(5, revisions=3)
    assert relay.relay(hooked).delivered == 15
    assert sorted(receiver.bodies, key=lambda body: (body["revision"], body["comparison_id"])) == [
        row.payload for row in rows
    ]
    order = [body["revision"] for body in receiver.bodies if body["comparison_id"] == rows[0].comparison_id]
    assert order == [1, 2, 3]
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {str(row.event_id) for row in rows}


@pytest.mark.django_db
def test_one_that_is_refused_waits_and_the_others_go_on(receiver, hooked):
    first, *_ = write_callbacks(4, revisions=2)
    receiver.answer = lambda body: (422 if json.loads(body)["event_id"] == str(first.event_id) else 200, {})
    assert relay.relay(hooked).delivered == 6
    first.refresh_from_db()
    assert (first.last_error, first.tries) == ("answered 422", 1)
    receiver.answer = lambda body: (200, {})
    Callback.objects.update(next_try_at=None)
    assert relay.relay(hooked).delivered == 2


@pytest.mark.django_db
def test_a_receiver_that_asks_for_time_gets_it(receiver, hooked):
    write_callbacks(2)
    receiver.answer = lambda body: (503, {"retry-after": "1800"})
    begun = time.time()
    relay.relay(hooked)
    from batches.pipeline import pace

    rest = (Relay.objects.get().next_try_at - pace.now()).total_seconds()
    assert 1800 - (time.time() - begun) - 1 <= rest <= 1800
