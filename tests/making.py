"""Rows that tests begin with."""

import itertools
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from batches.models import (
    Assessment,
    AssessmentJudge,
    BatchItem,
    BatchJob,
    Comparison,
    Essay,
    JobPart,
    Judge,
    Project,
    ProviderAccount,
    Round,
)
from batches.models.parts import OUTCOMES

numbers = itertools.count(1)
MODELS = {"anthropic": "claude-haiku-4-5-20251001", "openai": "gpt-5.4-mini"}


def make_judge(provider: str = "anthropic", **fields: Any) -> Judge:
    account, _ = ProviderAccount.objects.get_or_create(
        alias=f"{provider}-local", defaults={"provider": provider, "is_local": True}
    )
    values = {"account": account, "model_id": MODELS[provider], "max_tokens": 600} | fields
    judge, _ = Judge.objects.get_or_create(**values)
    return judge


def make_assessment(n_essays: int = 0, *, judge: Judge | None = None, **fields: Any) -> Assessment:
    """An assessment in a project of its own, with a judge and so many essays."""
    number = next(numbers)
    project = fields.pop("project", None) or Project.objects.create(name=f"Project {number}")
    values = {"slug": f"assessment-{number}", "title": f"Assessment {number}", "budget_usd": Decimal(20)} | fields
    assessment = Assessment.objects.create(project=project, **values)
    AssessmentJudge.objects.create(assessment=assessment, judge=judge or make_judge())
    for i in range(n_essays):
        Essay.objects.create(
            assessment=assessment, candidate=f"C{i:03d}", text=f"Essay number {i} of a pupil. " * (i + 2)
        )
    return assessment


def make_round(assessment: Assessment, **fields: Any) -> Round:
    number = assessment.rounds.count() + 1
    values = {"pairing": "balanced", "seed": 1, "strategy": "per_round", "n_comparisons": 1} | fields
    return Round.objects.create(assessment=assessment, number=number, **values)


def make_comparison(**fields: Any) -> Comparison:
    """A pending comparison of two essays."""
    assessment = fields.pop("assessment", None) or make_assessment(2)
    a, b = assessment.essays.order_by("pk")[:2]
    values = {"essay_a": a, "essay_b": b, "judge": assessment.judges.get()} | fields
    cj_round = values.pop("round", None) or make_round(assessment)
    return Comparison.objects.create(round=cj_round, **values)


def make_job(packing: str = "PROVIDER_BATCH", *, judge: Judge | None = None, **fields: Any) -> BatchJob:
    judge = judge or make_judge()
    assert judge.account is not None
    return BatchJob.objects.create(
        account=judge.account,
        provider=judge.account.provider,
        judge=judge,
        strategy="provider_batch" if packing == "PROVIDER_BATCH" else "per_round",
        packing=packing,
        n_items=fields.pop("n_items", 1),
        **fields,
    )


def make_item(job: BatchJob, comparison: Comparison, **fields: Any) -> BatchItem:
    """An open item; its comparison goes IN_FLIGHT."""
    number = job.items.count() + 1
    item = BatchItem.objects.create(job=job, comparison=comparison, custom_id=f"{job.nonce}-{number:06d}", **fields)
    Comparison.objects.filter(pk=comparison.pk).advance(Comparison.Status.IN_FLIGHT)
    count_parts(job.pk)
    return item


def count_parts(job: int) -> None:
    """What each assessment has in a job whose items a test wrote or changed by hand."""
    JobPart.objects.filter(job=job).delete()
    JobPart.objects.bulk_create(JobPart(**row) for row in added_up(job=job))


def added_up(**of: Any) -> list[dict[str, Any]]:
    """The parts of jobs, from their items."""
    path = "comparison__round__assessment"
    ended = {column: Count("pk", filter=Q(outcome=outcome)) for outcome, column in OUTCOMES.items()}
    columns = {"n_items": Count("pk"), **ended, "reserved_usd": Sum("reserved_usd"), "cost_usd": Sum("cost_usd")}
    rows = BatchItem.objects.filter(**of).order_by("job", path).values("job", path)
    # under another name first: an item has columns of these names itself
    sums = rows.annotate(**{f"of_{name}": total for name, total in columns.items()})
    return [
        {"job_id": row["job"], "assessment_id": row[path], **{name: row[f"of_{name}"] for name in columns}}
        for row in sums
    ]
