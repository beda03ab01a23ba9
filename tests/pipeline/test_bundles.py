"""Several comparisons in one prompt: matched by tag, paid for exactly, and asked again in smaller bundles."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.judging.prompts import BUNDLE_SCHEMA
from batches.models import BatchItem, BatchJob, Comparison, Judgement
from batches.pipeline import bundles, money, submit
from batches.pipeline.bundles import Piece
from batches.pipeline.requests import calls_of_job
from batches.providers import manifest
from batches.providers.base import Outcome, Request, Result, Usage
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books
from tests.pipeline.conftest import drain, one_pass, plan_and_let_go, reasons

PROVIDERS = ["anthropic", "openai"]


@given(st.integers(0, 10**14), st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_shares_sum_exactly_and_none_is_a_unit_off(whole, weights):
    shares = money.split(whole, weights)
    assert sum(shares) == whole
    assert all(abs(share * sum(weights) - whole * w) < sum(weights) for share, w in zip(shares, weights, strict=True))
    amount = Decimal(whole).scaleb(-12)
    assert sum(money.split_usd(amount, weights)) == amount


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 120)), max_size=60),
    st.integers(50, 300),
)
def test_bundles_hold_every_piece_once_and_none_is_too_large(raw, room):
    pieces = [Piece(key=key, most=most, tokens=tokens) for key, most, tokens in sorted(raw)]
    spans = list(bundles.fill(pieces, room=room))
    assert list(itertools.chain.from_iterable(spans)) == list(range(len(pieces)))
    for span in spans:
        some = [pieces[i] for i in span]
        assert len({(p.key, p.most) for p in some}) == 1
        assert len(some) <= some[0].most
        assert len(some) == 1 or sum(p.tokens for p in some) <= room


def call(n: int) -> bundles.Call:
    tags = tuple(f"T{i:03d}" for i in range(n))
    request = Request(
        custom_id="nonce-b00001",
        model="claude-haiku-4-5",
        system="",
        parts=(),
        schema=BUNDLE_SCHEMA,
        schema_name="",
        max_tokens=1,
    )
    return bundles.Call(request=request, custom_ids=tuple(f"nonce-{i:06d}" for i in range(n)), tags=tags)


def entry(tag: str, winner: str = "A") -> str:
    return f'{{"id":"{tag}","justification":"x","winner":"{winner}","confidence":3}}'


def answer(*entries: str) -> Result:
    text = '{"judgements":[' + ",".join(entries) + "]}"
    usage = Usage(input_tokens=1001, cache_read_tokens=7, output_tokens=100)
    return Result(custom_id="nonce-b00001", outcome=Outcome.SUCCEEDED, answer=text, usage=usage)


MODEL = manifest.find("anthropic", "claude-haiku-4-5")


@given(st.permutations(range(5)), st.lists(st.sampled_from("AB"), min_size=5, max_size=5))
def test_answers_are_matched_by_tag_in_any_order(order, winners):
    ended = bundles.unpack(call(5), answer(*(entry(f"T{i:03d}", winners[i]) for i in order)), MODEL)
    assert [end.result.custom_id for end in ended] == [f"nonce-{i:06d}" for i in range(5)]
    assert [end.draft.winner for end in ended] == winners
    assert sum(end.result.usage.input_tokens for end in ended) == 1001
    assert sum(end.cost_usd for end in ended) == Decimal("0.0015017")


def test_a_missing_a_doubled_and_a_foreign_tag_are_errors_of_their_own():
    ended = bundles.unpack(call(4), answer(entry("T000"), entry("T001"), entry("T001"), entry("ZZZZ")), MODEL)
    assert [end.reason for end in ended] == ["", "doubled_tag", "missing_tag", "missing_tag", "foreign_tag"]
    assert ended[-1].custom_id == "nonce-b00001-x1"


@pytest.mark.parametrize("said", ["", "[]", '{"judgements":[]}', '{"judgements":"none"}', "nothing of the kind"])
def test_an_answer_of_which_nothing_can_be_read_fails_as_a_whole(said):
    result = Result(custom_id="x", outcome=Outcome.SUCCEEDED, answer=said, usage=Usage(output_tokens=10))
    assert {end.reason for end in bundles.unpack(call(3), result, MODEL)} == {bundles.WHOLE}


pytestmark = []
db = pytest.mark.django_db


@db
@pytest.mark.parametrize("answer_by", ["SCHEMA", "TOOL"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_round_in_bundles_is_judged_and_paid_for_to_the_token(provider, cj, name, answer_by):
    cj(bundle_size=4)
    assessment = make_assessment(14, judge=make_judge(name, answer_by=answer_by))
    plan_and_let_go(assessment, rounds=2, strategy="serial_bundle")
    drain()
    n = Comparison.objects.count()
    assert Judgement.objects.count() == n
    assert reasons() == {"SUCCEEDED": n}
    assert provider.control("GET", "ledger/summary")["billed"] == -(-n // 4)
    check_bundle_books(provider, assessment)


@db
@pytest.mark.parametrize("fault", ["missing_tag", "doubled_tag", "foreign_tag"])
def test_a_wrong_tag_costs_one_comparison_an_attempt_and_the_others_nothing(provider, cj, fault):
    cj(bundle_size=4)
    provider.faults(**{fault: {"next": 1}})
    assessment = make_assessment(8)
    plan_and_let_go(assessment, strategy="serial_bundle")
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    again = Comparison.objects.filter(attempts=2)
    assert again.count() == 1
    assert BatchItem.objects.filter(outcome="INVALID").count() == 1
    if fault == "foreign_tag":
        assert BatchJob.objects.order_by("pk")[0].n_strangers == 1
    check_bundle_books(provider, assessment)


@db
@pytest.mark.parametrize("fault", ["truncation", "refusal", "prose"])
def test_a_failing_bundle_is_halved_and_nothing_answered_is_asked_again(provider, cj, fault):
    cj(bundle_size=8, swap_share="0")  # sixteen pairs: two whole bundles, whichever call arrives first
    provider.faults(**{fault: {"next": 2}})
    assessment = make_assessment(32)
    plan_and_let_go(assessment, strategy="serial_bundle")
    n = Comparison.objects.count()
    drain()
    assert set(Comparison.objects.values_list("status", "attempts")) == {("JUDGED", 1)}, (
        "a bundle's failure is no attempt"
    )
    assert reasons() == {"SUCCEEDED": n, "INVALID:bundle_failed": 16}
    sizes = [size(item) for item in BatchItem.objects.filter(job=BatchJob.objects.latest("pk"))]
    assert set(sizes) == {4}
    assert Judgement.objects.count() == n
    check_bundle_books(provider, assessment)


def size(item: BatchItem) -> int:
    return BatchItem.objects.filter(job=item.job, bundle=item.bundle).count()


@db
def test_what_fails_in_every_bundle_ends_as_single_calls_with_attempts_of_their_own(provider, cj):
    cj(bundle_size=8, max_attempts=2)
    provider.faults(prose={})
    assessment = make_assessment(8)
    plan_and_let_go(assessment, strategy="serial_bundle")
    drain()
    n = Comparison.objects.count()
    assert set(Comparison.objects.values_list("status", "fail_reason", "attempts")) == {("FAILED", "not_json", 2)}
    assert reasons()["INVALID:not_json"] == 2 * n
    bundles_of = dict.fromkeys((1, 2, 4), 0)
    for item in BatchItem.objects.all():
        bundles_of[min(4, size(item))] += 1
    assert bundles_of[1] == 2 * n
    check_bundle_books(provider, assessment)


@db
def test_a_bundle_too_large_for_the_answer_or_the_context_is_split_beforehand(provider, cj):
    cj(bundle_size=100)
    judge = make_judge("openai", max_tokens=30_000)  # 128,000 tokens of answer at most
    plan_and_let_go(make_assessment(20, judge=judge, budget_usd=500), strategy="serial_bundle")
    [job] = submit.open_jobs(submit.waiting_groups()[0])
    calls = list(calls_of_job(BatchJob.objects.get(pk=job)))
    assert max(len(one.custom_ids) for one in calls) == 4
    assert all(one.request.max_tokens <= 128_000 for one in calls)


@db
def test_long_essays_share_a_prompt_only_as_far_as_the_context_goes(provider, cj):
    cj(bundle_size=50)
    assessment = make_assessment(0)
    for i in range(12):
        text = f"Essay {i} goes on. " * 2500  # about 12,000 tokens each; the model's context is 200,000
        assessment.essays.create(candidate=f"L{i}", text=text)
    plan_and_let_go(assessment, strategy="serial_bundle")
    [job] = submit.open_jobs(submit.waiting_groups()[0])
    sizes = [len(one.custom_ids) for one in calls_of_job(BatchJob.objects.get(pk=job))]
    assert 1 < max(sizes) < 7
    assert sum(sizes) == Comparison.objects.count()
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


@db
def test_a_dead_worker_loses_its_bundles_in_flight_and_the_rest_goes_on(provider, cj):
    cj(bundle_size=3)
    assessment = make_assessment(18)
    plan_and_let_go(assessment, strategy="serial_bundle")
    [job_id] = submit.open_jobs(submit.waiting_groups()[0])
    job = BatchJob.objects.get(pk=job_id)
    before = [one.request for one in calls_of_job(job)]
    assert job.advance(BatchJob.Status.RUNNING)
    job.items.filter(bundle=1).update(sent_at="2026-11-22T12:00:00Z")
    one_pass()
    assert BatchItem.objects.filter(outcome="LOST", reason="worker_died").count() == 3
    drain()
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}
    assert sorted(request.custom_id for request in before[1:]) == sorted(
        row["custom_id"] for row in provider.ledger() if row["custom_id"].startswith(job.nonce)
    )
    check_bundle_books(provider, assessment)
