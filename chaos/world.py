"""A folder -> PostgreSQL, Valkey and a local provider of the harness's own, and clocks that run much faster."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "chaos"
FAST = {  # cj_settings, in seconds where they are times; finer than people may set them
    "poll_interval_min": 0.05,
    "poll_interval_max": 0.2,
    "call_timeout": 1.5,
    "settle_time": 1.2,  # with the time-out: more than a crowded machine keeps a request or a process waiting
    "batch_chunk_requests": 8,
    "sync_in_flight": 4,
    "max_attempts": 10,
    "delete_provider_files": False,  # the checker reads them
    "callback_sink": "kafka",  # so that the outbox is written; nothing listens at its address
}
LEASE, MARGIN = 1.5, 0.7


@dataclass(frozen=True, kw_only=True)
class World:
    """What the harness breaks, and the handles to break it by."""

    folder: Path
    provider_process: subprocess.Popen[bytes]
    http: httpx2.Client

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/control/{path}", json=body)
        if answer.status_code != 200:
            raise RuntimeError(f"control {path}: {answer.text}")
        return answer.json()

    @property
    def provider_folder(self) -> Path:
        return self.folder / "provider"

    def ledger(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self.control("GET", f"ledger?limit=10000&after={after}")
            rows += page["rows"]
            if page["next_after"] is None:
                return rows
            after = page["next_after"]

    def crash_postgres(self) -> None:
        """What `pg_ctl stop -m immediate` does: no checkpoint, no farewell; then start it again."""
        server = _postgres()
        postmaster = server._postmaster()
        if postmaster is not None:
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(30)
        server.start()


def _postgres() -> Any:
    from cjadmin import var
    from cjadmin.local.postgres import Postgres

    return Postgres(folder=var.var_dir() / "pg", socket=var.postgres_socket())


@contextmanager
def world(folder: Path = FOLDER) -> Iterator[World]:
    """Start everything, with Django set up and its tables made; end it again."""
    os.environ["CJ_VAR"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cjadmin.settings")
    os.environ["CJ_LOCAL_PROVIDER"] = "1"
    os.environ["CJ_CANARIES_PER_ROUND"] = "0"  # scenarios count comparisons; known pairs are comparisons like others
    os.environ["LOG_LEVEL"] = "CRITICAL"
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:9"
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    from cjadmin.local.stack import services

    folder.mkdir(parents=True, exist_ok=True)
    _own_temporary(folder / "tmp")
    with services(), _provider(folder / "provider") as (process, url):
        _set_up_django(url)
        with httpx2.Client(base_url=url, timeout=60, trust_env=False) as http:
            yield World(folder=folder, provider_process=process, http=http)


def _own_temporary(folder: Path) -> None:
    """Whoever is killed leaves its temporary files behind: here, where the next run removes them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tempfile.tempdir = str(folder)


@contextmanager
def _provider(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    from cjadmin.local.leash import leashed

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "cjadmin.local.provider", "--dir", str(folder), "--latency", "0"]
    command += ["--batch-seconds", "0.2"]
    with (folder / "stderr").open("wb") as log:  # it says much of clients that are killed while they speak
        process = subprocess.Popen(leashed(command), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "url").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the local provider does not start")
            time.sleep(0.05)
        yield process, (folder / "url").read_text()
    finally:
        process.terminate()
        process.wait(10)


def _set_up_django(url: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.LOCAL_PROVIDER_URL = url
    call_command("migrate", verbosity=0, interactive=False)
    hurry()


def hurry() -> None:
    """Turn every clock of the pipeline faster, in this process and all that are forked from it."""
    import datetime
    from importlib import import_module

    from django.utils import timezone

    from batches.conf import cj_settings
    from batches.pipeline import calls, pace, retry
    from batches.providers import connections
    from batches.providers.choose import PROVIDERS

    cj_settings.forget()
    for key, value in FAST.items():
        cj_settings.values[key] = (value, "chaos")
    pace.LEASE, pace.MARGIN, pace.RENEW = LEASE, MARGIN, 0.2
    pace.BUSY, pace.CLOSED, pace.LOOK, pace.FETCH = 0.05, 0.1, 0.1, 0.01
    pace.RESULTS = 1.0
    pace.FIRST_PAUSE, pace.LONGEST_PAUSE = 0.05, 0.2
    calls.RENEW, calls.GATHER = 0.2, 0.01
    connections._LONGEST_WAIT = 0.0
    for table in (retry.BY_REASON, retry.BY_OUTCOME):
        for key, policy in table.items():
            table[key] = retry.Policy(counts=policy.counts, most=policy.most, wait=0, hold=policy.hold)
    timezone.localdate = lambda *a, **k: datetime.date(2026, 11, 22)  # so that no model's retirement stops the harness
    for module, _ in PROVIDERS.values():
        import_module(module)


def fresh_clients() -> None:
    """Make the SDKs' clients anew, once for all forks: one that had a connection open would be shared by them."""
    from batches.models import ProviderAccount
    from batches.pipeline import account

    account._open.cache_clear()
    for name in ("anthropic", "openai"):
        account.provider_of(ProviderAccount(provider=name, is_local=True))._client  # noqa: B018  made by being asked for
