"""Chunks: everything once, nothing twice, and each within what the provider takes."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.pipeline.chunks import Room, chunks
from batches.providers import manifest

COMPARISONS = 120_000


@given(st.lists(st.integers(1, 500), max_size=200), st.integers(1, 20), st.integers(500, 2000))
def test_chunks_are_the_input_in_order_without_overlap_and_within_both_limits(sizes, requests, most_bytes):
    found = list(chunks(sizes, requests=requests, bytes=most_bytes))
    assert list(itertools.chain.from_iterable(found)) == list(range(len(sizes)))
    for span in found:
        assert 1 <= len(span) <= requests
        assert sum(sizes[i] for i in span) <= most_bytes
    for one, other in itertools.pairwise(found):
        full = len(one) == requests or sum(sizes[i] for i in one) + sizes[other.start] > most_bytes
        assert full, "no chunk is closed before it has to be"


@settings(max_examples=6, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from(["openai", "anthropic"]), st.sampled_from([("count", 1500), ("bytes", 8000)])
)
def test_120_000_comparisons_leave_in_files_at_the_true_limits(seed, provider, case):
    binding, usual = case
    limits = manifest.limits(provider)
    rng = random.Random(seed)
    sizes = [rng.randint(usual // 2, usual * 3 // 2) for _ in range(COMPARISONS)]
    found = list(chunks(sizes, requests=limits.requests, bytes=limits.bytes))
    assert found[0].start == 0
    assert found[-1].stop == COMPARISONS
    assert all(one.stop == other.start for one, other in itertools.pairwise(found))
    totals = [sum(sizes[span.start : span.stop]) for span in found]
    assert max(map(len, found)) <= limits.requests
    assert max(totals) <= limits.bytes
    if binding == "count":
        assert {len(span) for span in found[:-1]} == {limits.requests}
    else:
        assert all(total > limits.bytes - 12_001 for total in totals[:-1])
        assert all(len(span) < limits.requests for span in found)


def test_the_limits_are_those_of_the_providers():
    assert (manifest.limits("openai").requests, manifest.limits("openai").bytes) == (50_000, 200_000_000)
    assert (manifest.limits("anthropic").requests, manifest.limits("anthropic").bytes) == (100_000, 256_000_000)


def test_a_queue_that_others_fill_is_waited_for_and_an_empty_one_is_tried():
    assert Room(requests=10, bytes=100, tokens=5, queue_busy=False).holds(1, tokens=6)
    assert not Room(requests=10, bytes=100, tokens=5, queue_busy=True).holds(1, tokens=6)
    room = Room(requests=10, bytes=100, tokens=10)
    room.take(1, tokens=6)
    assert room.holds(1, tokens=4)
    assert not room.holds(1, tokens=5)


@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, True)])
def test_a_line_larger_than_our_chunk_goes_alone(size, fits):
    assert Room(requests=1, bytes=100).holds(size) is fits
