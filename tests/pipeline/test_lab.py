"""The strategy lab: the same pairs under each strategy, what they agree on, and what each costs. Never on a scale."""

import io
import json
from decimal import Decimal

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from batches.conf import STRATEGIES
from batches.models import Comparison, Round
from batches.pipeline import lab, plan, score, submit
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from batches.scale.shares import Share
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books
from tests.pipeline.conftest import drain, plan_and_let_go


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share_and_stays_within_bounds(hits, n):
    share = Share(hits=min(hits, n), n=n)
    low, high = share.interval
    assert 0 <= low <= share.value + 1e-12
    assert share.value - 1e-12 <= high <= 1
    assert (
        high - low
        > Share(hits=min(hits, n) * 4, n=n * 4).interval[1] - Share(hits=min(hits, n) * 4, n=n * 4).interval[0]
    )


def test_the_interval_is_wilsons():
    assert Share(hits=45, n=50).interval == pytest.approx((0.7864, 0.9565), abs=1e-4)
    assert Share(hits=0, n=0).value is None


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_the_same_pairs_run_under_every_strategy_and_the_books_agree(provider, cj, name):
    cj(bundle_size=4, poll_interval_min="1 s")
    assessment = make_assessment(12, judge=make_judge(name))
    out = io.StringIO()
    call_command("compare_strategies", assessment.slug, "--sample", "16", "--seed", "5", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert [arm["strategy"] for arm in found["strategies"]] == list(STRATEGIES)
    assert found["finished"]
    arms = {arm["strategy"]: arm for arm in found["strategies"]}
    assert {arm["judged"] for arm in arms.values()} == {16}
    assert arms["per_round"]["agreement"]["value"] == 1
    assert arms["provider_batch"]["agreement"] == arms["nightly"]["agreement"] == arms["accumulate"]["agreement"]
    assert arms["provider_batch"]["agreement"]["value"] == 1, "the local judge says the same however it is asked"
    assert 2 * Decimal(arms["provider_batch"]["cost_usd"]) <= Decimal(arms["per_round"]["cost_usd"])
    assert arms["serial_bundle"]["input_tokens"] < arms["per_round"]["input_tokens"]
    assert [one["place"] for one in arms["serial_bundle"]["places"]] == [1, 2, 3, 4]
    assert sum(one["agreement"]["n"] for one in arms["serial_bundle"]["places"]) == 16
    assert arms["per_round"]["places"] == []
    pairs = {frozenset(r.comparisons.values_list("essay_a", "essay_b")) for r in Round.objects.all()}
    assert len(pairs) == 1
    check_bundle_books(provider, assessment)


@pytest.mark.django_db
def test_a_lab_round_never_enters_a_scale_or_the_next_plan(provider):
    assessment = make_assessment(8)
    plan_and_let_go(assessment)
    drain()
    before = score.score(assessment, actor=None)
    rounds = lab.set_up(assessment, sample=10, actor=None, strategies=["per_round", "serial_bundle"])
    lab_round = Round.objects.filter(pk__in=[one.pk for one in rounds])
    assert set(lab_round.values_list("purpose", flat=True)) == {"LAB"}
    call_command("judge", assessment.slug, "--rounds", "0", "--wait", stdout=io.StringIO())
    assert Comparison.objects.filter(round__in=rounds, status="JUDGED").count() == 20
    assert score.score(assessment, actor=None).pk == before.pk
    assert plan.plan_rounds(assessment, actor=None)
    assert [len(one) for one in lab.experiments(assessment)] == [2]


@pytest.mark.django_db
def test_after_an_experiment_alone_the_next_step_is_a_round_not_a_scale(provider):
    assessment = make_assessment(6)
    rounds = lab.set_up(assessment, sample=4, actor=None, strategies=["per_round", "serial_bundle"])
    submit.let_go(Round.objects.filter(pk__in=[one.pk for one in rounds]), actor=None)
    drain()
    assert Comparison.objects.filter(status="JUDGED").count() == 8
    assert standing(assessment).next_action == "plan"


@pytest.mark.django_db
def test_an_experiment_that_differs_says_how_often(provider):
    assessment = make_assessment(12)
    rounds = lab.set_up(assessment, sample=40, actor=None, strategies=["per_round", "provider_batch"], seed=3)
    for seed, cj_round in enumerate(rounds, start=1):  # the local judge has other moods with another seed
        provider.settings(seed=seed)
        submit.let_go(Round.objects.filter(pk=cj_round.pk), actor=None)
        drain()
    provider.settings(seed=1)
    first, second = (one.comparisons.order_by("pk").values_list("judgement__winner", flat=True) for one in rounds)
    alike = sum(a == b for a, b in zip(first, second, strict=True))
    found = lab.report(list(Round.objects.filter(pk__in=[one.pk for one in rounds]).order_by("pk")))
    assert 0 < alike < 40
    assert found.arms[1].agreed == found.all_agree == Share(hits=alike, n=40)
    assert found.arms[0].first_won == Share(hits=list(first).count("A"), n=40)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"sample": 0}, "sample"),
        ({"strategies": ["per_round"]}, "at least two"),
        ({"strategies": ["per_round", "weekly"]}, "no strategy"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_nothing_is_planned(given_, says):
    with pytest.raises(Refused, match=says):
        lab.set_up(make_assessment(4), **{"sample": 5, "actor": None} | given_)
    assert not Round.objects.exists()
