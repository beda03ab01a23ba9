"""The embedded services: what they keep, whom they let in, and where their sockets are."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from cjadmin import var
from cjadmin.local.errors import AlreadyRunningError, ServiceError
from cjadmin.local.folders import private_dir
from cjadmin.local.postgres import Postgres
from cjadmin.local.stack import services

ROOT = Path(__file__).resolve().parent.parent.parent
KEEPER = """
import sys, time
from cjadmin.local.stack import services
with services():
    print("up", flush=True)
    time.sleep(600)
"""


def temporary_folder() -> Path:
    """pytest's own folders have names too long for a socket."""
    path = Path(tempfile.mkdtemp(prefix="cj-", dir="/tmp"))
    path.chmod(0o711)
    return path


@pytest.fixture(scope="module")
def initialised():
    """A data folder that has seen its first start."""
    path = temporary_folder()
    Postgres(folder=path / "pg", socket=path / "pg").initialise()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def new_folder(monkeypatch):
    """A data folder of its own, with no services given from outside."""
    path = temporary_folder()
    monkeypatch.setenv("CJ_VAR", str(path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(new_folder, initialised):
    subprocess.run(["cp", "-a", str(initialised / "pg"), str(new_folder)], check=True)
    return new_folder


def query(statement: str, *values: object) -> list[tuple]:
    with psycopg.connect(
        host=str(var.postgres_socket()), user="postgres", dbname="cjadmin", autocommit=True
    ) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def valkey() -> redis.Redis:
    return redis.Redis(unix_socket_path=str(var.valkey_socket()))


@contextmanager
def keeper():
    """Another process that keeps the services of this folder."""
    process = subprocess.Popen([sys.executable, "-c", KEEPER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def write_something() -> None:
    query("CREATE TABLE kept (n int)")
    query("INSERT INTO kept SELECT generate_series(1, 1000)")
    valkey().set("kept", "yes")


def servers_of(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] in {"postgres", "valkey-server"}
        and str(process.info["cwd"] or "").startswith(str(folder))
    ]


def wait_until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_data_survives_a_restart_and_nothing_is_left_running(folder):
    with services() as started:
        assert started == ["Valkey", "PostgreSQL"]
        write_something()
    assert servers_of(folder) == []
    with services():
        assert query("SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]
        assert valkey().get("kept") == b"yes"


def test_data_survives_the_sudden_death_of_everything(folder):
    with keeper() as process:
        write_something()
        time.sleep(1.1)  # Valkey's promise is a second
        for each in [process, *servers_of(folder)]:
            each.kill()
    wait_until(lambda: not servers_of(folder))
    with services():
        assert query("SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]
        assert valkey().get("kept") == b"yes"


def test_servers_end_with_the_process_that_started_them_even_when_it_is_killed(folder):
    with keeper() as process:
        assert len([each for each in servers_of(folder) if each.ppid() == process.pid]) == 2
    wait_until(lambda: not servers_of(folder))


def test_an_old_process_number_that_now_belongs_to_someone_else_is_no_obstacle(folder):
    with services():
        query("CREATE TABLE kept (n int)")
        lines = (folder / "pg" / "data" / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (folder / "pg" / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with services():
        assert query("SELECT count(*) FROM kept") == [(0,)]


def test_an_interrupted_first_start_is_begun_anew(new_folder):
    half_made = new_folder / "pg" / "data.new"
    private_dir(new_folder / "pg", Postgres(folder=new_folder / "pg", socket=new_folder / "pg").user)
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with services():
        assert query("SELECT 1") == [(1,)]
    assert not half_made.exists()


def test_what_is_committed_is_on_disk(folder):
    with services():
        assert query("SHOW fsync") == query("SHOW synchronous_commit") == query("SHOW full_page_writes") == [("on",)]
        assert query("SHOW listen_addresses") == [("",)]
        assert valkey().config_get("appendonly") == {"appendonly": "yes"}
        assert valkey().config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_only_one_process_keeps_the_services_and_the_second_names_it(folder):
    with (
        keeper() as process,
        pytest.raises(AlreadyRunningError, match=f"^Process {process.pid} already runs"),
        services(),
    ):
        pass


def test_nothing_is_started_where_servers_are_given(new_folder, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/x")
    with services() as started:
        assert started == []
    assert not (new_folder / "pg").exists()


def test_two_folders_run_side_by_side_and_one_may_have_a_long_name_with_spaces(folder, tmp_path, monkeypatch):
    with services():
        query("CREATE TABLE here (n int)")
        monkeypatch.setenv("CJ_VAR", str(tmp_path / ("another checkout " * 8)))
        with services():
            assert query("SELECT to_regclass('here')") == [(None,)]
            assert valkey().ping()
    shutil.rmtree(var.socket_dir())


@pytest.mark.parametrize("name", ["x" * 90, "with space", "with,comma", "with?question", "naïve"])
def test_sockets_move_to_a_short_folder_where_the_path_would_not_do(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CJ_VAR", str(tmp_path / name))
    assert var.socket_dir().parent == Path("/tmp")
    assert len(str(var.socket_dir())) < 40
    assert var.var_dir() == tmp_path / name


def test_sockets_stay_with_their_data_where_the_path_is_short(monkeypatch):
    monkeypatch.setenv("CJ_VAR", "/srv/cjadmin/var")
    assert var.valkey_socket() == Path("/srv/cjadmin/var/valkey/valkey.sock")


def test_a_socket_folder_that_somebody_else_made_is_refused(tmp_path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    (tmp_path / "pg").symlink_to(target)
    with pytest.raises(ServiceError, match="belongs to"):
        private_dir(tmp_path / "pg")


def test_other_users_cannot_reach_the_servers(folder):
    with services():
        assert (folder / "pg").stat().st_mode & 0o077 == 0
        assert (folder / "valkey").stat().st_mode & 0o077 == 0


def test_a_server_that_cannot_start_says_so_in_one_sentence(folder):
    with services():
        pass
    (folder / "pg" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServiceError, match=r"PostgreSQL stopped at once .*incompatible"), services():
        pass
    assert servers_of(folder) == []
