"""A temporary folder -> PostgreSQL of our own with the project's schema, empty; gone again afterwards."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cjadmin.local.environment import drop_keys
from cjadmin.local.stack import services

GIVEN = ("DATABASE_URL", "REDIS_URL")  # somebody's own services: a measurement never writes to them


def use_folder(folder: Path) -> None:
    """Point the settings, read later, at this folder only; every other setting keeps its default."""
    for name in [name for name in os.environ if name.startswith("CJ_") or name in GIVEN]:
        os.environ.pop(name)
    drop_keys()
    os.environ |= {"CJ_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "cjadmin.settings", "LOG_LEVEL": "WARNING"}


@contextmanager
def scratch() -> Iterator[Path]:
    """Django set up on services that live as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="cjbench-"))
    use_folder(folder)
    try:
        with services():
            _set_up()
            try:
                yield folder
            finally:
                _hang_up()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _set_up() -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.DEBUG = False  # as in every worker
    logging.getLogger("batches").setLevel(logging.ERROR)
    call_command("migrate", verbosity=0)


def _hang_up() -> None:
    from django.db import connections

    connections.close_all()
