"""Messages -> POST requests to one URL, signed, several at a time. Redirects are not followed."""

import time
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import httpx2

from batches.sinks import signature
from batches.sinks.base import HEARTBEAT, Message, Report

IN_FLIGHT = 8
TIMEOUT = 10.0  # seconds for the whole answer
MOST_READ = 65_536  # bytes of an answer that are read, so that its connection can be used again
OWN_FAULT = {400, 413, 415, 422}
LONGEST_REST = 3600.0


class WebhookSink:
    """A client for one URL. An answer of 2xx is a delivery; anything else is not."""

    def __init__(self, url: str, secrets: str, *, in_flight: int = IN_FLIGHT, timeout: float = TIMEOUT) -> None:
        self._url, self._keys = url, signature.keys(secrets)
        self._in_flight, self._timeout = in_flight, timeout
        limits = httpx2.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
        self._http = httpx2.Client(timeout=timeout, follow_redirects=False, limits=limits)

    def deliver(self, messages: Sequence[Message]) -> Generator[list[Report]]:
        """See Sink. It gives up on the rest once as many tries in a row as may be in flight found nobody."""
        pool = ThreadPoolExecutor(self._in_flight)
        waiting: set[Future[Report]] = set()
        rest = iter(messages)
        in_vain = 0
        try:
            while True:
                while len(waiting) < self._in_flight and in_vain < self._in_flight and (message := next(rest, None)):
                    waiting.add(pool.submit(self._post, message))
                if not waiting:
                    return
                done, waiting = wait(waiting, HEARTBEAT, FIRST_COMPLETED)
                reports = [future.result() for future in done]
                for report in reports:
                    in_vain = in_vain + 1 if report.error and not report.own_fault else 0
                yield reports
        finally:
            pool.shutdown(cancel_futures=True)

    def _post(self, message: Message) -> Report:
        now = int(time.time())
        signed = signature.headers(self._keys, event_id=message.event_id, timestamp=now, body=message.body)
        extra = {"content-type": "application/json", "user-agent": "cjadmin", "cj-topic": message.topic}
        try:
            with self._http.stream("POST", self._url, content=message.body, headers=signed | extra) as answer:
                self._read(answer)
                return _report(message.id, answer)
        except httpx2.HTTPError as problem:
            return Report(id=message.id, error=f"{type(problem).__name__}: {problem}")

    def _read(self, answer: httpx2.Response) -> None:
        """Read an answer to its end, unless it is long or slow."""
        until, size = time.monotonic() + self._timeout, 0
        for part in answer.iter_raw():
            size += len(part)
            if size > MOST_READ or time.monotonic() > until:
                return

    def close(self) -> None:
        self._http.close()


def _report(id: int, answer: httpx2.Response) -> Report:
    if answer.is_success:
        return Report(id=id)
    error = f"answered {answer.status_code}"
    if answer.is_redirect:
        error += ", and redirects are not followed: set CJ_WEBHOOK_URL to the final address"
    return Report(
        id=id,
        error=error,
        own_fault=answer.status_code in OWN_FAULT,
        retry_after=_seconds(answer.headers.get("retry-after", "")),
    )


def _seconds(text: str) -> float | None:
    return min(float(text), LONGEST_REST) if text.isascii() and text.isdigit() else None
