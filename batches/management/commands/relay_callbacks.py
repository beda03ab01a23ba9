"""Callbacks that wait -> Kafka or the webhook."""

import signal
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser

from batches.conf import cj_settings, sink_in_force
from batches.management.shell import NOT_FINISHED, ShellCommand
from batches.numbers import counted
from batches.pipeline import relay
from batches.pipeline.refused import Refused

NO_ADDRESS = {
    "kafka": "Callbacks are off: CJ_CALLBACK_SINK is kafka, so set KAFKA_BOOTSTRAP_SERVERS.",
    "webhook": "Callbacks are off: CJ_CALLBACK_SINK is webhook, so set CJ_WEBHOOK_URL and CJ_WEBHOOK_SECRET.",
}


class Command(ShellCommand):
    help = "Deliver the callbacks that wait, in order for each key. Any number may run; one of them is at it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--forever", action="store_true", help="go on until stopped; the scheduler does so too")

    def handle(self, *args: Any, forever: bool, **options: Any) -> None:
        if sink_in_force() == "none":
            return self._off()
        if forever:
            return relay.forever(stop_signal())
        way_out = relay.sink()
        assert way_out is not None  # noqa: S101  a sink is in force
        passed = relay.relay(way_out, patient=False)
        way_out.close()
        relay.prune()
        lag = relay.lag()
        self.stdout.write(f"{counted(passed.delivered, 'callback')} delivered, {lag.waiting} wait.")
        if lag.waiting:
            raise CommandError(why_waiting(passed, lag), returncode=NOT_FINISHED)

    def _off(self) -> None:
        if why := NO_ADDRESS.get(cj_settings.callback_sink):
            raise Refused(why)
        self.stdout.write("Callbacks are off: CJ_CALLBACK_SINK is none.")


def why_waiting(passed: relay.Passed, lag: relay.Lag) -> str:
    if passed.elsewhere:
        return "Another relay is at it."
    return f"{lag.failing} were tried in vain: see Callbacks in the admin for the error. They are tried again."


def stop_signal() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    return stopped
