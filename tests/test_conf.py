"""cj_settings: one place, typed, closed."""

from datetime import time
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from batches import conf
from batches.conf import BadSetting, cj_settings
from tests.making import make_assessment


@pytest.fixture(autouse=True)
def fresh():
    cj_settings.forget()
    yield
    cj_settings.forget()


def test_the_default_strategy_is_per_round():
    assert cj_settings.llm_batching_strategy == "per_round"


@pytest.mark.django_db
def test_an_assessment_comes_before_settings_and_settings_before_the_default(settings, monkeypatch):
    monkeypatch.setenv("CJ_BUNDLE_SIZE", "5")
    settings.CJ_SETTINGS = {"max_attempts": 4}
    assessment = make_assessment(overrides={"llm_batching_strategy": "nightly"})
    rows = {row.key: (row.value, row.source) for row in cj_settings.effective(assessment)}
    assert rows["llm_batching_strategy"] == ("nightly", "assessment")
    assert rows["max_attempts"] == (4, "settings")
    assert rows["bundle_size"] == (5, "environment")
    assert rows["sync_in_flight"] == (32, "default")
    assert cj_settings.of(assessment.overrides).llm_batching_strategy == "nightly"
    assert cj_settings.of({}).llm_batching_strategy == "per_round"


def test_values_are_typed():
    assert cj_settings.accumulate_max_wait == 6 * 3600
    assert cj_settings.nightly_at == time(2, 0)
    assert cj_settings.nightly_timezone == "Europe/London"
    assert cj_settings.swap_share == Decimal("0.10")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CJ_BUNDEL_SIZE", "8", "did you mean bundle_size?"),
        ("CJ_BUNDLE_SIZE", "many", "must be a whole number"),
        ("CJ_BUNDLE_SIZE", "0", "must lie between 1 and 100"),
        ("CJ_LLM_BATCHING_STRATEGY", "later", "must be one of per_round"),
        ("CJ_NIGHTLY_AT", "25:00", "must be a time of day"),
        ("CJ_NIGHTLY_TIMEZONE", "Mars/Base", "must be a time zone"),
        ("CJ_SWAP_SHARE", "1.5", "must lie between 0 and 1"),
        ("CJ_POLL_INTERVAL_MIN", "1 week", "must be a duration"),
        ("CJ_POLL_INTERVAL_MIN", "1 h", "must not be longer than poll_interval_max"),
        ("CJ_DELETE_PROVIDER_FILES", "perhaps", "must be yes or no"),
        ("CJ_DEFAULT_BUDGET_USD", "NaN", "must be an amount"),
    ],
)
def test_an_unknown_key_or_a_bad_value_stops_the_start_with_a_sentence(monkeypatch, name, value, sentence):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemCheckError, match=sentence):
        call_command("check", "batches")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"sync_in_flight": 5}, "cannot differ for one assessment"),
        ({"strategy": "per_round"}, "has no key 'strategy'"),
        ({"max_attempts": 99}, "must lie between 1 and 10"),
    ],
)
def test_an_assessment_overrides_only_what_it_may(overrides, sentence):
    with pytest.raises(BadSetting, match=sentence):
        conf.check_overrides(overrides)


def test_every_key_stands_in_the_documentation_with_its_default():
    page = (settings.BASE_DIR / "docs" / "settings.md").read_text()
    for key, spec in conf.KEYS.items():
        default = "the site’s" if spec.default is None else spec.default
        row = f"| `{key}` | {default} | {spec.meaning} | {'yes ' if spec.per_assessment else ''}|"
        assert row in page, f"docs/settings.md should have the row: {row}"
