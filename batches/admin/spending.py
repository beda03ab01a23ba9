"""What is about to be submitted -> the question a person answers first, and letting it go once."""

import hashlib
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches import tasks
from batches.admin.deeds import Question
from batches.admin.forecasts import Row, forecast_rows, over_budget
from batches.admin.words import usd
from batches.models import Assessment, Comparison, Judge, Round
from batches.pipeline import canaries
from batches.pipeline.once import once
from batches.pipeline.refused import Refused
from batches.pipeline.submit import let_go
from batches.providers import manifest

Facts = list[tuple[str, Any]]


def waiting_in(rounds: QuerySet[Round]) -> QuerySet[Comparison]:
    """Comparisons of these rounds that somebody has to let go, known pairs with them."""
    pending = Comparison.objects.filter(round__in=canaries.with_canaries(rounds), status=Comparison.Status.PENDING)
    return pending.filter(Q(round__submitted_at=None) | Q(held=True))


def submit_once(request: HttpRequest, rounds: QuerySet[Round]) -> str:
    """Let these rounds go, once however often the button is pressed; what came of it.

    Refused where something else waits by now than the person was shown the price of.
    """
    ids = list(rounds.values_list("pk", flat=True))

    def act() -> str:
        chosen = Round.objects.filter(pk__in=ids)
        seen = request.POST.get("seen", "")
        if seen and seen != _seen(chosen):
            raise Refused(_("What waits has changed since you were shown its price: look at it again, then submit."))
        n = let_go(chosen, actor=request.user)
        sent = ngettext(
            "Submitted {n} comparison: it leaves as soon as a worker takes it.",
            "Submitted {n} comparisons: they leave as soon as a worker takes them.",
            n,
        )
        return sent.format(n=f"{n:,}")

    key = request.POST.get("once", "")
    sentence = once(key, act, actor=request.user) if key else act()
    tasks.ring()
    return sentence


def _seen(rounds: QuerySet[Round]) -> str:
    """What waits in these rounds, so that it can be told whether it is still the same: counts by round and judge."""
    counts = waiting_in(rounds).order_by("round", "judge").values_list("round", "judge").annotate(n=Count("pk"))
    return hashlib.sha256(repr(list(counts)).encode()).hexdigest()


def question_before_submitting(rounds: QuerySet[Round]) -> Question:
    """Comparisons, judges, strategies, prices and budgets of these rounds; Refused when none of them waits."""
    by_judge = dict(waiting_in(rounds).order_by().values_list("judge").annotate(n=Count("pk")))
    n = sum(by_judge.values())
    if not n:
        raise Refused(_("Nothing is left to submit here: every comparison has been submitted already."))
    assessments = list(Assessment.objects.filter(rounds__in=rounds).distinct())
    judges = list(Judge.objects.filter(pk__in=by_judge).select_related("account", "user").order_by("pk"))
    found = forecast_rows(rounds) if any(judge.account for judge in judges) else []
    chosen = [row for row in found if row.chosen]
    price = chosen[0] if len(chosen) == 1 and not chosen[0].forecast.problem else None
    return Question(
        title=_("Submit comparisons"),
        headline=_headline(n, price),
        facts=[
            *((_judge(judge), _comparisons(by_judge[judge.pk])) for judge in judges),
            (_("Rounds"), ", ".join(_rounds(rounds))),
            (_("Strategy"), ", ".join(sorted({str(one.get_strategy_display()) for one in rounds}))),
            *(_prices(price) if price else []),
            *_budgets(assessments, price),
        ],
        button=ngettext("Submit {n} comparison", "Submit {n} comparisons", n).format(n=f"{n:,}"),
        warnings=(*_warnings(judges), *over_budget(found)),
        forecasts=tuple(found),
        seen=_seen(rounds),
    )


def _comparisons(n: int) -> str:
    return ngettext("{n} comparison", "{n} comparisons", n).format(n=f"{n:,}")


def _headline(n: int, price: Row | None) -> str:
    """The price, before anything else."""
    if price is None:
        return _comparisons(n)
    return _("About {cost} for {comparisons}").format(cost=price.cost, comparisons=_comparisons(n))


def _prices(price: Row) -> Facts:
    """What it should cost, what it may cost at worst, and what of that would have been paid twice."""
    twice = price.forecast.worst_case_usd - price.forecast.cost_usd
    return [
        (_("Estimated price"), price.cost),
        (_("At worst"), price.worst),
        (_("Of that, at worst paid twice because answers were lost"), usd(twice)),
        (_("Held until the answers are there"), price.reserved),
    ]


def _budgets(assessments: list[Assessment], price: Row | None) -> Facts:
    """What is left of the budget, and what will be when everything is answered."""
    if len(assessments) > 1:
        return [(_("Budget left for {title}").format(title=one), _left(one)) for one in assessments]
    [one] = assessments
    facts: Facts = [(_("Budget left"), _left(one))]
    if price is not None:
        after = max(Decimal(0), one.left_usd - price.forecast.cost_usd)
        facts.append((_("Left afterwards, about"), usd(after)))
    return facts


def _rounds(rounds: QuerySet[Round]) -> list[str]:
    named = rounds.select_related("assessment").order_by("assessment", "number")[:11]
    words = []
    for assessment, some in groupby(named[:10], key=lambda one: one.assessment):
        numbers = [str(one.number) for one in some]
        told = ngettext("{title}: round {numbers}", "{title}: rounds {numbers}", len(numbers))
        words.append(told.format(title=assessment, numbers=", ".join(numbers)))
    return [*words, "…"] if len(named) > 10 else words


def _judge(judge: Judge) -> str:
    return f"{judge} ({judge.account.get_provider_display()})" if judge.account else str(judge)


def _left(assessment: Assessment) -> str:
    return _("{left} of {budget}").format(left=usd(assessment.left_usd), budget=usd(assessment.budget_usd))


def _warnings(judges: list[Judge]) -> list[str]:
    found = [
        manifest.retirement_warning(model, timezone.localdate())
        for judge in judges
        if judge.account and (model := manifest.load().get(judge.model_id))
    ]
    if any(judge.is_local for judge in judges):
        found.append(_("The local provider answers: the results will say nothing about pupils' work."))
    elif any(judge.account for judge in judges):
        found.append(_("This is a real account: the provider will bill what is used."))
    return [warning for warning in found if warning]
