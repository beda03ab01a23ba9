"""A deadline is met although the batch is slow: cancelled, collected and filled in; or raced, where that is allowed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from batches import tasks
from batches.models import Assessment, AuditEntry, BatchItem, BatchJob, Callback, Comparison, Judgement
from batches.pipeline import deadline, forecast, plan
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books
from tests.pipeline.conftest import drain, hurry, one_pass, plan_and_let_go

END = datetime(2026, 11, 22, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calls", "in_flight", "seconds", "race", "before"),
    [
        (0, 32, 5, True, timedelta(minutes=5)),
        (32, 32, 5, True, timedelta(minutes=5, seconds=10)),
        (33, 32, 5, True, timedelta(minutes=5, seconds=20)),
        (33, 32, 5, False, timedelta(minutes=15, seconds=20)),
        (3200, 32, 6, False, timedelta(minutes=35)),
    ],
)
def test_the_last_moment_leaves_time_for_the_calls_twice_over(calls, in_flight, seconds, race, before):
    moment = deadline.last_moment(END, calls=calls, in_flight=in_flight, seconds=seconds, race=race)
    assert END - moment == before


@pytest.fixture
def slow(provider):
    """A provider whose batches take for ever and are cancelled at once, and an assessment in one of them."""
    provider.settings(batch_seconds=60, cancelling=0)
    yield provider
    provider.settings(batch_seconds=0.05)


def in_a_slow_batch(name: str, **fields) -> Assessment:
    assessment = make_assessment(12, judge=make_judge(name), **fields)
    plan_and_let_go(assessment, strategy="provider_batch")
    assert one_pass() == ["IN_PROGRESS"]
    return assessment


def set_deadline(assessment: Assessment, **ahead: float) -> None:
    assessment.deadline = timezone.now() + timedelta(**ahead)
    assessment.save(update_fields=["deadline"])


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_near_the_deadline_the_batch_is_cancelled_collected_and_filled_in(slow, name):
    assessment = in_a_slow_batch(name)
    set_deadline(assessment, hours=3)
    assert tasks.open_due() == []
    assert not BatchJob.objects.exclude(cancel_asked_at=None).exists(), "there is still time"
    set_deadline(assessment, minutes=12)
    tasks.open_due()
    drain()
    batch, calls = BatchJob.objects.order_by("pk")
    assert (batch.cancelled_for, batch.status, calls.packing) == ("deadline", "COLLECTED", "SINGLE")
    assert calls.n_items == batch.n_cancelled > 0
    assert set(Comparison.objects.values_list("status", "attempts", "held")) == {("JUDGED", 1, False)}
    assert AuditEntry.objects.filter(act="deadline").count() == 1
    check_bundle_books(slow, assessment)
    assert tasks.open_due() == []


@pytest.mark.django_db
def test_what_still_gathers_leaves_in_single_calls_near_the_deadline(provider):
    assessment = make_assessment(8)
    plan_and_let_go(assessment, strategy="nightly")
    one_pass()
    assert not BatchJob.objects.exists()
    set_deadline(assessment, minutes=3)
    tasks.open_due()
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert set(BatchJob.objects.values_list("packing", flat=True)) == {"SINGLE"}


@pytest.mark.django_db
def test_comparisons_of_others_in_the_cancelled_batch_go_on_in_a_batch_of_their_own(slow):
    judge = make_judge()
    urgent = make_assessment(6, judge=judge)
    other = make_assessment(6, judge=judge)
    for one in (urgent, other):
        plan_and_let_go(one, strategy="provider_batch")
    one_pass()
    assert BatchJob.objects.count() == 1
    set_deadline(urgent, minutes=12)
    tasks.open_due()
    slow.settings(batch_seconds=0.05)
    drain()
    assert set(Comparison.objects.values_list("status", "held")) == {("JUDGED", False)}
    later = BatchJob.objects.exclude(cancelled_for="deadline")
    assert set(later.values_list("packing", flat=True)) == {"SINGLE", "PROVIDER_BATCH"}
    check_bundle_books(slow, urgent, other)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_a_race_is_paid_twice_judged_once_and_answered_first(slow, cj, settings, name):
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9"
    cj(callback_sink="kafka")
    assessment = in_a_slow_batch(name, overrides={"deadline_race": True})
    set_deadline(assessment, minutes=2)
    n = Comparison.objects.count()
    reserved = Assessment.objects.get().reserved_usd
    tasks.open_due()
    assert Assessment.objects.get().reserved_usd > 2 * reserved, "single calls are reserved at their own, full price"
    hurry()
    for job in BatchJob.objects.filter(packing="SINGLE"):
        tasks.watch.step(job.pk)
    assert Judgement.objects.count() == n, "long before the batch"
    assert set(Judgement.objects.values_list("item__races", flat=True)) == {True}
    batch = BatchJob.objects.get(packing="PROVIDER_BATCH")
    assert batch.status == "IN_PROGRESS"
    BatchJob.objects.filter(pk=batch.pk).update(cancel_asked_at=timezone.now())
    drain()
    assert set(Comparison.objects.values_list("status", "revision")) == {("JUDGED", 1)}
    assert Callback.objects.count() == n
    told = {row.payload["custom_id"] for row in Callback.objects.all()}
    assert told == set(Judgement.objects.values_list("item__custom_id", flat=True)), "the request that won the race"
    check_bundle_books(slow, assessment)


@pytest.mark.django_db
@pytest.mark.parametrize("loser", ["calls", "batch"])
def test_a_race_of_which_one_end_fails_is_decided_by_the_other(slow, loser):
    slow.settings(batch_seconds=2)
    assessment = in_a_slow_batch("anthropic", overrides={"deadline_race": True})
    set_deadline(assessment, minutes=2)
    tasks.open_due()
    n = Comparison.objects.count()
    calls = BatchJob.objects.get(packing="SINGLE")
    if loser == "calls":
        slow.faults(refusal={"next": n})
        tasks.watch.step(calls.pk)
        assert set(Comparison.objects.values_list("status", flat=True)) == {"IN_FLIGHT"}, "the batch may still answer"
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert BatchItem.objects.filter(races=True).count() == n
    check_bundle_books(slow, assessment)


@pytest.mark.django_db
def test_the_price_of_a_race_is_shown_beforehand(provider):
    assessment = make_assessment(8, overrides={"deadline_race": True})
    plan.plan_rounds(assessment, actor=None)
    assert {one.race_usd for one in forecast.of_assessment(assessment)} == {0}
    set_deadline(assessment, hours=5)
    found = {one.strategy: one for one in forecast.of_assessment(assessment)}
    batch = found["provider_batch"]
    assert batch.race_usd == pytest.approx(found["per_round"].cost_usd, rel=Decimal("1e-6"))
    assert found["per_round"].race_usd == 0
