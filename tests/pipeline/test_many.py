"""120,000 comparisons through the database: files within the providers' true limits, in memory that does not grow."""

import itertools
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from batches.models import Assessment, BatchItem, BatchJob, Comparison, Essay, Round
from batches.pipeline import requests, submit
from batches.providers import manifest
from tests.making import make_assessment, make_judge, make_round

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.timeout(1800)]
N = 120_000


def make_many(assessment: Assessment, words: int) -> None:
    text = "A pupil writes about the weather. " * (words // 6)
    essays = [Essay(assessment=assessment, candidate=f"M{i}", text=f"{i} {text}", text_sha256="x") for i in range(360)]
    Essay.objects.bulk_create(essays)
    cj_round = make_round(assessment, strategy="provider_batch", submitted_at="2026-11-22T00:00:00Z", n_comparisons=N)
    judge = assessment.judges.get()
    pairs = itertools.islice(itertools.permutations(essays, 2), N)
    rows = (Comparison(round=cj_round, essay_a=a, essay_b=b, judge=judge) for a, b in pairs)
    for some in itertools.batched(rows, 5000):
        Comparison.objects.bulk_create(some)
    assert Round.objects.get().comparisons.count() == N


@pytest.mark.parametrize("words", [12, 900])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_files_at_the_true_limits_hold_every_comparison_once(provider, cj, name, words):
    limits = manifest.limits(name)
    cj(
        batch_chunk_requests=limits.requests,
        batch_chunk_bytes=limits.bytes,
        anthropic_queued_requests="none",
    )
    assessment = make_assessment(judge=make_judge(name), budget_usd=10**6)
    make_many(assessment, words)
    tracemalloc.start()
    [group] = submit.waiting_groups()
    jobs = submit.open_jobs(group)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400_000_000
    assert BatchItem.objects.values("comparison").distinct().count() == BatchItem.objects.count() == N
    provider_ = submit.account.provider_of(group.judge.own_account)
    for job in BatchJob.objects.filter(pk__in=jobs):
        assert job.n_items <= limits.requests
        with tempfile.NamedTemporaryFile() as file:
            for line in provider_.payload_bytes(requests.of_job(job)):
                file.write(line)
            file.flush()
            assert Path(file.name).stat().st_size + submit.ENVELOPE <= limits.bytes
    sizes = list(BatchJob.objects.order_by("pk").values_list("n_items", flat=True))
    if words == 12:
        assert set(sizes[:-1]) == {limits.requests}, "the count binds"
    else:
        assert max(sizes) < limits.requests, "the bytes bind"
