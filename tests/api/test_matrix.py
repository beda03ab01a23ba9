"""Every caller, every address, every method: the answer is as decided, and a new address needs a decision."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from batches.models import ApiToken, Membership, Project
from tests.admin import factories
from tests.admin.snapshot import snapshot
from tests.api.conftest import CALLERS, STRANGERS, Call, browser, caller, machine, send, token
from tests.api.operations import METHODS, Operation, operations

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]

READERS = {"viewer", "editor", "submitter", "budget manager", "administrator", "superuser"}
READERS |= {"token:read", "token:read,write,spend"}
EDITORS = {"editor", "submitter", "administrator", "superuser", "token:write", "token:read,write,spend"}
SPENDERS = {"submitter", "administrator", "superuser", "token:spend", "token:read,write,spend"}
# Whoever adds an operation decides here who may call it.
WHO_MAY = {
    "list_projects": READERS,
    "list_assessments": READERS,
    "get_assessment": READERS,
    "create_assessment": EDITORS,
    "get_progress": READERS,
    "get_budget": READERS,
    "get_standing": READERS,
    "get_forecast": READERS,
    "list_essays": READERS,
    "add_essays": EDITORS,
    "plan": EDITORS,
    "submit": SPENDERS,
    "ask_scale": EDITORS,
    "list_rounds": READERS,
    "get_round": READERS,
    "list_comparisons": READERS,
    "get_comparison": READERS,
    "list_batch_jobs": READERS,
    "get_batch_job": READERS,
    "list_batch_job_items": READERS,
    "cancel_batch_job": SPENDERS,
    "list_scales": READERS,
    "get_scale": READERS,
    "list_scores": READERS,
    "get_health": READERS,
}


@pytest.fixture
def rows() -> dict[str, Any]:
    return factories.whole_project("Northfield")


def answer(call: Call, operation: Operation, rows: dict[str, Any], method: str = "") -> Any:
    """Make the call, and undo what it did."""
    with transaction.atomic():
        headers = {"Idempotency-Key": f"matrix-{operation.name}"}
        response = call(method or operation.method, operation.url(rows), operation.body(rows), **headers)
        transaction.set_rollback(True)
    return response


def test_every_operation_of_the_document_was_decided_on() -> None:
    assert {operation.name for operation in operations()} == set(WHO_MAY)


@pytest.mark.parametrize("name", CALLERS)
def test_a_caller_gets_what_their_rights_allow_and_403_for_the_rest(name: str, rows: dict[str, Any]) -> None:
    call = caller(name, rows["project"])
    for operation in operations():
        expected = operation.success if name in WHO_MAY[operation.name] else 403
        response = answer(call, operation, rows)
        assert response.status_code == expected, (name, operation.name, response.content)


@pytest.mark.parametrize("name", ["administrator", "superuser", "token:read,write,spend"])
def test_rows_of_another_project_are_not_found_whatever_the_rights(name: str, rows: dict[str, Any]) -> None:
    call = caller(name, factories.project("Elsewhere"))
    before = snapshot()
    for operation in operations():
        if operation.of_a_row:
            response = answer(call, operation, rows)
            assert response.status_code == 404, (operation.name, response.content)
    assert snapshot() == before


def stranger(name: str, project: Project) -> Call:
    """Somebody who has been here, or says so, and is not let in."""
    if name == "unknown":
        return machine("cj_0123abcd_" + "x" * 43)
    if name in ("expired", "revoked"):
        secret = token(project)
        past = timezone.now() - timedelta(days=100)
        changed = {"created_at": past, "expires_at": past + timedelta(days=1)}
        ApiToken.objects.update(**changed if name == "expired" else {"revoked_at": timezone.now()})
        return machine(secret)
    client = Client() if name == "anonymous" else browser("submitter", project)
    changes = {"locked out": {"is_active": False}, "not staff": {"is_staff": False}}
    User.objects.filter(username="submitter").update(**changes.get(name, {"is_active": True}))
    return lambda method, path, body=None, **headers: send(client, method, path, body, headers)


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_asked_who_they_are_everywhere(name: str, rows: dict[str, Any]) -> None:
    call = stranger(name, rows["project"])
    before = snapshot()
    for operation in operations():
        response = answer(call, operation, rows)
        assert response.status_code == 401, (operation.name, response.content)
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert response["Content-Type"] == "application/problem+json"
    assert snapshot() == before


@pytest.mark.parametrize("name", ["administrator", "token:read,write,spend", "nobody"])
def test_a_method_that_is_not_in_the_document_is_refused_with_those_that_are(name: str, rows: dict[str, Any]) -> None:
    call = caller(name, rows["project"])
    known: dict[str, set[str]] = {}
    for operation in operations():
        known.setdefault(operation.path, set()).add(operation.method)
    one_each = {operation.path: operation for operation in operations()}
    for path, operation in one_each.items():
        for method in set(METHODS) - known[path]:
            response = answer(call, operation, rows, method)
            assert response.status_code == 405, (method, path)
            assert set(response["Allow"].split(", ")) == known[path]
            assert response.data["status"] == 405


def test_somebody_who_left_the_project_finds_nothing_of_it_at_the_next_call(rows: dict[str, Any]) -> None:
    call = caller("submitter", rows["project"])
    assert len(call("GET", "/assessments").data["items"]) == 1
    Membership.objects.filter(user__username="submitter").delete()
    assert call("GET", "/assessments").data["items"] == []
    assert call("GET", f"/assessments/{rows['assessment'].slug}").status_code == 404


@pytest.mark.parametrize("header", [{}, {"X-CSRFToken": "guessed"}])
def test_a_session_changes_nothing_without_its_csrf_token(header: dict[str, str], rows: dict[str, Any]) -> None:
    client = browser("submitter", rows["project"], checks=True)
    before = snapshot()
    for operation in operations():
        if operation.method == "POST":
            headers = {"Idempotency-Key": "k"} | header
            response = send(client, "POST", operation.url(rows), operation.body(rows), headers)
            assert response.status_code == 403, operation.name
            assert "CSRF" in response.data["detail"]
    assert snapshot() == before


def test_a_session_with_its_csrf_token_may(rows: dict[str, Any]) -> None:
    client = browser("submitter", rows["project"], checks=True)
    client.cookies["csrftoken"] = "a" * 32
    headers = {"Idempotency-Key": "k", "X-CSRFToken": "a" * 32}
    response = send(client, "POST", f"/assessments/{rows['assessment'].slug}/plan", {}, headers)
    assert response.status_code == 201
