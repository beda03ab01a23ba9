"""The rows that an erasure is about -> the same rows without a word of what pupils wrote or judges wrote of it."""

from collections import Counter
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from batches.models import (
    BatchItem,
    BatchJob,
    Callback,
    Comparison,
    Erasure,
    Judgement,
    RawFile,
    StrayLine,
)
from batches.pipeline import claims

LIVE = BatchJob.LIVE


def comparisons(erasure: Erasure) -> QuerySet[Comparison]:
    """The comparisons that an erasure is about."""
    if erasure.kind == Erasure.Kind.PURGE:
        return Comparison.objects.filter(round__assessment=erasure.assessment_id)
    return Comparison.objects.filter(Q(essay_a=erasure.essay_id) | Q(essay_b=erasure.essay_id))


def jobs(erasure: Erasure) -> QuerySet[BatchJob]:
    """The batch jobs that asked about them."""
    about = BatchItem.objects.filter(job=OuterRef("pk"), comparison__in=comparisons(erasure))
    return BatchJob.objects.filter(Exists(about))


def scrub(erasure: Erasure) -> Counter[str]:
    """Remove every word; how much there was of what. It can be repeated, and then finds less."""
    mine = comparisons(erasure)
    closed = jobs(erasure).exclude(status__in=LIVE).order_by()
    found: Counter[str] = Counter()
    found["raw answers"] = _answers(mine)
    found["justifications"] = (
        Judgement.objects.filter(comparison__in=mine).exclude(justification="").update(justification="")
    )
    mine.exclude(fail_detail="").update(fail_detail="")
    claims.drop(mine)
    found["callback texts"] = _callbacks(mine)
    found["quarantined lines"] = _delete(StrayLine.objects.filter(job__in=closed))
    files = RawFile.objects.filter(job__in=closed)
    found["bytes of raw files"] = files.aggregate(n=Sum("size"))["n"] or 0
    found["raw files"] = _delete(files)
    return found


def _delete(rows: QuerySet[Any]) -> int:
    return rows.delete()[1].get(rows.model._meta.label, 0)


def _answers(mine: QuerySet[Comparison]) -> int:
    """The answer of a bundle stands beside its first item, whichever comparison that is about."""
    beside = BatchItem.objects.filter(comparison__in=mine, job=OuterRef("job"), bundle=OuterRef("bundle"))
    items = BatchItem.objects.filter(Q(comparison__in=mine) | Q(Q(bundle__isnull=False), Exists(beside)))
    items.exclude(error="").update(error="")
    return items.exclude(answer="").update(answer="")


SILENCE = """
UPDATE batches_callback SET payload = CASE
    WHEN payload ? 'judgement' THEN jsonb_set(payload, '{judgement,justification}', '""')
    ELSE jsonb_set(payload, '{error_detail,message}', '""') END
WHERE id = ANY(%s)
"""


def _callbacks(mine: QuerySet[Comparison]) -> int:
    """What was said of a comparison leaves without the words, and what has left is not kept with them."""
    said = Q(payload__judgement__justification__isnull=False) & ~Q(payload__judgement__justification="")
    failed = Q(payload__error_detail__message__isnull=False) & ~Q(payload__error_detail__message="")
    ids = list(Callback.objects.filter(said | failed, comparison__in=mine).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(SILENCE, [ids])
    return len(ids)


def is_alone(job: BatchJob, erasure: Erasure) -> bool:
    """Whether a job is about nothing but what is being erased, so that it may be cancelled."""
    return not job.items.filter(outcome=None).exclude(comparison__in=comparisons(erasure)).exists()


def add(tally: dict[str, int], found: Counter[str]) -> dict[str, int]:
    """A certificate's figures with what was found now."""
    return {key: tally.get(key, 0) + found[key] for key in {*tally, *found} if tally.get(key, 0) + found[key]}
