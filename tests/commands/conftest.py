"""Running a command as a shell would see it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.pipeline.conftest import cj, provider, running_provider  # noqa: F401


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def run() -> Callable[..., Ran]:
    def run(*argv: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*argv, stdout=out, stderr=err)
        except CommandError as problem:
            return Ran(problem.returncode, out.getvalue(), str(problem))
        return Ran(0, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def essays_csv(tmp_path: Path) -> Path:
    """Twelve small essays."""
    rows = [f'E{i:02d},"Essay {i}. {"The school should open later. " * (i + 1)}",{i}' for i in range(12)]
    path = tmp_path / "essays.csv"
    path.write_text("candidate,text,human_score\n" + "\n".join(rows), encoding="utf-8")
    return path
