"""One pytest run -> PostgreSQL and Valkey for it alone, started once and shared by its workers.

A plugin (`-p tests.services`), not a conftest: settings are read before any conftest is. Runs at the same time in one
checkout take folders of their own: var/test, var/test-2, ...
"""

import atexit
import os
from contextlib import ExitStack
from itertools import count

import pytest

from cjadmin import var
from cjadmin.local.environment import drop_keys
from cjadmin.local.errors import AlreadyRunningError
from cjadmin.local.stack import services

running = ExitStack()
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    drop_keys()
    if WORKER:
        os.environ["REDIS_URL"] = own_valkey_database(os.environ["REDIS_URL"], int(WORKER.removeprefix("gw")) + 1)
    else:
        start_services()
        os.environ.setdefault("REDIS_URL", f"unix://{var.valkey_socket()}")


def pytest_unconfigure() -> None:
    running.close()


def start_services() -> None:
    """Start them in the first folder that no other run uses."""
    atexit.register(running.close)
    for number in count(1):
        os.environ["CJ_VAR"] = os.environ["CJ_TEST_VAR"] = str(
            var.BASE_DIR / "var" / f"test-{number}".removesuffix("-1")
        )
        try:
            running.enter_context(services())
        except AlreadyRunningError:
            continue
        return


def own_valkey_database(url: str, number: int) -> str:
    """The same server, but a numbered database: workers must not see each other's queues."""
    return f"{url.split('?', 1)[0]}?db={number}"
