"""Assessments -> counts and a state in words, for a list or the front page, in three queries whatever its length."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from batches.models import Assessment, Comparison, Essay, Round, Scale
from batches.pipeline.counted import HELD, PEOPLE, by_round

Status = Comparison.Status
COLOURS = {
    gettext_noop("purged"): "",
    gettext_noop("no essays"): "",
    gettext_noop("no round"): "",
    gettext_noop("to submit"): "warning",
    gettext_noop("held back"): "warning",
    gettext_noop("waiting"): "info",
    gettext_noop("with people"): "info",
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
    facts = {pk: found for pk, *found in with_facts(Assessment.objects.filter(pk__in=ids)).values_list("pk", *FACTS)}
    for row in rows:
        for name, n in zip(FACTS, facts[row.pk], strict=True):
            setattr(row, name, n)
    _count_comparisons(rows)


def recent(rows: Any, most: int) -> list[Assessment]:
    """The newest assessments of a queryset, counted."""
    found = list(with_facts(rows).select_related("project").defer("rubric", "instructions").order_by("-id")[:most])
    _count_comparisons(found)
    return found


FACTS = ("n_essays", "n_scales", "n_published")


def with_facts(rows: QuerySet[Assessment]) -> QuerySet[Assessment]:
    scales = Scale.objects.filter(assessment=OuterRef("pk"))
    essays = Essay.objects.filter(assessment=OuterRef("pk"), withdrawn_at=None)
    parts = (essays, scales, scales.filter(published_at__isnull=False))
    return rows.annotate(**{name: _how_many(some) for name, some in zip(FACTS, parts, strict=True)})


def _how_many(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("assessment").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _count_comparisons(rows: list[Any]) -> None:
    by_status: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for pk, name, n in _comparisons([row.pk for row in rows]):
        by_status[pk][name] += n
    for row in rows:
        row.by_status = by_status[row.pk]
        row.total = sum(row.by_status.values())
        row.resolved = sum(row.by_status[status] for status in (Status.JUDGED, Status.FAILED, Status.WITHDRAWN))
        row.percent = round(100 * row.resolved / row.total) if row.total else 0


def _comparisons(ids: list[int]) -> Iterator[tuple[int, str, int]]:
    """(assessment, status, how many); PENDING as PLANNED before its round is submitted, as HELD where held
    back, as PEOPLE where people are to judge."""
    rounds = {pk: (of, submitted) for pk, of, submitted in _rounds(ids)}
    for (pk, what), n in by_round(rounds).items():
        assessment, submitted = rounds[pk]
        if what in Status.values:
            yield assessment, "PLANNED" if what == Status.PENDING and submitted is None else what, n
        elif what == HELD and submitted is not None:
            yield assessment, HELD, n
            yield assessment, Status.PENDING, -n
        elif what == PEOPLE and submitted is not None:
            yield assessment, PEOPLE, n
            yield assessment, Status.PENDING, -n


def _rounds(ids: list[int]) -> Any:
    return Round.objects.filter(assessment__in=ids).order_by().values_list("pk", "assessment", "submitted_at")


def state_of(row: Any) -> str:
    """Where an assessment is, in two words: the first row that holds."""
    counts = row.by_status
    rows = (
        (counts[Status.IN_FLIGHT], "under way"),
        (counts[Status.PENDING], "waiting"),
        (counts[HELD], "held back"),
        (counts[PEOPLE], "with people"),
        (counts["PLANNED"], "to submit"),
        (counts[Status.FAILED] and not counts[Status.JUDGED], "all failed"),
        (counts[Status.FAILED], "some failed"),
        (row.purged_at, "purged"),
        (row.n_published, "published"),
        (row.n_scales, "scale ready"),
        (counts[Status.JUDGED], "judged"),
        (row.n_essays < 2, "no essays"),
        (True, "no round"),
    )
    return next(words for holds, words in rows if holds)
