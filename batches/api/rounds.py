"""Rounds: what was planned, and how far it is."""

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from batches.api.address import needs
from batches.api.callers import caller_of
from batches.api.fields import SLUG, Moment, RowId, Slug
from batches.api.paging import Next, Paged, page
from batches.models import Assessment, Round
from batches.models.judging import Strategy
from batches.pipeline.progress import Counts, counts_of

router = Router(tags=["rounds"])


class RoundOut(Schema):
    id: RowId
    assessment: Slug
    number: int = Field(examples=[1])
    purpose: Round.Purpose = Field(description="LAB rounds never enter a scale.", examples=["SCALE"])
    pairing: Assessment.Pairing = Field(examples=["balanced"])
    strategy: Strategy = Field(description="How it leaves.", examples=["per_round"])
    n_comparisons: int = Field(examples=[120])
    correlation_id: UUID = Field(
        description="What its callbacks carry.", examples=["3f1b8a52-9c1e-4b8e-9d43-0a4a7d1f0c11"]
    )
    submitted_at: Moment | None = Field(description="null while it is only planned.")
    created_at: Moment


class CountsOut(Schema):
    """Comparisons by what is happening to them. `unsubmitted` and `held` are part of `waiting`."""

    total: int = Field(examples=[120])
    waiting: int = Field(examples=[20])
    unsubmitted: int = Field(examples=[0])
    held: int = Field(examples=[0])
    in_flight: int = Field(examples=[40])
    judged: int = Field(examples=[58])
    failed: int = Field(examples=[2])
    withdrawn: int = Field(examples=[0])
    resolved: int = Field(description="judged, failed and withdrawn", examples=[60])


class RoundDetail(RoundOut):
    comparisons: CountsOut


class Rounds(Schema):
    items: list[RoundOut]
    next: Next


class RoundsAsked(Paged):
    assessment: str | None = Field(None, pattern=SLUG, description="Of this assessment only.")
    purpose: Round.Purpose | None = None
    strategy: Strategy | None = None
    submitted: Literal["yes", "no"] | None = None


def counts(found: Counts) -> CountsOut:
    return CountsOut(**{name: getattr(found, name) for name in CountsOut.model_fields})


def columns(row: Round) -> dict[str, Any]:
    """A round, its assessment at hand, as the API shows it."""
    return {
        "id": row.pk,
        "assessment": row.assessment.slug,
        **{name: getattr(row, name) for name in ("number", "purpose", "pairing", "strategy", "n_comparisons")},
        "correlation_id": row.correlation_id or row.assessment.correlation_id,
        "submitted_at": row.submitted_at,
        "created_at": row.created_at,
    }


@router.get("", response=Rounds, operation_id="list_rounds", **needs("view_round"))
def list_rounds(request: HttpRequest, asked: Query[RoundsAsked]) -> Rounds:
    """Rounds, newest first."""
    rows = caller_of(request).rows(Round).select_related("assessment")
    rows = rows.defer("assessment__rubric", "assessment__instructions")
    if asked.assessment:
        rows = rows.filter(assessment__slug=asked.assessment)
    if asked.purpose:
        rows = rows.filter(purpose=asked.purpose)
    if asked.strategy:
        rows = rows.filter(strategy=asked.strategy)
    if asked.submitted:
        rows = rows.filter(submitted_at__isnull=asked.submitted == "no")
    found, after = page(rows, asked)
    return Rounds(items=[RoundOut(**columns(row)) for row in found], next=after)


@router.get("/{id}", response=RoundDetail, operation_id="get_round", **needs("view_round"))
def get_round(request: HttpRequest, id: RowId) -> RoundDetail:
    """One round, with its comparisons counted."""
    row = caller_of(request).one(Round, "assessment", pk=id)
    return RoundDetail(**columns(row), comparisons=counts(counts_of(row)))
