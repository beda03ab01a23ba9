"""A really started local provider and the real SDKs pointed at it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import orjson
import pytest

ROOT = Path(__file__).parents[2]
STARTS_WITHIN = 20.0


class Server:
    """One server process over one folder, and its control panel."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.url_file = folder / "url"
        command = [sys.executable, "-m", "cjadmin.local.provider", "--dir", str(folder), *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        self.url = self._address()
        self._http = httpx2.Client(base_url=self.url, timeout=30, trust_env=False)

    def _address(self) -> str:
        limit = time.monotonic() + STARTS_WITHIN
        while not self.url_file.exists():
            assert self.process.poll() is None, "the server ended before it listened"
            assert time.monotonic() < limit, "the server never listened"
            time.sleep(0.02)
        return self.url_file.read_text()

    def stop(self) -> int:
        self._http.close()
        self.process.terminate()
        code = self.process.wait(10)
        self.url_file.unlink()
        return code

    def kill(self) -> None:
        self._http.close()
        self.process.kill()
        self.process.wait(10)
        self.url_file.unlink()

    def control(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        content = None if body is None else orjson.dumps(body)
        answer = self._http.request(method, f"/control/{path}", content=content)
        assert answer.status_code == status, answer.text
        return answer.json()

    def faults(self, **faults: Any) -> None:
        self.control("PUT", "faults", faults)

    def settings(self, **settings: Any) -> None:
        self.control("PUT", "settings", settings)

    def ledger(self, **query: Any) -> list[dict[str, Any]]:
        return self.control("GET", f"ledger?{httpx2.QueryParams(query)}")["rows"]

    def claude(self, key: str = "key-a", **more: Any) -> anthropic.Anthropic:
        client = anthropic.DefaultHttpxClient(trust_env=False)
        return anthropic.Anthropic(
            api_key=key, base_url=f"{self.url}/anthropic", **{"max_retries": 0, "http_client": client} | more
        )

    def gpt(self, key: str = "key-o", **more: Any) -> openai.OpenAI:
        client = openai.DefaultHttpxClient(trust_env=False)
        return openai.OpenAI(
            api_key=key, base_url=f"{self.url}/openai/v1", **{"max_retries": 0, "http_client": client} | more
        )


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("provider"), "--latency", "0", "--batch-seconds", "0.1")
    yield server
    assert server.stop() == 0


@pytest.fixture
def server(running: Server) -> Server:
    running.control("POST", "reset")
    return running


@pytest.fixture(scope="session")
def _claude(running: Server) -> anthropic.Anthropic:
    return running.claude()


@pytest.fixture(scope="session")
def _gpt(running: Server) -> openai.OpenAI:
    return running.gpt()


@pytest.fixture
def claude(server: Server, _claude: anthropic.Anthropic) -> anthropic.Anthropic:
    return _claude


@pytest.fixture
def gpt(server: Server, _gpt: openai.OpenAI) -> openai.OpenAI:
    return _gpt
