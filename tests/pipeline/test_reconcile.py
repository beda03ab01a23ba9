"""The provider's books beside ours: what nobody owns is stopped where it is surely ours, and otherwise only shown."""

import json
import time
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from batches.models import Assessment, AuditEntry, BatchItem, BatchJob, Deployment, ProviderAccount, Stranger
from batches.models.fields import DatabaseClock
from batches.pipeline import decide, pace, reconcile
from chaos.strangers import send
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import drain, hurry, one_pass, plan_and_let_go

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch):
    """Reconciliations happen long after everything was sent."""
    monkeypatch.setattr(pace, "now", lambda now=pace.now: now() + timedelta(hours=1))


def job_of(name: str, *, status: str = "COLLECTED") -> BatchJob:
    """A job that has been through the local provider."""
    plan_and_let_go(make_assessment(4, judge=make_judge(name)), strategy="provider_batch")
    drain() if status == "COLLECTED" else one_pass()
    job = BatchJob.objects.get()
    assert job.status == status
    return job


def again(job: BatchJob, **metadata: str) -> str:
    """A second batch with the job's nonce, as a worker would make it that was paused before its POST."""
    marks = {"cj_nonce": job.nonce, "cj_env": Deployment.name()} | metadata
    return send(job.provider, 2, nonce=job.nonce, metadata=marks if job.provider == "openai" else None)


def compare() -> reconcile.Books:
    return reconcile.compare(ProviderAccount.objects.get(), actor=None)


def state(provider, batch: str) -> str:
    [found] = [one for one in provider.control("GET", "batches")["batches"] if one["id"] == batch]
    return found["status"]


def test_a_running_batch_with_our_nonce_and_environment_that_no_job_owns_is_cancelled(provider):
    job = job_of("openai")
    provider.settings(batch_seconds=60)
    batch = again(job)
    books = compare()
    assert (books.strangers, books.orphans, books.stopped) == ((batch,), (batch,), (batch,))
    orphan = Stranger.objects.get()
    assert (orphan.is_ours, orphan.nonce, orphan.taken_for) == (True, job.nonce, job)
    assert orphan.cancel_asked_at is not None
    assert state(provider, batch) in ("cancelling", "cancelled")
    assert AuditEntry.objects.get(act="reconcile").detail["stopped"] == [batch]


def test_a_batch_with_our_nonce_from_another_environment_is_only_shown(provider):
    job = job_of("openai")
    provider.settings(batch_seconds=60)
    batch = again(job, cj_env="a copy of our database")
    books = compare()
    assert (books.strangers, books.orphans, books.stopped) == ((batch,), (), ())
    assert state(provider, batch) not in ("cancelling", "cancelled")


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_somebody_elses_batch_is_only_shown(provider, name):
    job_of(name)
    provider.settings(batch_seconds=60)
    batch = send(name, 2, nonce="f0re19000000")
    books = compare()
    assert (books.strangers, books.orphans, books.stopped) == ((batch,), (), ())
    assert Stranger.objects.values_list("is_ours", "cancel_asked_at").get() == (False, None)
    assert state(provider, batch) not in ("cancelling", "canceling", "cancelled")


def test_an_anthropic_batch_too_many_is_known_as_ours_once_its_results_can_be_read(provider):
    job = job_of("anthropic")
    provider.settings(batch_seconds=60, cancelling=0)
    batch = again(job)
    assert (compare().strangers, Stranger.objects.get().is_ours) == ((batch,), False)
    provider.claude().messages.batches.cancel(batch)
    deadline = time.monotonic() + 30
    while state(provider, batch) != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    books = compare()
    assert (books.orphans, books.stopped) == ((batch,), ()), "it has ended: there is nothing to stop"
    assert Stranger.objects.values_list("is_ours", "nonce").get() == (True, job.nonce)


def test_a_batch_that_may_still_be_on_its_way_to_its_job_is_no_stranger(provider, monkeypatch):
    job = job_of("openai")
    again(job)
    monkeypatch.undo()
    assert compare().strangers == (), "made a moment ago"


def test_a_batch_whose_job_is_looking_for_it_is_no_stranger(provider):
    provider.faults(accept_and_drop={"on": ["create"], "next": 1})
    job_of("openai", status="IN_DOUBT")
    assert compare().strangers == ()
    drain()
    assert BatchJob.objects.get().status == "COLLECTED"


def test_a_batch_that_a_job_owns_after_all_is_forgotten_as_a_stranger(provider):
    provider.faults(accept_and_drop={"on": ["create"], "next": 1})
    job = job_of("anthropic", status="IN_DOUBT")
    [batch] = [one["id"] for one in provider.control("GET", "batches")["batches"]]
    assert compare().strangers == (batch,), "nothing but its size tells whose it is"
    drain()
    assert compare().strangers == ()
    assert not Stranger.objects.exists()
    job.refresh_from_db()
    assert job.provider_batch_id == batch


def test_a_person_is_offered_the_batches_that_may_be_a_jobs(provider):
    provider.faults(accept_and_drop={"on": ["create"], "next": 1})
    job = job_of("anthropic", status="IN_DOUBT")
    send("anthropic", job.n_items + 1, nonce="f0re19000000")
    compare()
    assert [one.n_requests for one in decide.candidates(job)] == [job.n_items]


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_another_count_of_answers_than_the_provider_says_it_billed_is_shown(provider, name):
    provider.faults(missing_line={"next": 1})
    plan_and_let_go(make_assessment(8, judge=make_judge(name)), strategy="provider_batch")
    drain()
    job = BatchJob.objects.earliest("pk")
    assert compare().usage_gaps == (
        reconcile.UsageGap(job=job.pk, provider_answered=job.n_items, ours_answered=job.n_items - 1),
    )


def test_books_that_agree_have_no_gaps(provider):
    job_of("anthropic")
    assert compare().usage_gaps == ()
    assert reconcile.reservation_gaps() == []


def test_an_account_is_due_once_a_day_and_only_with_batches(provider):
    make_judge("anthropic")
    job_of("openai")
    assert [account.provider for account in reconcile.due()] == ["openai"]
    reconcile.compare(ProviderAccount.objects.get(provider="openai"), actor=None)
    assert not reconcile.due().exists()
    ProviderAccount.objects.update(reconciled_at=DatabaseClock() - timedelta(hours=25))
    assert reconcile.due().count() == 1


def test_a_reservation_that_is_not_the_sum_of_the_open_items_is_shown_and_set_right_on_request(provider):
    job_of("anthropic")
    Assessment.objects.update(reserved_usd=Decimal("1.5"))
    before = reconcile.reservation_gaps()
    assert [(gap.reserved_usd, gap.open_items_usd) for gap in before] == [(Decimal("1.5"), Decimal(0))]
    assert reconcile.repair_reservations(actor=None) == 1
    assert Assessment.objects.get().reserved_usd == 0
    assert AuditEntry.objects.filter(act="repair reservation").count() == 1
    assert reconcile.repair_reservations(actor=None) == 0


def test_the_command_prints_one_document_and_names_accounts_that_do_not_answer(provider):
    job = job_of("openai")
    batch = again(job)
    hurry()
    out = StringIO()
    call_command("reconcile", "--json", stdout=out)
    document = json.loads(out.getvalue())
    assert document["accounts"][0]["orphans"] == [batch]
    provider.faults(server_error={"on": ["list"]})
    out = StringIO()
    call_command("reconcile", "--json", stdout=out)
    assert list(json.loads(out.getvalue())["silent"]) == ["openai-local"]
    assert BatchItem.objects.filter(outcome="SUCCEEDED").count() == job.n_items
