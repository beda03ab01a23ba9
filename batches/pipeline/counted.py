"""Rounds -> their comparisons, counted by what is happening to them: one query, whatever there is to count."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, Value

from batches.models import Comparison, Judge, SetAside

HELD, PEOPLE, ASIDE = "HELD", "PEOPLE", "ASIDE"  # counted once more, beside their status
Status = Comparison.Status


def by_round(rounds: Iterable[int]) -> Counter[tuple[int, str]]:
    """(round, status) -> how many comparisons. Of those that are PENDING, once more as HELD what is held back and as
    PEOPLE what people are to judge; of those that are JUDGED, as ASIDE what no scale uses for the time being.

    By the rounds' ids: the statuses then come from the index by round and status, and no comparison is read for them.
    """
    ids = list(rounds)
    mine = Comparison.objects.filter(round__in=ids).order_by()
    pending = mine.filter(status=Status.PENDING)
    aside = SetAside.objects.filter(comparison__round__in=ids, comparison__status=Status.JUDGED).order_by()
    parts = (
        pending.filter(held=True).values_list("round", Value(HELD)),
        pending.filter(held=False, judge__kind=Judge.Kind.PERSON).values_list("round", Value(PEOPLE)),
        aside.values_list("comparison__round", Value(ASIDE)),
    )
    counted = [part.annotate(n=Count("pk")) for part in parts]
    found = mine.values_list("round", "status").annotate(n=Count("pk")).union(*counted, all=True)
    return Counter({(pk, what): n for pk, what, n in found.order_by()})
