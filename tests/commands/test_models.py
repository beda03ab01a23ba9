"""`models`: the manifest as a list, warnings before a retirement, and what the provider says otherwise."""

import contextlib
import io
import json
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.management import call_command

from batches.pipeline import fits, plan
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from batches.providers import manifest
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import cj, plan_and_let_go, provider, running_provider  # noqa: F401

pytestmark = pytest.mark.django_db
RETIRING = "claude-sonnet-4-5-20250929"  # on 30 November 2026


def listed(*options: str) -> list[dict]:
    out = io.StringIO()
    call_command("models", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def test_the_list_is_the_manifest_and_asks_nobody_offline():
    found = listed("--offline")
    assert {one["id"] for one in found} == set(manifest.load())
    assert {one["provider_says"] for one in found} == {""}
    haiku = next(one for one in found if one["id"] == "claude-haiku-4-5-20251001")
    assert haiku["prices"]["input"] == "1.00"
    assert haiku["batch_discount"] == "0.5"


def test_with_a_provider_every_model_is_checked(provider):  # noqa: F811
    out = io.StringIO()
    with contextlib.suppress(SystemExit):  # 1 where the provider says otherwise
        call_command("models", "--json", stdout=out)
    found = {one["id"]: one for one in json.loads(out.getvalue())}
    assert found["claude-haiku-4-5-20251001"]["provider_says"].startswith("active")
    assert all(one["provider_says"] for one in found.values())


def test_a_table_says_which_models_retire_soon():
    out = io.StringIO()
    call_command("models", "--offline", "--provider", "anthropic", stdout=out)
    assert f"{RETIRING} retires on 2026-11-30" in " ".join(out.getvalue().split())
    assert "gpt" not in out.getvalue()


@pytest.mark.parametrize(
    ("day", "warned", "refused"),
    [
        ("2026-09-30", False, False),
        ("2026-10-01", True, False),
        ("2026-11-30", True, False),
        ("2026-12-01", False, True),
    ],
)
def test_sixty_days_before_its_end_a_judge_is_warned_about_and_after_it_refused(provider, day, warned, refused):  # noqa: F811
    with time_machine.travel(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)):
        assessment = make_assessment(4, judge=make_judge(model_id=RETIRING))
        assert bool(standing(assessment).warnings) is warned
        assert bool(fits.retirement_warnings(assessment.judges.all())) is warned
        if refused:
            with pytest.raises(Refused, match="was retired on 2026-11-30"):
                plan.plan_rounds(assessment, actor=None)
        else:
            plan.plan_rounds(assessment, actor=None)


def test_a_batch_that_would_outlive_its_model_is_refused(provider):  # noqa: F811
    with time_machine.travel(datetime(2026, 11, 30, 12, tzinfo=UTC)):
        assessment = make_assessment(4, judge=make_judge(model_id=RETIRING))
        plan_and_let_go(assessment, strategy="per_round")
        with pytest.raises(Refused, match="was retired"):
            plan_and_let_go(assessment, strategy="provider_batch")
