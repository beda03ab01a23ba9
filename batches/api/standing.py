"""Where an assessment stands: its counters for a live display, its money, and what submitting would take."""

from dataclasses import replace
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from batches.api import etag
from batches.api.address import needs
from batches.api.assessments import TEXTS, waiting_rounds
from batches.api.callers import caller_of
from batches.api.fields import Slug, Usd
from batches.api.rounds import CountsOut, counts
from batches.models import Assessment
from batches.models.judging import Strategy
from batches.pipeline import forecast
from batches.pipeline.progress import Progress, State, progress
from batches.pipeline.standing import Standing, standing

router = Router(tags=["standing"])


class ScaleState(Schema):
    number: int = Field(examples=[1])
    published: bool = Field(examples=[False])
    is_current: bool = Field(description="Whether nothing was judged since.", examples=[True])


class ProgressOut(Schema):
    """Counters, and nothing else: cheap enough to ask for every few seconds, with If-None-Match."""

    assessment: Slug
    state: State = Field(examples=["under_way"])
    comparisons: CountsOut
    percent: int = Field(description="Resolved, of all comparisons.", examples=[50])
    rounds: int = Field(examples=[3])
    jobs_live: int = Field(description="Batch jobs that still owe an answer.", examples=[2])
    jobs_needing_attention: int = Field(examples=[0])
    reserved_usd: Usd
    spent_usd: Usd
    scale: ScaleState | None = Field(description="The newest.")


class BudgetOut(Schema):
    assessment: Slug
    budget_usd: Usd
    reserved_usd: Usd = Field(description="Held for what is under way.")
    spent_usd: Usd
    overrun_usd: Usd = Field(description="Used beyond the budget; while it is not 0, nothing is submitted.")
    left_usd: Usd


class StandingOut(Schema):
    """What is happening and what to do next, in sentences."""

    happening: str = Field(examples=["40 comparisons under way in 2 batch jobs."])
    next_action: str = Field(examples=["wait"])
    next_step: str = Field(examples=["Wait: this page shows how far it has come."])
    essays: int = Field(examples=[40])
    is_local: bool = Field(examples=[False])
    strategy: Strategy = Field(examples=["per_round"])
    strategy_source: str = Field(examples=["default"])
    fail_reasons: dict[str, int] = Field(description="Failed comparisons by reason.", examples=[{"refused": 2}])
    warnings: list[str] = Field(examples=[[]])


class ForecastOut(Schema):
    """What one strategy would make of what waits. Money is expected, not reserved, unless it says so."""

    strategy: Strategy = Field(examples=["per_round"])
    problem: str = Field(description="Why it cannot be used here; the figures then say nothing.", examples=[""])
    comparisons: int = Field(examples=[120])
    jobs: int = Field(examples=[1])
    requests: int = Field(examples=[120])
    input_tokens: int = Field(examples=[257280])
    output_tokens: int = Field(examples=[14160])
    tokens_are: Literal["counted", "estimated"] = Field(examples=["estimated"])
    cost_usd: Usd
    worst_case_usd: Usd
    reserved_usd: Usd
    budget_left_usd: Usd
    fits_budget: bool = Field(examples=[True])
    seconds: float = Field(description="From submitting to the last judgement.", examples=[42.0])


class Forecasts(Schema):
    items: list[ForecastOut]


def progress_out(slug: str, now: Progress) -> ProgressOut:
    total = now.counts.total
    latest = (
        ScaleState(number=now.scale, published=now.scale_published, is_current=now.scale_judgements == now.scorable)
        if now.scale is not None
        else None
    )
    return ProgressOut(
        assessment=slug,
        state=now.state,
        comparisons=counts(now.counts),
        percent=100 * now.counts.resolved // total if total else 0,
        rounds=now.rounds,
        jobs_live=now.jobs_live,
        jobs_needing_attention=now.jobs_needing_attention,
        reserved_usd=now.reserved_usd,
        spent_usd=now.spent_usd,
        scale=latest,
    )


@router.get("/{slug}/progress", response=ProgressOut, operation_id="get_progress", **needs("view_assessment"))
def get_progress(request: HttpRequest, slug: Slug) -> Any:
    """The counters of an assessment. Ask as often as you like, with the ETag of the last answer."""
    assessment = caller_of(request).one(Assessment, without=TEXTS, slug=slug)
    now = progress(assessment)
    tag = etag.of(slug, now)
    if etag.known(request, tag):
        return etag.not_modified(tag)
    return progress_out(slug, now)


@router.get("/{slug}/budget", response=BudgetOut, operation_id="get_budget", **needs("view_assessment"))
def get_budget(request: HttpRequest, slug: Slug) -> BudgetOut:
    """The money of an assessment."""
    row = caller_of(request).one(Assessment, without=TEXTS, slug=slug)
    return BudgetOut(
        assessment=slug, **{name: getattr(row, name) for name in BudgetOut.model_fields if name != "assessment"}
    )


@router.get("/{slug}/standing", response=StandingOut, operation_id="get_standing", **needs("view_assessment"))
def get_standing(request: HttpRequest, slug: Slug) -> StandingOut:
    """Where an assessment stands, in the words of its page in the admin."""
    now = own_part(standing(caller_of(request).one(Assessment, slug=slug)))
    same = ("happening", "next_action", "next_step", "is_local", "strategy", "strategy_source", "warnings")
    return StandingOut(
        essays=now.n_essays,
        fail_reasons=dict(now.fail_reasons),
        **{name: getattr(now, name) for name in same},
    )


def own_part(now: Standing) -> Standing:
    """Comparisons that gather do so across projects; how many others there are is not this caller's to know."""
    return replace(now, gathering=[replace(one, waiting=one.own) for one in now.gathering])


@router.get("/{slug}/forecast", response=Forecasts, operation_id="get_forecast", **needs("view_assessment"))
def get_forecast(request: HttpRequest, slug: Slug) -> Forecasts:
    """What each strategy would make of what waits to be submitted. Nothing is sent, nobody outside is asked."""
    caller = caller_of(request)
    assessment = caller.one(Assessment, without=TEXTS, slug=slug)
    found = forecast.of_rounds(waiting_rounds(caller, assessment))
    return Forecasts(
        items=[ForecastOut(**{name: getattr(one, name) for name in ForecastOut.model_fields}) for one in found]
    )
