"""From planned pairs to judgements through the real SDKs, checked against the provider's own ledger."""

import pytest

from batches.models import BatchItem, BatchJob, Comparison, Judgement
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import check_books, drain, plan_and_let_go, reasons

pytestmark = pytest.mark.django_db
PROVIDERS = ["anthropic", "openai"]
STRATEGIES = ["per_round", "provider_batch"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", PROVIDERS)
def test_every_comparison_is_judged_once_and_the_books_agree(provider, name, strategy):
    assessment = make_assessment(8, judge=make_judge(name))
    plan_and_let_go(assessment, rounds=2, strategy=strategy)
    drain()
    comparisons = Comparison.objects.filter(round__assessment=assessment)
    assert set(comparisons.values_list("status", flat=True)) == {"JUDGED"}
    assert Judgement.objects.count() == comparisons.count() >= 8
    assert set(BatchJob.objects.values_list("status", flat=True)) == {"COLLECTED"}
    check_books(provider, assessment)
    summary = provider.control("GET", "ledger/summary")
    assert summary["billed"] == comparisons.count(), summary


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("winner_c", "unknown_winner"),
        ("refusal", "refused"),
        ("truncation", "truncated"),
        ("prose", "not_json"),
        ("fenced", "not_json"),
    ],
)
def test_an_answer_that_is_not_a_judgement_never_becomes_a_winner(provider, cj, name, strategy, fault, reason):
    cj(max_attempts=2)
    provider.faults(**{fault: {}})
    assessment = make_assessment(4, judge=make_judge(name))
    plan_and_let_go(assessment, strategy=strategy)
    drain()
    comparisons = Comparison.objects.filter(round__assessment=assessment)
    assert set(comparisons.values_list("status", "fail_reason")) == {("FAILED", reason)}
    assert Judgement.objects.count() == 0
    assert set(reasons()) == {f"INVALID:{reason}"}
    check_books(provider, assessment)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_lower_case_winner_is_folded_and_nothing_else_is_guessed(provider, strategy):
    provider.faults(winner_lower_case={})
    assessment = make_assessment(4)
    plan_and_let_go(assessment, strategy=strategy)
    drain()
    assert set(Judgement.objects.values_list("winner", flat=True)) <= {"A", "B"}
    assert Judgement.objects.count() == Comparison.objects.count()


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"missing_line": {"next": 1}}, "MISSING:missing"),
        ({"malformed_line": {"next": 1}}, "MISSING:missing"),
        ({"errored_line": {"next": 1}}, "ERRORED:"),
        ({"expire_after_done": {"n": 1, "next": 1}}, "EXPIRED:expired"),
    ],
)
def test_a_line_that_fails_is_an_outcome_and_is_asked_again(provider, name, faults, expected):
    provider.faults(**faults)
    assessment = make_assessment(6, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    assert any(found.startswith(expected) for found in reasons()), reasons()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert Judgement.objects.count() == Comparison.objects.count()


@pytest.mark.parametrize("name", PROVIDERS)
def test_foreign_and_repeated_lines_are_counted_and_change_nothing(provider, name):
    provider.faults(unknown_id_line={"next": 2}, duplicate_line_other_answer={"next": 1}, junk_line={"next": 1})
    assessment = make_assessment(6, judge=make_judge(name))
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    job = BatchJob.objects.get()
    assert job.n_succeeded == job.n_items == Judgement.objects.count()
    assert job.n_strangers >= 1
    assert job.n_duplicates == 1


def test_the_line_separator_of_a_justification_splits_nothing(provider):
    provider.faults(line_separator={})
    for name in PROVIDERS:
        plan_and_let_go(make_assessment(4, judge=make_judge(name)), strategy="provider_batch")
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert any("\u2028" in text or "\x85" in text for text in Judgement.objects.values_list("justification", flat=True))


def test_a_provider_batch_holds_at_most_the_chunk_and_every_comparison_once(provider, cj):
    cj(batch_chunk_requests=3)
    assessment = make_assessment(14)
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    sizes = list(BatchJob.objects.order_by("pk").values_list("n_items", flat=True))
    assert max(sizes) == 3
    assert sum(sizes) == Comparison.objects.count() == BatchItem.objects.values("comparison").distinct().count()


def test_a_chunk_also_ends_where_the_bytes_do(provider, cj):
    cj(batch_chunk_bytes=10_000)
    assessment = make_assessment(16)
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    assert BatchJob.objects.count() > 1
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
