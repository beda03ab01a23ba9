"""Withdrawal and purge: nothing is left, wherever a job has got to, and the books still balance."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from batches.models import (
    Assessment,
    BatchItem,
    BatchJob,
    Callback,
    Comparison,
    Erasure,
    Essay,
    Judgement,
    RawFile,
    StrayLine,
)
from batches.pipeline import crashes, erase, judged, plan, retry, score, submit
from batches.pipeline.refused import Refused
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import drain, one_pass, plan_and_let_go
from tests.privacy import dump

pytestmark = pytest.mark.django_db
PIPELINE = Path(crashes.__file__).parent
LABELS = sorted(
    {label for path in PIPELINE.glob("*.py") for label in re.findall(r'crash_point\("(\w+)"\)', path.read_text())}
)


class Died(BaseException):
    """The worker is gone."""


@pytest.fixture(autouse=True)
def kept(cj: Callable[..., None], settings: Any) -> None:
    """Nothing is deleted at the provider but by what is tested here, and callbacks are written."""
    settings.WEBHOOK_URL, settings.WEBHOOK_SECRET = "https://example.org/hook", "whsec_dGVzdA=="
    cj(delete_provider_files="no", callback_sink="webhook")


def essays_of(name: str, provider: str = "anthropic", n: int = 6) -> Assessment:
    assessment = make_assessment(0, judge=make_judge(provider))
    for i in range(n):
        Essay.objects.create(
            assessment=assessment, candidate=f"{name}{i}", text=f"xyzzy{name}{i} wrote this. " * (i + 3)
        )
    return assessment


def until(label: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run until a worker dies at this place; False where nobody comes by it."""

    def die(reached: str) -> None:
        if reached == label:
            monkeypatch.setattr(crashes, "on_reached", None)
            raise Died

    monkeypatch.setattr(crashes, "on_reached", die)
    try:
        drain()
    except Died:
        return True
    finally:
        monkeypatch.setattr(crashes, "on_reached", None)
    return False


def expire_leases() -> None:
    """What the dead worker held is free again."""
    BatchJob.objects.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - timedelta(days=1))


def finish() -> None:
    """Let the settle time pass, the pipeline come to rest, and the scheduler do its part."""
    BatchJob.objects.update(sent_at=F("sent_at") - timedelta(days=1), created_at=F("created_at") - timedelta(days=1))
    drain()
    erase.carry_on_all()


def check_erased(provider: Any, purged: Assessment, withdrawn: Essay) -> None:
    """No word is left of either in the database, in files, or at the provider."""
    assert set(Erasure.objects.values_list("waits_for", flat=True)) == {""}
    kept_text = dump.database()
    for canary in (f"xyzzy{purged.essays.first().candidate}", f"xyzzy{withdrawn.candidate} "):
        assert canary not in kept_text
    gone = Comparison.objects.filter(round__assessment=purged) | Comparison.objects.filter(
        pk__in=[c.pk for c in about(withdrawn)]
    )
    assert not gone.filter(status__in=["PENDING", "IN_FLIGHT"]).exists()
    assert set(BatchItem.objects.filter(comparison__in=gone).values_list("answer", "error")) <= {("", "")}
    assert set(Judgement.objects.filter(comparison__in=gone).values_list("justification", flat=True)) <= {""}
    for callback in Callback.objects.filter(comparison__in=gone):
        assert callback.payload.get("judgement", {}).get("justification", "") == ""
    asked = BatchJob.objects.filter(items__comparison__in=gone).distinct()
    assert not RawFile.objects.filter(job__in=asked).exists()
    assert not StrayLine.objects.filter(job__in=asked).exists()
    others = BatchJob.objects.exclude(pk__in=asked.values("pk")).exclude(provider_batch_id="")
    known = set(others.values_list("provider_batch_id", flat=True))
    if not others.exists() or others.first().provider == "anthropic":
        assert set(dump.at_provider(provider)) <= known
    else:  # three files or two for each other batch, and no more
        assert len(dump.at_provider(provider)) <= 3 * len(known)


def about(essay: Essay) -> list[Comparison]:
    return [*essay.comparisons_first.all(), *essay.comparisons_second.all()]


