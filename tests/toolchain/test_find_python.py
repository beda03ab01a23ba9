"""tools/find_python.sh, on machines made of fake programs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NEW_ENOUGH = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
TOO_OLD = "#!/bin/sh\nexit 1\n"  # what the question "are you 3.12 or newer?" is answered with
SHIM = '#!/bin/sh\necho "pyenv: $0: command not found" >&2\nexit 127\n'


class Machine:
    """A checkout beside a PATH and a home folder that hold only what the test puts there."""

    def __init__(self, folder: Path):
        self.checkout = folder / "a checkout"
        self.path = folder / "bin"
        self.home = folder / "home"
        (self.checkout / "tools").mkdir(parents=True)
        self.path.mkdir()
        shutil.copy(ROOT / "tools" / "find_python.sh", self.checkout / "tools")
        for name in ("dirname", "head"):
            (self.path / name).symlink_to(shutil.which(name))

    def has(self, name: str, script: str) -> Path:
        return write(self.path / name, script)

    def manages(self, version: str, script: str) -> Path:
        return write(self.home / ".pyenv" / "versions" / version / "bin" / "python", script)

    def wants(self, version: str) -> None:
        (self.checkout / ".python-version").write_text(f"{version}\n")

    def search(self, **environ: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": str(self.path), "HOME": str(self.home)} | environ
        script = self.checkout / "tools" / "find_python.sh"
        return subprocess.run(["/bin/sh", str(script)], env=environ, capture_output=True, text=True, check=False)


def write(path: Path, script: str) -> Path:
    """A program that leaves its own name behind when it is chosen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script.replace("exec ", f'echo "{path.name} {path}" >> "{path.parent}/asked"\nexec '))
    path.chmod(0o755)
    return path


def last_asked(machine: Machine) -> str:
    return (
        sorted(machine.path.parent.rglob("asked"), key=lambda path: path.stat().st_mtime_ns)[-1].read_text().split()[-1]
    )


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_python_that_the_checkout_asks_for_wins(machine):
    machine.wants("3.13")
    machine.has("python3.14", NEW_ENOUGH)
    asked_for = machine.has("python3.13", NEW_ENOUGH)
    found = machine.search()
    assert found.stdout.strip() == sys.executable
    assert last_asked(machine) == str(asked_for)


def test_a_shim_that_does_not_run_is_passed_over(machine):
    machine.wants("3.13")
    machine.has("python3.13", SHIM)
    plain = machine.has("python3", NEW_ENOUGH)
    assert machine.search().returncode == 0
    assert last_asked(machine) == str(plain)


def test_an_old_python3_is_passed_over_for_one_of_the_version_manager(machine):
    machine.has("python3", TOO_OLD)
    machine.has("python", TOO_OLD)
    machine.manages("3.9.18", TOO_OLD)
    managed = machine.manages("3.12.1", NEW_ENOUGH)
    assert machine.search().returncode == 0
    assert last_asked(machine) == str(managed)


def test_the_version_managers_folder_may_be_elsewhere(machine, tmp_path):
    managed = write(tmp_path / "elsewhere" / "versions" / "3.13.0" / "bin" / "python", NEW_ENOUGH)
    assert machine.search(PYENV_ROOT=str(tmp_path / "elsewhere")).returncode == 0
    assert last_asked(machine) == str(managed)


def test_a_python_can_be_named(machine):
    machine.has("python3.13", NEW_ENOUGH)
    named = machine.has("my-python", NEW_ENOUGH)
    assert machine.search(PYTHON=str(named)).returncode == 0
    assert last_asked(machine) == str(named)


@pytest.mark.parametrize("environ", [{}, {"PYTHON": "/nowhere/python"}])
def test_without_a_python_it_stops_with_one_sentence(machine, environ):
    machine.has("python3", TOO_OLD)
    machine.has("python3.12", SHIM)
    found = machine.search(**environ)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert "3.12" in found.stderr
