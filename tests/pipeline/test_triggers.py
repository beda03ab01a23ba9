"""When accumulated and nightly batches leave: the decisions as tables, the once-a-night promise on the database."""

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from batches import tasks
from batches.models import AuditEntry, BatchJob, Comparison, NightlyRun, Round
from batches.pipeline import plan, submit, triggers
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from tests.making import make_assessment, make_comparison, make_judge, make_round
from tests.pipeline.conftest import check_books, drain, one_pass, plan_and_let_go

LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("waiting", "oldest", "leaves"),
    [
        (0, 0, False),
        (0, 10**6, False),
        (199, 0, False),
        (200, 0, True),
        (201, 0, True),
        (1, 21_599, False),
        (1, 21_600, True),
    ],
)
def test_an_accumulated_batch_leaves_when_it_is_full_or_has_waited_long_enough(waiting, oldest, leaves):
    assert triggers.enough(waiting=waiting, oldest=oldest, pairs=200, most_wait=21_600) is leaves


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "at", "zone", "night"),
    [
        ("2026-11-22 01:59:59", "02:00", LONDON, None),
        ("2026-11-22 02:00:00", "02:00", LONDON, "2026-11-22"),
        ("2026-11-22 07:59:59", "02:00", LONDON, "2026-11-22"),
        ("2026-11-22 08:00:00", "02:00", LONDON, None),  # missed for longer than the catch-up
        ("2026-07-01 00:59:59", "02:00", LONDON, None),  # summer: 02:00 is 01:00 UTC
        ("2026-07-01 01:00:00", "02:00", LONDON, "2026-07-01"),
        ("2026-11-23 01:00:00", "23:30", LONDON, "2026-11-22"),  # the night began yesterday
        ("2026-03-29 01:29:59", "01:30", LONDON, None),  # 01:30 does not exist: an hour later by the new clock
        ("2026-03-29 01:30:00", "01:30", LONDON, "2026-03-29"),
        ("2026-10-25 00:29:59", "01:30", LONDON, None),  # 01:30 comes twice: the first of them
        ("2026-10-25 00:30:00", "01:30", LONDON, "2026-10-25"),
        ("2026-10-25 01:30:00", "01:30", LONDON, "2026-10-25"),
        ("2026-03-08 07:29:59", "02:30", NEW_YORK, None),
        ("2026-03-08 07:30:00", "02:30", NEW_YORK, "2026-03-08"),
        ("2026-11-01 05:30:00", "01:30", NEW_YORK, "2026-11-01"),
    ],
)
def test_a_night_belongs_to_one_local_date(now, at, zone, night):
    found = triggers.night(utc(now), at=time.fromisoformat(at), zone=zone, catch_up=timedelta(hours=6))
    assert found == (date.fromisoformat(night) if night else None)


def test_the_next_night_is_always_ahead_and_at_most_twenty_five_hours_away():
    now = utc("2026-03-27 00:00:00")
    for minute in range(0, 60 * 24 * 4, 7):
        moment = now + timedelta(minutes=minute)
        ahead = triggers.next_night(moment, at=time(1, 30), zone=LONDON) - moment
        assert timedelta(0) < ahead <= timedelta(hours=25)


def gather(strategy: str, n_essays: int = 6, **more) -> object:
    assessment = make_assessment(n_essays, **more)
    plan_and_let_go(assessment, strategy=strategy)
    return assessment


def waiting_for_the_night(submitted: datetime, n: int = 1) -> None:
    assessment = make_assessment(2)
    for _ in range(n):
        make_comparison(round=make_round(assessment, strategy="nightly", submitted_at=submitted), assessment=assessment)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("begins", "nights"),
    [
        ("2026-03-28 12:00", ["2026-03-29 01:30", "2026-03-30 00:30"]),  # 29 March has no 01:30 in London
        ("2026-10-24 12:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),  # 25 October has two
    ],
)
def test_two_schedulers_through_a_night_with_a_changed_clock_submit_once_a_night(cj, begins, nights):
    """Each look is a scheduler that has just started: nothing is remembered outside the database."""
    cj(nightly_at="01:30", nightly_timezone="Europe/London", nightly_catch_up="20 h")
    now, struck = utc(begins), []
    for _ in range(2 * 48):
        if not Comparison.objects.filter(released_at=None).exists():
            waiting_for_the_night(now - timedelta(minutes=1))
        released = [triggers.strike(now) for _ in range(2)]
        assert released[1] == 0
        if released[0]:
            struck.append(now)
        now += timedelta(minutes=30)
    assert struck[-2:] == [utc(night) for night in nights]
    assert len(struck) == len({moment.astimezone(LONDON).date() for moment in struck})
    assert NightlyRun.objects.filter(n_comparisons__gt=0).count() == len(struck)


