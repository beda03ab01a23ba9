"""Lost answers, late answers, wrong adoptions, pauses and workers that die: what becomes of the job each time."""

import time
from datetime import timedelta

import pytest

from batches.conf import cj_settings
from batches.models import AuditEntry, BatchItem, BatchJob, Comparison, Judgement, LostLease, ProviderAccount, Stranger
from batches.models.fields import DatabaseClock
from batches.pipeline import account, cancel, decide, ownership, pace, recover, send, submit, watch
from batches.pipeline.refused import Refused
from batches.providers.base import ProviderError, Submission
from tests.making import make_assessment, make_comparison, make_item, make_job, make_judge
from tests.pipeline.conftest import check_books, drain, hurry, one_pass, plan_and_let_go

pytestmark = pytest.mark.django_db
Status = BatchJob.Status
MOVES = {"provider_batch_id": "batch_1"}


def in_doubt(provider, name: str = "anthropic", n: int = 6, fault: str = "accept_and_drop") -> BatchJob:
    """A job whose one POST got no answer."""
    provider.faults(**{fault: {"on": ["create"], "next": 1}})
    plan_and_let_go(make_assessment(n, judge=make_judge(name)), strategy="provider_batch")
    one_pass()
    job = BatchJob.objects.get()
    assert job.status == Status.IN_DOUBT
    return job


def taken(job: BatchJob) -> BatchJob:
    mine = BatchJob.objects.take(job.pk, seconds=60)
    assert mine is not None
    return mine


def move(job: BatchJob, *path: str, **changes: object) -> BatchJob:
    """Walk a job along legal moves."""
    for status in path:
        known = MOVES if status in BatchJob.AT_PROVIDER else {}
        assert job.advance(BatchJob.Status(status), **known, **(changes if status == path[-1] else {}))
    return job


def test_junk_and_unknown_ids_at_the_head_of_the_results_do_not_make_our_own_batch_a_stranger(provider):
    job = in_doubt(provider)
    provider.faults(junk_line={}, unknown_id_line={})
    drain()
    job.refresh_from_db()
    assert job.status == Status.COLLECTED
    assert not Stranger.objects.exists()
    check_books(provider, job.items.first().comparison.round.assessment)


def test_another_deployments_batch_is_adopted_only_for_a_while_and_ours_is_found(provider, monkeypatch):
    monkeypatch.setattr(recover, "_find", lambda job, p, find=recover._find: find(job, p)[::-1])  # the newest first
    job = in_doubt(provider)
    provider.control("DELETE", "faults")
    theirs = _send_as_somebody_else(provider, job.n_items)
    drain()
    job.refresh_from_db()
    assert job.status == Status.COLLECTED
    stranger = Stranger.objects.get()
    assert (stranger.provider_batch_id, stranger.is_ours, stranger.nonce) == (theirs, False, "f0re19000000")
    assert provider.control("GET", "ledger/summary")["custom_ids_billed_again"]["things"] == 0


def _send_as_somebody_else(provider, n: int) -> str:
    requests = [
        {
            "custom_id": f"f0re19000000-{i}",
            "params": {
                "model": "claude-haiku-4-5-20251001",
                "max_tokens": 50,
                "messages": [{"role": "user", "content": f"Essay {i}"}],
            },
        }
        for i in range(n)
    ]
    return provider.claude().messages.batches.create(requests=requests).id


def test_results_that_name_no_job_at_all_are_put_before_a_person(provider):
    job = in_doubt(provider)
    provider.faults(malformed_line={})
    for _ in range(40):
        hurry()
        one_pass()
    job.refresh_from_db()
    assert (job.status, bool(job.provider_batch_id)) == (Status.NEEDS_ATTENTION, True)
    decide.adopt(job, job.provider_batch_id, actor=None)
    provider.control("DELETE", "faults")
    drain()
    job.refresh_from_db()
    assert (job.status, job.n_missing) == (Status.COLLECTED, job.n_items)
    assert Judgement.objects.count() == Comparison.objects.count(), "asked again, all of them"


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_cancelling_a_job_in_doubt_stops_it_once_it_is_found_and_holds_its_comparisons(provider, name):
    provider.settings(batch_seconds=30, cancelling=0)
    job = in_doubt(provider, name)
    cancel.ask(BatchJob.objects.all(), actor=None)
    provider.settings(batch_seconds=0.05)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        time.sleep(0.02)
        hurry()
        one_pass()
        job.refresh_from_db()
        if job.status == Status.COLLECTED:
            break
        if job.is_provisional:  # it may be somebody else's: it is left to end by itself
            provider.control("PUT", "settings", {"batch_seconds": 0.05})
            break
    if name == "openai":
        assert job.status == Status.COLLECTED
        assert set(Comparison.objects.values_list("status", "held")) <= {("PENDING", True), ("JUDGED", False)}


