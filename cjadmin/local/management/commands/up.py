"""One command -> the whole system on one machine, until Ctrl-C."""

import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cjadmin.local import programs, readiness
from cjadmin.local.errors import ServiceError
from cjadmin.local.processes import Processes, until_told_to_stop
from cjadmin.local.stack import services


class Command(BaseCommand):
    help = "Start what is missing (PostgreSQL, Valkey, the local provider), the web server, workers and the scheduler."
    requires_system_checks = ()  # after the services: some checks look into the database

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="default: the first free one from 8000 on")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--workers", type=int, default=2)
        parser.add_argument("--stack-only", action="store_true", help="only the services, for commands in other shells")

    def handle(self, *, port: int | None, host: str, workers: int, stack_only: bool, **_: Any) -> None:
        with until_told_to_stop():
            try:
                self._run(port, host, workers, stack_only)
            except ServiceError as error:
                self.stderr.write(str(error))
                sys.exit(error.exit_code)
        self.say("Stopped.")

    def _run(self, port: int | None, host: str, workers: int, stack_only: bool) -> None:
        free = 0 if stack_only else programs.free_port(host, port)
        with services() as started:
            self.say(f"Started: {', '.join(started) or 'nothing, all services were given'}")
            login = readiness.prepare_database()
            self.check(fail_level=40)
            if stack_only:
                self.say("Services are up; Ctrl-C stops them.")
                wait_for_signal()
            with Processes(programs.everything(host=host, port=free, workers=workers), self.say):
                readiness.wait_for_port(host, free)
                self.say(f"The admin is at http://{host}:{free}/admin/ and Ctrl-C stops everything.")
                if login:
                    self.say(login)
                wait_for_signal()

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def wait_for_signal() -> None:
    while True:
        signal.pause()
