"""The migrations -> a database of which every worker's own is a copy, made anew only where they have changed.

Running them takes ten times as long as copying what they made. It stays in the data folder of the run.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
import psycopg
from psycopg import sql

from cjadmin.var import BASE_DIR

PREFIX = "migrated_"
BEGUN = "migrating"  # half of one must not look whole


def template(database: dict[str, Any], folder: Path) -> str:
    """The name of the database to copy, on the server of this one; workers wait for whoever makes it."""
    name = PREFIX + _fingerprint()
    with (folder / "template.lock").open("w") as lock, _connection(database) as server:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = [row[0] for row in server.execute("SELECT datname FROM pg_database")]
        if name not in known:
            for old in known:
                if old == BEGUN or old.startswith(PREFIX):
                    server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(BEGUN)))
            _migrate(database)
            both = sql.Identifier(BEGUN), sql.Identifier(name)
            server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*both))
    return name


def _fingerprint() -> str:
    """Of everything that decides what the migrations make."""
    found = hashlib.sha256(django.__version__.encode())
    for path in sorted((BASE_DIR / "batches" / "migrations").glob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _connection(database: dict[str, Any]) -> psycopg.Connection:
    return psycopg.connect(host=database["HOST"], user=database["USER"], dbname="postgres", autocommit=True)


def _migrate(database: dict[str, Any]) -> None:
    """In a process of its own, so that nothing here has ever been connected to what is copied."""
    url = f"postgres://{database['USER']}@/{BEGUN}?host={database['HOST']}"
    environ = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "cjadmin.settings_test"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=BASE_DIR, env=environ, check=True)
