"""A broker that goes away in the middle of collecting, and relays that are killed while it is gone: what arrived?"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from django.db import connection

from batches.models import Callback, Relay
from batches.pipeline import relay
from cjadmin.local.broker import Broker
from cjadmin.var import BASE_DIR
from tests.kafka import Received, received
from tests.pipeline.conftest import hurry, one_pass
from tests.pipeline.outbox import TOPIC

ROUNDS = 3  # let go while the broker is away
PROGRAM = """
import os, sys
import django; django.setup()
from batches.pipeline import relay
relay.LEASE, relay.RENEW, relay.LONGEST_REST = 2, 0.5, 1
from django.core.management import call_command
for _ in range(int(sys.argv[1])):
    if not os.fork():
        call_command("relay_callbacks", "--forever")
        os._exit(0)
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
"""


class Relays:
    """`relay_callbacks --forever` in processes of their own, on the test's database."""

    def __init__(self, servers: str, n: int) -> None:
        database = connection.settings_dict
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "cjadmin.settings",
            "DATABASE_URL": f"postgres://postgres@/{database['NAME']}?host={database['HOST']}",
            "CJ_CALLBACK_SINK": "kafka",
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "KAFKA_OPTIONS": '{"message.timeout.ms": 2000}',
        }
        program = [sys.executable, "-c", PROGRAM, str(n)]
        self._parent = subprocess.Popen(program, cwd=BASE_DIR, env=environment, start_new_session=True)
        self.killed: set[int] = set()

    def kill_the_one_at_it(self) -> None:
        """kill -9 the relay that holds the lease, if one holds it at this moment."""
        holder = Relay.objects.values_list("holder", flat=True).first() or ""
        pid = int(holder.rpartition(":")[2] or 0)
        if pid and pid not in self.killed:
            with suppress(ProcessLookupError):
                assert os.getsid(pid) == self._parent.pid, "one of ours"
                os.kill(pid, signal.SIGKILL)
                self.killed.add(pid)

    def stop(self) -> None:
        os.killpg(self._parent.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._parent.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(self._parent.pid, signal.SIGKILL)
        self._parent.wait()


@contextmanager
def relays(servers: str, n: int) -> Iterator[Relays]:
    running = Relays(servers, n)
    try:
        yield running
    finally:
        running.stop()


@dataclass
class Collected:
    """What collecting did while the broker was away, and how long each of its passes took then."""

    passes: list[float] = field(default_factory=list)
    resolved: int = 0


def collect_while_the_broker_is_away(
    broker: Broker, running: Relays, let_more_go: Callable[[], None], *, seconds: float, kills: int
) -> Collected:
    """The broker goes once something has arrived, for so many seconds; relays die, and collecting goes on."""
    told = Collected()
    let_more_go()
    wait_until(lambda: timed_pass(told) and delivered())
    broker.go_away()
    told.passes.clear()
    before, gone, planned = Callback.objects.count(), time.monotonic(), 0
    while (away := time.monotonic() - gone) < seconds or len(running.killed) < kills or not told.resolved:
        if away >= planned * seconds / ROUNDS:
            planned += 1
            let_more_go()
        timed_pass(told)
        told.resolved = Callback.objects.count() - before
        if len(running.killed) < kills and away > seconds * (len(running.killed) + 1) / (kills + 2):
            running.kill_the_one_at_it()
        assert away < seconds + 120, "no relay ever held the lease"
    broker.come_back()
    return told


def delivered() -> bool:
    return Callback.objects.filter(delivered_at__isnull=False).exists()


def timed_pass(told: Collected) -> bool:
    """One pass of the pipeline in this process, as a worker would do it."""
    begun = time.perf_counter()
    hurry()
    one_pass()
    told.passes.append(time.perf_counter() - begun)
    time.sleep(0.1)
    return True


def wait_until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def everything_arrived(broker: Broker) -> list[Received]:
    """Wait until nothing waits any more; all messages, repeats included."""
    wait_until(lambda: not relay.lag().waiting)
    return received(broker.servers, TOPIC)