def check_money(provider: Any, *assessments: Assessment) -> None:
    """What was billed is booked, nothing stays reserved, and every job's outcomes add up."""
    spent = 0
    for assessment in assessments:
        assessment.refresh_from_db()
        items = BatchItem.objects.filter(comparison__round__assessment=assessment)
        assert assessment.reserved_usd == 0
        assert assessment.spent_usd == sum(item.cost_usd for item in items)
        spent += assessment.spent_usd
    billed = {row["custom_id"]: row for row in provider.ledger(limit=10_000) if row["billed"]}
    for item in BatchItem.objects.exclude(output_tokens=0):
        assert item.output_tokens == billed[item.custom_id]["output_tokens"]
    for job in BatchJob.objects.filter(status="COLLECTED"):
        outcomes = (
            job.n_succeeded,
            job.n_invalid,
            job.n_errored,
            job.n_expired,
            job.n_cancelled,
            job.n_missing,
            job.n_lost,
        )
        assert sum(outcomes) == job.n_items == job.items.exclude(outcome=None).count()


QUICK = {
    *("intent_committed", "payload_written", "uploaded", "sending_committed", "before_post", "post_answered"),
    *("acceptance_committed", "raw_stored", "mid_resolve", "mid_collect", "before_collected_commit", "collected"),
    *("calls_begun", "calls_marked", "calls_answered", "calls_written"),
}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        pytest.param(
            label,
            name,
            marks=()
            if label in QUICK and name == ("openai" if label == "uploaded" else "anthropic")
            else pytest.mark.long,
        )
        for label in LABELS
        for name in ("anthropic", "openai")
    ],
)
def test_nothing_is_left_wherever_a_worker_dies_before_a_purge_and_a_withdrawal(provider, monkeypatch, label, name):
    """Three assessments share the jobs: one is purged, of one a pupil is withdrawn, and one must not notice."""
    purged, thinned, other = (essays_of(one, name) for one in ("P", "W", "O"))
    strategy = "per_round" if label.startswith(("calls", "before_calls")) else "provider_batch"
    for assessment in (purged, thinned, other):
        plan_and_let_go(assessment, strategy=strategy)
    reached = until(label, monkeypatch)
    withdrawn = thinned.essays.get(candidate="W2")
    erase.purge(purged, actor=None)
    erase.withdraw(withdrawn, actor=None)
    expire_leases()
    finish()
    check_erased(provider, purged, withdrawn)
    check_money(provider, purged, thinned, other)
    assert set(Comparison.objects.filter(round__assessment=other).values_list("status", flat=True)) == {"JUDGED"}
    rest = Comparison.objects.filter(round__assessment=thinned).exclude(pk__in=[c.pk for c in about(withdrawn)])
    assert set(rest.values_list("status", flat=True)) == {"JUDGED"}
    assert {c.status for c in about(withdrawn)} == {"WITHDRAWN"}
    assert reached or label in UNREACHED


UNREACHED = {*LABELS} - QUICK


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_a_purge_cancels_a_batch_that_is_about_nothing_else(provider, name):
    provider.control("PUT", "settings", {"batch_seconds": 30, "cancelling": 0})
    assessment = essays_of("P", name)
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    erasure = erase.purge(assessment, actor=None)
    assert erasure.completed_at is None
    assert erasure.waits_for.endswith("must end first: answers are discarded.")
    assert BatchJob.objects.get().cancel_asked_at is not None
    finish()
    provider.control("PUT", "settings", {"batch_seconds": 0.05})
    erasure.refresh_from_db()
    assert erasure.completed_at is not None
    assert dump.at_provider(provider) == []
    check_money(provider, assessment)


@pytest.mark.parametrize("fault", ["accept_and_drop", "drop_before_accept"])
def test_a_purge_waits_for_a_batch_in_doubt_and_leaves_nothing_of_it(provider, fault):
    provider.faults(**{fault: {"on": ["create"], "next": 1}})
    assessment = essays_of("P")
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    erasure = erase.purge(assessment, actor=None)
    finish()
    erasure.refresh_from_db()
    assert erasure.completed_at is not None
    assert dump.at_provider(provider) == []
    check_money(provider, assessment)


def test_a_job_that_needs_a_person_keeps_a_purge_open_and_says_so(provider):
    assessment = essays_of("P")
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    job = BatchJob.objects.get()
    job.advance(BatchJob.Status.NEEDS_ATTENTION)
    erasure = erase.purge(assessment, actor=None)
    assert erasure.waits_for == f"A person has to decide about {job}."
    assert "xyzzyP" not in dump.database()


def test_a_bundle_keeps_no_answer_about_a_withdrawn_pupil(provider):
    assessment = essays_of("W", n=8)
    plan_and_let_go(assessment, strategy="serial_bundle")
    drain()
    essay = assessment.essays.first()
    mine = BatchItem.objects.filter(comparison__in=about(essay))
    bundles = set(mine.values_list("job", "bundle"))
    erase.withdraw(essay, actor=None)
    for job, bundle in bundles:
        assert set(BatchItem.objects.filter(job=job, bundle=bundle).values_list("answer", flat=True)) == {""}


