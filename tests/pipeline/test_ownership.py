"""Batches of one size, sent one after the other, their answers lost: each ends with the job that it was sent for."""

import time
from datetime import timedelta

import pytest
from django.db import transaction

from batches.models import AuditEntry, BatchItem, BatchJob, Judgement, Stranger
from batches.models.fields import DatabaseClock
from batches.pipeline import decide, ownership, submit, watch
from batches.providers.base import Submission
from tests.making import make_assessment, make_comparison, make_item, make_job
from tests.pipeline.conftest import drain, hurry, plan_and_let_go

pytestmark = pytest.mark.django_db
Status = BatchJob.Status
SIZE = 3


@pytest.fixture
def two_jobs(provider, cj) -> tuple[BatchJob, BatchJob]:
    """Two planned jobs of one size, opened together, so that both look for what came after the same batch."""
    cj(batch_chunk_requests=SIZE)
    plan_and_let_go(make_assessment(6), rounds=3, strategy="provider_batch")
    [group] = submit.waiting_groups()
    one, two, *_ = submit.open_jobs(group)
    return BatchJob.objects.get(pk=one), BatchJob.objects.get(pk=two)


def step(job: BatchJob) -> str:
    """One step of one job, whatever it or its account would wait for."""
    hurry()
    watch.step(job.pk)
    job.refresh_from_db()
    return job.status


def lose(provider, job: BatchJob, fault: str = "accept_and_drop") -> str:
    """Send a job and lose the answer; the batch at the provider, "" where it never arrived."""
    before = batches(provider)
    provider.faults(**{fault: {"on": ["create"], "next": 1}})
    assert step(job) == Status.IN_DOUBT
    provider.control("DELETE", "faults")
    return "".join(batches(provider) - before)


def batches(provider) -> set[str]:
    return {batch["id"] for batch in provider.control("GET", "batches")["batches"]}


def somebody_elses(provider) -> str:
    message = {"model": "claude-haiku-4-5-20251001", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
    requests = [{"custom_id": f"f0re19000000-{i}", "params": message} for i in range(SIZE)]
    return provider.claude().messages.batches.create(requests=requests).id


def crossed(provider, one: BatchJob, two: BatchJob) -> tuple[str, str]:
    """Job one holds a stranger for its own, and job two what was sent for job one; the batches of one and two."""
    stranger = somebody_elses(provider)
    of_one = lose(provider, one)
    assert (step(one), one.provider_batch_id) == (Status.IN_PROGRESS, stranger)
    of_two = lose(provider, two)
    assert (step(two), two.provider_batch_id, two.is_provisional) == (Status.IN_PROGRESS, of_one, True)
    return of_one, of_two


def until(job: BatchJob, status: str) -> None:
    deadline = time.monotonic() + 30
    while step(job) != status:
        assert time.monotonic() < deadline, job.status
        time.sleep(0.02)


def owners() -> dict[int, str]:
    return dict(BatchJob.objects.exclude(provider_batch_id="").values_list("pk", "provider_batch_id"))


def paid_once(provider) -> None:
    """Every comparison was judged, from one billed request."""
    ours = [row["custom_id"] for row in provider.ledger(limit=10_000) if not row["custom_id"].startswith("f0re19")]
    assert sorted(ours) == sorted(BatchItem.objects.values_list("custom_id", flat=True))
    assert Judgement.objects.count() == BatchItem.objects.count() == len(ours)


def test_a_batch_taken_for_another_jobs_is_handed_to_the_job_it_was_sent_for(provider, two_jobs):
    one, two = two_jobs
    of_one, of_two = crossed(provider, one, two)
    until(two, Status.IN_DOUBT)
    one.refresh_from_db()
    assert (one.status, one.provider_batch_id, one.is_provisional) == (Status.IN_PROGRESS, of_one, False)
    assert (two.provider_batch_id, two.looks, two.lease_until) == ("", 0, None)
    detail = AuditEntry.objects.get(act="hand over").detail
    assert detail == {"provider_batch_id": of_one, "taken_from": two.pk}
    drain()
    assert (owners()[one.pk], owners()[two.pk]) == (of_one, of_two)
    assert set(Stranger.objects.values_list("nonce", "is_ours")) == {("f0re19000000", False)}
    paid_once(provider)


def test_a_job_whose_batch_another_one_may_hold_is_never_believed_absent(provider, two_jobs):
    one, two = two_jobs
    of_one, of_two = crossed(provider, one, two)
    until(one, Status.IN_DOUBT)  # the stranger has ended
    BatchJob.objects.filter(pk=two.pk).update(provider_batch_id=of_two)  # what is left is held by job two,
    Stranger.objects.create(account=one.account, provider_batch_id=of_one, nonce="f0re19000001")  # or known as others'
    BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(hours=1))
    for _ in range(4):
        assert step(one) == Status.IN_DOUBT
    assert of_two in one.error
    until(two, Status.COLLECTING)
    assert [step(one), step(one)] == [Status.IN_DOUBT, Status.ABSENT]


def test_a_job_that_waits_for_a_person_is_given_its_batch(provider, two_jobs):
    one, two = two_jobs
    of_one = lose(provider, one)
    one.advance(Status.NEEDS_ATTENTION, error="the list could not be read")
    lose(provider, two, "drop_before_accept")
    assert (step(two), two.provider_batch_id) == (Status.IN_PROGRESS, of_one)
    until(two, Status.IN_DOUBT)
    one.refresh_from_db()
    assert (one.status, one.provider_batch_id, one.error) == (Status.IN_PROGRESS, of_one, "")


