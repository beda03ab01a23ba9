"""requirements*.txt -> requirements*.lock: the same packages and all that come along, with the hashes of their files.

The hashes are those of every file that the index lists for the pinned version, so that one lock serves every platform.
Run by `make lock` after a list was changed; needs the network. Standard library only: nothing may be installed yet.
"""

import os
import subprocess
import tempfile
import venv
from pathlib import Path

from setup import LOCKS, ROOT

RESOLVER = "uv==0.13.9"  # asks the index for hashes; pip can only hash what it has downloaded
OLDEST_PYTHON = "3.12"
HEADER = "# Made by `make lock` from {} and constraints.txt: change those.\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True, symlinks=True)
        scripts = Path(folder) / "bin"
        subprocess.run([scripts / "pip", "install", "--quiet", RESOLVER], check=True)
        for name in LOCKS:
            lock(scripts, name)


def lock(scripts: Path, name: str) -> None:
    """Write one lock, the same bytes wherever it is run."""
    options = ["--generate-hashes", "--universal", "--python-version", OLDEST_PYTHON, "--no-header", "--no-annotate"]
    options += ["--no-emit-index-url", "--no-emit-find-links", "--no-config", "--quiet"]
    environ = os.environ | pips_index(scripts)
    command: list[str | Path] = [scripts / "uv", "pip", "compile", *options, name]
    made = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout
    (ROOT / LOCKS[name]).write_text(HEADER.format(name) + made)
    print(f"{LOCKS[name]}: {made.count('==')} packages, {made.count('--hash=')} hashes")


def pips_index(scripts: Path) -> dict[str, str]:
    """The index that pip is told to use, for a resolver that does not read pip's configuration."""
    asked = subprocess.run([scripts / "pip", "config", "get", "global.index-url"], capture_output=True, text=True)
    index = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip()
    return {"UV_DEFAULT_INDEX": index} if index else {}


if __name__ == "__main__":
    main()
