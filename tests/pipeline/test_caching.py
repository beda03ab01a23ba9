"""Prompt caching: only where it pays, one request ahead where that is wanted, every hit in the books."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from batches.models import BatchItem, BatchJob, Comparison
from batches.pipeline import caching
from batches.pipeline.requests import calls_of_job
from batches.providers.manifest import Prices
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books
from tests.pipeline.conftest import drain, one_pass, plan_and_let_go

RUBRIC = "Judge the control of language and the argument. " * 250
WRITES_ARE_DEAR = Prices(input=Decimal(1), cache_read=Decimal("0.1"), cache_write=Decimal(2), output=Decimal(5))
WRITES_ARE_FREE = Prices(input=Decimal(1), cache_read=Decimal("0.1"), cache_write=Decimal(1), output=Decimal(5))


@pytest.mark.parametrize(
    ("sharing", "prices", "found", "pays"),
    [
        (1, WRITES_ARE_DEAR, 1.0, False),
        (2, WRITES_ARE_DEAR, 1.0, False),
        (3, WRITES_ARE_DEAR, 1.0, True),
        (1000, WRITES_ARE_DEAR, 0.5, False),
        (1000, WRITES_ARE_DEAR, 0.6, True),
        (1, WRITES_ARE_FREE, 1.0, False),
        (2, WRITES_ARE_FREE, 0.1, True),
    ],
)
def test_a_prefix_is_marked_only_where_that_is_cheaper(sharing, prices, found, pays):
    assert caching.pays(sharing, prices, found) is pays


def assessment_with_a_long_rubric(name: str = "anthropic", rubric: str = RUBRIC):
    model = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5.4-mini"}[name]
    return make_assessment(12, judge=make_judge(name, model_id=model), rubric=rubric)


@pytest.mark.django_db
@pytest.mark.parametrize("strategy", ["per_round", "serial_bundle", "provider_batch"])
@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_hits_are_in_the_books_and_save_money(provider, cj, name, strategy):
    cj(bundle_size=2)
    provider.settings(batch_cache_hits=1)
    assessment = assessment_with_a_long_rubric(name)
    plan_and_let_go(assessment, rounds=3, strategy=strategy)
    drain()
    items = BatchItem.objects.all()
    read = sum(items.values_list("cache_read_tokens", flat=True))
    assert read > sum(items.values_list("input_tokens", flat=True)), "most of the input was found in the cache"
    check_bundle_books(provider, assessment)


@pytest.mark.django_db
def test_a_short_rubric_is_not_marked_and_nothing_is_written(provider):
    assessment = assessment_with_a_long_rubric(rubric="Short.")
    plan_and_let_go(assessment, rounds=2)
    drain()
    assert set(BatchItem.objects.values_list("cache_marks", "cache_write_tokens")) == {(0, 0)}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_one_request_goes_ahead_of_a_batch_and_the_others_find_its_prefix(provider, cj, name):
    cj(prime_cache="yes")
    provider.settings(batch_cache_hits=1, batch_seconds=0.4)
    assessment = assessment_with_a_long_rubric(name)
    plan_and_let_go(assessment, rounds=2, strategy="provider_batch")
    one_pass()
    primer = BatchJob.objects.get()
    assert (primer.n_items, primer.primes_cache) == (1, True)
    one_pass()
    assert BatchJob.objects.count() == 1, "the others wait for it"
    provider.settings(batch_seconds=0.05)
    drain()
    _, others = BatchJob.objects.order_by("pk")
    assert others.n_items == Comparison.objects.count() - 1
    assert not others.items.filter(cache_read_tokens=0).exists()
    check_bundle_books(provider, assessment)


@pytest.mark.django_db
def test_nothing_is_primed_where_no_prefix_is_worth_it(provider, cj):
    cj(prime_cache="yes")
    plan_and_let_go(assessment_with_a_long_rubric(rubric="Short."), rounds=2, strategy="provider_batch")
    one_pass()
    assert BatchJob.objects.get().n_items == Comparison.objects.count()


@pytest.mark.django_db
def test_requests_with_one_first_essay_stand_together_and_every_essay_stands_first_as_often_as_second(provider):
    assessment = assessment_with_a_long_rubric()
    plan_and_let_go(assessment, rounds=8, strategy="provider_batch")
    one_pass()
    job = BatchJob.objects.get()
    firsts = list(job.items.order_by("pk").values_list("comparison__essay_a", flat=True))
    changes = sum(a != b for a, b in pairwise(firsts))
    assert changes == len(set(firsts)) - 1
    first = Counter(Comparison.objects.filter(replicate=0).values_list("essay_a", flat=True))
    second = Counter(Comparison.objects.filter(replicate=0).values_list("essay_b", flat=True))
    assert all(abs(first[essay] - second[essay]) <= 2 for essay in first | second)
    marked = [sum(part.shared for part in call.request.parts) for call in calls_of_job(job)]
    assert set(marked) <= {1, 2}
