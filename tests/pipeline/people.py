"""Assessments that people judge, for tests."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from batches.models import Assessment, AssessmentJudge, Comparison, Judge, Round
from batches.pipeline import claims, panel, plan, submit
from tests.admin import factories


def person_who_judges(name: str, of: Assessment, *, quota: int | None = None, role: str = "judge") -> User:
    """Somebody with the role judge who is named as a judge of this assessment."""
    user = User.objects.filter(username=name).first() or factories.person(name, of.project, role=role)
    panel.name_judge(of, name, quota=quota, actor=None)
    return user


def seat(user: User, of: Assessment) -> AssessmentJudge:
    return claims.seats(User.objects.get(pk=user.pk)).get(assessment=of)


def with_people(*names: str, essays: int = 8, share: str = "1", quota: int | None = None, **fields: Any) -> Assessment:
    """An assessment with a model, and these people judging a share of its pairs."""
    made = factories.assessment(
        factories.project(f"Of {', '.join(names) or 'nobody'}"), "Year 9", essays=essays, **fields
    )
    for name in names:
        person_who_judges(name, made, quota=quota)
    panel.set_share(made, Decimal(share), "repeat", actor=None)
    return made


def only_people(*names: str, essays: int = 8, quota: int | None = None) -> Assessment:
    """An assessment that no model judges."""
    made = with_people(*names, essays=essays, quota=quota, budget_usd=Decimal(0))
    AssessmentJudge.objects.filter(assessment=made, judge__kind=Judge.Kind.MODEL).delete()
    return made


def submitted(of: Assessment, seed: int = 3) -> Round:
    """A round that was let go."""
    [cj_round] = plan.plan_rounds(of, actor=None, seed=seed)
    submit.let_go(Round.objects.filter(pk=cj_round.pk), actor=None)
    return Round.objects.get(pk=cj_round.pk)


def judge_one(at: AssessmentJudge, winner: str = "A", **beside: Any) -> Comparison | None:
    """Take a pair, answer it and go on; the comparison, or None where there was nothing to take."""
    claim = claims.take(at)
    if claim is None:
        return None
    claims.answer(at, claim.comparison_id, winner, **beside)
    claims.move_on(at, claim.comparison_id, actor=at.judge.user)
    return Comparison.objects.get(pk=claim.comparison_id)
