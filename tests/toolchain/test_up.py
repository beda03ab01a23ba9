"""`manage.py up`: what it refuses, what it starts, and that it leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.contrib.auth import get_user_model

from cjadmin.local import programs, readiness
from cjadmin.local.errors import RefusedError

ROOT = Path(__file__).resolve().parent.parent.parent
GIVEN = ("REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "CJ_TEST_VAR")


def environ(folder: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in GIVEN} | {"CJ_VAR": str(folder)}


@contextmanager
def up(folder: Path, *options: str):
    command = [sys.executable, "manage.py", "up", *options]
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ(folder), stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process, output
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def wait_for_line(output: Path, text: str, seconds: float = 180) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for line in output.read_text().splitlines():
            if text in line:
                return line
        time.sleep(0.1)
    raise AssertionError(output.read_text())


def test_a_port_in_use_is_refused_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, env=environ(tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Port {port} is in use: stop what uses it, or name another with --port.\n"
    assert not (tmp_path / "pg").exists()


def test_without_a_wish_the_next_free_port_is_taken(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(programs, "FIRST_PORT", port)
        assert programs.free_port("127.0.0.1", None) > port
        monkeypatch.setattr(programs, "PORTS_TO_TRY", 1)
        with pytest.raises(RefusedError, match="name one with --port"):
            programs.free_port("127.0.0.1", None)


@pytest.mark.timeout(400)
def test_it_starts_the_services_says_so_and_stops_them(tmp_path):
    with up(tmp_path, "--stack-only") as (process, output):
        wait_for_line(output, "Services are up")
        second = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=environ(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr.startswith(f"Process {process.pid} already runs the services of this checkout")
        assert second.stderr.count("\n") == 1
        children = process_tree(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    assert not any(child.is_running() for child in children)


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_up(tmp_path, sign):
    with up(tmp_path) as (process, output):
        url = wait_for_line(output, "The admin is at").split()[4]
        assert wait_for_line(output, "Login: admin / admin")
        assert urllib.request.urlopen(f"{url}login/", timeout=30).status == 200
        children = process_tree(process)
        assert len(children) >= 7
        process.send_signal(sign)
        assert process.wait(60) == (0 if sign != signal.SIGKILL else -signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_killed_web_server_comes_back(tmp_path):
    with up(tmp_path) as (process, output):
        url = wait_for_line(output, "The admin is at").split()[4]
        web = next(
            child for child in process_tree(process) if child.ppid() == process.pid and "gunicorn" in child.cmdline()
        )
        web.kill()
        wait_for_line(output, "web ended by itself (SIGKILL)")
        deadline = time.monotonic() + 60
        while True:
            try:
                assert urllib.request.urlopen(f"{url}login/", timeout=30).status == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)


def process_tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.django_db
def test_the_demo_login_is_made_only_where_there_is_no_user_and_debug_is_on(settings):
    settings.DEBUG = False
    assert not readiness.make_demo_login()
    settings.DEBUG = True
    assert readiness.make_demo_login()
    assert not readiness.make_demo_login()
    assert [user.username for user in get_user_model().objects.all()] == ["admin"]


def test_programs_are_one_scheduler_and_as_many_workers_as_wished(settings, tmp_path):
    settings.LOCAL_PROVIDER = False
    commands = programs.everything(host="127.0.0.1", port=1, workers=3)
    assert list(commands) == ["worker-1", "worker-2", "worker-3", "scheduler", "web"]
    settings.LOCAL_PROVIDER, settings.LOCAL_PROVIDER_URL = True, ""
    settings.LOCAL_PROVIDER_URL_FILE = tmp_path / "url"
    settings.LOCAL_PROVIDER_URL_FILE.write_text("http://127.0.0.1:1")
    assert "provider" in programs.everything(host="127.0.0.1", port=1, workers=1)
    assert not settings.LOCAL_PROVIDER_URL_FILE.exists()  # it named a server of an earlier run
