"""Options -> the command lines of everything that runs while the system is up."""

import socket
import sys
from collections.abc import Sequence
from contextlib import closing

from django.conf import settings

from cjadmin.local.errors import RefusedError

FIRST_PORT = 8000
PORTS_TO_TRY = 100
FAST_PROVIDER = ("--latency", "0.03", "--batch-seconds", "2")  # nobody wants to wait a day for a demonstration
MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))


def web(host: str, port: int) -> list[str]:
    options = ["--bind", f"{host}:{port}", "--workers", "2", "--threads", "4"]
    options += ["--graceful-timeout", "5", "--no-control-socket", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", "cjadmin.wsgi", "--chdir", str(settings.BASE_DIR), *options]


def background(workers: int) -> dict[str, Sequence[str]]:
    """The workers and the scheduler; exactly one scheduler, however many workers."""
    work = (*MANAGE, "rqworker", *settings.QUEUES, "--verbosity", "0")
    return {f"worker-{number}": work for number in range(1, workers + 1)} | {"scheduler": (*MANAGE, "run_scheduler")}


def local_provider() -> list[str]:
    """The local provider on a port that stays the same when it is started again: its result URLs name it."""
    url_file = settings.LOCAL_PROVIDER_URL_FILE
    url_file.parent.mkdir(parents=True, exist_ok=True)
    url_file.unlink(missing_ok=True)  # of an earlier run: nobody answers there
    place = ["--dir", str(url_file.parent), "--port", str(any_free_port()), "--url-file", str(url_file)]
    return [sys.executable, "-m", "cjadmin.local.provider", *place, *FAST_PROVIDER]


def everything(*, host: str, port: int, workers: int) -> dict[str, Sequence[str]]:
    commands: dict[str, Sequence[str]] = {}
    if settings.LOCAL_PROVIDER and not settings.LOCAL_PROVIDER_URL:
        commands["provider"] = local_provider()
    return commands | background(workers) | {"web": web(host, port)}


def free_port(host: str, wanted: int | None) -> int:
    """The wanted port, which must be free; without one the first free port from 8000 on."""
    if wanted is not None:
        if not is_free(host, wanted):
            raise RefusedError(f"Port {wanted} is in use: stop what uses it, or name another with --port.")
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TO_TRY):
        if is_free(host, port):
            return port
    raise RefusedError(f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS_TO_TRY - 1} is free: name one with --port.")


def is_free(host: str, port: int) -> bool:
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the web server will
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
