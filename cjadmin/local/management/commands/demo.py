"""The bundled essays -> a ranked scale and an admin to look around in, without a key and at no cost."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from batches.models import Assessment, Callback, Comparison, Round
from batches.pipeline import relay
from cjadmin.local import programs, readiness
from cjadmin.local.broker import Broker, broker
from cjadmin.local.environment import restart_without_keys
from cjadmin.local.errors import ServiceError
from cjadmin.local.management.commands.up import wait_for_signal
from cjadmin.local.processes import Processes, until_told_to_stop
from cjadmin.local.stack import services

HOST = "127.0.0.1"
SLUG = "demo"
ROUNDS = 10
CALLBACKS_WITHIN = 10  # seconds
FOLDER = settings.BASE_DIR / "demo"
OPTIONS = {
    "assessment": SLUG,
    "title": "Demo",
    "project": "Demo",
    "judge": "anthropic:claude-haiku-4-5-20251001",
    "rubric": FOLDER / "rubric.md",
    "instructions": FOLDER / "instructions.txt",
}


class Command(BaseCommand):
    help = "Judge the bundled essays with the local provider, print the scale, and serve the admin until Ctrl-C."
    requires_system_checks = ()  # after the services: some checks look into the database

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--exit", action="store_true", help="end after printing the scale")

    def handle(self, *, exit: bool, **_: Any) -> None:
        restart_without_keys(CJ_POLL_INTERVAL_MIN="1", CJ_CALLBACK_SINK="kafka")
        with until_told_to_stop():
            try:
                self._run(serve=not exit)
            except ServiceError as error:
                self.stderr.write(str(error))
                sys.exit(error.exit_code)

    def _run(self, *, serve: bool) -> None:
        port = programs.free_port(HOST, None) if serve else 0
        with services(), log_file() as log, broker() as kafka:
            tell(kafka)
            login = readiness.prepare_database()
            self.check(fail_level=40)
            rounds = missing_rounds()
            if rounds is None:
                self.say(f"Judged before; here is the scale again. (To start anew, remove {settings.VAR}.)")
            if rounds is not None or serve:
                commands = programs.everything(host=HOST, port=port, workers=2)
                with Processes(commands if serve else without_web(commands), log):
                    self._judge(rounds)
                    if serve:
                        self._serve(port, login, kafka)
                    else:
                        self._tell_of_callbacks()
            else:
                call_command("scale", SLUG)

    def _judge(self, rounds: int | None) -> None:
        """Plan so many rounds, judge them and print the scale; None is nothing left to judge."""
        if not Assessment.objects.filter(slug=SLUG).exists():
            call_command("load_essays", str(FOLDER / "essays.csv"), **OPTIONS)
        if rounds is not None:
            readiness.wait_for_workers()
            call_command("judge", SLUG, rounds=rounds, wait=True)
        call_command("scale", SLUG)
        connections.close_all()

    def _tell_of_callbacks(self) -> None:
        """How many callbacks have left by now, waiting a little for the last of them."""
        deadline = time.monotonic() + CALLBACKS_WITHIN
        while (lag := relay.lag()).waiting and time.monotonic() < deadline:
            time.sleep(0.1)
        delivered = Callback.objects.filter(delivered_at__isnull=False).count()
        connections.close_all()
        self.say(f"\nCallbacks: {delivered} have left for Kafka, {lag.waiting} wait.")

    def _serve(self, port: int, login: str, kafka: Broker) -> None:
        self._tell_of_callbacks()
        consumer = settings.BASE_DIR / "docs" / "callbacks" / "consumer.py"
        self.say(f"To read them: {sys.executable} {consumer} {kafka.servers} {settings.VAR / 'winners.sqlite3'}")
        readiness.wait_for_port(HOST, port)
        self.say(f"\nThe admin is at http://{HOST}:{port}/admin/ and Ctrl-C stops everything.")
        self.say(login or f"Login: as you left it ({readiness.DEMO_LOGIN} / {readiness.DEMO_LOGIN} on a new machine)")
        self.say(f"What the workers say is in {settings.VAR / 'demo.log'}.")
        wait_for_signal()

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def missing_rounds() -> int | None:
    """How many rounds of the demo are still to be planned; None when all are planned and resolved."""
    rounds = Round.objects.filter(assessment__slug=SLUG, purpose=Round.Purpose.SCALE)
    unresolved = Comparison.objects.filter(
        round__in=rounds, status__in=[Comparison.Status.PENDING, Comparison.Status.IN_FLIGHT]
    )
    missing = max(0, ROUNDS - rounds.count())
    return missing if missing or unresolved.exists() else None


def tell(kafka: Broker) -> None:
    """Let this process and those that it starts send callbacks to the broker inside it."""
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = settings.KAFKA_BOOTSTRAP_SERVERS = kafka.servers


def without_web(commands: dict[str, Any]) -> dict[str, Any]:
    return {name: command for name, command in commands.items() if name != "web"}


@contextmanager
def log_file() -> Iterator[Callable[[str], None]]:
    """Where the processes' output goes: the progress display has the screen."""
    with (settings.VAR / "demo.log").open("w", encoding="utf-8") as file:

        def write(line: str) -> None:
            file.write(f"{line}\n")
            file.flush()

        yield write
