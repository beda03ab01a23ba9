"""An Idempotency-Key: one effect, and the same answer, however often and however many at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from batches.models import Assessment, AuditEntry, Comparison, Essay, Round, StoredAnswer
from tests.admin import factories
from tests.api.conftest import caller, machine, token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]
THREADS = 8


@pytest.fixture
def work() -> Assessment:
    return factories.assessment(factories.project("Northfield"), "Letters", essays=6)


def planned(work: Assessment) -> int:
    return Round.objects.filter(assessment=work).count()


def test_the_same_call_again_gets_the_same_answer_and_does_nothing(work: Assessment) -> None:
    call = caller("editor", work.project)
    first = call("POST", f"/assessments/{work.slug}/plan", {"rounds": 2}, Idempotency_Key="one")
    again = call("POST", f"/assessments/{work.slug}/plan", {"rounds": 2}, Idempotency_Key="one")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert planned(work) == 2


def test_another_key_is_another_call(work: Assessment) -> None:
    call = caller("editor", work.project)
    for key in ("one", "two"):
        assert call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key=key).status_code == 201
    assert planned(work) == 2


@pytest.mark.parametrize("other", ["body", "address"])
def test_a_key_used_for_another_request_is_refused(work: Assessment, other: str) -> None:
    call = caller("submitter", work.project)
    call("POST", f"/assessments/{work.slug}/plan", {"rounds": 1}, Idempotency_Key="one")
    step, body = ("plan", {"rounds": 3}) if other == "body" else ("submit", {"rounds": [1]})
    refused = call("POST", f"/assessments/{work.slug}/{step}", body, Idempotency_Key="one")
    assert refused.status_code == 422
    assert "another request" in refused.data["detail"]
    assert planned(work) == 1
    assert not Round.objects.filter(submitted_at__isnull=False).exists()


def test_two_callers_may_use_the_same_key(work: Assessment) -> None:
    for one in (caller("editor", work.project), machine(token(work.project)), machine(token(work.project))):
        assert one("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key="one").status_code == 201
    assert planned(work) == 3


def test_what_was_refused_changed_nothing_and_may_be_tried_again_with_its_key(work: Assessment) -> None:
    call = caller("submitter", work.project)
    assert call("POST", f"/assessments/{work.slug}/submit", {}, Idempotency_Key="one").status_code == 409
    assert not StoredAnswer.objects.exists()
    call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key="two")
    assert call("POST", f"/assessments/{work.slug}/submit", {}, Idempotency_Key="one").status_code == 200


@pytest.mark.parametrize("key", ["", " ", "é", "k" * 101, "two words"])
def test_a_key_is_short_and_plain(work: Assessment, key: str) -> None:
    call = caller("editor", work.project)
    assert call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key=key).status_code == 422
    assert planned(work) == 0


def test_an_answer_is_not_given_again_to_somebody_who_may_not_see_it_any_more(work: Assessment) -> None:
    call = caller("editor", work.project)
    call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key="one")
    work.project.memberships.all().delete()
    assert call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key="one").status_code == 404


def test_answers_are_forgotten_after_a_week(work: Assessment) -> None:
    call = caller("editor", work.project)
    call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key="old")
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(days=8))
    call("POST", f"/assessments/{work.slug}/plan", {}, Idempotency_Key="new")
    assert list(StoredAnswer.objects.values_list("key", flat=True)) == ["new"]


def at_once(calls: list[Any]) -> list[Any]:
    """Every call from a thread of its own, all at the same moment."""
    barrier = Barrier(len(calls))

    def one(call: Any) -> Any:
        barrier.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


@pytest.mark.django_db(transaction=True)
def test_eight_at_the_same_time_have_one_effect_and_one_answer(work: Assessment) -> None:
    secret = token(work.project)
    for step, body in (("plan", {"rounds": 2}), ("submit", {})):
        path = f"/assessments/{work.slug}/{step}"
        calls = [lambda p=path, b=body: machine(secret)("POST", p, b, Idempotency_Key=f"once-{p[-4:]}")] * THREADS
        answers = at_once(calls)
        assert len({(one.status_code, one.content) for one in answers}) == 1, [one.content for one in answers]
        assert answers[0].status_code in (200, 201)
        assert sum("Idempotency-Replayed" in one for one in answers) == THREADS - 1
    assert planned(work) == 2
    assert AuditEntry.objects.filter(act="plan").count() == 1
    assert AuditEntry.objects.filter(act="submit").count() == 2  # one for each round


@pytest.mark.django_db(transaction=True)
def test_eight_loads_at_the_same_time_load_once(work: Assessment) -> None:
    secret = token(work.project)
    body = {"essays": [{"candidate": f"new-{i}", "text": f"A new essay {i}."} for i in range(5)]}
    path = f"/assessments/{work.slug}/essays"
    answers = at_once([lambda: machine(secret)("POST", path, body, Idempotency_Key="load")] * THREADS)
    assert {one.status_code for one in answers} == {201}
    assert Essay.objects.filter(assessment=work).count() == 11
    given = {"project": work.project_id, "title": "Twice", "essays": body["essays"]}
    answers = at_once([lambda: machine(secret)("POST", "/assessments", given, Idempotency_Key="make")] * THREADS)
    assert len({one.data["slug"] for one in answers}) == 1
    assert Assessment.objects.filter(title="Twice").count() == 1
    assert not Comparison.objects.exists()
