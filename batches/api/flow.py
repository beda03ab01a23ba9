"""What moves an assessment on: plan, submit, ask for a scale. The same pipeline steps that the admin takes."""

from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from batches import tasks
from batches.api.address import needs
from batches.api.assessments import waiting_rounds
from batches.api.callers import caller_of
from batches.api.fields import Given, Slug
from batches.api.once import Key, once
from batches.api.rounds import RoundOut, columns
from batches.models import Assessment, Comparison, Round
from batches.models.judging import Strategy
from batches.pipeline.plan import plan_rounds
from batches.pipeline.refused import Refused
from batches.pipeline.submit import let_go

router = Router(tags=["flow"])
MOST_ROUNDS = 20  # in one call: a round of 20,000 essays is 200,000 pairs
CorrelationId = Annotated[
    UUID | None,
    Field(
        description="What callbacks of these rounds carry from now on; without one, the assessment's.",
        examples=["3f1b8a52-9c1e-4b8e-9d43-0a4a7d1f0c11"],
    ),
]


class ToPlan(Given):
    rounds: int = Field(1, ge=1, le=MOST_ROUNDS, examples=[1])
    strategy: Strategy | None = Field(
        None, description="Where it differs from the assessment's.", examples=["per_round"]
    )
    correlation_id: CorrelationId = None


class Planned(Schema):
    rounds: list[RoundOut]
    comparisons: int = Field(examples=[120])


class ToSubmit(Given):
    rounds: list[Annotated[int, Field(ge=1, le=2**31 - 1)]] | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The numbers of the rounds; without them, everything that is planned or held back.",
        examples=[[1]],
    )
    correlation_id: CorrelationId = None


class Submitted(Schema):
    rounds: list[int] = Field(description="Their numbers.", examples=[[1]])
    comparisons: int = Field(description="They leave as soon as a worker takes them.", examples=[120])


class Asked(Schema):
    assessment: Slug
    asked: bool = Field(description="A worker computes it: look under scales.", examples=[True])


@router.post("/{slug}/plan", response={201: Planned}, operation_id="plan", **needs("plan_round"))
def plan(request: HttpRequest, slug: Slug, given: ToPlan, key: Key) -> HttpResponse:
    """Plan rounds of pairs. Nothing is sent and nothing is spent."""
    caller = caller_of(request)
    assessment = caller.one(Assessment, "project", slug=slug)

    def act() -> Planned:
        made = plan_rounds(
            assessment,
            actor=caller.actor,
            rounds=given.rounds,
            strategy=given.strategy,
            correlation_id=given.correlation_id,
        )
        rows = Round.objects.filter(pk__in=[one.pk for one in made]).select_related("assessment").order_by("number")
        return Planned(
            rounds=[RoundOut(**columns(row)) for row in rows], comparisons=sum(one.n_comparisons for one in made)
        )

    return once(request, key, act, status=201)


@router.post("/{slug}/submit", response=Submitted, operation_id="submit", **needs("submit_round"))
def submit(request: HttpRequest, slug: Slug, given: ToSubmit, key: Key) -> HttpResponse:
    """Let comparisons go. This spends money, within the budget."""
    caller = caller_of(request)
    assessment = caller.one(Assessment, slug=slug)

    def act() -> Submitted:
        waiting = waiting_rounds(caller, assessment)
        if given.rounds is not None:
            waiting = waiting.filter(number__in=given.rounds)
        chosen = sorted(waiting.values_list("number", flat=True))
        if absent := sorted(set(given.rounds or []) - set(chosen)):
            raise Refused(f"Round {absent[0]} has nothing left to submit, or does not exist: nothing was submitted.")
        if not chosen:
            raise Refused("Nothing is left to submit here: every comparison has been submitted already.")
        rounds = Round.objects.filter(assessment=assessment, number__in=chosen)
        n = let_go(rounds, actor=caller.actor, correlation_id=given.correlation_id)
        transaction.on_commit(tasks.ring)
        return Submitted(rounds=chosen, comparisons=n)

    return once(request, key, act)


@router.post("/{slug}/scale", response={202: Asked}, operation_id="ask_scale", **needs("score_assessment"))
def ask_scale(request: HttpRequest, slug: Slug, key: Key) -> HttpResponse:
    """Have a scale computed from all judgements so far."""
    caller = caller_of(request)
    assessment = caller.one(Assessment, slug=slug)

    def act() -> Asked:
        if not Comparison.objects.filter(round__assessment=assessment, status=Comparison.Status.JUDGED).exists():
            raise Refused("Nothing has been judged here yet: a scale needs judgements.")
        if not tasks.ask_score(assessment.pk, caller.actor.pk):
            raise Refused("The queue cannot be reached at the moment: start the workers, then try again.")
        return Asked(assessment=slug, asked=True)

    return once(request, key, act, status=202)
