"""Known pairs among the comparisons of a round: asked like all the others, weighed, and used for nothing else."""

import random

import pytest
from django.db import IntegrityError, transaction

from batches.conf import STRATEGIES
from batches.judging.known_pairs import draw, most, texts
from batches.models import AuditEntry, BatchItem, BatchJob, Callback, Comparison, Essay, Round
from batches.pipeline import canaries, erase, export, forecast, plan, progress, score, submit
from batches.pipeline.judged import judged
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import check_books, drain, plan_and_let_go

pytestmark = pytest.mark.django_db
KNOWN = {"round__purpose": "CANARY"}


@pytest.fixture(autouse=True)
def four(cj):
    cj(canaries_per_round=4)


def asked(n_essays: int = 12, *, strategy: str = "per_round", provider: str = "anthropic", rounds: int = 1, **fields):
    """An assessment whose round was planned, let go and judged; the known pairs with it."""
    assessment = make_assessment(n_essays, judge=make_judge(provider), **fields)
    plan_and_let_go(assessment, strategy=strategy, rounds=rounds)
    drain(60)
    return assessment


def spoilt(provider) -> None:
    """A judge that always chooses the essay it reads first."""
    provider.settings(position_bias=1000)


@pytest.fixture
def first_wins(provider):
    spoilt(provider)
    yield provider
    provider.settings(position_bias=0.2)


def test_half_of_the_known_pairs_have_the_better_text_first_and_no_pair_comes_twice():
    for seed in range(50):
        drawn = draw(6, seed)
        assert [pair.first for pair in drawn].count("A") == 3
        assert len({(pair.better.name, pair.weaker.name) for pair in drawn}) == 6
    assert draw(5, 1) == draw(5, 1) != draw(5, 2)
    assert most() == len(texts()[0]) * len(texts()[1]) >= 30


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_known_pairs_travel_in_the_jobs_of_their_round_under_every_strategy(provider, cj, strategy):
    cj(accumulate_pairs=1)
    assessment = make_assessment(12, judge=make_judge("openai"))
    plan_and_let_go(assessment, strategy=strategy)
    submit.release(Comparison.objects.all())
    drain(60)
    known = Comparison.objects.filter(**KNOWN)
    assert known.count() == known.filter(status="JUDGED").count() == 4
    jobs = BatchJob.objects.all()
    assert all(job.items.filter(comparison__round__purpose="SCALE").exists() for job in jobs)
    assert set(known.values_list("items__job", flat=True)) <= set(jobs.values_list("pk", flat=True))
    assert assessment.rounds.get().trust == ""
    if strategy != "serial_bundle":
        check_books(provider, assessment)


def test_within_the_bundles_of_a_round_known_pairs_stand_among_the_others(provider):
    asked(60, strategy="serial_bundle")
    rows = BatchItem.objects.order_by("pk").values_list("bundle", "comparison__round__purpose")
    bundles: dict[int, list[str]] = {}
    for bundle, purpose in rows:
        bundles.setdefault(bundle, []).append(purpose)
    assert sum("CANARY" in one for one in bundles.values()) >= 3
    assert all(one.count("CANARY") < len(one) for one in bundles.values())


def test_to_the_judge_a_known_pair_looks_like_any_other(provider):
    assessment = asked(rubric="Range and control of language.")
    [job] = BatchJob.objects.all()
    rows = provider.ledger(limit=100)
    mine = set(BatchItem.objects.filter(comparison__round__purpose="CANARY").values_list("custom_id", flat=True))
    assert len(mine) == 4
    assert mine < {row["custom_id"] for row in rows}
    assert len({len(row["custom_id"]) for row in rows}) == len({row["model"] for row in rows}) == 1
    assert {one.split("-")[0] for one in mine} == {job.nonce}
    assert assessment.essays.count() == 12  # and no list of essays knows the texts


