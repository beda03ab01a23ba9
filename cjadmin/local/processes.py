"""Command lines -> processes that are kept running, until all of them are stopped together."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import IO, Self

import psutil

from cjadmin.local.leash import leashed

STOP_SECONDS = 20  # a worker finishes the job in its hands
LONG_ENOUGH = 60  # seconds a process must have run for its end not to count as one failure more
LONGEST_PAUSE = 30


class Process:
    """One command, started again whenever it ends."""

    def __init__(self, name: str, command: Sequence[str], say: Callable[[str], None]):
        self.name = name
        self._command = list(command)
        self._say = say
        self._stopping = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._sessions: list[int] = []
        self._thread = threading.Thread(target=self._keep_running, name=name)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def wait_until_stopped(self, deadline: float) -> None:
        """Wait until `deadline`; then end it, and whatever it left behind, the hard way."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            self._say(f"{self.name} does not stop: ending it")
            self._signal(signal.SIGKILL)
        for session in self._sessions:
            end_session(session)
        self._thread.join()

    def _keep_running(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._run_once()
            failures = failures + 1 if time.monotonic() - started < LONG_ENOUGH else 1
            if not self._stopping.is_set():
                pause = min(2 ** (failures - 1), LONGEST_PAUSE)
                self._say(f"{self.name} ended by itself ({outcome(code)}): starting it again in {pause} s")
                self._stopping.wait(pause)

    def _run_once(self) -> int:
        self._child = subprocess.Popen(
            leashed(self._command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is for us: we stop them in order
        )
        self._sessions.append(self._child.pid)
        if self._stopping.is_set():  # asked in the moment of starting
            self._signal(signal.SIGTERM)
        threading.Thread(target=self._relay, args=[self._child.stdout], daemon=True).start()
        return self._child.wait()

    def _relay(self, output: IO[str]) -> None:
        """Pass its output on. Beside the wait: a child of its own may hold the pipe open after it ended."""
        with output:
            for line in output:
                self._say(f"{self.name:<9} | {line.rstrip()}")

    def _signal(self, sign: signal.Signals) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(sign)


class Processes:
    """Several commands as a context: all started on entry, all stopped on exit."""

    def __init__(self, commands: Mapping[str, Sequence[str]], say: Callable[[str], None]):
        self._processes = [Process(name, command, say) for name, command in commands.items()]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes:
            process.ask_to_stop()
        for process in self._processes:
            process.wait_until_stopped(deadline)


def outcome(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def end_session(session: int) -> None:
    """Kill what is left of a session: a worker's child that survived its worker, for example."""
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


@contextmanager
def until_told_to_stop() -> Iterator[None]:
    """Run the body until Ctrl-C or SIGTERM, and let it clean up in peace: later signals change nothing."""

    def stop(sign: int, frame: FrameType | None) -> None:
        for each in signs:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    signs = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, stop) for each in signs}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
