from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.providers.base import Part, Usage
from batches.providers.manifest import find, load
from batches.providers.prices import cost, estimate_parts, estimate_tokens, reservation

HAIKU = find("anthropic", "claude-haiku-4-5")
TOKENS = st.integers(0, 2_000_000)


def test_a_single_call_costs_its_four_kinds_of_tokens():
    usage = Usage(input_tokens=1_000, cache_read_tokens=4_000, cache_write_tokens=5_000, output_tokens=200)
    assert cost(HAIKU, usage, batch=False) == Decimal("0.0124")  # .001 + .0004 + .01 + .001


def test_a_batch_costs_half():
    usage = Usage(input_tokens=1_000, cache_read_tokens=4_000, cache_write_tokens=5_000, output_tokens=200)
    assert cost(HAIKU, usage, batch=True) == Decimal("0.0062")


@pytest.mark.parametrize(
    ("provider", "model", "usage", "usd"),
    [
        ("openai", "gpt-4o-mini", Usage(input_tokens=1, output_tokens=1), "0.000000375"),
        ("openai", "gpt-4o-mini", Usage(cache_read_tokens=1), "0.0000000375"),
        ("openai", "gpt-6-luna", Usage(input_tokens=272_000, output_tokens=1_000), "0.01385"),
        ("openai", "gpt-6-luna", Usage(input_tokens=272_001, output_tokens=1_000), "0.0275751"),
        ("anthropic", "claude-haiku-5-5", Usage(input_tokens=100_000, output_tokens=100), "0.005025"),
        (
            "anthropic",
            "claude-haiku-5-5",
            Usage(input_tokens=1, cache_read_tokens=100_000, output_tokens=100),
            "0.00262525",
        ),
    ],
)
def test_known_usages_in_a_batch(provider, model, usage, usd):
    assert cost(find(provider, model), usage, batch=True) == Decimal(usd)


@given(st.sampled_from(sorted(load())), TOKENS, TOKENS, TOKENS, TOKENS, st.booleans())
def test_every_cost_is_exact_within_12_places(model_id, fresh, read, written, output, batch):
    usage = Usage(input_tokens=fresh, cache_read_tokens=read, cache_write_tokens=written, output_tokens=output)
    usd = cost(load()[model_id], usage, batch=batch)
    assert usd >= 0
    assert usd == usd.quantize(Decimal(1).scaleb(-12))


def test_a_price_finer_than_12_places_is_rounded_to_them():
    odd = replace(HAIKU, prices=replace(HAIKU.prices, input=Decimal("0.0000019")))
    assert cost(odd, Usage(input_tokens=1), batch=False) == Decimal("0.000000000002")


@given(st.sampled_from(sorted(load())), st.integers(0, 400_000), st.integers(1, 20_000), st.booleans(), st.data())
def test_no_usage_within_its_bounds_costs_more_than_its_reservation(model_id, n, max_tokens, batch, data):
    model = load()[model_id]
    read = data.draw(st.integers(0, n))
    written = data.draw(st.integers(0, n - read))
    usage = Usage(
        input_tokens=n - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=data.draw(st.integers(0, max_tokens)),
    )
    assert cost(model, usage, batch=batch) <= reservation(model, n, max_tokens, batch)


def test_a_reservation_has_a_margin_for_estimates_and_none_for_counts():
    assert reservation(HAIKU, 1_000, 100, False) == Decimal("0.0035")  # 1,500 written at 2, 100 at 5
    assert reservation(HAIKU, 1_000, 100, False, margin=Decimal(1)) == Decimal("0.0025")


def test_tokens_are_estimated_at_four_bytes():
    assert estimate_tokens("") == 0
    assert estimate_tokens("abcde") == 2
    assert estimate_tokens("é" * 4) == 2
    assert estimate_tokens("\ud800") == 1
    assert estimate_parts((Part(text="abcd"), Part(image=b"x", media_type="image/png"))) == 1_601
