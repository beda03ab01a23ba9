"""Our own books of a judge's last jobs -> what its next answers will be like: length, waste, speed."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum

from batches.models import BatchItem, BatchJob, Judge
from batches.pipeline.strategies import Packing

LAST_JOBS = 6  # of each packing that are looked at
ENOUGH = 10  # answers before they are believed
USUAL_OUTPUT = 120  # tokens of one judgement, without thinking
THINKING = {"low": 60, "medium": 150, "high": 400, "xhigh": 1000, "max": 2000}
TAG_TOKENS = 10  # what echoing its tag adds to a judgement in a bundle
USUAL_CALL = 4.0  # seconds for one judgement
USUAL_BATCH = 3600.0  # seconds for one provider batch; most end within the hour


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a judge's answers in one packing were like."""

    answers: int  # it is drawn from; 0: usual values
    output_tokens: float  # for one judged comparison
    asked: float  # times a comparison was paid for until it was judged
    seconds: float  # of one call, or of one provider batch


def history(judge: Judge, packing: Packing) -> History:
    """The last jobs of this judge in this packing; where there are none, what the others say, else what is usual."""
    own = _last(judge, packing)
    if own.answers >= ENOUGH:
        return own
    bundled = packing == Packing.BUNDLE
    others = [_last(judge, other) for other in Packing if other != packing]
    best = max(others, key=lambda one: one.answers)
    extra = TAG_TOKENS if bundled else 0
    if best.answers < ENOUGH:
        usual = USUAL_OUTPUT + THINKING.get(judge.effort, 0) + extra
        return History(answers=0, output_tokens=usual, asked=1.0, seconds=own.seconds)
    return History(
        answers=best.answers, output_tokens=best.output_tokens + extra, asked=best.asked, seconds=own.seconds
    )


def _last(judge: Judge, packing: Packing) -> History:
    jobs = BatchJob.objects.filter(judge=judge, packing=packing, status=BatchJob.Status.COLLECTED)
    newest = list(jobs.order_by("-pk").values_list("pk", flat=True)[:LAST_JOBS])
    paid = Q(output_tokens__gt=0)
    sums = BatchItem.objects.filter(job__in=newest).aggregate(
        paid=Count("pk", filter=paid), judged=Count("pk", filter=Q(outcome="SUCCEEDED")), output=Sum("output_tokens")
    )
    judged = sums["judged"]
    return History(
        answers=judged,
        output_tokens=(sums["output"] or 0) / sums["paid"] if judged else 0.0,
        asked=sums["paid"] / judged if judged else 1.0,
        seconds=_seconds(newest, packing),
    )


def _seconds(jobs: list[int], packing: Packing) -> float:
    """The usual time of one call, or of one provider batch from sending to collecting."""
    batch = packing == Packing.PROVIDER_BATCH
    rows: QuerySet = BatchJob.objects.filter(pk__in=jobs) if batch else BatchItem.objects.filter(job__in=jobs)
    ended = "closed_at" if batch else "resolved_at"
    rows = rows.filter(sent_at__isnull=False, **{f"{ended}__isnull": False})
    took = rows.aggregate(took=Avg(ExpressionWrapper(F(ended) - F("sent_at"), output_field=DurationField())))["took"]
    usual = USUAL_BATCH if batch else USUAL_CALL
    return took.total_seconds() if isinstance(took, timedelta) else usual
