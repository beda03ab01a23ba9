"""A list of requirements -> an environment in .venv that satisfies it; in a moment where it already does.

What is installed is the list's lock: every package in one version, every file with a hash that pip checks.
Run by the Python that find_python.sh found, before anything is installed: standard library only.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"requirements.txt": "requirements.lock", "requirements-dev.txt": "requirements-dev.lock"}
# each list, and the lists that it reads
LISTS = {
    "requirements.txt": ("requirements.txt", "constraints.txt"),
    "requirements-dev.txt": ("requirements-dev.txt", "requirements.txt", "constraints.txt"),
}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;#]+)", re.MULTILINE)
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


def pins(name: str) -> dict[str, str]:
    """The packages that a list or a lock pins, by the name that an index knows them by, and their versions."""
    found = PIN.findall((ROOT / name).read_text())
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def unlocked(name: str) -> list[str]:
    """What the lists ask for and the lock does not have in that version."""
    locked = pins(LOCKS[name])
    wanted = {package: version for each in LISTS[name] for package, version in pins(each).items()}
    optional = set(pins("constraints.txt")) - set(locked)  # comes along with another list, or on another platform
    return [
        f"{one}=={version}" for one, version in wanted.items() if one not in optional and locked.get(one) != version
    ]


def digest(name: str) -> str:
    return hashlib.sha256((ROOT / LOCKS[name]).read_bytes()).hexdigest()


def stamp(name: str) -> Path:
    return VENV / f"{name}.installed"


def is_installed(name: str) -> bool:
    return stamp(name).exists() and stamp(name).read_text() == digest(name)


def install(name: str) -> None:
    """Install with pip; the stamp is written last, so an interrupted installation is taken up again."""
    if missing := unlocked(name):
        sys.exit(f"{LOCKS[name]} does not have {', '.join(missing)}: run `make lock`, which needs the network.")
    print(f"Installing {LOCKS[name]}: this takes a minute, once", flush=True)
    for each in LISTS:
        stamp(each).unlink(missing_ok=True)
    options = ["--disable-pip-version-check", "--quiet", "--no-compile"]  # Python compiles what is used, when it is
    pip = [str(PYTHON), "-I", "-m", "pip", "install", *options, "--require-hashes", "-r", LOCKS[name]]
    environ = {key: value for key, value in os.environ.items() if key not in {"PIP_USER", "PIP_TARGET", "PIP_PREFIX"}}
    done = subprocess.run(pip, cwd=ROOT, env=environ, check=False)
    if done.returncode:
        sys.exit(f"Installing {LOCKS[name]} failed: see pip's message above, then run the same command again.")
    stamp(name).write_text(digest(name))


if __name__ == "__main__":
    main(sys.argv[1])
