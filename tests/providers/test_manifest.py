import json
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from batches.providers import manifest
from batches.providers.manifest import (
    RetiredModel,
    UnknownModel,
    UnsupportedEffort,
    check_effort,
    check_usable,
    find,
    limits,
    load,
    retirement_warning,
)

SONNET = find("anthropic", "claude-sonnet-4-5-20250929")
HAIKU = find("anthropic", "claude-haiku-4-5-20251001")


def test_both_dated_models_are_there_with_their_dates():
    assert SONNET.retires_on == date(2026, 11, 30)
    assert SONNET.successor == "claude-sonnet-5-5"
    assert HAIKU.retires_on is None
    assert find("openai", "gpt-4o-mini").retires_on == date(2027, 1, 14)


def test_a_model_is_usable_on_its_last_day_and_refused_on_the_next():
    check_usable(SONNET, date(2026, 11, 30))
    with pytest.raises(RetiredModel) as refused:
        check_usable(SONNET, date(2026, 12, 1))
    assert str(refused.value) == (
        "claude-sonnet-4-5-20250929 was retired on 2026-11-30. Use claude-sonnet-5-5 instead."
    )


def test_a_model_without_a_date_is_usable_for_ever():
    check_usable(HAIKU, date(2099, 1, 1))
    assert retirement_warning(HAIKU, date(2099, 1, 1)) == ""


@pytest.mark.parametrize(
    ("today", "warning"),
    [
        (date(2026, 9, 30), ""),
        (date(2026, 10, 1), "claude-sonnet-4-5-20250929 retires on 2026-11-30 (60 days left)."),
        (date(2026, 11, 29), "claude-sonnet-4-5-20250929 retires on 2026-11-30 (1 day left)."),
        (date(2026, 11, 30), "claude-sonnet-4-5-20250929 retires on 2026-11-30 (today is its last day)."),
        (date(2026, 12, 1), ""),
    ],
)
def test_a_warning_stands_from_60_days_before_the_last_day_until_that_day(today, warning):
    assert retirement_warning(SONNET, today) == (warning and warning + " Use claude-sonnet-5-5 instead.")


def test_every_model_that_retires_names_a_successor_that_is_not_retired_by_then():
    for model in load().values():
        if model.retires_on is not None:
            check_usable(find(model.provider, model.successor), model.retires_on)


def test_every_successor_exists_at_the_same_provider():
    assert all(find(model.provider, model.successor) for model in load().values() if model.successor)


def test_an_unknown_model_is_answered_with_near_matches():
    with pytest.raises(UnknownModel) as unknown:
        find("anthropic", "claude-haiku-5.5")
    assert str(unknown.value).startswith(
        "The manifest has no anthropic model 'claude-haiku-5.5'. Did you mean claude-haiku-5-5"
    )


def test_a_model_of_another_provider_is_unknown():
    with pytest.raises(UnknownModel, match="no openai model 'claude-haiku-4-5'"):
        find("openai", "claude-haiku-4-5")


def test_an_alias_is_the_same_model_under_its_own_id():
    alias, plain = find("openai", "gpt-4o-mini-2024-07-18"), find("openai", "gpt-4o-mini")
    assert (alias.id, alias.prices) == ("gpt-4o-mini-2024-07-18", plain.prices)


def test_no_id_appears_twice():
    entries = tomllib.loads(manifest.MANIFEST.read_text())["models"]
    ids = [model_id for entry in entries for model_id in (entry["id"], *entry.get("aliases", ()))]
    assert len(ids) == len(set(ids)) == len(load())


def test_the_limits_of_a_provider_batch():
    assert (limits("anthropic").requests, limits("anthropic").bytes) == (100_000, 256_000_000)
    assert (limits("openai").requests, limits("openai").bytes) == (50_000, 200_000_000)


def test_the_newest_anthropic_models_cannot_be_forced_to_a_tool_and_none_takes_sampling():
    ids = ("claude-opus-5-5", "claude-fable-5-1", "claude-sonnet-5-5")
    assert not any(find("anthropic", each).forced_tool_choice for each in ids)
    assert not any(model.sampling for model in load().values() if model.provider == "anthropic")


def test_prices_rise_above_the_long_context_threshold_only():
    model = find("anthropic", "claude-haiku-5-5")
    assert model.prices_at(100_000).input == Decimal("0.10")
    assert model.prices_at(100_001).input == Decimal("0.50")
    assert find("openai", "gpt-6-luna").prices_at(272_001).output == Decimal("0.75")


def test_an_effort_is_sent_as_it_is_dropped_where_none_is_taken_and_refused_where_it_is_unknown():
    assert check_effort(find("anthropic", "claude-opus-5"), "low") == "low"
    assert check_effort(HAIKU, "low") == ""
    with pytest.raises(UnsupportedEffort, match=r"gpt-6\.2-sol takes the efforts low, medium, high, xhigh, not 'none'"):
        check_effort(find("openai", "gpt-6.2-sol"), "none")


def test_a_capability_nobody_knows_stops_the_load(monkeypatch, tmp_path):
    text = manifest.MANIFEST.read_text().replace('"vision"', '"telepathy"', 1)
    (tmp_path / "models.toml").write_text(text)
    monkeypatch.setattr(manifest, "MANIFEST", tmp_path / "models.toml")
    with pytest.raises(ValueError, match="claims unknown capabilities: telepathy"):
        manifest.load.__wrapped__()


def test_the_manifest_holds_plain_data_that_any_tool_can_read():
    json.dumps(tomllib.loads(Path(manifest.MANIFEST).read_text()))
