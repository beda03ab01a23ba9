"""Scales: the fits of an assessment, and each essay's score on one."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from batches.api.address import needs
from batches.api.callers import caller_of
from batches.api.fields import SLUG, Moment, RowId, Slug
from batches.api.paging import Next, Paged, page
from batches.models import Scale, Score

router = Router(tags=["scales"])


class ScaleOut(Schema):
    id: RowId
    assessment: Slug
    number: int = Field(examples=[1])
    estimator: Scale.Estimator = Field(examples=["map"])
    is_local: bool = Field(
        description="The local provider judged: it says nothing about pupils' work.", examples=[False]
    )
    n_essays: int = Field(examples=[40])
    n_comparisons: int = Field(description="Judgements that it was made from.", examples=[400])
    connected: bool = Field(description="Whether every essay can be compared with every other.", examples=[True])
    components: int = Field(examples=[1])
    position_bias: float | None = Field(examples=[0.08])
    position_bias_se: float | None = Field(examples=[0.05])
    sigma: float | None = Field(examples=[1.42])
    eb_reliability: float | None = Field(description="The one to believe.", examples=[0.87])
    scale_separation_reliability: float | None = Field(description="The classic one.", examples=[0.89])
    judgements_sha256: str = Field(description="Same judgements, same numbers.", examples=["0" * 64])
    created_at: Moment
    published_at: Moment | None = Field(description="Frozen from then on.")


class Scales(Schema):
    items: list[ScaleOut]
    next: Next


class ScoreOut(Schema):
    candidate: str = Field(examples=["C-0017"])
    component: int = Field(examples=[1])
    n: int = Field(description="Judgements of this essay.", examples=[20])
    wins: int = Field(examples=[13])
    logit: float | None = Field(description="null where it is undefined.", examples=[0.74])
    standard_error: float | None = Field(examples=[0.31])
    standard_error_sirt: float | None = Field(examples=[0.33])
    infit: float | None = Field(examples=[0.98])
    outfit: float | None = Field(examples=[1.02])
    rank: int | None = Field(examples=[3])


class Scores(Schema):
    items: list[ScoreOut]
    next: Next


class ScalesAsked(Paged):
    assessment: str | None = Field(None, pattern=SLUG, description="Of this assessment only.")
    published: Literal["yes", "no"] | None = None


def columns(row: Scale) -> dict[str, Any]:
    same = set(ScaleOut.model_fields) - {"id", "assessment"}
    return {"id": row.pk, "assessment": row.assessment.slug, **{name: getattr(row, name) for name in same}}


LONG = ("judgement_ids", "assessment__rubric", "assessment__instructions")


@router.get("", response=Scales, operation_id="list_scales", **needs("view_scale"))
def list_scales(request: HttpRequest, asked: Query[ScalesAsked]) -> Scales:
    """Scales, newest first."""
    rows = caller_of(request).rows(Scale).select_related("assessment").defer(*LONG)
    if asked.assessment:
        rows = rows.filter(assessment__slug=asked.assessment)
    if asked.published:
        rows = rows.filter(published_at__isnull=asked.published == "no")
    found, after = page(rows, asked)
    return Scales(items=[ScaleOut(**columns(row)) for row in found], next=after)


@router.get("/{id}", response=ScaleOut, operation_id="get_scale", **needs("view_scale"))
def get_scale(request: HttpRequest, id: RowId) -> ScaleOut:
    """One scale."""
    return ScaleOut(**columns(caller_of(request).one(Scale, "assessment", without=LONG, pk=id)))


@router.get("/{id}/scores", response=Scores, operation_id="list_scores", **needs("view_score"))
def list_scores(request: HttpRequest, id: RowId, asked: Query[Paged]) -> Scores:
    """Each essay's score on one scale, in no particular order: sort them by rank."""
    caller = caller_of(request)
    scale = caller.one(Scale, without=LONG[:1], pk=id)
    rows = caller.rows(Score).filter(scale=scale).select_related("essay").defer("essay__text")
    found, after = page(rows, asked)
    names = set(ScoreOut.model_fields) - {"candidate"}
    items = [ScoreOut(candidate=row.essay.candidate, **{name: getattr(row, name) for name in names}) for row in found]
    return Scores(items=items, next=after)