def test_known_pairs_enter_nothing_but_the_bill(provider, cj, kafka):
    cj(canaries_per_round=4)
    assessment = asked(12, rounds=2)
    known = set(Comparison.objects.filter(**KNOWN).values_list("pk", flat=True))
    pupils = Comparison.objects.exclude(pk__in=known).count()
    assert len(known) == 8
    scale = score.score(assessment, actor=None)
    assert not known & set(scale.judgement_ids)
    assert (scale.n_essays, scale.n_comparisons, scale.scores.count()) == (12, pupils, 12)
    assert len(list(export.judgements(assessment))) == pupils
    assert len(list(export.plain(assessment))) == len(list(export.sirt(assessment))) == pupils
    assert not Callback.objects.filter(comparison__in=known).exists()
    assert Callback.objects.filter(comparison__isnull=False).count() == pupils
    assert [one.number for one in assessment.rounds.order_by("number")] == [1, 2]
    now = progress.progress(assessment)
    assert (now.rounds, now.scorable, now.counts.judged) == (2, pupils, pupils + 8)
    assert standing(assessment).n_essays == 12
    assert standing(assessment).n_rounds == 2
    check_books(provider, assessment)  # they are paid for by the assessment


def test_forecasts_and_budgets_know_of_them(provider):
    assessment = make_assessment(12, overrides={"swap_share": "0"})
    [cj_round] = plan.plan_rounds(assessment, actor=None, seed=3)
    n = cj_round.n_comparisons + 4
    assert {one.comparisons for one in forecast.of_rounds(Round.objects.filter(pk=cj_round.pk))} == {n}
    assert {one.comparisons for one in forecast.of_assessment(assessment)} == {n}
    cj_round.delete()
    assert not Round.everything.exists()
    assert not Comparison.objects.exists()
    assert {one.comparisons for one in forecast.of_assessment(assessment)} == {n}
    assert submit.let_go(
        Round.objects.filter(pk__in=[r.pk for r in plan.plan_rounds(assessment, actor=None)]), actor=None
    )


def test_each_judge_of_a_panel_is_asked(provider):
    assessment = make_assessment(12)
    assessment.judges.add(make_judge("openai"))
    plan_and_let_go(assessment)
    drain()
    [weights] = canaries.weights(assessment.rounds.values_list("pk", flat=True)).values()
    assert [(one.judged, one.missed) for one in weights] == [(4, 0), (4, 0)]


def test_a_round_whose_judge_misses_plain_cases_is_held_and_enters_no_scale(first_wins):
    assessment = asked()
    cj_round = assessment.rounds.get()
    assert cj_round.trust == "HELD"
    assert AuditEntry.objects.get(act="hold").detail["missed"] == {str(assessment.judges.get().pk): "2 of 4"}
    assert judged(assessment) == []
    assert standing(assessment).scorable == 0
    now = standing(assessment)
    assert "Round 1 is held" in now.warnings[0]
    assert (now.next_action, now.next_step[:21]) == ("decide", "Decide about round 1:")
    with pytest.raises(Refused, match="no judgement yet that a scale may use"):
        score.score(assessment, actor=None)
    assert list(export.plain(assessment)) == []


def test_only_the_round_that_was_judged_badly_is_held(provider):
    assessment = asked()
    spoilt(provider)
    plan_and_let_go(assessment)
    drain()
    provider.settings(position_bias=0.2)
    assert list(assessment.rounds.order_by("number").values_list("trust", flat=True)) == ["", "HELD"]
    scale = score.score(assessment, actor=None)
    assert scale.n_comparisons == assessment.rounds.get(number=1).n_comparisons


def test_as_many_misses_as_the_limit_allows_hold_nothing(first_wins):
    assessment = asked(overrides={"canary_miss_limit": "2"})
    assert assessment.rounds.get().trust == ""


