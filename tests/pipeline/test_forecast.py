"""The price is known before it is paid: forecasts against what the local provider really bills."""

import io
import json
from decimal import Decimal

import pytest
from django.core.management import call_command

from batches.conf import STRATEGIES
from batches.models import Comparison, Essay, Round
from batches.pipeline import forecast, plan, submit
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books
from tests.pipeline.conftest import drain, plan_and_let_go

pytestmark = pytest.mark.django_db
SENTENCES = (
    "In my opinion school should start later because pupils are tired and they dont listen in the morning . "
    "My brother for example is always late, and he fall asleep in maths. On the other hand parents have to work."
)
WORDS = SENTENCES.split()


def essays(assessment, n: int) -> None:
    """Essays of quite different lengths, so that answers and prompts vary."""
    for i in range(n):
        words = [WORDS[(i * 7 + k * (1 + i % 3)) % len(WORDS)] for k in range(120 + 37 * i % 400)]
        Essay.objects.create(assessment=assessment, candidate=f"F{i}", text=" ".join(words))


@pytest.mark.parametrize("rubric", ["Judge clarity.", "Judge the control of language and the argument. " * 250])
@pytest.mark.parametrize("name", ["anthropic", "openai"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_forecast_is_within_ten_percent_of_what_is_paid(provider, cj, strategy, name, rubric):
    cj(bundle_size=4, sync_in_flight=4)  # of many at once, chance says how many come too early for the cache
    model = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5.4-mini"}[name]
    judge = make_judge(name, model_id=model)
    assessment = make_assessment(judge=judge, rubric=rubric)
    essays(assessment, 20)
    hits = {"batch_cache_hits": 1}  # luck on forty requests would be a wider margin than ten percent
    provider.settings(**hits)
    plan_and_let_go(assessment, rounds=6, strategy=strategy)  # the judge's own history
    go_now(strategy)
    if waits := strategy in ("accumulate", "nightly"):  # by the time they leave, the cache has gone cold
        provider.control("POST", "reset")
        provider.settings(**hits)
    assessment.refresh_from_db()
    before = assessment.spent_usd
    planned = plan.plan_rounds(assessment, actor=None, rounds=3, strategy=strategy, seed=8)
    found = {one.strategy: one for one in forecast.of_assessment(assessment)}
    assert list(found) == list(STRATEGIES)
    submit.let_go(Round.objects.filter(pk__in=[one.pk for one in planned]), actor=None)
    go_now(strategy)
    assessment.refresh_from_db()
    paid = assessment.spent_usd - before
    own = found[strategy]
    assert own.tokens_are == "counted"
    assert own.from_history
    assert abs(own.cost_usd / paid - 1) < Decimal("0.10"), (own, paid)
    assert own.cost_usd < own.reserved_usd
    if not waits:
        check_bundle_books(provider, assessment)


def go_now(strategy: str) -> None:
    if strategy in ("accumulate", "nightly"):
        submit.force(Comparison.objects.all(), actor=None)
    drain()


def test_strategies_stand_side_by_side_with_what_makes_them_differ(provider, cj):
    cj(batch_chunk_requests=10, sync_in_flight=4, bundle_size=6)
    assessment = make_assessment(24)
    plan.plan_rounds(assessment, actor=None, rounds=2)
    n = Comparison.objects.count()
    found = {one.strategy: one for one in forecast.of_assessment(assessment)}
    assert {one.comparisons for one in found.values()} == {n}
    assert found["per_round"].requests == n
    assert found["serial_bundle"].requests == -(-n // 6)
    assert found["provider_batch"].jobs == -(-n // 10)
    assert found["serial_bundle"].input_tokens < found["per_round"].input_tokens
    assert abs(found["provider_batch"].cost_usd * 2 / found["per_round"].cost_usd - 1) < Decimal("0.01")
    extra = {name: one.worst_case_usd / one.cost_usd - 1 for name, one in found.items()}
    assert extra["per_round"] == pytest.approx(Decimal(4) / n, rel=Decimal("0.001"))
    assert extra["provider_batch"] == pytest.approx(Decimal(10) / n, rel=Decimal("0.001"))
    assert found["accumulate"].seconds > found["provider_batch"].seconds
    assert not found["per_round"].problem


def test_without_the_provider_the_tokens_are_estimated(settings):
    settings.LOCAL_PROVIDER_URL = ""
    assessment = make_assessment(6)
    plan.plan_rounds(assessment, actor=None)
    [one] = forecast.of_assessment(assessment, ["per_round"])
    assert one.tokens_are == "estimated"
    assert one.cost_usd > 0
    assert not one.from_history


def test_plan_prints_one_document_and_changes_nothing(provider):
    assessment = make_assessment(6)
    out = io.StringIO()
    call_command("plan", assessment.slug, "--json", "--strategy", "serial_bundle", stdout=out)
    found = json.loads(out.getvalue())
    assert list(found) == [
        *("strategy", "comparisons", "jobs", "requests", "input_tokens", "output_tokens"),
        *("tokens_are", "cost_usd", "worst_case_usd", "budget_left_usd"),
    ]
    assert found["strategy"] == "serial_bundle"
    assert found["budget_left_usd"] == "20.000000000000"
    assert not Round.objects.exists()
    assert provider.control("GET", "ledger/summary")["requests"] == 0
    out = io.StringIO()
    call_command("plan", assessment.slug, stdout=out)
    assert all(name in out.getvalue() for name in STRATEGIES)
