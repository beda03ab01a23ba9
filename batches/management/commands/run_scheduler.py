"""Time -> bells: rings the workers whenever the database has something due. Callbacks leave from here as well."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, connection

from batches import tasks
from batches.management.commands.relay_callbacks import stop_signal
from batches.management.shell import FAILED, ShellCommand
from batches.pipeline import relay
from batches.pipeline.refused import Refused

log = logging.getLogger(__name__)
ERASE_EVERY = 600.0  # seconds between two looks at what is kept no longer
PATIENCE = 5  # seconds that the relay has to come to an end; what it has not marked by then leaves once more


class Command(ShellCommand):
    help = "Ring the workers whenever something is due, and relay callbacks. Any number may run."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")

    def handle(self, *args: Any, every: float, **options: Any) -> None:
        stopped = stop_signal()
        with relaying(stopped):
            looked_at = -ERASE_EVERY
            while not stopped.wait(every):
                try:
                    if time.monotonic() - looked_at > ERASE_EVERY:
                        looked_at = time.monotonic()
                        tasks.ask_erase()
                    if tasks.anything_due():
                        tasks.ring()
                except OperationalError as problem:
                    self.stderr.write(f"database away: {problem}")
                    connection.close()


@contextmanager
def relaying(stopped: threading.Event) -> Iterator[None]:
    """A relay beside this thread: a slow broker holds up neither the bells nor a worker. Its death ends the command."""
    died: list[Exception] = []

    def run() -> None:
        try:
            relay.forever(stopped)
        except Refused as problem:  # the bells ring on
            log.error("no relay problem=%s", problem)
        except Exception as problem:
            log.exception("relay died")
            died.append(problem)
            stopped.set()

    thread = threading.Thread(target=run, name="relay", daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)
    if died:
        raise CommandError(f"The relay of callbacks died: {died[0]}", returncode=FAILED)
