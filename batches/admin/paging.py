"""A long list -> pages, counted only as far as anybody reads."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST_ROWS = 10_000  # counting a million rows costs more than the page that shows fifty of them


class CappedPaginator(Paginator):
    """Counts to MOST_ROWS and stops; `capped` says that there are more, which filters and the search find."""

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        if not hasattr(rows, "order_by"):
            return len(rows)
        return int(rows.order_by()[: MOST_ROWS + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.counted, MOST_ROWS)

    @property
    def capped(self) -> bool:
        return self.counted > MOST_ROWS
