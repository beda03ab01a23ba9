"""Judgements -> flags for essays whose comparisons look as if the judge did what it was told."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection
from scipy.stats import binom

from batches.models import Assessment, Flag
from batches.pipeline.judged import Judged
from batches.scale.estimate import Fit
from batches.scale.obedience import FEWEST, UNLIKELY, placed, told

FEWEST_REPEATS = 4  # pairs judged in both orders

WITH_JUDGED = """
WITH judged AS (
    SELECT comparison.id, comparison.round_id, comparison.judge_id, essay_a_id AS a, essay_b_id AS b, winner, told
    FROM batches_comparison comparison
    JOIN batches_round round ON round.id = comparison.round_id AND round.purpose = 'SCALE'
     AND round.trust IN ('', 'RELEASED')
    JOIN batches_judgement judgement ON judgement.comparison_id = comparison.id
    WHERE round.assessment_id = %s AND comparison.status = 'JUDGED'
      AND NOT EXISTS (SELECT FROM batches_setaside aside WHERE aside.comparison_id = comparison.id)
)
"""
PLACES = """
SELECT essay, count(*), count(*) FILTER (WHERE winner = 'A'), count(told)
FROM (SELECT a AS essay, winner, told FROM judged UNION ALL SELECT b, winner, told FROM judged) seen
GROUP BY essay ORDER BY essay
"""
TOLD = "SELECT a, b FROM judged WHERE told ORDER BY id"
# The same place won both times, so the other essay did.
SWAPPED = """
, both_orders AS (
    SELECT one.a, one.b, one.winner = other.winner AS flipped
    FROM judged one JOIN judged other
      ON other.round_id = one.round_id AND other.judge_id = one.judge_id AND other.a = one.b AND other.b = one.a
    WHERE one.a < one.b
)
SELECT essay, count(*), count(*) FILTER (WHERE flipped)
FROM (SELECT a AS essay, flipped FROM both_orders UNION ALL SELECT b, flipped FROM both_orders) seen
GROUP BY essay ORDER BY essay
"""


class Odd(NamedTuple):
    """A count at an essay that luck does not explain."""

    essay: int
    kind: str
    evidence: dict[str, Any]


def flag_odd(assessment: Assessment) -> int:
    """Flag what looks odd in an assessment's judgements so far; how many flags are new. Decided flags stay decided."""
    places = _rows(PLACES, assessment)
    said = _told({essay: asked for essay, _, _, asked in places}, _rows(TOLD, assessment))
    return _flag(assessment, [*_places(places), *said, *_flips(_rows(SWAPPED, assessment))])


def flag_misplaced(assessment: Assessment, rows: Sequence[Judged], fitted: Fit) -> int:
    """Flag essays in whose comparisons one place wins against the scores of a fit; how many flags are new.

    It sees an order for a place after some ten comparisons, where `flag_odd`, without scores, needs twice as many.
    """
    place = {essay: i for i, essay in enumerate(fitted.essays)}
    found = placed(
        (place[row.essay_a] for row in rows),
        (place[row.essay_b] for row in rows),
        (row.winner == "A" for row in rows),
        logit=fitted.logit,
        bias=fitted.position_bias,
    )
    return _flag(
        assessment,
        [
            Odd(fitted.essays[one.essay], Flag.Kind.PLACE, {"n": one.n, "first_won": one.found, "usual": _3(one.usual)})
            for one in found
        ],
    )


def _flag(assessment: Assessment, found: Iterable[Odd]) -> int:
    before = Flag.objects.filter(essay__assessment=assessment).count()
    Flag.objects.bulk_create(
        (Flag(essay_id=one.essay, kind=one.kind, evidence=one.evidence) for one in found), ignore_conflicts=True
    )
    return Flag.objects.filter(essay__assessment=assessment).count() - before


def _rows(query: str, assessment: Assessment) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(WITH_JUDGED + query, [assessment.pk])
        return list(cursor.fetchall())


def _places(rows: list[tuple[int, ...]]) -> Iterator[Odd]:
    """Essays in whose comparisons one place wins too often, against the judge's usual liking for a place."""
    n_all, first_all = sum(row[1] for row in rows), sum(row[2] for row in rows)
    usual = (first_all + 1) / (n_all + 2)
    for essay, n, first, _ in rows:
        chance = min(1.0, 2 * min(binom.cdf(first, n, usual), binom.sf(first - 1, n, usual)))
        if n >= FEWEST and chance < UNLIKELY:
            yield Odd(essay, Flag.Kind.PLACE, {"n": n, "first_won": first, "usual": _3(usual)})


def _told(asked: dict[int, int], rows: list[tuple[int, ...]]) -> Iterator[Odd]:
    """Essays that the judge itself says speak to it."""
    for one in told(asked, ((a, b) for a, b in rows)):
        yield Odd(one.essay, Flag.Kind.TOLD, {"n": one.n, "told": one.found, "usual": _3(one.usual)})


def _3(share: float) -> float:
    return round(share, 3)


def _flips(rows: list[tuple[int, ...]]) -> Iterator[Odd]:
    """Essays whose pairs turn round with the places more often than others' do."""
    n_all, flipped_all = sum(row[1] for row in rows), sum(row[2] for row in rows)
    for essay, n, flipped in rows:
        usual = (flipped_all - flipped + 1) / (n_all - n + 2)  # of the others
        if n >= FEWEST_REPEATS and binom.sf(flipped - 1, n, usual) < UNLIKELY:
            yield Odd(essay, Flag.Kind.FLIPS, {"n": n, "flipped": flipped, "usual": _3(usual)})
