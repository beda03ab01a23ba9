"""Array literals: what PostgreSQL reads from them is what went in."""

from decimal import Decimal

import pytest
from django.db import connection

from batches.pipeline import arrays

pytestmark = pytest.mark.django_db
HOSTILE = [
    "",
    "NULL",
    "null",
    '"',
    "\\",
    '\\"',
    "{}",
    "a,b",
    "}{",
    "'",
    "%s %%",
    " blank ",
    "\n\r\t",
    "é😀\u2028",
    "\x7f",
]


def read(literal: str, kind: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT array_agg(x ORDER BY place) FROM unnest(%s::{kind}[]) WITH ORDINALITY AS t(x, place)",
                       [literal])  # fmt: skip
        return list(cursor.fetchone()[0] or [])


def test_texts_come_out_as_they_went_in():
    assert read(arrays.texts(HOSTILE), "text") == HOSTILE
    assert read(arrays.texts([]), "text") == []


def test_numbers_and_flags_come_out_as_they_went_in():
    assert read(arrays.numbers([1, -5, 2**62]), "bigint") == [1, -5, 2**62]
    amounts = [Decimal("0.000000000001"), Decimal("1E-7"), Decimal(20)]
    assert read(arrays.numbers(amounts), "numeric") == amounts
    assert read(arrays.numbers([0.0, 1e-9, 30.5]), "float8") == [0.0, 1e-9, 30.5]
    assert read(arrays.optional_numbers([None, 3, None]), "int") == [None, 3, None]
    assert read(arrays.flags([True, None, False]), "bool") == [True, None, False]
