"""Comparisons: who met whom, what was said, and what it cost. Essays are pseudonyms; their texts never leave."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from batches.api.address import needs
from batches.api.callers import Caller, caller_of
from batches.api.fields import SLUG, ComparisonStatus, Moment, RowId, Slug, Usd
from batches.api.paging import Next, Paged, page
from batches.models import BatchItem, Comparison, Judge, Judgement, ProviderAccount, Round

router = Router(tags=["comparisons"])
MOST_ITEMS = 100  # attempts are few; a runaway should not fill a page


class JudgeOut(Schema):
    """A model, or a person, who has no name here."""

    kind: Judge.Kind = Field(examples=["MODEL"])
    provider: ProviderAccount.Provider | None = Field(examples=["anthropic"])
    model: str | None = Field(examples=["claude-haiku-4-5-20251001"])


class JudgementOut(Schema):
    winner: Judgement.Winner = Field(description="A is the essay that was read first.", examples=["A"])
    justification: str = Field(examples=["Essay A develops its argument; Essay B repeats itself."])
    confidence: int | None = Field(ge=1, le=5, description="null where a person did not say.", examples=[4])
    created_at: Moment


class ComparisonOut(Schema):
    id: RowId
    assessment: Slug
    round: int = Field(description="Its number within the assessment.", examples=[1])
    round_id: RowId
    essay_a: str = Field(description="The candidate read first.", examples=["C-0017"])
    essay_b: str = Field(description="The candidate read second.", examples=["C-0042"])
    judge: JudgeOut
    replicate: int = Field(description="1 for a swapped repeat.", examples=[0])
    status: ComparisonStatus
    fail_reason: str = Field(examples=[""])
    fail_detail: str = Field(examples=[""])
    held: bool = Field(description="Waits until it is submitted again.", examples=[False])
    attempts: int = Field(examples=[1])
    revision: int = Field(description="How often it was resolved; its callbacks are numbered by it.", examples=[1])
    resolved_at: Moment | None
    judgement: JudgementOut | None


class ItemOut(Schema):
    """One attempt, in one batch job."""

    batch_job: RowId
    custom_id: str = Field(examples=["9f2c41d07a11-000017"])
    outcome: BatchItem.Outcome | None = Field(description="null while there is no answer.", examples=["SUCCEEDED"])
    reason: str = Field(examples=[""])
    prompt_tokens: int = Field(examples=[2144])
    completion_tokens: int = Field(examples=[118])
    cost_usd: Usd
    resolved_at: Moment | None


class ComparisonDetail(ComparisonOut):
    items: list[ItemOut]


class Comparisons(Schema):
    items: list[ComparisonOut]
    next: Next


class ComparisonsAsked(Paged):
    assessment: str | None = Field(None, pattern=SLUG, description="Of this assessment only.")
    round: RowId | None = Field(None, description="Of the round with this id only.")
    status: ComparisonStatus | None = None


def judge(row: Judge) -> JudgeOut:
    return JudgeOut(
        kind=Judge.Kind(row.kind),
        provider=ProviderAccount.Provider(row.account.provider) if row.account else None,
        model=row.model_id or None,
    )


def item(row: BatchItem) -> ItemOut:
    return ItemOut(
        batch_job=row.job_id,
        custom_id=row.custom_id,
        outcome=BatchItem.Outcome(row.outcome) if row.outcome else None,
        reason=row.reason,
        prompt_tokens=row.input_tokens + row.cache_read_tokens + row.cache_write_tokens,
        completion_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        resolved_at=row.resolved_at,
    )


def columns(row: Comparison) -> dict[str, Any]:
    said = getattr(row, "judgement", None)
    same = ("round_id", "replicate", "status", "fail_reason", "fail_detail", "held", "attempts", "revision")
    return {
        "id": row.pk,
        "assessment": row.round.assessment.slug,
        "round": row.round.number,
        "essay_a": row.essay_a.candidate,
        "essay_b": row.essay_b.candidate,
        "judge": judge(row.judge),
        **{name: getattr(row, name) for name in same},
        "resolved_at": row.resolved_at,
        "judgement": JudgementOut(
            winner=Judgement.Winner(said.winner),
            justification=said.justification,
            confidence=said.confidence,
            created_at=said.created_at,
        )
        if said
        else None,
    }


RELATED = ("round__assessment", "essay_a", "essay_b", "judge__account", "judgement")
UNSHOWN = ("essay_a__text", "essay_b__text", "round__assessment__rubric", "round__assessment__instructions")


def asked_for(caller: Caller, asked: ComparisonsAsked) -> QuerySet[Comparison]:
    """The caller's comparisons that were asked for, by the ids of their rounds: those few are found first."""
    rounds = caller.rows(Round)
    if asked.assessment:
        rounds = rounds.filter(assessment__slug=asked.assessment)
    if asked.round:
        rounds = rounds.filter(pk=asked.round)
    rows = Comparison.objects.filter(round__in=list(rounds.order_by().values_list("pk", flat=True)))
    return rows.filter(status=asked.status) if asked.status else rows


@router.get("", response=Comparisons, operation_id="list_comparisons", **needs("view_comparison"))
def list_comparisons(request: HttpRequest, asked: Query[ComparisonsAsked]) -> Comparisons:
    """Comparisons, newest first."""
    rows = asked_for(caller_of(request), asked)
    found, after = page(rows.select_related(*RELATED).defer(*UNSHOWN), asked)
    return Comparisons(items=[ComparisonOut(**columns(row)) for row in found], next=after)


@router.get("/{id}", response=ComparisonDetail, operation_id="get_comparison", **needs("view_comparison"))
def get_comparison(request: HttpRequest, id: RowId) -> ComparisonDetail:
    """One comparison, with every attempt at it."""
    row = caller_of(request).one(Comparison, *RELATED, without=UNSHOWN, pk=id)
    items = row.items.defer("answer", "error").order_by("pk")[:MOST_ITEMS]
    return ComparisonDetail(**columns(row), items=[item(one) for one in items])