def test_a_person_may_use_a_held_round_all_the_same_once(first_wins):
    assessment = asked()
    cj_round = assessment.rounds.get()
    canaries.release(cj_round, actor=None)
    assert score.score(assessment, actor=None).n_comparisons == cj_round.n_comparisons
    canaries.weigh(assessment.rounds.all())
    assert assessment.rounds.get().trust == "RELEASED"
    for again in (canaries.release, canaries.ask_again):
        with pytest.raises(Refused, match="decided about it already"):
            again(cj_round, actor=None)
    assert list(AuditEntry.objects.filter(act__in=["hold", "release", "ask again"]).values_list("act", flat=True)) == [
        "release",
        "hold",
    ]


def test_or_ask_all_of_it_again(first_wins):
    assessment = asked()
    bad = assessment.rounds.get()
    again = canaries.ask_again(bad, actor=None)
    first_wins.settings(position_bias=0.2)
    submit.let_go(Round.objects.filter(pk=again.pk), actor=None)
    drain()
    pairs = [
        set(one.comparisons.values_list("essay_a", "essay_b", "judge", "replicate", "is_random"))
        for one in (bad, again)
    ]
    assert pairs[0] == pairs[1]
    bad.refresh_from_db(), again.refresh_from_db()
    assert (bad.trust, again.trust) == ("ASKED_AGAIN", "")
    assert set(score.score(assessment, actor=None).judgement_ids) == set(again.comparisons.values_list("pk", flat=True))


def test_a_scale_made_before_its_round_was_held_is_not_published(provider):
    assessment = asked(4, rounds=3)
    scale = score.score(assessment, actor=None)
    assessment.rounds.update(trust="HELD")
    with pytest.raises(Refused, match="Round 1 was held after this scale was computed"):
        score.publish(scale, actor=None)
    assessment.rounds.update(trust="RELEASED")
    assert score.publish(scale, actor=None).published_at


@pytest.mark.parametrize("path", ["RELEASED", "ASKED_AGAIN", "HELD>RELEASED>HELD", "HELD>ASKED_AGAIN>RELEASED"])
def test_the_database_refuses_every_other_move(path):
    assessment = make_assessment(2)
    plan.plan_rounds(assessment, actor=None)
    *legal, illegal = path.split(">")
    for trust in legal:
        assessment.rounds.update(trust=trust)
    with pytest.raises(IntegrityError, match="cannot become"), transaction.atomic():
        assessment.rounds.update(trust=illegal)


def test_known_pairs_belong_to_a_round_and_only_they_do():
    assessment = make_assessment(2)
    [cj_round] = plan.plan_rounds(assessment, actor=None)
    for change in ({"purpose": "LAB"}, {"watches": None}, {"trust": "HELD"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Round.everything.filter(watches=cj_round).update(**change)


def test_a_purge_withdraws_what_was_not_asked_yet(provider):
    assessment = make_assessment(12)
    plan_and_let_go(assessment)
    erase.purge(assessment, actor=None)
    assert set(Comparison.objects.values_list("status", flat=True)) == {"WITHDRAWN"}
    assert set(Essay.everything.exclude(known="").values_list("known", flat=True)) == {"better", "weaker"}


def test_the_texts_are_written_down_once_for_an_assessment():
    assessment = make_assessment(6)
    plan.plan_rounds(assessment, actor=None, rounds=3)
    n = sum(map(len, texts()))
    assert Essay.everything.filter(assessment=assessment).count() == 6 + n
    assert Essay.everything.exclude(known="").exclude(scanned_at=None).count() == n


def test_known_pairs_are_spread_over_the_whole_round():
    rows = [Comparison(pk=i) for i in range(1000)]
    known = [Comparison(pk=-i) for i in range(1, 5)]
    for seed in range(20):
        order = [row.pk for row in canaries._strewn(rows, known, random.Random(seed))]
        places = [order.index(-i) for i in range(1, 5)]
        assert len(order) == 1004
        assert [place // 251 for place in places] == [0, 1, 2, 3]
        assert order[-1] >= 0
