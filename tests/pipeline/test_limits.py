"""Queues, bad lines, ends before their time, files left behind: batches at the providers' true limits."""

import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Q

from batches.models import Assessment, BatchItem, BatchJob, Comparison, EssayPage, Judgement, Round
from batches.pipeline import cancel, plan, queues, submit
from batches.pipeline.refused import Refused
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books
from tests.pipeline.conftest import check_books, drain, hurry, one_pass, plan_and_let_go, reasons
from tests.pipeline.test_every_strategy import make_essays

pytestmark = pytest.mark.django_db
PROVIDERS = ["anthropic", "openai"]


def test_openai_batches_leave_as_the_queue_of_tokens_has_room(provider, cj):
    cj(openai_queued_tokens="9000", batch_chunk_requests=5)
    provider.settings(batch_seconds=0.3, queued_tokens={"*": 9000})
    assessment = make_assessment(40, judge=make_judge("openai"))
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    live = BatchJob.objects.filter(status__in=queues.QUEUED)
    assert live.exists()
    assert sum(live.values_list("queued_tokens", flat=True)) <= 9000
    assert Comparison.objects.filter(status="PENDING").exists()
    drain()
    assert set(Comparison.objects.values_list("status", "attempts")) == {("JUDGED", 1)}
    check_books(provider, assessment)
    provider.settings(batch_seconds=0.05)


def test_the_limit_of_one_model_goes_before_that_of_all(cj):
    cj(openai_queued_tokens="5000, gpt-5.4-mini=700", anthropic_queued_requests={"*": 50, "claude-haiku-4-5": 7})
    assert queues.tokens_left(make_judge("openai")) == 700
    assert queues.tokens_left(make_judge("openai", model_id="gpt-5.4-nano")) == 5000
    assert queues.requests_left(make_judge("anthropic", model_id="claude-haiku-4-5")) == 7
    assert queues.requests_left(make_judge("anthropic")) == 50
    cj(openai_queued_tokens="none", anthropic_queued_requests="none")
    assert queues.left(make_judge("openai")) == queues.left(make_judge("anthropic")) == (None, None)


def test_a_batch_over_an_unknown_token_limit_goes_back_without_an_attempt_and_returns_smaller(provider, cj):
    provider.settings(queued_tokens={"*": 3000})
    assessment = make_assessment(16, judge=make_judge("openai"))
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    assert "ERRORED:token_limit_exceeded" in reasons()
    assert set(Comparison.objects.values_list("status", "attempts")) == {("JUDGED", 1)}
    sizes = list(BatchJob.objects.order_by("pk").values_list("n_items", flat=True))
    assert sizes[1] < sizes[0]
    check_books(provider, assessment)
    provider.settings(queued_tokens={})


def test_a_request_that_fills_more_than_the_whole_queue_by_itself_fails_with_its_reason_and_the_others_go(provider, cj):
    cj(max_attempts=2)
    provider.settings(queued_tokens={"*": 900})
    assessment = make_assessment(4, judge=make_judge("openai"))
    longer = assessment.essays.order_by("pk").first()
    longer.text += " And the weather was still not good enough for anybody." * 100
    longer.save()
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    mine = Comparison.objects.filter(Q(essay_a=longer) | Q(essay_b=longer))
    assert set(mine.values_list("status", "fail_reason", "attempts")) == {("FAILED", "over_queue_limit", 2)}
    others = Comparison.objects.exclude(pk__in=mine)
    assert set(others.values_list("status", "attempts")) == {("JUDGED", 1)}
    check_books(provider, assessment)
    provider.settings(queued_tokens={})


def test_anthropic_batches_leave_as_the_queue_of_requests_has_room(provider, cj):
    cj(anthropic_queued_requests="6", batch_chunk_requests=4)
    provider.settings(batch_seconds=0.3, queued_requests=6)
    assessment = make_assessment(24)
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    assert sum(BatchJob.objects.filter(status__in=queues.QUEUED).values_list("n_items", flat=True)) == 6
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert not BatchJob.objects.filter(status="REFUSED").exists()
    provider.settings(batch_seconds=0.05, queued_requests=200_000)


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_line_that_cannot_be_sent_is_its_own_error_and_the_others_go(provider, name, monkeypatch):
    from batches.providers import manifest

    small = manifest.BatchLimits(requests=100, bytes=120_000)
    monkeypatch.setattr(manifest, "limits", lambda provider: small)
    assessment = make_assessment(judge=make_judge(name))
    make_essays(assessment, 6, "text")
    essay = assessment.essays.first()
    EssayPage.objects.create(essay=essay, number=1, media_type="image/png", data=b"\x89PNG\r\n\x1a\n" + b"\0" * 120_000)
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    bad = Comparison.objects.filter(fail_reason="bad_line")
    assert 1 <= bad.count() <= 2
    assert set(bad.values_list("attempts", flat=True)) == {1}
    assert all(essay.pk in (c.essay_a_id, c.essay_b_id) for c in bad)
    assert "of which a batch takes" in bad.first().fail_detail
    assert Comparison.objects.filter(status="JUDGED").count() == Comparison.objects.count() - bad.count()
    job = BatchJob.objects.get()
    assert job.n_errored == bad.count()
    assert job.n_items == job.n_errored + job.n_succeeded
    check_books(provider, assessment)


