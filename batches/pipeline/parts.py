"""A job's items -> what each assessment has of them: counted when they are written, added to as they end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet, Sum

from batches.models import BatchJob, JobPart
from batches.models.parts import OUTCOMES

_COLUMNS = ("n_items", *OUTCOMES.values(), "reserved_usd", "cost_usd")
_ENDED = ", ".join(f"count(*) FILTER (WHERE item.outcome = '{outcome}')" for outcome in OUTCOMES)
COUNT = f"""
INSERT INTO batches_jobpart (job_id, assessment_id, {", ".join(_COLUMNS)})
SELECT item.job_id, cj_round.assessment_id, count(*), {_ENDED}, sum(item.reserved_usd), sum(item.cost_usd)
FROM batches_batchitem item
JOIN batches_comparison comparison ON comparison.id = item.comparison_id
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
WHERE item.job_id = ANY(%s::bigint[])
GROUP BY 1, 2
ON CONFLICT (job_id, assessment_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
"""  # noqa: S608, names of columns and outcomes


def count(jobs: Iterable[int]) -> None:
    """Write down what each assessment has in these jobs, from their items: in the transaction that wrote these."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [list(jobs)])


def add(job: int, assessment: int, ended: Mapping[str, int], *, cost: Decimal) -> None:
    """Add items that ended now, by outcome, and what they cost; the caller holds the job's row."""
    changes = {OUTCOMES[outcome]: F(OUTCOMES[outcome]) + n for outcome, n in ended.items()}
    JobPart.objects.filter(job=job, assessment=assessment).update(cost_usd=F("cost_usd") + cost, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many items of a job concern a person, how many of these ended how, and what they cost."""

    items: int
    outcomes: Mapping[str, int]
    reserved_usd: Decimal
    cost_usd: Decimal

    @property
    def ended(self) -> int:
        return sum(self.outcomes.values())


def figures(jobs: Sequence[BatchJob], mine: QuerySet[JobPart]) -> dict[int, Figures]:
    """Job id -> what a person's parts of it add up to, in one query at most.

    Whoever sees a job of one project sees all of it: its own counters are the figures.
    """
    shared = [job.pk for job in jobs if job.project_id is None]
    sums = mine.filter(job__in=shared).order_by().values("job").annotate(**{name: Sum(name) for name in _COLUMNS})
    found = {row.pop("job"): _figures(row) for row in (map(dict, sums) if shared else ())}
    none = _figures(dict.fromkeys(_COLUMNS, 0))
    return {job.pk: found.get(job.pk, none) if job.project_id is None else _figures(vars(job)) for job in jobs}


def figures_of(part: JobPart) -> Figures:
    return _figures(vars(part))


def _figures(row: Mapping[str, Any]) -> Figures:
    return Figures(
        items=row["n_items"],
        outcomes={outcome: row[column] for outcome, column in OUTCOMES.items()},
        reserved_usd=row["reserved_usd"],
        cost_usd=row["cost_usd"],
    )