def test_the_batch_of_a_job_that_is_over_is_on_record_as_an_orphan(provider, two_jobs):
    one, two = two_jobs
    of_one = lose(provider, one)
    one.advance(Status.NEEDS_ATTENTION, error="the list could not be read")
    decide.declare_absent(one, actor=None)
    lose(provider, two, "drop_before_accept")
    assert (step(two), two.provider_batch_id) == (Status.IN_PROGRESS, of_one)
    until(two, Status.IN_DOUBT)
    one.refresh_from_db()
    assert one.status == Status.ABSENT
    assert Stranger.objects.values_list("provider_batch_id", "nonce", "is_ours").get() == (of_one, one.nonce, True)
    assert (step(two), two.looks) == (Status.IN_DOUBT, 0), "it is not taken again"


def test_while_a_third_job_is_in_doubt_the_wrong_holder_keeps_the_batch_and_tries_again(provider, two_jobs):
    one, two = two_jobs
    of_one, _ = crossed(provider, one, two)
    third = BatchJob.objects.filter(status=Status.PLANNED).earliest("pk")
    lose(provider, third, "drop_before_accept")
    deadline = time.monotonic() + 30
    while BatchJob.objects.get(pk=two.pk).next_poll_at is None or not two.ended_at:
        assert step(two) == Status.IN_PROGRESS
        assert time.monotonic() < deadline
    assert (two.provider_batch_id, two.lease_until, two.recoveries) == (of_one, None, 0)
    BatchJob.objects.filter(pk=third.pk).update(status="NEEDS_ATTENTION")
    until(two, Status.IN_DOUBT)
    assert owners()[one.pk] == of_one


def test_a_job_in_doubt_and_one_that_cannot_be_so_beside_it_do_not_wait_for_each_other(provider, two_jobs):
    one, two = two_jobs
    stranger = somebody_elses(provider)
    lose(provider, one)
    assert (step(one), one.provider_batch_id) == (Status.IN_PROGRESS, stranger)
    of_one = (batches(provider) - {stranger}).pop()
    Stranger.objects.create(account=one.account, provider_batch_id=of_one, nonce="f0re19000001")
    lose(provider, two, "drop_before_accept")
    BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(hours=1))
    deadline = time.monotonic() + 30
    while not Stranger.objects.filter(provider_batch_id=stranger).exists():
        assert (step(two), step(one)) == (Status.IN_DOUBT, Status.IN_PROGRESS)
        assert time.monotonic() < deadline
    assert (one.provider_batch_id, one.lease_until, one.recoveries) == (stranger, None, 0)
    until(two, Status.ABSENT)
    assert step(one) == Status.IN_DOUBT


def moved(job: BatchJob, *path: str, **changes: object) -> BatchJob:
    """Walk a job of one comparison along legal moves."""
    make_item(job, make_comparison())
    for status in path:
        last = status == path[-1]
        known = {"provider_batch_id": f"of-{job.pk}"} if status in BatchJob.AT_PROVIDER else {}
        assert job.advance(Status(status), **known, **(changes if last else {}))
    return job


@pytest.mark.parametrize(
    "path", [(), ("SENDING",), ("SENDING", "IN_DOUBT"), ("SENDING", "IN_DOUBT", "NEEDS_ATTENTION")]
)
def test_wherever_a_job_was_left_it_is_given_its_batch_by_the_one_that_held_it(path):
    holder = moved(make_job(), "SENDING", "IN_DOUBT", "IN_PROGRESS", is_provisional=True)
    job = moved(make_job(), *path)
    with transaction.atomic():
        assert ownership.give(job, holder.provider_batch_id)
    job.refresh_from_db()
    fence = holder.fence
    holder.refresh_from_db()
    assert (job.status, job.provider_batch_id, job.is_provisional) == (Status.IN_PROGRESS, f"of-{holder.pk}", False)
    assert (holder.status, holder.provider_batch_id, holder.fence) == (Status.IN_DOUBT, "", fence + 1)


@pytest.mark.parametrize(
    "path", [("REFUSED",), ("IN_DOUBT", "ABSENT"), ("IN_PROGRESS",), ("IN_PROGRESS", "COLLECTING")]
)
def test_a_job_that_is_over_or_has_its_batch_for_sure_is_given_no_other(path):
    job = moved(make_job(), "SENDING", *path, error="because")
    before = BatchJob.objects.values().get(pk=job.pk)
    assert not ownership.give(job, "batch_2")
    assert BatchJob.objects.values().get(pk=job.pk) == before
    assert Stranger.objects.values_list("provider_batch_id", "taken_for", "is_ours").get() == ("batch_2", job.pk, True)


def test_a_late_answer_takes_the_batch_from_a_job_that_held_it_for_its_size():
    holder = moved(make_job(), "SENDING", "IN_DOUBT", "IN_PROGRESS", is_provisional=True)
    job = moved(make_job(), "SENDING", "IN_DOUBT")
    ownership.late_answer(job, Submission(provider_batch_id=holder.provider_batch_id))
    assert owners() == {job.pk: f"of-{holder.pk}"}
    assert BatchJob.objects.get(pk=holder.pk).status == Status.IN_DOUBT


def test_a_late_answer_replaces_a_batch_that_was_only_taken_for_the_jobs_own():
    job = moved(make_job(), "SENDING", "IN_DOUBT", "IN_PROGRESS", is_provisional=True)
    third = moved(make_job(), "SENDING", "IN_DOUBT")
    ownership.late_answer(job, Submission(provider_batch_id="batch_9"))
    job.refresh_from_db()
    assert (job.status, job.provider_batch_id, job.is_provisional) == (Status.IN_PROGRESS, "batch_9", False)
    assert BatchJob.objects.get(pk=third.pk).status == Status.IN_DOUBT
