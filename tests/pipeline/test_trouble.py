"""Lost answers, dead workers, revoked keys, missing networks, empty budgets: nothing lost, nothing paid twice."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from batches.models import AuditEntry, BatchItem, BatchJob, Comparison, Judgement, ProviderAccount, Round
from batches.models.fields import DatabaseClock
from batches.pipeline import account, cancel, retry, submit
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import check_books, drain, hurry, one_pass, plan_and_let_go, reasons

pytestmark = pytest.mark.django_db
Status = BatchJob.Status
PROVIDERS = ["anthropic", "openai"]


def billed_twice(server) -> int:
    return server.control("GET", "ledger/summary")["custom_ids_billed_twice"]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", ["accept_and_drop", "drop_before_accept", "server_error"])
def test_a_lost_answer_is_looked_up_and_never_paid_twice(provider, cj, name, fault):
    cj(settle_time="1 s", call_timeout="1 s")
    provider.faults(**{fault: {"on": ["create"], "next": 1}})
    assessment = make_assessment(6, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    assert BatchJob.objects.get().status == Status.IN_DOUBT
    BatchJob.objects.update(sent_at=DatabaseClock() - timedelta(minutes=5))  # the settle time is over
    drain()
    assert Judgement.objects.count() == Comparison.objects.count()
    check_books(provider, assessment)
    jobs = set(BatchJob.objects.values_list("status", flat=True))
    assert jobs == ({"COLLECTED"} if fault == "accept_and_drop" else {"ABSENT", "COLLECTED"})


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_refused_batch_gives_its_comparisons_and_its_money_back(provider, name):
    provider.faults(rate_limited={"on": ["create"], "next": 1})
    assessment = make_assessment(4, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    assert BatchJob.objects.get().status == Status.REFUSED
    assert set(Comparison.objects.values_list("status", "attempts")) == {("PENDING", 0)}
    assessment.refresh_from_db()
    assert assessment.reserved_usd == 0
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


def test_a_cut_off_download_is_fetched_again(provider):
    provider.faults(truncated_download={"next": 1})
    assessment = make_assessment(6)
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    assert set(reasons()) == {"SUCCEEDED"}
    check_books(provider, assessment)


def test_a_batch_that_openai_fails_after_accepting_is_errored_and_asked_again(provider):
    provider.faults(batch_failed={"next": 1})
    assessment = make_assessment(4, judge=make_judge("openai"))
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    first, second = BatchJob.objects.order_by("pk")
    assert (first.n_errored, second.n_succeeded) == (first.n_items, second.n_items)
    check_books(provider, assessment)


def test_calls_wait_as_long_as_the_provider_asks(provider):
    provider.faults(rate_limited={"on": ["sync"], "next": 3, "retry_after": 1})
    assessment = make_assessment(8)
    plan_and_let_go(assessment)
    started = time.monotonic()
    one_pass()
    assert time.monotonic() - started >= 1
    assert set(reasons()) == {"SUCCEEDED"}
    assert set(Comparison.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("strategy", ["per_round", "provider_batch"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_revoked_key_pauses_the_account_once_and_fails_nothing(provider, name, strategy):
    provider.faults(revoked_keys=["local"])
    assessment = make_assessment(6, judge=make_judge(name))
    plan_and_let_go(assessment, strategy=strategy)
    for _ in range(3):
        hurry()
        one_pass()
    paused = ProviderAccount.objects.get()
    assert paused.paused_at is not None
    assert set(Comparison.objects.values_list("status", "attempts")) == {("PENDING", 0)}
    assert AuditEntry.objects.filter(act="pause").count() == 1
    with pytest.raises(Refused, match="paused"):
        submit.let_go(Round.objects.all(), actor=None)
    provider.control("DELETE", "faults")
    account.resume(ProviderAccount.objects.all(), actor=None)
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


@pytest.mark.parametrize("strategy", ["per_round", "provider_batch"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_key_without_a_network_leaves_everything_waiting_with_a_clear_error(settings, monkeypatch, name, strategy):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    settings.LOCAL_PROVIDER = False
    monkeypatch.setenv(account.KEY_VARIABLE[name], "sk-test")
    monkeypatch.setenv(account.URL_VARIABLE[name], url)
    real = ProviderAccount.objects.create(alias=name, provider=name)
    assessment = make_assessment(6, judge=make_judge(name, account=real))
    plan_and_let_go(assessment, strategy=strategy)
    one_pass()
    assert set(Comparison.objects.values_list("status", "attempts")) == {("PENDING", 0)}
    assert Judgement.objects.count() == 0
    now = standing(assessment)
    assert now.reserved_usd == 0
    assert "cannot be used at the moment" in now.happening


def test_with_neither_key_nor_local_provider_submitting_is_refused_in_one_sentence(settings, monkeypatch):
    settings.LOCAL_PROVIDER = False
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    real = ProviderAccount.objects.create(alias="anthropic", provider="anthropic")
    assessment = make_assessment(4, judge=make_judge(account=real))
    with pytest.raises(Refused, match="There is no ANTHROPIC_API_KEY in the environment"):
        plan_and_let_go(assessment)
    assert not BatchJob.objects.exists()


def test_the_local_judge_is_not_used_when_the_local_provider_is_off(settings, monkeypatch):
    settings.LOCAL_PROVIDER = False
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    with pytest.raises(Refused, match="This judge is on the local provider"):
        plan_and_let_go(make_assessment(4))


KILLED = """
import django, os, sys
django.setup()
from django.conf import settings
settings.LOCAL_PROVIDER_URL = sys.argv[1]
settings.CJ_SETTINGS = {"sync_in_flight": 4}
from batches.pipeline import watch
watch.step(int(sys.argv[2]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_at_most_what_was_in_flight_and_the_round_completes(provider, cj):
    cj(sync_in_flight=4)
    assessment = make_assessment(24)
    plan_and_let_go(assessment)
    [job] = submit.open_jobs(submit.waiting_groups()[0])
    provider.settings(latency=0.3)
    name = connection.settings_dict
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED, provider.url, str(job)],
        env=os.environ | {"DATABASE_URL": f"postgres://{name['USER']}@/{name['NAME']}?host={name['HOST']}"},
    )
    try:
        deadline = time.monotonic() + 90
        while Judgement.objects.count() < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    provider.settings(latency=0)
    judged_before = dict(Judgement.objects.values_list("pk", "created_at"))
    assert 5 <= len(judged_before) < Comparison.objects.count()
    one_pass()
    assert BatchJob.objects.get(pk=job).status == Status.RUNNING, "the dead worker's lease is respected while it lasts"
    BatchJob.objects.update(lease_until=None)
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert Judgement.objects.count() == Comparison.objects.count()
    assert judged_before.items() <= dict(Judgement.objects.values_list("pk", "created_at")).items()
    lost = BatchItem.objects.filter(outcome="LOST")
    assert lost.count() <= 4
    billed = provider.control("GET", "ledger/summary")["billed"]
    assert billed <= Comparison.objects.count() + lost.count()


