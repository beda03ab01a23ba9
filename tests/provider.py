"""A folder -> a running local provider, and its control panel in the hands of a test."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from cjadmin.local.leash import leashed
from cjadmin.var import BASE_DIR

STARTS_WITHIN = 30


@dataclass(frozen=True, kw_only=True)
class LocalProvider:
    """What cjadmin.local.provider serves under /control."""

    url: str
    http: httpx2.Client

    @classmethod
    @contextmanager
    def start(cls, folder: Path, *, latency: float, batch_seconds: float) -> Iterator[Self]:
        """Run one until the context ends, with its books in `folder`."""
        url_file = folder / "url"
        place = ["--dir", str(folder), "--port", "0", "--url-file", str(url_file)]
        pace = ["--latency", str(latency), "--batch-seconds", str(batch_seconds)]
        command = [sys.executable, "-m", "cjadmin.local.provider", *place, *pace]
        with subprocess.Popen(leashed(command), cwd=BASE_DIR) as process:
            try:
                url = wait_for_url(process, url_file)
                with httpx2.Client(base_url=url, timeout=30, trust_env=False) as http:
                    yield cls(url=url, http=http)
            finally:
                process.terminate()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control panel; what it refuses is an error of the test."""
        answer = self.http.request(method, f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put_faults(self, **faults: Any) -> None:
        """Switch exactly these faults on: a rate, or a table with `rate`, `next`, `on`, ..."""
        self.control("PUT", "faults", faults)

    def delete_faults(self) -> None:
        self.control("DELETE", "faults")

    def struck(self) -> dict[str, int]:
        """How often each fault has struck since the plan was put in force."""
        return dict(self.control("GET", "faults")["struck"])

    def put_settings(self, **settings: Any) -> None:
        self.control("PUT", "settings", settings)

    def ledger(self, **query: Any) -> list[dict[str, Any]]:
        """What was billed, one row for each answer."""
        return list(self.control("GET", f"ledger?{httpx2.QueryParams(query)}")["rows"])

    def summary(self) -> dict[str, Any]:
        return dict(self.control("GET", "ledger/summary"))

    def batches(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "batches")["batches"])

    def reset(self) -> None:
        """Forget batches, files, bookings, faults and changed settings."""
        self.control("POST", "reset")


def wait_for_url(process: subprocess.Popen[bytes], url_file: Path) -> str:
    deadline = time.monotonic() + STARTS_WITHIN
    while not url_file.exists() or not url_file.read_text().strip():
        assert process.poll() is None, "the local provider ended before it listened"
        assert time.monotonic() < deadline, "the local provider never listened"
        time.sleep(0.02)
    return url_file.read_text().strip()