def test_a_cancelled_job_that_never_arrived_is_not_sent_again_by_itself(provider, cj):
    cj(settle_time="1 s", call_timeout="1 s")
    job = in_doubt(provider, fault="drop_before_accept")
    cancel.ask(BatchJob.objects.all(), actor=None)
    BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(minutes=5))
    for _ in range(4):
        hurry()
        one_pass()
    job.refresh_from_db()
    assert job.status == Status.ABSENT
    assert set(Comparison.objects.values_list("status", "held")) == {("PENDING", True)}
    assert BatchJob.objects.count() == 1


def test_absent_takes_two_looks_after_the_settle_time(provider, cj):
    job = in_doubt(provider, fault="drop_before_accept")
    for _ in range(4):
        hurry()
        one_pass()
    job.refresh_from_db()
    assert (job.status, job.looks) == (Status.IN_DOUBT, 0), "too early to believe anything"
    BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(hours=1))
    hurry()
    one_pass()
    job.refresh_from_db()
    assert (job.status, job.looks) == (Status.IN_DOUBT, 1)
    hurry()
    watch.step(job.pk)
    job.refresh_from_db()
    assert job.status == Status.ABSENT


def test_the_settle_time_begins_when_the_last_post_that_was_allowed_to_begin_has_timed_out(provider, cj):
    """A POST may begin as long as its lease outlasts it: pace.MARGIN seconds after the claim at the latest."""
    job = in_doubt(provider, fault="drop_before_accept")
    given = cj_settings.call_timeout + cj_settings.settle_time
    for age, looks in ((given + pace.MARGIN / 2, 0), (given + pace.MARGIN + 5, 1)):
        BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(seconds=age))
        hurry()
        one_pass()
        job.refresh_from_db()
        assert (job.status, job.looks) == (Status.IN_DOUBT, looks)


def test_a_worker_paused_between_its_commit_and_its_post_sends_nothing(provider, monkeypatch):
    plan_and_let_go(make_assessment(6), strategy="provider_batch")
    monkeypatch.setattr(
        send,
        "crash_point",
        lambda label: label == "sending_committed" and BatchJob.objects.update(lease_until=DatabaseClock()),
    )
    one_pass()
    job = BatchJob.objects.get()
    assert (job.status, job.error_code) == (Status.REFUSED, "never_connected")
    assert set(Comparison.objects.values_list("status", "attempts")) == {("PENDING", 0)}
    assert provider.control("GET", "batches")["batches"] == []


def test_a_worker_paused_before_its_post_sends_nothing_for_a_job_that_was_given_up_meanwhile(provider, monkeypatch):
    plan_and_let_go(make_assessment(6), strategy="provider_batch")

    def sleep(label: str) -> None:
        if label == "before_post":
            monkeypatch.undo()
            BatchJob.objects.update(lease_until=None)
            recover.absent(move(taken(BatchJob.objects.get()), "IN_DOUBT"))

    monkeypatch.setattr(send, "crash_point", sleep)
    assert one_pass() == [""], "left alone, not an exception"
    job = BatchJob.objects.get()
    assert job.status == Status.ABSENT
    assert set(Comparison.objects.values_list("status", flat=True)) == {"PENDING"}
    assert provider.control("GET", "batches")["batches"] == []


