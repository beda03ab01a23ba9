"""The checkout -> does it hold its own rules? Runs every check, names those that fail, exits 1 if one does."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cjadmin.local.environment import drop_keys  # noqa: E402
from cjadmin.local.errors import ServiceError  # noqa: E402
from cjadmin.local.stack import services  # noqa: E402

PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent
OURS = ("batches", "cjadmin", "tools", "manage.py")


def templates() -> list[str]:
    """Django's templates. Hidden folders and the virtual environment are not ours."""
    return [str(path) for folder in ("templates", "batches") for path in sorted((ROOT / folder).rglob("*.html"))]


CHECKS: dict[str, list[str]] = {
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."],
    "lint": [PYTHON, "-m", "ruff", "check", "--quiet", "."],
    "templates": [str(SCRIPTS / "djade"), "--check", "--target-version", "6.1", *templates()] if templates() else [],
    "types": [PYTHON, "-m", "mypy"],
    "rules": [PYTHON, "tools/rules.py"],
    # nothing of medium severity or more; SQL from parts is ruff's S608, where each place says why
    "unsafe code": [str(SCRIPTS / "bandit"), "--quiet", "--recursive", "-ll", "--skip", "B608", *OURS],
    "imports": [PYTHON, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
    "settings": [PYTHON, "manage.py", "check", "--fail-level", "WARNING"],
    "deployment": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run", "--verbosity", "0"],
}


# A production environment; the key is nobody's.
PRODUCTION = {"DEBUG": "0", "SECRET_KEY": "only-for-this-check-" + "x0y1z2" * 8, "ALLOWED_HOSTS": "cj.example.org"}


def passes(name: str, command: list[str]) -> bool:
    start = time.monotonic()
    environ = os.environ | (PRODUCTION if name == "deployment" else {})
    done = subprocess.run(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name} ({time.monotonic() - start:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0


def main() -> int:
    drop_keys()
    os.environ["CJ_VAR"] = str(ROOT / "var" / "check")
    try:
        with services():  # makemigrations compares with a database
            results = [passes(name, command) for name, command in CHECKS.items() if command]  # all, not up to the first
    except ServiceError as error:
        sys.exit(str(error))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
