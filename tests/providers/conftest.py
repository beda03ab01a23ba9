"""One local provider for the end-to-end tests, emptied before each of them."""

import subprocess
import sys
import time

import pytest

from tests.providers.local import Local


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    command = [sys.executable, "-m", "cjadmin.local.provider", "--dir", str(folder)]
    process = subprocess.Popen([*command, "--latency", "0", "--batch-seconds", "0.1"])
    deadline = time.monotonic() + 20
    while not (folder / "url").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield Local((folder / "url").read_text().strip().rstrip("/"))
    process.terminate()
    process.wait(10)


@pytest.fixture
def local(server):
    server.control("POST", "/reset")
    server.control("DELETE", "/faults")
    return server
