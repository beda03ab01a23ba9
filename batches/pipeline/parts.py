"""A job's items -> what each assessment has of them: counted when they are written, added to as they end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum

from batches.models import BatchJob, JobPart
from batches.models.parts import OUTCOMES

_COLUMNS = ("n_items", *OUTCOMES.values(), "reserved_usd", "cost_usd")
ADD = f"""
UPDATE batches_jobpart SET {", ".join(f"{name} = {name} + %s" for name in (*OUTCOMES.values(), "cost_usd"))}
WHERE job_id = %s AND assessment_id = %s
"""  # noqa: S608, names of columns


def begin(job: BatchJob, items: Iterable[tuple[int, Decimal]]) -> None:
    """Write down what each assessment has in a new job, from each item's assessment and reservation."""
    n_items: Counter[int] = Counter()
    reserved: dict[int, Decimal] = defaultdict(Decimal)
    for assessment, amount in items:
        n_items[assessment] += 1
        reserved[assessment] += amount
    JobPart.objects.bulk_create(
        JobPart(job=job, assessment_id=pk, n_items=n, reserved_usd=reserved[pk]) for pk, n in n_items.items()
    )


def add(job: int, assessment: int, ended: Mapping[str, int], *, cost: Decimal) -> None:
    """Add items that ended now, by outcome, and what they cost; the caller holds the job's row."""
    counts = [ended.get(outcome, 0) for outcome in OUTCOMES]
    with connection.cursor() as cursor:
        cursor.execute(ADD, [*counts, cost, job, assessment])


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
        reserved_usd=Decimal(row["reserved_usd"]),
        cost_usd=Decimal(row["cost_usd"]),
    )
