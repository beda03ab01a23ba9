"""A preloaded parent -> forked workers that run the pipeline's own loop, and can be killed, stopped and replaced."""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing import RawArray
from pathlib import Path
from typing import NoReturn

from django.db import DatabaseError, InterfaceError, connections

from cjadmin.local.leash import end_with

kept: list[object] = []  # the parent's connections, so that no child closes them
Hook = Callable[[str], None]


class Crew:
    """So many workers at a time."""

    def __init__(self, size: int, *, log: Path, prepare: Callable[[], None] | None = None, hook: Hook | None = None):
        self.log, self.prepare, self.hook = log, prepare, hook
        self.pids = [self._fork() for _ in range(size)]
        self.kills = self.pauses = self.deaths = 0

    def _fork(self) -> int:
        pid = os.fork()
        if pid == 0:
            _child(self.log, self.prepare, self.hook)
        return pid

    def kill(self, rng: random.Random) -> None:
        """kill -9 of one of them, and another in its place."""
        place = rng.randrange(len(self.pids))
        os.kill(self.pids[place], signal.SIGKILL)
        os.waitpid(self.pids[place], 0)
        self.pids[place] = self._fork()
        self.kills += 1

    def pause(self, rng: random.Random, seconds: float) -> None:
        """Stop one of them as a machine that swaps or a debugger would, and let it go on where it was."""
        pid = rng.choice(self.pids)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
        self.pauses += 1

    def tend(self) -> None:
        """Replace those that have died by themselves; wake those that sleep on purpose elsewhere."""
        for place, pid in enumerate(self.pids):
            ended, _ = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.deaths += 1
                self.pids[place] = self._fork()

    def end(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids = []


def _child(log: Path, prepare: Callable[[], None] | None, hook: Hook | None) -> NoReturn:
    try:
        begin()
        if prepare is not None:
            prepare()
        if hook is not None:
            from batches.pipeline import crashes

            crashes.on_reached = hook
        work(log)
    finally:
        os._exit(1)


def begin() -> None:
    """Make a fork a process of its own: its own connections, default signals."""
    end_with(os.getppid(), signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for connection in connections.all(initialized_only=True):
        kept.append(connection.connection)
        connection.connection = None
        connection.in_atomic_block = False
    random.seed(os.getpid())


def work(log: Path) -> NoReturn:
    """What the RQ workers do all day, without RQ: open what waits, take the steps that are due."""
    from batches import tasks

    while True:
        try:
            busy = tasks.work_here()
        except (DatabaseError, InterfaceError) as problem:
            if not _is_outage(problem):
                _note(log)
            for connection in connections.all(initialized_only=True):
                connection.close()
            busy = False
        except Exception:
            _note(log)
            busy = False
        if not busy:
            time.sleep(0.02)


def _is_outage(problem: Exception) -> bool:
    from django.db import IntegrityError, OperationalError

    return isinstance(problem, OperationalError | InterfaceError) and not isinstance(problem, IntegrityError)


def _note(log: Path) -> None:
    """An exception that no worker should have seen."""
    with log.open("a") as file:
        traceback.print_exc(file=file)
        file.write("----\n")
        sys.stderr.flush()


class Counter:
    """A number that forks share."""

    def __init__(self) -> None:
        self._cell = RawArray("i", 1)

    @property
    def value(self) -> int:
        return int(self._cell[0])

    def add(self) -> None:
        self._cell[0] += 1


def die_at(label: str, times: int, count: Counter) -> Hook:
    """A hook that kills its process at the first so many visits to a label."""

    def hook(reached: str) -> None:
        if reached == label and count.value < times:
            count.add()
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def sleep_at(label: str, times: int, count: Counter, seconds: float) -> Hook:
    """A hook that stops its process at the first so many visits to a label; a small helper lets it go on."""

    def hook(reached: str) -> None:
        if reached == label and count.value < times:
            count.add()
            pid = os.getpid()
            if os.fork() == 0:
                try:
                    time.sleep(seconds)
                    os.kill(pid, signal.SIGCONT)
                finally:
                    os._exit(0)  # whatever happens: it must never go on as a second worker
            os.kill(pid, signal.SIGSTOP)

    return hook
