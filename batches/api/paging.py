"""A query -> one page of it, newest first, and where the next page begins.

By key, not by number: a page deep down a million rows costs what the first one does, and nothing is counted.
"""

import base64
import binascii
from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import Field

from batches.api.fields import Asked
from batches.api.problems import Refusal

MOST = 200
USUAL = 50
Next = Annotated[
    str | None,
    Field(description="The cursor of the next page; null on the last one.", examples=["MTI"]),
]


class Paged(Asked):
    """Which page of a list."""

    cursor: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]{1,40}$", description="`next` of the page before.", examples=["MTI"]
    )
    limit: int = Field(USUAL, ge=1, le=MOST, description="Rows on a page.", examples=[USUAL])


def page(rows: QuerySet[Any], asked: Paged) -> tuple[list[Any], str | None]:
    """The rows of this page, and the cursor of the next."""
    if asked.cursor:
        rows = rows.filter(pk__lt=_position(asked.cursor))
    found = list(rows.order_by("-pk")[: asked.limit + 1])
    more = len(found) > asked.limit
    found = found[: asked.limit]
    return found, _cursor(found[-1].pk) if more else None


def _cursor(pk: int) -> str:
    return base64.urlsafe_b64encode(str(pk).encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if not text.isdigit() or len(text) > 18:
        raise Refusal(422, "This cursor is from nowhere: take `next` of the page before, as it is.")
    return int(text)
