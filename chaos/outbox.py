"""Workers that also empty the outbox, into a file -> is every callback there, whoever died on the way?"""

import time
from collections.abc import Generator, Sequence
from pathlib import Path

from batches.models import Callback
from batches.sinks.base import Message, Report
from chaos.checker import Found


class FileSink:
    """Takes every message, in small handfuls: one line with its event_id is the delivery."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def deliver(self, messages: Sequence[Message]) -> Generator[list[Report]]:
        for message in messages:
            with self.path.open("a") as file:
                file.write(f"{message.event_id}\n")
            yield [Report(id=message.id)]

    def close(self) -> None:
        return None


def relay_in_workers(path: Path) -> None:
    """Have every worker empty the outbox each time it looks for work."""
    from batches import tasks
    from batches.pipeline import relay

    relay.LEASE, relay.RENEW = 1.0, 0.2
    work_here, sink = tasks.work_here, FileSink(path)

    def work() -> bool:
        relay.relay(sink)
        time.sleep(0.01)
        return work_here()

    tasks.work_here = work


def emptied() -> bool:
    return not Callback.objects.filter(delivered_at=None).exists()


def check(path: Path) -> Found:
    """Lost: a callback that no line of the file is about."""
    found, lines = Found(), path.read_text().splitlines()
    for event_id in Callback.objects.values_list("event_id", flat=True):
        if str(event_id) not in lines:
            found.add("callback lost", event_id)
    found.counts["callbacks delivered again"] += len(lines) - len(set(lines))
    return found
