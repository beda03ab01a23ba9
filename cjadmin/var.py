"""Environment -> where this checkout keeps its data, and how its services are reached when none are given."""

import hashlib
import os
import re
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SOCKET_PATH_LIMIT = 100  # a unix socket's path may have 107 bytes; PostgreSQL adds its own file name
PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.+~-]+")  # means the same in a libpq host, a redis URL and a configuration file


def var_dir() -> Path:
    """The folder for data that must survive a restart: CJ_VAR, else `var` in this checkout."""
    return Path(os.environ.get("CJ_VAR") or BASE_DIR / "var").resolve()


def socket_dir() -> Path:
    """Where the sockets of embedded services live: beside their data, or in /tmp when that path is too long or has
    characters that some client would read as something else. Never TMPDIR: it may differ from shell to shell."""
    var = var_dir()
    if len(str(var / "valkey" / "valkey.sock")) < SOCKET_PATH_LIMIT and PLAIN_PATH.fullmatch(str(var)):
        return var
    name = f"cjadmin-{hashlib.sha256(os.fsencode(var)).hexdigest()[:12]}"
    # a name that others can guess: the folders in it are entered only where they are ours and closed to others
    return Path("/tmp") / name  # noqa: S108  # nosec B108


def postgres_socket() -> Path:
    """The folder that holds the embedded PostgreSQL's socket."""
    return socket_dir() / "pg"


def valkey_socket() -> Path:
    return socket_dir() / "valkey" / "valkey.sock"


def local_provider_url_file() -> Path:
    """The file in which a running local provider leaves its URL."""
    return var_dir() / "local_provider" / "url"
