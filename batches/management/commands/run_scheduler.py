"""Time -> bells: rings the workers whenever the database has something due."""

import signal
import threading
from typing import Any

from django.core.management.base import CommandParser
from django.db import OperationalError, connection

from batches import tasks
from batches.management.shell import ShellCommand


class Command(ShellCommand):
    help = "Ring the workers whenever something is due. Any number may run; what is due stands in the database."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")

    def handle(self, *args: Any, every: float, **options: Any) -> None:
        stopped = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stopped.set())
        while not stopped.wait(every):
            try:
                if tasks.anything_due():
                    tasks.ring()
            except OperationalError as problem:
                self.stderr.write(f"database away: {problem}")
                connection.close()