def test_a_job_of_bad_lines_only_is_never_sent(provider, monkeypatch):
    from batches.providers import manifest

    monkeypatch.setattr(manifest, "limits", lambda provider: manifest.BatchLimits(requests=100, bytes=1_000))
    plan_and_let_go(make_assessment(4), strategy="provider_batch")
    drain()
    assert set(BatchJob.objects.values_list("status", flat=True)) == {"CANCELLED"}
    assert set(Comparison.objects.values_list("fail_reason", flat=True)) == {"bad_line"}
    assert provider.control("GET", "batches")["batches"] == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_expired_batch_gives_what_it_finished_and_the_rest_is_asked_again(provider, name):
    provider.faults(expire_after_done={"n": 3, "next": 1})
    assessment = make_assessment(16, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    n = Comparison.objects.count()
    drain()
    first = BatchJob.objects.order_by("pk")[0]
    assert (first.n_succeeded, first.n_expired) == (3, n - 3)
    assert Judgement.objects.count() == n
    check_books(provider, assessment)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_cancelled_batch_gives_what_it_finished_and_the_rest_waits_for_staff(provider, name):
    provider.settings(batch_seconds=0.8)
    assessment = make_assessment(16, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    cancel.ask(BatchJob.objects.all(), actor=None)
    while not BatchJob.objects.filter(status="COLLECTED").exists():
        hurry()
        one_pass()
    provider.settings(batch_seconds=0.05)
    job = BatchJob.objects.get()
    assert job.n_succeeded + job.n_cancelled == job.n_items
    assert job.n_cancelled
    assert Comparison.objects.filter(status="PENDING", held=True, attempts=0).count() == job.n_cancelled
    submit.let_go(Round.objects.all(), actor=None)
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    check_books(provider, assessment)


@pytest.mark.parametrize("delete", ["yes", "no"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_files_at_the_provider_stay_only_where_the_setting_says_so(provider, cj, name, delete):
    cj(delete_provider_files=delete)
    plan_and_let_go(make_assessment(4, judge=make_judge(name)), strategy="provider_batch")
    drain()
    if name == "openai":
        left = provider.gpt("local").files.list().data
        assert len(left) == (0 if delete == "yes" else 2)
    else:
        left = list(provider.claude("local").messages.batches.list())
        assert len(left) == (0 if delete == "yes" else 1)


def test_essays_as_images_are_refused_where_the_judge_cannot_see(provider, monkeypatch):
    from dataclasses import replace

    from batches.providers import manifest

    found = manifest.find
    monkeypatch.setattr(manifest, "find", lambda provider, model: replace(found(provider, model), vision=False))
    assessment = make_assessment()
    make_essays(assessment, 4, "image")
    with pytest.raises(Refused, match="cannot see"):
        plan_and_let_go(assessment)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("strategy", ["per_round", "serial_bundle", "provider_batch"])
def test_sixteen_submissions_at_once_never_pass_one_budget(provider, cj, strategy):
    """Eight judges, two submitters each: the budget pays for a part only."""
    cj(batch_chunk_requests=3, bundle_size=3)
    assessment = make_assessment(12, judge=make_judge(max_tokens=601))
    for extra in range(602, 609):
        assessment.assessmentjudge_set.create(judge=make_judge(max_tokens=extra))
    planned = plan.plan_rounds(assessment, actor=None, rounds=3, strategy=strategy)
    submit.let_go(Round.objects.filter(pk__in=[one.pk for one in planned]), actor=None)
    Assessment.objects.filter(pk=assessment.pk).update(budget_usd=Decimal("0.02"))
    groups = submit.waiting_groups()
    assert len(groups) == 8
    start, problems = threading.Barrier(16), []

    def submitter(group: submit.Group) -> None:
        try:
            start.wait()
            submit.open_jobs(group)
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=submitter, args=(group,)) for group in groups * 2]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert problems == []
    assessment.refresh_from_db()
    live = BatchItem.objects.filter(outcome=None)
    assert 0 < assessment.reserved_usd <= assessment.budget_usd
    assert assessment.reserved_usd == sum(live.values_list("reserved_usd", flat=True))
    assert live.values("comparison").distinct().count() == live.count()
    assert Comparison.objects.filter(status="PENDING").exists(), "the budget did not cover everything"
    drain()
    check_bundle_books(provider, assessment)
    assert assessment.spent_usd <= assessment.budget_usd


def test_usage_above_its_reservation_is_stored_shown_and_blocks_the_next_submission(provider, monkeypatch):
    from batches.pipeline import requests

    monkeypatch.setattr(requests, "worst_cost", lambda *args, **more: Decimal("0.000001"))
    assessment = make_assessment(8, budget_usd=Decimal("0.00001"))
    plan_and_let_go(assessment)
    drain()
    assessment.refresh_from_db()
    assert assessment.overrun_usd > 0
    assert assessment.spent_usd > assessment.budget_usd
    with pytest.raises(Refused, match="more than its budget"):
        plan_and_let_go(assessment)
