"""A list of requirements -> an environment in .venv that satisfies it; in a moment where it already does.

Run by the Python that find_python.sh found, before anything is installed: standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# each list, and the lists that it reads
LISTS = {
    "requirements.txt": ("requirements.txt", "constraints.txt"),
    "requirements-dev.txt": ("requirements-dev.txt", "requirements.txt", "constraints.txt"),
}
SATISFIES = {"requirements.txt": ("requirements-dev.txt",)}  # having the second means having the first


def main(name: str) -> None:
    VENV.mkdir(exist_ok=True)
    with (VENV / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: the second waits, then finds the work done
        if not works():
            make_environment()
        if not any(is_installed(each) for each in (name, *SATISFIES.get(name, ()))):
            install(name)


def works() -> bool:
    """Whether the environment runs, with pip: an interrupted one does not, nor one whose Python was removed."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 12))"
    try:
        return subprocess.run([PYTHON, "-I", "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
    for path in VENV.iterdir():
        if path.name != "setup.lock":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    venv.create(VENV, with_pip=True, symlinks=True)


def digest(name: str) -> str:
    return hashlib.sha256(b"\0".join((ROOT / each).read_bytes() for each in LISTS[name])).hexdigest()


def stamp(name: str) -> Path:
    return VENV / f"{name}.installed"


def is_installed(name: str) -> bool:
    return stamp(name).exists() and stamp(name).read_text() == digest(name)


def install(name: str) -> None:
    """Install with pip; the stamp is written last, so an interrupted installation is taken up again."""
    print(f"Installing {name}: this takes a minute, once", flush=True)
    for each in LISTS:
        stamp(each).unlink(missing_ok=True)
    options = ["--disable-pip-version-check", "--quiet", "--no-compile"]  # Python compiles what is used, when it is
    pip = [str(PYTHON), "-I", "-m", "pip", "install", *options, "-r", name]
    environ = {key: value for key, value in os.environ.items() if key not in {"PIP_USER", "PIP_TARGET", "PIP_PREFIX"}}
    done = subprocess.run(pip, cwd=ROOT, env=environ, check=False)
    if done.returncode:
        sys.exit(f"Installing {name} failed: see pip's message above, then run the same command again.")
    stamp(name).write_text(digest(name))


if __name__ == "__main__":
    main(sys.argv[1])
