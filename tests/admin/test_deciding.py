"""A batch job that cannot go on by itself: what a person sees, and what each of the choices does."""

from typing import Any

import pytest

from batches.models import AuditEntry, BatchJob, Comparison, Project, Stranger
from tests.admin.conftest import Visit
from tests.admin.test_actions import page_of, press, said
from tests.making import make_assessment, make_comparison, make_item, make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues", "provider_env")]
Status = BatchJob.Status


@pytest.fixture
def job(project: Project) -> BatchJob:
    job = make_job()
    make_item(job, make_comparison(assessment=make_assessment(2, project=project)))
    for status in (Status.SENDING, Status.IN_DOUBT, Status.NEEDS_ATTENTION):
        assert job.advance(status, error="The provider did not answer.", recoveries=3)
    return job


def texts(response: Any) -> str:
    return response.content.decode()


def test_the_page_says_what_is_known_and_offers_the_choices(visit: Visit, job: BatchJob) -> None:
    Stranger.objects.create(
        account=job.account, provider_batch_id="msgbatch_maybe", n_requests=1, made_at=job.created_at
    )
    page = texts(visit("submitter").get(page_of(job)))
    for words in (
        "A person has to decide",
        "The provider did not answer.",
        "Look again",
        "Name its batch",
        "It never arrived",
    ):
        assert words in page
    question = texts(press(visit("submitter"), job, "adopt"))
    assert job.nonce in question
    assert "msgbatch_maybe" in question
    job.refresh_from_db()
    assert job.status == Status.NEEDS_ATTENTION


def test_naming_the_batch_lets_the_job_go_on_provisionally(visit: Visit, job: BatchJob) -> None:
    press(visit("submitter"), job, "adopt", confirmed="yes", provider_batch_id=" msgbatch_found ")
    job.refresh_from_db()
    assert (job.status, job.provider_batch_id, job.is_provisional) == (Status.IN_PROGRESS, "msgbatch_found", True)
    assert AuditEntry.objects.filter(act="adopt").count() == 1


def test_an_empty_batch_id_is_refused_and_changes_nothing(visit: Visit, job: BatchJob) -> None:
    response = press(visit("submitter"), job, "adopt", confirmed="yes", provider_batch_id="  ")
    assert "Name the batch" in said(response)
    job.refresh_from_db()
    assert job.status == Status.NEEDS_ATTENTION


def test_saying_that_it_never_arrived_frees_its_comparisons(visit: Visit, job: BatchJob) -> None:
    assert "paid for a second time" in texts(press(visit("submitter"), job, "never_arrived"))
    press(visit("submitter"), job, "never_arrived", confirmed="yes")
    job.refresh_from_db()
    assert job.status == Status.ABSENT
    assert Comparison.objects.get().status == "PENDING"


def test_looking_again_puts_it_back_in_doubt(visit: Visit, job: BatchJob) -> None:
    press(visit("submitter"), job, "look_again")
    job.refresh_from_db()
    assert (job.status, job.recoveries) == (Status.IN_DOUBT, 0)


@pytest.mark.parametrize("action", ["look_again", "adopt", "never_arrived"])
def test_a_viewer_decides_nothing(visit: Visit, job: BatchJob, action: str) -> None:
    press(visit("viewer"), job, action, confirmed="yes", provider_batch_id="msgbatch_x")
    job.refresh_from_db()
    assert job.status == Status.NEEDS_ATTENTION


def test_the_account_page_shows_batches_that_no_job_owns(visit: Visit, job: BatchJob) -> None:
    Stranger.objects.create(account=job.account, provider_batch_id="msgbatch_theirs", n_requests=7)
    page = texts(visit("submitter").get(page_of(job.account)))
    assert "msgbatch_theirs" in page
    assert "not ours" in page
