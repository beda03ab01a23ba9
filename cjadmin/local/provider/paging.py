"""A list, newest first, and a query -> one page of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .calls import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    items: list[Any]
    has_more: bool


def page(items: Sequence[Any], query: Mapping[str, str], *, after: str, before: str = "", most: int) -> Page:
    """Up to `limit` items behind the one named by `after`, or just in front of the one named by `before`."""
    limit = _limit(query, most)
    if before and query.get(before):
        newer = items[: _place(items, query[before], before)]
        return Page(items=list(newer[-limit:]), has_more=len(newer) > limit)
    start = _place(items, query[after], after) + 1 if query.get(after) else 0
    rest = items[start : start + limit + 1]
    return Page(items=list(rest[:limit]), has_more=len(rest) > limit)


def _limit(query: Mapping[str, str], most: int) -> int:
    given = query.get("limit", "20")
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise Refused(f"limit: Input should be between 1 and {most}", param="limit")
    return int(given)


def _place(items: Sequence[Any], item_id: str, name: str) -> int:
    for place, item in enumerate(items):
        if item.id == item_id:
            return place
    raise Refused(f"{name}: {item_id} not found", param=name)