def test_cancelling_before_anything_was_sent_gives_everything_back(provider):
    assessment = make_assessment(6)
    plan_and_let_go(assessment, strategy="provider_batch")
    submit.open_jobs(submit.waiting_groups()[0])
    assert cancel.ask(BatchJob.objects.all(), actor=None) == 1
    one_pass()
    assert BatchJob.objects.get().status == Status.CANCELLED
    assert set(Comparison.objects.values_list("status", "held")) == {("PENDING", True)}
    assert standing(assessment).next_action == "submit"
    assert provider.ledger() == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_cancelling_at_the_provider_keeps_what_was_finished(provider, name):
    provider.settings(batch_seconds=30, cancelling=0)
    assessment = make_assessment(8, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    assert BatchJob.objects.get().status == Status.IN_PROGRESS
    cancel.ask(BatchJob.objects.all(), actor=None)
    provider.settings(batch_seconds=0.05)
    deadline = time.monotonic() + 15
    while BatchJob.objects.get().status != Status.COLLECTED and time.monotonic() < deadline:
        hurry()
        one_pass()
    job = BatchJob.objects.get()
    assert job.status == Status.COLLECTED
    assert job.n_cancelled + job.n_succeeded == job.n_items
    assert Comparison.objects.filter(held=True).count() == job.n_cancelled
    check_books(provider, assessment)


def test_a_budget_is_never_passed_and_a_raised_one_lets_the_rest_go(provider):
    assessment = make_assessment(12, budget_usd=Decimal("0.006"))
    plan_and_let_go(assessment)
    drain()
    assessment.refresh_from_db()
    assert assessment.spent_usd <= assessment.budget_usd
    now = standing(assessment)
    assert now.held > 0
    assert now.judged > 0
    type(assessment).objects.filter(pk=assessment.pk).update(budget_usd=Decimal(5))
    submit.let_go(Round.objects.all(), actor=None)
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


def test_failed_comparisons_can_be_retried_and_then_judged(provider):
    provider.faults(refusal={})
    assessment = make_assessment(4)
    plan_and_let_go(assessment)
    drain()
    failed = Comparison.objects.filter(status="FAILED")
    assert failed.count() == Comparison.objects.count()
    provider.control("DELETE", "faults")
    assert retry.failed(Comparison.objects.all(), actor=None) == Comparison.objects.count()
    drain()
    assert set(Comparison.objects.values_list("status", "fail_reason")) == {("JUDGED", "")}
    assert AuditEntry.objects.filter(act="retry").exists()
