"""Everything that is kept, as text to search in: all tables, raw files unpacked, the queue, and the provider's own."""

import zlib
from typing import Any

import django_rq
from django.db import connection

from batches.models import RawChunk
from tests.local_provider.conftest import Server


def database() -> str:
    """All rows of all tables, as `COPY` would dump them, and what is compressed in them."""
    pieces = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
        for (table,) in cursor.fetchall():
            with cursor.cursor.copy(f"COPY {table} TO STDOUT") as rows:
                pieces += [bytes(row).decode("utf-8", "replace") for row in rows]
    pieces += [
        zlib.decompress(data).decode("utf-8", "replace") for data in RawChunk.objects.values_list("data", flat=True)
    ]
    return "\n".join(pieces)


def queue(redis: Any = None) -> str:
    """All keys of the queue with their values."""
    redis = redis or django_rq.get_connection("submit")
    return "\n".join(f"{key!r} {_value(redis, key)!r}" for key in redis.keys("*"))


def _value(redis: Any, key: bytes) -> Any:
    kind = redis.type(key).decode()
    read = {
        "string": lambda: redis.get(key),
        "hash": lambda: redis.hgetall(key),
        "list": lambda: redis.lrange(key, 0, -1),
        "set": lambda: redis.smembers(key),
        "zset": lambda: redis.zrange(key, 0, -1),
        "stream": lambda: redis.xrange(key),
    }
    return read[kind]()


def at_provider(server: Server) -> list[str]:
    """What the providers' own lists show: Anthropic's batches, and OpenAI's files."""
    import anthropic
    import openai

    claude = anthropic.Anthropic(api_key="local", base_url=f"{server.url}/anthropic")
    gpt = openai.OpenAI(api_key="local", base_url=f"{server.url}/openai/v1")
    return [batch.id for batch in claude.messages.batches.list()] + [file.id for file in gpt.files.list()]