def test_a_late_answer_still_finds_its_job_in_doubt(provider):
    judge = make_judge()
    mine = move(taken(make_job(judge=judge)), "SENDING")
    make_item(mine, make_comparison())
    BatchJob.objects.update(lease_until=None)
    move(taken(mine), "IN_DOUBT")
    assert not send.accept(mine, Submission(provider_batch_id="batch_9"))
    ownership.late_answer(mine, Submission(provider_batch_id="batch_9"))
    job = BatchJob.objects.get()
    assert (job.status, job.provider_batch_id, job.is_provisional) == (Status.IN_PROGRESS, "batch_9", False)
    assert job.fence > mine.fence + 1, "whoever was looking for it has lost the lease"


def test_a_late_answer_to_a_job_that_was_given_up_is_an_orphan_on_record(provider):
    mine = move(taken(make_job()), "SENDING")
    make_item(mine, make_comparison())
    BatchJob.objects.update(lease_until=None)
    other = move(taken(mine), "IN_DOUBT")
    recover.absent(other)
    ownership.late_answer(mine, Submission(provider_batch_id="batch_9"))
    orphan = Stranger.objects.get()
    assert (orphan.provider_batch_id, orphan.is_ours, orphan.nonce) == ("batch_9", True, mine.nonce)
    assert BatchJob.objects.get().status == Status.ABSENT


def test_whoever_lost_the_lease_writes_nothing():
    mine = move(taken(make_job()), "SENDING")
    item = make_item(mine, make_comparison())
    BatchJob.objects.update(lease_until=None)
    taken(mine)
    with pytest.raises(LostLease):
        send.refuse(mine, ProviderError("no", accepted=False, transient=False))
    item.refresh_from_db()
    assert item.outcome is None
    assert BatchJob.objects.get().status == Status.SENDING


def test_a_planned_job_that_stops_worker_after_worker_is_withdrawn_and_waits_for_staff(provider):
    plan_and_let_go(make_assessment(4), strategy="provider_batch")
    [job] = submit.open_jobs(submit.waiting_groups()[0])
    for _ in range(3):
        assert BatchJob.objects.take(job, seconds=60)
        BatchJob.objects.update(lease_until=DatabaseClock() - timedelta(seconds=1))
    watch.step(job)
    assert BatchJob.objects.get().status == Status.CANCELLED
    assert set(Comparison.objects.values_list("status", "held")) == {("PENDING", True)}
    assert provider.ledger() == []


@pytest.mark.parametrize("path", [("IN_PROGRESS",), ("IN_PROGRESS", "CANCELLING"), ("IN_PROGRESS", "COLLECTING")])
def test_a_sent_job_that_stops_worker_after_worker_is_put_before_a_person(path):
    job = move(taken(make_job()), "SENDING", *path)
    make_item(job, make_comparison())
    BatchJob.objects.update(lease_until=DatabaseClock() - timedelta(seconds=1), recoveries=2, next_poll_at=None)
    watch.step(job.pk)
    job.refresh_from_db()
    assert (job.status, job.provider_batch_id) == (Status.NEEDS_ATTENTION, "batch_1")


def test_a_provider_that_does_not_answer_the_search_is_asked_again_until_the_settle_time_then_a_person_is(provider):
    job = in_doubt(provider)
    provider.faults(permission_denied={"on": ["list"]})
    hurry()
    one_pass()
    job.refresh_from_db()
    assert (job.status, job.recoveries) == (Status.IN_DOUBT, 0), "a revoked key is the account's fault"
    account.resume(ProviderAccount.objects.all(), actor=None)
    provider.faults(server_error={"on": ["list"]})
    BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(hours=1))
    for expected in (1, 2):
        hurry()
        watch.step(job.pk)
        job.refresh_from_db()
        assert (job.status, job.recoveries) == (Status.IN_DOUBT, expected)
    hurry()
    watch.step(job.pk)
    job.refresh_from_db()
    assert job.status == Status.NEEDS_ATTENTION


def attention(**fields: object) -> BatchJob:
    job = move(taken(make_job(**fields)), "SENDING", "IN_DOUBT", "NEEDS_ATTENTION")
    make_item(job, make_comparison())
    job.release()
    return job


def test_a_person_adopts_a_batch_which_is_then_verified_like_any_other():
    job = attention()
    decide.adopt(job, " batch_7 ", actor=None)
    job.refresh_from_db()
    assert (job.status, job.provider_batch_id, job.is_provisional) == (Status.IN_PROGRESS, "batch_7", True)
    assert AuditEntry.objects.get(act="adopt").detail["provider_batch_id"] == "batch_7"