@pytest.mark.django_db
def test_what_is_submitted_after_the_night_began_waits_for_the_next_one(cj):
    cj(nightly_at="02:00", nightly_timezone="UTC")
    waiting_for_the_night(utc("2026-11-22 02:00:01"))
    assert triggers.strike(utc("2026-11-22 02:10:00")) == 0
    assert triggers.strike(utc("2026-11-23 01:59:00")) == 0
    assert triggers.strike(utc("2026-11-23 02:00:00")) == Comparison.objects.count()


@pytest.mark.django_db
def test_a_missed_night_leaves_at_the_next_start_within_the_catch_up_and_not_after_it(cj):
    cj(nightly_at="02:00", nightly_timezone="UTC", nightly_catch_up="3 h")
    waiting_for_the_night(utc("2026-11-21 20:00:00"))
    assert triggers.strike(utc("2026-11-22 05:00:00")) == 0, "three hours late: the next night takes them"
    assert triggers.strike(utc("2026-11-22 04:59:59")) == Comparison.objects.count()


@pytest.mark.django_db(transaction=True)
def test_schedulers_that_strike_at_the_same_moment_release_a_night_once(cj):
    cj(nightly_at="02:00", nightly_timezone="UTC")
    waiting_for_the_night(utc("2026-11-21 20:00:00"), 10)
    released, start = [], threading.Barrier(6)

    def scheduler() -> None:
        try:
            start.wait()
            released.append(triggers.strike(utc("2026-11-22 02:00:00")))
        finally:
            connection.close()

    threads = [threading.Thread(target=scheduler) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(released) == [0, 0, 0, 0, 0, Comparison.objects.count()]
    assert NightlyRun.objects.get().n_comparisons == Comparison.objects.count()


@pytest.mark.django_db
def test_pairs_of_one_judge_accumulate_across_rounds_and_assessments(provider, cj):
    cj(accumulate_pairs=9)
    judge = make_judge(max_tokens=700)
    first = gather("accumulate", 6, judge=judge)
    n = Comparison.objects.count()
    assert 0 < n < 9
    assert one_pass() == []
    second = gather("accumulate", 12, judge=judge)
    other = gather("accumulate", 4, judge=make_judge(max_tokens=701))
    one_pass()
    job = BatchJob.objects.get()
    assert job.n_items == Comparison.objects.filter(judge=judge).count() >= 9
    assert set(job.items.values_list("comparison__round__assessment", flat=True)) == {first.pk, second.pk}
    assert set(Comparison.objects.filter(round__assessment=other).values_list("status", flat=True)) == {"PENDING"}


@pytest.mark.django_db
def test_the_oldest_pair_waits_no_longer_than_it_may(provider, cj):
    cj(accumulate_pairs=1000, accumulate_max_wait="2 h")
    gather("accumulate")
    assert tasks.open_due() == []
    Round.objects.update(submitted_at=timezone.now() - timedelta(days=3650))
    assert len(tasks.open_due()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("strategy", ["accumulate", "nightly"])
def test_staff_force_waiting_comparisons_out(provider, strategy):
    assessment = gather(strategy)
    one_pass()
    now = standing(assessment)
    assert now.gathered == now.moving == Comparison.objects.count()
    [gathering] = now.gathering
    assert gathering.leaves_by > timezone.now()
    assert "at the latest" in now.happening
    assert submit.force(Comparison.objects.filter(round__assessment=assessment), actor=None) == now.gathered
    assert AuditEntry.objects.filter(act="force").count() == 1
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    check_books(provider, assessment)
    with pytest.raises(Refused, match="Nothing here waits"):
        submit.force(Comparison.objects.all(), actor=None)


@pytest.mark.django_db
def test_what_failed_after_its_night_is_asked_again_without_waiting_for_the_next(provider, cj):
    provider.faults(errored_line={"next": 1})
    assessment = gather("nightly")
    submit.force(Comparison.objects.filter(round__assessment=assessment), actor=None)
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert BatchJob.objects.count() == 2


@pytest.mark.django_db
def test_the_strategy_may_change_from_round_to_round(provider):
    assessment = make_assessment(6)
    for strategy in ("per_round", "serial_bundle", "provider_batch", "accumulate", "nightly"):
        assessment.overrides = {"llm_batching_strategy": strategy}
        assessment.save()
        [cj_round] = plan.plan_rounds(assessment, actor=None)
        assert cj_round.strategy == strategy
        submit.let_go(Round.objects.filter(pk=cj_round.pk), actor=None)
    submit.force(Comparison.objects.all(), actor=None)
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert BatchJob.objects.count() == 5