def test_a_scale_is_computed_without_the_withdrawn_and_the_published_one_stays(provider):
    assessment = essays_of("W")
    plan_and_let_go(assessment)
    drain()
    before = score.score(assessment, actor=None)
    type(before).objects.filter(pk=before.pk).update(published_at=timezone.now())
    essay = assessment.essays.first()
    erase.withdraw(essay, actor=None)
    after = score.score(assessment, actor=None)
    assert after.pk != before.pk
    assert not after.scores.filter(essay=essay).exists()
    assert before.scores.filter(essay=essay).exists()


def test_a_purge_leaves_scores_counts_and_money_and_they_can_be_computed_again(provider):
    assessment = essays_of("P")
    plan_and_let_go(assessment)
    drain()
    before = score.score(assessment, actor=None)
    figures = (Comparison.objects.filter(status="JUDGED").count(), Assessment.objects.get().spent_usd)
    erasure = erase.purge(assessment, actor=None)
    assert erasure.completed_at is not None
    assert (Comparison.objects.filter(status="JUDGED").count(), Assessment.objects.get().spent_usd) == figures
    assert judged.fingerprint(judged.judged(assessment)) == before.judgements_sha256
    assert erasure.removed["essay texts"] == 6
    assert erasure.removed["justifications"] == erasure.removed["raw answers"] == figures[0]
    assert [candidate for candidate, _ in erasure.hashes] == [f"P{i}" for i in range(6)]


def test_nothing_goes_on_in_a_purged_assessment(provider):
    assessment = essays_of("P")
    plan_and_let_go(assessment)
    drain()
    Comparison.objects.filter(status="JUDGED")
    erase.purge(assessment, actor=None)
    with pytest.raises(Refused, match="was purged: nothing is left"):
        plan.plan_rounds(assessment, actor=None)
    with pytest.raises(Refused, match="was purged before"):
        erase.purge(assessment, actor=None)
    assert retry.failed(Comparison.objects.all(), actor=None) == 0


def test_what_is_erased_cannot_be_withdrawn_twice_or_brought_back(provider):
    essay = essays_of("W").essays.first()
    erase.withdraw(essay, actor=None)
    with pytest.raises(Refused, match="was withdrawn before"):
        erase.withdraw(essay, actor=None)
    for change in ({"text": "Again."}, {"erased_at": None, "withdrawn_at": None, "text": "Again."}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Essay.objects.filter(pk=essay.pk).update(**change)


def test_the_database_lets_a_judgement_lose_its_words_by_this_path_only(provider):
    assessment = essays_of("W")
    plan_and_let_go(assessment)
    drain()
    judged = Judgement.objects.filter(comparison=Judgement.objects.first().comparison)
    other = {"A": "B", "B": "A"}[judged.first().winner]
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        judged.update(justification="")
    Essay.objects.filter(assessment=assessment).update(text="", erased_at=timezone.now())
    for change in (
        {"justification": "Other words."},
        {"justification": "", "winner": other},
        {"confidence": 1 if judged.first().confidence != 1 else 2},
    ):
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            judged.update(**change)
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        judged.first().delete()
    assert judged.update(justification="") >= 1


def test_a_certificate_can_neither_change_nor_go():
    essay = essays_of("W").essays.first()
    erasure = erase.withdraw(essay, actor=None)
    assert erasure.completed_at is not None
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        Erasure.objects.update(actor_name="nobody")
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        Erasure.objects.all().delete()


def test_a_withdrawal_while_calls_are_in_the_air_sends_no_more_of_that_essay(listener, monkeypatch):
    """The worker has read its job; then a pupil is withdrawn; what it has not sent yet stays unsent."""
    assessment = essays_of("W", n=8)
    essay = assessment.essays.get(candidate="W3")
    plan_and_let_go(assessment)
    [group] = submit.waiting_groups()
    submit.open_jobs(group)

    def meanwhile(label: str) -> None:
        if label == "calls_begun":
            crashes.on_reached = None
            from batches.pipeline import requests

            known = list(requests.calls_of_job(BatchJob.objects.get()))
            monkeypatch.setattr(requests, "calls_of_job", lambda job: iter(known))
            erase.withdraw(essay, actor=None)

    monkeypatch.setattr(crashes, "on_reached", meanwhile)
    monkeypatch.setattr("batches.pipeline.calls._leave_out", lambda job: None)
    finish()
    listener.unheard("xyzzyW3")
    assert {c.status for c in about(essay)} == {"WITHDRAWN"}
    assert set(BatchItem.objects.filter(comparison__in=about(essay)).values_list("outcome", "reason")) == {
        ("CANCELLED", "essay_withdrawn")
    }
