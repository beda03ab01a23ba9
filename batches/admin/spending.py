"""What is about to be submitted -> the question a person answers first."""

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from batches.admin.deeds import Question
from batches.admin.forecasts import forecast_rows, over_budget
from batches.admin.words import usd
from batches.models import Assessment, Comparison, Judge, Round
from batches.pipeline.refused import Refused
from batches.providers import manifest


def question_before_submitting(rounds: QuerySet[Round]) -> Question:
    """Comparisons, judges, strategies and budgets of these rounds; Refused when none of them waits."""
    waiting = Comparison.objects.filter(round__in=rounds, status=Comparison.Status.PENDING)
    waiting = waiting.filter(Q(round__submitted_at=None) | Q(held=True))
    n = waiting.count()
    if not n:
        raise Refused("Nothing is left to submit here: every comparison has been submitted already.")
    assessments = list(Assessment.objects.filter(rounds__in=rounds).distinct())
    judges = list(Judge.objects.filter(comparisons__in=waiting).select_related("account", "user").distinct())
    facts: list[tuple[str, Any]] = [
        ("Comparisons", f"{n:,}"),
        ("Rounds", ", ".join(_rounds(rounds))),
        ("Judge", ", ".join(_judge(judge) for judge in judges)),
        ("Strategy", ", ".join(sorted({cj_round.get_strategy_display() for cj_round in rounds}))),
        *[(f"Budget left for {one}" if len(assessments) > 1 else "Budget left", _left(one)) for one in assessments],
    ]
    found = forecast_rows(rounds)
    return Question(
        title="Submit comparisons",
        facts=facts,
        button=f"Submit {n:,} comparisons",
        warnings=(*_warnings(judges), *over_budget(found)),
        forecasts=tuple(found),
    )


def _rounds(rounds: QuerySet[Round]) -> list[str]:
    named = rounds.select_related("assessment").annotate(n=Count("comparisons")).order_by("assessment", "number")
    return [f"{one.assessment}: round {one.number}" for one in named[:10]]


def _judge(judge: Judge) -> str:
    return f"{judge} ({judge.account.get_provider_display()})" if judge.account else str(judge)


def _left(assessment: Assessment) -> str:
    return f"{usd(assessment.left_usd)} of {usd(assessment.budget_usd)}"


def _warnings(judges: list[Judge]) -> list[str]:
    found = [
        manifest.retirement_warning(model, timezone.localdate())
        for judge in judges
        if judge.account and (model := manifest.load().get(judge.model_id))
    ]
    if any(judge.is_local for judge in judges):
        found.append("The local provider answers: the results will say nothing about pupils' work.")
    elif judges:
        found.append("This is a real account: the provider will bill what is used.")
    return [warning for warning in found if warning]
