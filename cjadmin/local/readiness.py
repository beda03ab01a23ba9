"""A system just started -> one that can be used: tables, a first login, a web server and a provider that answer."""

import socket
import time
from collections.abc import Callable
from contextlib import closing

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections

from batches import tasks
from cjadmin.local.errors import ServiceError

DEMO_LOGIN = "admin"
WAIT_SECONDS = 60


def prepare_database() -> str:
    """Migrate, and make the demo login on a new database; returns what to tell the person."""
    call_command("migrate", verbosity=0, interactive=False)
    if not settings.DEBUG:
        call_command("collectstatic", verbosity=0, interactive=False)
    made = make_demo_login()
    connections.close_all()
    return (
        f"Login: {DEMO_LOGIN} / {DEMO_LOGIN} (a demo login: change it before anyone else can reach this)"
        if made
        else ""
    )


def make_demo_login() -> bool:
    """Make admin/admin, only where DEBUG is on and there is no user at all."""
    users = get_user_model().objects
    if not settings.DEBUG or users.exists():
        return False
    users.create_superuser(DEMO_LOGIN, "admin@example.com", DEMO_LOGIN)
    return True


def wait_for_port(host: str, port: int) -> None:
    """Wait until the web server takes connections."""

    def answers() -> bool:
        with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
            return probe.connect_ex((host, port)) == 0

    wait_until(answers, f"The web server did not answer on port {port}")


def wait_for_workers() -> None:
    """Wait until a worker takes jobs, and the local provider, where one was started, has said where it is."""
    wait_until(tasks.workers_alive, "No worker started")
    if settings.LOCAL_PROVIDER and not settings.LOCAL_PROVIDER_URL:
        wait_until(settings.LOCAL_PROVIDER_URL_FILE.exists, "The local provider did not start")


def wait_until(condition: Callable[[], bool], trouble: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"{trouble} within {WAIT_SECONDS} s; its own messages say why.")
        time.sleep(0.1)
