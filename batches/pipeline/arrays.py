"""Columns of values -> PostgreSQL array literals, put together by passes over whole strings.

psycopg looks at every element of a list by itself; for some thousand results that costs more than all else done with
them. The statement names the type: `unnest(%s::bigint[])`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection


def numbers(values: Iterable[object]) -> str:
    """Whole numbers, decimals and floats."""
    return f"{{{','.join(map(str, values))}}}"


def texts(values: Sequence[str]) -> str:
    """Texts without NUL, which PostgreSQL does not hold anyway."""
    if not values:
        return "{}"
    escaped = "\x00".join(values).replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"{escaped.replace("\x00", '","')}"}}'


def optional_numbers(values: Iterable[object]) -> str:
    return numbers("NULL" if value is None else value for value in values)


_FLAGS = {True: "t", False: "f", None: "NULL"}


def flags(values: Iterable[bool | None]) -> str:
    return f"{{{','.join([_FLAGS[value] for value in values])}}}"


KINDS: dict[str, Callable[[Any], str]] = {"n": numbers, "o": optional_numbers, "t": texts, "f": flags}


def execute(statement: str, kinds: str, rows: Sequence[tuple[Any, ...]], *before: Any) -> None:
    """A statement whose parameters are those `before`, then the columns of these rows: n(umbers), o(ptional numbers),
    t(exts) or f(lags)."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(kinds)
    literals = [KINDS[kind](column) for kind, column in zip(kinds, columns, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*before, *literals])
