"""Projects -> what is open in them: comparisons that wait, are with a judge, or failed. One bounded query."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from batches.models.judging import GATHERING

MOST_READ = 50_000  # unresolved comparisons that are counted; more than that is "over 50,000" on any page


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """So many comparisons of one judge in one strategy that are at the same point, or failed for the same reason."""

    at: str  # TO_SUBMIT, HELD, PEOPLE, GATHERING, LEAVING, IN_FLIGHT, FAILED
    strategy: str
    judge_id: int
    reason: str  # of those that failed
    n: int
    since: datetime | None  # when the first of their rounds was submitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything unresolved, grouped; `is_all` is False where counting stopped at MOST_READ."""

    rows: tuple[Open, ...]
    is_all: bool

    def count(self, *at: str) -> int:
        return sum(row.n for row in self.rows if row.at in at)

    def gathering(self) -> dict[tuple[str, int], int]:
        """(strategy, judge) -> how many of these wait for company or for the night."""
        return {(row.strategy, row.judge_id): row.n for row in self.rows if row.at == "GATHERING"}

    def failures(self) -> list[tuple[str, int]]:
        """(reason, how many), the most frequent first."""
        reasons: dict[str, int] = {}
        for row in self.rows:
            if row.at == "FAILED":
                reasons[row.reason] = reasons.get(row.reason, 0) + row.n
        return sorted(reasons.items(), key=lambda one: (-one[1], one[0]))


# The rows come from the index by status or, for a person with little, from that by round and status: whichever is
# less. The LIMIT keeps a million waiting comparisons from being read for a number on a front page.
UNRESOLVED = """
SELECT at, strategy, judge_id, reason, count(*), min(submitted_at) FROM (
    SELECT CASE WHEN comparison.status <> 'PENDING' THEN comparison.status
                WHEN cj_round.submitted_at IS NULL THEN 'TO_SUBMIT'
                WHEN comparison.held THEN 'HELD'
                WHEN judge.kind = 'PERSON' THEN 'PEOPLE'
                WHEN comparison.released_at IS NULL AND cj_round.strategy = ANY(%(gathering)s) THEN 'GATHERING'
                ELSE 'LEAVING' END AS at,
           cj_round.strategy, comparison.judge_id, comparison.fail_reason AS reason, cj_round.submitted_at
    FROM batches_comparison comparison
    JOIN batches_round cj_round ON cj_round.id = comparison.round_id
    JOIN batches_assessment assessment ON assessment.id = cj_round.assessment_id
    JOIN batches_judge judge ON judge.id = comparison.judge_id
    WHERE assessment.project_id = ANY(%(projects)s) AND comparison.status IN ('PENDING', 'IN_FLIGHT', 'FAILED')
    LIMIT %(most)s
) unresolved
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


def overview(projects: Iterable[int]) -> Overview:
    """What is open in these projects."""
    values: dict[str, list[int] | list[str] | int] = {
        "projects": list(projects),
        "gathering": list(map(str, GATHERING)),
        "most": MOST_READ + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(UNRESOLVED, values)
        rows = tuple(
            Open(at=at, strategy=strategy, judge_id=judge, reason=reason, n=n, since=since)
            for at, strategy, judge, reason, n, since in cursor.fetchall()
        )
    return Overview(rows=rows, is_all=sum(row.n for row in rows) <= MOST_READ)
