"""Commands kept running: started again when they end, stopped together, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cjadmin.local import processes
from cjadmin.local.processes import Processes

ROOT = Path(__file__).resolve().parent.parent.parent
FOREVER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
PARENT = """
import subprocess, sys, time
from cjadmin.local.leash import leashed
child = subprocess.Popen(leashed([sys.executable, "-c", "import time; time.sleep(600)"]))
print(child.pid, flush=True)
time.sleep(600)
"""


def wait_until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def counting(path: Path) -> list[str]:
    """A command that notes each of its starts, and ends at once."""
    return ["/bin/sh", "-c", f"echo start >> {path}; exit 3"]


def count_starts(folder: Path) -> int:
    starts = folder / "starts"
    return len(starts.read_text().split()) if starts.exists() else 0


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_what_ends_by_itself_is_started_again(tmp_path):
    said: list[str] = []
    with Processes({"short": counting(tmp_path / "starts")}, said.append):
        wait_until(lambda: count_starts(tmp_path) >= 2)
    assert "short ended by itself (exit code 3): starting it again in 1 s" in said


def test_all_are_stopped_on_exit_and_none_is_started_again():
    before = set(psutil.Process().children(recursive=True))
    with Processes({"one": FOREVER, "two": FOREVER}, print):
        wait_until(lambda: len(set(psutil.Process().children(recursive=True)) - before) >= 2)
        started = set(psutil.Process().children(recursive=True)) - before
    assert not any(process.is_running() for process in started)


def test_what_does_not_stop_in_time_is_killed(monkeypatch):
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)
    said: list[str] = []
    with Processes({"stubborn": STUBBORN}, said.append):
        wait_until(lambda: any("deaf" in line for line in said))
    assert "stubborn does not stop: ending it" in said


def test_children_that_outlive_their_parent_are_ended_at_the_end(tmp_path):
    script = f"sleep 600 & echo $! > {tmp_path / 'orphan'}; trap 'exit 0' TERM; wait"
    with Processes({"parent": ["/bin/sh", "-c", script]}, print):
        wait_until(lambda: (tmp_path / "orphan").exists() and (tmp_path / "orphan").read_text().strip())
        orphan = psutil.Process(int((tmp_path / "orphan").read_text()))
    wait_until(lambda: has_ended(orphan), seconds=2)


def test_a_command_is_started_again_though_a_child_of_it_lives_on(tmp_path):
    """A killed worker leaves the process that runs its job, which holds the worker's output open."""
    script = f"echo start >> {tmp_path / 'starts'}; sleep 600 & exit 9"
    with Processes({"parent": ["/bin/sh", "-c", script]}, print):
        wait_until(lambda: count_starts(tmp_path) >= 2)


def test_output_is_passed_on_with_the_name_in_front():
    said: list[str] = []
    with Processes({"talker": ["/bin/sh", "-c", "echo hello; exec sleep 600"]}, said.append):
        wait_until(lambda: said)
    assert said[0] == "talker    | hello"


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is a request to Linux")
def test_a_leashed_command_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        wait_until(lambda: "time.sleep" in " ".join(child.cmdline()) and "leash" not in " ".join(child.cmdline()))
        os.kill(parent.pid, signal.SIGKILL)
        wait_until(lambda: has_ended(child))
