"""Rows that an episode begins with, each essay carrying a mark by which it is known in a provider's files."""

import itertools
from decimal import Decimal

from django.db import connection

from batches.models import Assessment, AssessmentJudge, Comparison, Essay, Judge, Project, ProviderAccount, Round
from batches.pipeline import plan, submit

numbers = itertools.count(1)
MODELS = {"anthropic": "claude-haiku-4-5-20251001", "openai": "gpt-5.4-mini"}
KEPT = ("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions")


def clear() -> None:
    """Empty the database, but for what the migrations put there."""
    names = [name for name in connection.introspection.table_names() if name not in KEPT]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")


def judge(provider: str) -> Judge:
    account, _ = ProviderAccount.objects.get_or_create(
        alias=f"{provider}-local", defaults={"provider": provider, "is_local": True}
    )
    return Judge.objects.get_or_create(account=account, model_id=MODELS[provider], max_tokens=600)[0]


def mark(number: int, essay: int) -> str:
    return f"Mark{number:05d}x{essay:03d}."


def assessment(provider: str, strategy: str, comparisons: int, *, budget: str = "50") -> Assessment:
    """An assessment whose rounds, let go, hold at least so many comparisons, all of one strategy."""
    number = next(numbers)
    project, _ = Project.objects.get_or_create(name="Chaos")
    made = Assessment.objects.create(
        project=project, slug=f"chaos-{number}", title=f"Chaos {number}", budget_usd=Decimal(budget), pairing="balanced"
    )
    AssessmentJudge.objects.create(assessment=made, judge=judge(provider))
    for i in range(10):
        text = f"{mark(number, i)} It was an day like every other {i}. " * (1 + i % 3)
        Essay.objects.create(assessment=made, candidate=f"C{i:03d}", text=text)
    while Comparison.objects.filter(round__assessment=made).count() < comparisons:
        more(made, strategy, seed=number)
    extra = Comparison.objects.filter(round__assessment=made).order_by("pk")[comparisons:]
    Comparison.objects.filter(pk__in=list(extra.values_list("pk", flat=True))).delete()
    return made


def more(made: Assessment, strategy: str, *, seed: int) -> None:
    """One more round of an assessment, let go."""
    rounds = plan.plan_rounds(made, actor=None, rounds=1, strategy=strategy, seed=seed)
    submit.let_go(Round.objects.filter(pk__in=[one.pk for one in rounds]), actor=None)
