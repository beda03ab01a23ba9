"""Assessments: the list, one of them, and making a new one."""

import secrets
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify
from ninja import Query, Router, Schema
from pydantic import Field

from batches.api.address import needs
from batches.api.callers import Caller, caller_of
from batches.api.comparisons import JudgeOut, judge
from batches.api.essays import EssayIn, loaded
from batches.api.fields import Given, Moment, RowId, Slug, Usd
from batches.api.once import Key, once
from batches.api.paging import Next, Paged, page
from batches.api.problems import Refusal
from batches.models import Assessment, Comparison, Project, Round
from batches.models.judging import Strategy
from batches.pipeline import budget, load
from batches.pipeline.refused import Refused

router = Router(tags=["assessments"])
TEXTS = ("rubric", "instructions")
MOST_TEXT = 100_000  # characters of a rubric
Amount = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,7}(\.[0-9]{1,12})?$", description="US dollars.", examples=["20.00"]),
]


class AssessmentOut(Schema):
    slug: Slug
    project: RowId
    title: str = Field(examples=["Year 6 writing"])
    pairing: Assessment.Pairing = Field(examples=["balanced"])
    target_reliability: Usd | None = Field(description="When to stop.", examples=["0.900"])
    deadline: Moment | None
    correlation_id: UUID = Field(
        description="What its callbacks carry, unless a round was given another.",
        examples=["3f1b8a52-9c1e-4b8e-9d43-0a4a7d1f0c11"],
    )
    budget_usd: Usd
    reserved_usd: Usd
    spent_usd: Usd
    created_at: Moment


class AssessmentDetail(AssessmentOut):
    instructions: str = Field(examples=["Write a letter to your head teacher."])
    rubric: str = Field(examples=["Prefer the letter that makes its case more clearly."])
    judges: list[JudgeOut]
    essays: int = Field(description="Those withdrawn left out.", examples=[40])
    rounds: int = Field(examples=[3])


class Assessments(Schema):
    items: list[AssessmentOut]
    next: Next


class AssessmentsAsked(Paged):
    project: RowId | None = Field(None, description="Of this project only.")
    probes: Literal["hidden", "shown", "only"] = Field(
        "hidden", description="Those with which judges are put to the test (`probe_judge`)."
    )


class NewAssessment(Given):
    """An assessment to be made. Its slug is made from the title, with six characters that nobody can foresee."""

    project: RowId
    title: str = Field(min_length=1, max_length=200, pattern=r"\S", examples=["Year 6 writing"])
    instructions: str = Field("", max_length=MOST_TEXT, examples=["Write a letter to your head teacher."])
    rubric: str = Field("", max_length=MOST_TEXT, examples=["Prefer the letter that makes its case more clearly."])
    judge: str | None = Field(
        None, max_length=150, description="provider:model", examples=["anthropic:claude-haiku-4-5-20251001"]
    )
    strategy: Strategy | None = Field(
        None, description="Where it differs from the installation's.", examples=["per_round"]
    )
    budget_usd: Amount | None = None
    essays: list[EssayIn] = Field([], max_length=1000)


def columns(row: Assessment) -> dict[str, Any]:
    same = set(AssessmentOut.model_fields) - {"project"}
    return {"project": row.project_id, **{name: getattr(row, name) for name in same}}


def detail(row: Assessment) -> AssessmentDetail:
    return AssessmentDetail(
        **columns(row),
        instructions=row.instructions,
        rubric=row.rubric,
        judges=[judge(one) for one in row.judges.select_related("account").order_by("pk")],
        essays=row.essays.filter(withdrawn_at=None).count(),
        rounds=row.rounds.count(),
    )


def waiting_rounds(caller: Caller, assessment: Assessment) -> QuerySet[Round]:
    """Its rounds with comparisons that somebody has to let go."""
    held = Comparison.objects.filter(status=Comparison.Status.PENDING, held=True)
    rounds: QuerySet[Round] = caller.rows(Round).filter(assessment=assessment)
    return rounds.filter(
        Q(submitted_at=None)
        | Exists(held.filter(round=OuterRef("pk")))
        | Exists(held.filter(round__watches=OuterRef("pk")))
    )


@router.get("", response=Assessments, operation_id="list_assessments", **needs("view_assessment"))
def list_assessments(request: HttpRequest, asked: Query[AssessmentsAsked]) -> Assessments:
    """Assessments, newest first."""
    rows = caller_of(request).rows(Assessment).defer(*TEXTS)
    if asked.project:
        rows = rows.filter(project=asked.project)
    if asked.probes != "shown":
        rows = rows.filter(probe__isnull=asked.probes == "hidden")
    found, after = page(rows, asked)
    return Assessments(items=[AssessmentOut(**columns(row)) for row in found], next=after)


@router.get("/{slug}", response=AssessmentDetail, operation_id="get_assessment", **needs("view_assessment"))
def get_assessment(request: HttpRequest, slug: Slug) -> AssessmentDetail:
    """One assessment."""
    return detail(caller_of(request).one(Assessment, slug=slug))


@router.post("", response={201: AssessmentDetail}, operation_id="create_assessment", **needs("add_assessment"))
def create_assessment(request: HttpRequest, given: NewAssessment, key: Key) -> HttpResponse:
    """Make an assessment, with essays where they are sent along; nothing is kept where anything is wrong."""
    caller = caller_of(request)
    if given.essays and not caller.may("load_essays"):
        raise Refusal(403)
    project = caller.rows(Project).filter(pk=given.project).first()
    if project is None:
        raise Refusal(422, f"There is no project {given.project} of yours: GET /api/v1/projects lists them.")
    return once(request, key, lambda: _make(caller, project, given), status=201)


def _make(caller: Caller, project: Project, given: NewAssessment) -> AssessmentDetail:
    try:
        with transaction.atomic():
            made = load.create_assessment(
                project=project,
                slug=_slug(given.title),
                title=given.title.strip(),
                rubric=given.rubric,
                instructions=given.instructions,
                judge=given.judge,
                actor=caller.actor,
            )
            if given.strategy:
                Assessment.objects.filter(pk=made.pk).update(overrides={"llm_batching_strategy": str(given.strategy)})
            if given.budget_usd is not None:
                budget.first_budget(made, Decimal(given.budget_usd), actor=caller.actor)
            if given.essays:
                loaded(caller, made, given.essays)
    except Refused as problem:
        raise Refusal(422, str(problem)) from None
    return detail(Assessment.objects.get(pk=made.pk))


def _slug(title: str) -> str:
    """Never one that is taken: whether another project has a slug cannot be found out here."""
    return f"{slugify(title)[:60].strip('-_') or 'assessment'}-{secrets.token_hex(3)}"
