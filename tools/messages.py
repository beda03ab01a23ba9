"""The texts of code and templates -> locale/de/LC_MESSAGES/django.po, and what Django reads of it: django.mo.

Collecting needs gettext's xgettext; where it is missing, the .po is only compiled, which needs no more than Babel.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted((ROOT / "locale").rglob("LC_MESSAGES/django.po"))
NOT_OURS = (".venv", "var", "tests", "bench", "chaos", "tools", "locale")


def collect() -> None:
    command = [sys.executable, "manage.py", "makemessages", "--locale=de"]
    command += ["--no-location", "--no-wrap", "--no-obsolete"]
    command += [f"--ignore={folder}/*" for folder in NOT_OURS]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"CJ_VAR": str(ROOT / "var" / "messages")})


def compile_all() -> None:
    for path in CATALOGUES:
        with path.open("rb") as file:
            catalogue = read_po(file)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)
        left = sum(not message.string for message in catalogue if message.id)
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {left} without a translation")


if __name__ == "__main__":
    if shutil.which("xgettext"):
        collect()
    compile_all()
