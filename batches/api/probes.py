"""Is this process alive, and may traffic come? Two pages without a login, for whatever watches over processes."""

import os
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from batches.pipeline.account import KEY_VARIABLE

Look = tuple[str, str]  # what is wrong, or "" and what is right


def database() -> Look:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "PostgreSQL does not answer.", ""
    return "", "answers"


@lru_cache(maxsize=1)
def _written() -> frozenset[tuple[str, str]]:
    """The migrations of this version of the code: read from disk once."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def migrations() -> Look:
    try:
        missing = _written() - set(MigrationRecorder(connection).applied_migrations())
    except DatabaseError:
        return "The applied migrations cannot be read.", ""
    return (f"{len(missing)} migrations are not applied: run `manage.py migrate`.", "") if missing else ("", "applied")


def valkey() -> Look:
    try:
        cache.get("readyz")
    except RedisError:
        return "Valkey does not answer.", ""
    return "", "answers"


def provider() -> Look:
    """Which providers could be asked: local, or those whose key is there. Nobody is asked."""
    if settings.LOCAL_PROVIDER:
        return "", "local"
    real = [name for name, variable in KEY_VARIABLE.items() if os.environ.get(variable)]
    missing = "There is neither a provider's key nor CJ_LOCAL_PROVIDER=1: nothing can be judged."
    return ("", ", ".join(real)) if real else (missing, "")


PARTS: dict[str, Callable[[], Look]] = {
    "database": database,
    "migrations": migrations,
    "valkey": valkey,
    "provider": provider,
}


def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers. Nothing else is looked at: a restart would not mend it."""
    return _uncached(JsonResponse({"alive": True}))


def readyz(request: HttpRequest) -> JsonResponse:
    """200 where everything that a request needs is there; 503 and which part is not."""
    looks = {name: look() for name, look in PARTS.items()}
    ready = not any(trouble for trouble, _ in looks.values())
    parts = {name: trouble or words for name, (trouble, words) in looks.items()}
    failing = [name for name, (trouble, _) in looks.items() if trouble]
    return _uncached(JsonResponse({"ready": ready, "failing": failing, "parts": parts}, status=200 if ready else 503))


def _uncached(response: JsonResponse) -> JsonResponse:
    response["Cache-Control"] = "no-store"
    return response
