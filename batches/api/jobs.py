"""Batch jobs: what was sent, where it is, what came of it. Of a job that projects share, the caller sees their part."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from batches import tasks
from batches.api.address import needs
from batches.api.callers import Caller, caller_of
from batches.api.comparisons import ItemOut, JudgeOut, item, judge
from batches.api.fields import SLUG, JobStatus, Moment, RowId, Usd
from batches.api.once import Key, once
from batches.api.paging import Next, Paged, page
from batches.models import BatchItem, BatchJob, JobPart
from batches.models.judging import Strategy
from batches.pipeline import cancel
from batches.pipeline.parts import Figures, figures
from batches.pipeline.refused import Refused

router = Router(tags=["batch jobs"])
MOST_JOBS = 50  # on a page


class Outcomes(Schema):
    """Items by how they ended."""

    SUCCEEDED: int = Field(0, examples=[198])
    INVALID: int = Field(0, examples=[1])
    ERRORED: int = Field(0, examples=[0])
    EXPIRED: int = Field(0, examples=[0])
    CANCELLED: int = Field(0, examples=[0])
    MISSING: int = Field(0, examples=[1])
    LOST: int = Field(0, examples=[0])


class JobOut(Schema):
    id: RowId
    status: JobStatus
    strategy: Strategy = Field(examples=["provider_batch"])
    packing: BatchJob.Packing = Field(examples=["PROVIDER_BATCH"])
    account: str = Field(examples=["anthropic"])
    judge: JudgeOut
    provider_batch_id: str = Field(
        description="Empty for single calls.", examples=["msgbatch_01HkcTjaV5uDC8jWR4ZsDV8d"]
    )
    items: int = Field(description="The caller's own.", examples=[200])
    answered: int = Field(description="Of those, with an outcome.", examples=[200])
    outcomes: Outcomes
    reserved_usd: Usd
    cost_usd: Usd
    error_code: str = Field(examples=[""])
    error: str = Field(description="Why the whole job failed.", examples=[""])
    created_at: Moment
    sent_at: Moment | None
    accepted_at: Moment | None
    ended_at: Moment | None
    closed_at: Moment | None
    cancel_asked_at: Moment | None


class Jobs(Schema):
    items: list[JobOut]
    next: Next


class Items(Schema):
    items: list[ItemOut]
    next: Next


class Cancelled(Schema):
    batch_job: RowId
    asked: bool = Field(
        description="It stops as soon as a worker gets to it; finished answers are kept.", examples=[True]
    )


class JobsAsked(Paged):
    limit: int = Field(25, ge=1, le=MOST_JOBS, description="Rows on a page.", examples=[25])
    assessment: str | None = Field(None, pattern=SLUG, description="With comparisons of this assessment.")
    status: JobStatus | None = None
    packing: BatchJob.Packing | None = None


class ItemsAsked(Paged):
    outcome: BatchItem.Outcome | None = None


def shown(caller: Caller, jobs: Sequence[BatchJob]) -> list[JobOut]:
    """Jobs with the figures of the caller's own part of them."""
    parts = figures(jobs, caller.rows(JobPart))
    return [_job(job, parts[job.pk]) for job in jobs]


def _job(job: BatchJob, part: Figures) -> JobOut:
    same = ("status", "strategy", "packing", "provider_batch_id", "error_code", "error")
    moments = ("created_at", "sent_at", "accepted_at", "ended_at", "closed_at", "cancel_asked_at")
    return JobOut(
        id=job.pk,
        account=job.account.alias,
        judge=judge(job.judge),
        items=part.items,
        answered=part.ended,
        outcomes=Outcomes(**part.outcomes),
        reserved_usd=part.reserved_usd,
        cost_usd=part.cost_usd,
        **{name: getattr(job, name) for name in (*same, *moments)},
    )


@router.get("", response=Jobs, operation_id="list_batch_jobs", **needs("view_batchjob"))
def list_batch_jobs(request: HttpRequest, asked: Query[JobsAsked]) -> Jobs:
    """Batch jobs that hold comparisons of the caller's projects, newest first."""
    caller = caller_of(request)
    rows = caller.rows(BatchJob).select_related("account", "judge__account")
    if asked.status:
        rows = rows.filter(status=asked.status)
    if asked.packing:
        rows = rows.filter(packing=asked.packing)
    if asked.assessment:
        own = caller.rows(JobPart).filter(assessment__slug=asked.assessment)
        rows = rows.filter(Exists(own.filter(job=OuterRef("pk"))))
    found, after = page(rows, asked)
    return Jobs(items=shown(caller, found), next=after)


@router.get("/{id}", response=JobOut, operation_id="get_batch_job", **needs("view_batchjob"))
def get_batch_job(request: HttpRequest, id: RowId) -> JobOut:
    """One batch job."""
    caller = caller_of(request)
    return shown(caller, [caller.one(BatchJob, "account", "judge__account", pk=id)])[0]


@router.get("/{id}/items", response=Items, operation_id="list_batch_job_items", **needs("view_batchitem"))
def list_items(request: HttpRequest, id: RowId, asked: Query[ItemsAsked]) -> Items:
    """The caller's items of one job, newest first."""
    caller = caller_of(request)
    job = caller.one(BatchJob, pk=id)
    rows = caller.rows(BatchItem).filter(job=job).defer("answer", "error")
    if asked.outcome:
        rows = rows.filter(outcome=asked.outcome)
    found, after = page(rows, asked)
    return Items(items=[item(row) for row in found], next=after)


@router.post("/{id}/cancel", response=Cancelled, operation_id="cancel_batch_job", **needs("cancel_batchjob"))
def cancel_batch_job(request: HttpRequest, id: RowId, key: Key) -> HttpResponse:
    """Ask for an early end. What is finished by then is kept and paid for; the rest waits to be submitted again."""
    caller = caller_of(request)
    job = caller.one(BatchJob, pk=id)

    def act() -> Cancelled:
        jobs = BatchJob.objects.filter(pk=job.pk)
        cancel.refuse_shared(jobs, caller.rows(BatchItem))
        if not cancel.ask(jobs, actor=caller.actor):
            raise Refused(f"Batch job {job.pk} is over, or asked to stop already: there is nothing to cancel.")
        transaction.on_commit(tasks.ring)
        return Cancelled(batch_job=job.pk, asked=True)

    return once(request, key, act)