def test_a_person_cannot_adopt_what_another_job_owns():
    other = move(taken(make_job()), "SENDING", "IN_PROGRESS")
    job = attention()
    with pytest.raises(Refused, match="belongs to another job"):
        decide.adopt(job, other.provider_batch_id, actor=None)
    job.refresh_from_db()
    assert (job.status, job.lease_until) == (Status.NEEDS_ATTENTION, None)


def test_a_person_declares_a_job_absent_and_its_comparisons_wait_again():
    job = attention()
    decide.declare_absent(job, actor=None)
    job.refresh_from_db()
    assert job.status == Status.ABSENT
    assert BatchItem.objects.get().reason == "absent"
    assert Comparison.objects.get().status == "PENDING"
    assert AuditEntry.objects.filter(act="declare absent").count() == 1


def test_giving_up_a_known_batch_keeps_it_on_record_as_ours():
    job = move(taken(make_job()), "SENDING", "IN_PROGRESS", "NEEDS_ATTENTION", provider_batch_id="batch_1")
    make_item(job, make_comparison())
    job.release()
    decide.declare_absent(job, actor=None)
    assert Stranger.objects.values_list("provider_batch_id", "is_ours").get() == ("batch_1", True)


@pytest.mark.parametrize(("known", "expected"), [("", Status.IN_DOUBT), ("batch_1", Status.IN_PROGRESS)])
def test_a_person_may_let_the_workers_carry_on(known, expected):
    job = attention()
    BatchJob.objects.update(provider_batch_id=known, recoveries=3)
    decide.carry_on(job, actor=None)
    job.refresh_from_db()
    assert (job.status, job.recoveries) == (expected, 0)


def test_calls_that_need_attention_are_closed_with_what_was_sent_counted_as_lost():
    job = move(taken(make_job("SINGLE", n_items=2)), "RUNNING", "NEEDS_ATTENTION")
    assessment = make_assessment(2)
    make_item(job, make_comparison(assessment=assessment), sent_at=DatabaseClock())
    make_item(job, make_comparison(assessment=assessment, replicate=1))
    job.release()
    decide.declare_absent(job, actor=None)
    assert sorted(BatchItem.objects.values_list("outcome", "reason")) == [
        ("CANCELLED", "stopped_workers"),
        ("LOST", "worker_died"),
    ]
    assert BatchJob.objects.get().status == Status.COLLECTED


def test_a_decision_is_taken_only_where_one_is_asked_for():
    job = make_job()
    with pytest.raises(Refused, match="does not wait for a decision"):
        decide.carry_on(job, actor=None)


def test_a_lease_counts_on_the_databases_clock_and_a_takeover_counts_as_a_recovery():
    job = make_job()
    assert taken(job).recoveries == 0
    assert BatchJob.objects.take(job.pk, seconds=60) is None
    BatchJob.objects.update(lease_until=DatabaseClock() - timedelta(seconds=1))
    again = taken(job)
    assert (again.recoveries, again.fence) == (1, 2)
    again.release()
    assert taken(job).recoveries == 1, "a lease that was given back is no recovery"


def test_one_request_that_is_not_found_does_not_block_the_account():
    judge = make_judge()
    account.note_failure(judge.account, ProviderError("gone", accepted=False, transient=False, code="not_found"))
    row = ProviderAccount.objects.get()
    assert (row.failures, row.blocked_until, row.last_error) == (0, None, "gone")


def test_a_provider_that_is_down_is_left_alone_for_longer_each_time():
    judge = make_judge()
    waits = []
    for _ in range(3):
        account.note_failure(judge.account, ProviderError("down", accepted=None, transient=True, code="server_error"))
        waits.append((ProviderAccount.objects.get().blocked_until - pace.now()).total_seconds())
    assert waits[1] > 1.5 * waits[0]
    assert waits[2] > 1.5 * waits[1]
    account.note_success(judge.account)
    assert ProviderAccount.objects.get().blocked_until is None


def test_judgements_stay_one_each_however_the_job_was_recovered(provider):
    job = in_doubt(provider, "openai")
    drain()
    assert Judgement.objects.count() == Comparison.objects.count() == job.n_items
