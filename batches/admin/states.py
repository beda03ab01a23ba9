"""Assessments -> counts and a state in words, for a list or the front page, in five queries whatever its length."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_noop

from batches.models import Assessment, Comparison, Essay, Round, Scale

Status = Comparison.Status
COLOURS = {
    gettext_noop("no essays"): "",
    gettext_noop("no round"): "",
    gettext_noop("to submit"): "warning",
    gettext_noop("held back"): "warning",
    gettext_noop("waiting"): "info",
    gettext_noop("under way"): "info",
    gettext_noop("all failed"): "danger",
    gettext_noop("some failed"): "danger",
    gettext_noop("judged"): "success",
    gettext_noop("scale ready"): "success",
    gettext_noop("published"): "success",
}


def count(rows: list[Any]) -> None:
    """Give assessments their counts: essays, comparisons by status, scales."""
    ids = [row.pk for row in rows]
    essays = dict(_essays(ids))
    scales = {row["assessment"]: row for row in _scales(ids)}
    by_status: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for pk, name, n in _comparisons(ids):
        by_status[pk][name] += n
    for row in rows:
        row.by_status, row.n_essays = by_status[row.pk], essays.get(row.pk, 0)
        row.total = sum(row.by_status.values())
        row.resolved = sum(row.by_status[status] for status in (Status.JUDGED, Status.FAILED, Status.WITHDRAWN))
        row.percent = round(100 * row.resolved / row.total) if row.total else 0
        found = scales.get(row.pk, {"n": 0, "published": 0})
        row.n_scales, row.n_published = found["n"], found["published"]


def _essays(ids: list[int]) -> Any:
    grouped = Essay.objects.filter(assessment__in=ids, withdrawn_at=None).order_by().values_list("assessment")
    return grouped.annotate(n=Count("pk"))


def _scales(ids: list[int]) -> Any:
    grouped = Scale.objects.filter(assessment__in=ids).order_by().values("assessment")
    return grouped.annotate(n=Count("pk"), published=Count("pk", filter=Q(published_at__isnull=False)))


def _comparisons(ids: list[int]) -> Iterator[tuple[int, str, int]]:
    """(assessment, status, how many); PENDING as PLANNED before its round is submitted, as HELD when it is held back.

    By the rounds' ids: the counts then come from the index by round and status, and no comparison is read.
    """
    rounds = {pk: (of, submitted) for pk, of, submitted in _rounds(ids)}
    mine = Comparison.objects.filter(round__in=list(rounds)).order_by()
    waiting = False
    for pk, status, n in mine.values_list("round", "status").annotate(n=Count("pk")):
        assessment, submitted = rounds[pk]
        waiting |= status == Status.PENDING and submitted is not None
        yield assessment, "PLANNED" if status == Status.PENDING and submitted is None else status, n
    if not waiting:
        return
    held = mine.filter(status=Status.PENDING, held=True, round__submitted_at__isnull=False)
    for pk, n in held.values_list("round").annotate(n=Count("pk")):
        yield rounds[pk][0], "HELD", n
        yield rounds[pk][0], Status.PENDING, -n


def _rounds(ids: list[int]) -> Any:
    return Round.objects.filter(assessment__in=ids).order_by().values_list("pk", "assessment", "submitted_at")


def state_of(row: Any) -> str:
    """Where an assessment is, in two words: the first row that holds."""
    counts = row.by_status
    rows = (
        (counts[Status.IN_FLIGHT], "under way"),
        (counts[Status.PENDING], "waiting"),
        (counts["HELD"], "held back"),
        (counts["PLANNED"], "to submit"),
        (counts[Status.FAILED] and not counts[Status.JUDGED], "all failed"),
        (counts[Status.FAILED], "some failed"),
        (row.n_published, "published"),
        (row.n_scales, "scale ready"),
        (counts[Status.JUDGED], "judged"),
        (row.n_essays < 2, "no essays"),
        (True, "no round"),
    )
    return next(words for holds, words in rows if holds)


def recent(rows: Any, most: int) -> list[Assessment]:
    """The newest assessments of a queryset, counted."""
    found = list(rows.select_related("project").defer("rubric", "instructions").order_by("-id")[:most])
    count(found)
    return found
