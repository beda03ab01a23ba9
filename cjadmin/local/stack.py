"""This checkout -> its services: starts what nobody gave us, stops it again, and lets only one process do so."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cjadmin import var
from cjadmin.local.errors import AlreadyRunningError
from cjadmin.local.postgres import Postgres
from cjadmin.local.valkey import Valkey

DATABASE = "cjadmin"


@contextmanager
def services() -> Iterator[list[str]]:
    """PostgreSQL where DATABASE_URL names none, Valkey where REDIS_URL names none; yields what was started.

    Raises AlreadyRunningError where another process of this checkout keeps them, ServiceError where one does not start.
    """
    with only_one(var.var_dir()), ExitStack() as running:
        started = []
        if not os.environ.get("REDIS_URL"):
            valkey = Valkey(folder=var.var_dir() / "valkey", socket=var.valkey_socket())
            running.callback(valkey.stop)
            valkey.start()
            started.append("Valkey")
        if not os.environ.get("DATABASE_URL"):
            postgres = Postgres(folder=var.var_dir() / "pg", socket=var.postgres_socket())
            running.callback(postgres.stop)
            postgres.start()
            postgres.create_database(DATABASE)
            started.append("PostgreSQL")
        yield started


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold this folder's lock. The kernel lets go of it when the process ends, in whatever way."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "services.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunningError(
                f"Process {lock.read().strip()} already runs the services of this checkout: use them, or stop it first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
