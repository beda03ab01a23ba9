"""A preloaded parent -> forked workers that run the pipeline's own loop, and can be killed, stopped and replaced."""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import RawArray
from pathlib import Path
from typing import NoReturn

from django.db import DatabaseError, InterfaceError, connections

from cjadmin.local.leash import end_with

kept: list[object] = []  # the parent's connections, so that no child closes them
Hook = Callable[[str], None]
rounds: dict[str, Callable[[], None]] = {}  # in a worker: what to do before each look for work


class Crew:
    """So many workers at a time."""

    def __init__(self, size: int, *, log: Path, prepare: Callable[[], None] | None = None, hook: Hook | None = None):
        self.log, self.prepare, self.hook = log, prepare, hook
        self.visits = Counter()
        self.pids = [self._fork() for _ in range(size)]
        self.kills = self.pauses = self.deaths = 0

    def _fork(self) -> int:
        pid = os.fork()
        if pid == 0:
            _child(self.log, self.prepare, self._reached)
        return pid

    def _reached(self, label: str) -> None:
        self.visits.add()
        if self.hook is not None:
            self.hook(label)

    def wait_for_visits(self, n: int, *, seconds: float) -> None:
        """Until the workers have passed so many more crash points, or so long: they may have nothing to do."""
        enough, deadline = self.visits.value + n, time.monotonic() + seconds
        while self.visits.value < enough and time.monotonic() < deadline:
            time.sleep(0.002)

    def kill(self, rng: random.Random) -> None:
        """kill -9 of one of them, and another in its place."""
        place = rng.randrange(len(self.pids))
        os.kill(self.pids[place], signal.SIGKILL)
        os.waitpid(self.pids[place], 0)
        self.pids[place] = self._fork()
        self.kills += 1

    def pause(self, rng: random.Random, seconds: float) -> None:
        """Stop half of them as a machine that swaps or a debugger would, and let them go on where they were."""
        stopped = rng.sample(self.pids, len(self.pids) // 2)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        self.pauses += len(stopped)

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


def _child(log: Path, prepare: Callable[[], None] | None, hook: Hook) -> NoReturn:
    from batches.pipeline import crashes

    try:
        begin()
        if prepare is not None:
            prepare()
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
        for note in rounds.values():
            note()
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


def die_at(deaths: dict[str, Counter], times: int) -> Hook:
    """A hook that kills its process at the first so many visits to each of these labels."""

    def hook(reached: str) -> None:
        count = deaths.get(reached)
        if count is not None and count.value < times:
            count.add()
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


class Sleepers:
    """Workers that are stopped at a label and go on only when they are woken: zombies, however fast the machine is."""

    def __init__(self, label: str, most: int) -> None:
        self.label, self.most = label, most
        self.count = Counter()
        self._pids, self._back = RawArray("i", most), RawArray("i", most)
        self._woken = False

    def hook(self, reached: str) -> None:
        place = self.count.value
        if reached != self.label or place >= self.most or os.getpid() in self._pids:
            return
        self.count.add()
        self._pids[place] = os.getpid()
        rounds[reached] = lambda: self._back.__setitem__(place, 1)
        os.kill(os.getpid(), signal.SIGSTOP)

    def wake(self) -> None:
        self._woken = True
        for pid in filter(None, self._pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @property
    def back_at_work(self) -> bool:
        """Whether each that slept has finished the step in which it was stopped."""
        return self._woken and all(back for pid, back in zip(self._pids, self._back, strict=True) if pid)
