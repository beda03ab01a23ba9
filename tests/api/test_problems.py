"""Whatever goes wrong under /api/: problem+json, one sentence, and nothing changed."""

from typing import Any

import pytest
from django.test import Client

from batches.models import Round
from tests.admin import factories
from tests.api.conftest import Call, machine, send, token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env")]
MEMBERS = {"type", "title", "status", "detail", "errors"}


@pytest.fixture
def rows() -> dict[str, Any]:
    return factories.whole_project("Northfield")


@pytest.fixture
def call(rows: dict[str, Any]) -> Call:
    return machine(token(rows["project"]))


def is_a_problem(response: Any, status: int) -> bool:
    return (
        response.status_code == status
        and response["Content-Type"] == "application/problem+json"
        and set(response.data) == MEMBERS
        and response.data["status"] == status
        and response.data["detail"].endswith(".")
    )


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/rounds", "/api/v1/rounds/", "/api/x"]
)
def test_an_address_that_does_not_exist_is_a_problem(db: None, path: str) -> None:
    assert is_a_problem(send(Client(), "GET", path, None, {}), 404)


BODIES = {
    "broken": b'{"rounds": 1',
    "not UTF-8": b'{"rounds": "\xff"}',
    "NaN": b'{"rounds": NaN}',
    "half a character": b'{"correlation_id": "\\ud800"}',
    "deep": b"[" * 100_000,
}


def test_a_body_that_is_not_json_is_a_problem(call: Call, rows: dict[str, Any]) -> None:
    for what, body in BODIES.items():
        response = call("POST", f"/assessments/{rows['assessment'].slug}/plan", body, Idempotency_Key="k")
        assert is_a_problem(response, 400), (what, response.content)
    assert Round.objects.count() == 2


def test_a_body_of_another_kind_is_a_problem(rows: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {token(rows['project'])}", "Idempotency-Key": "k"}
    path = f"/api/v1/assessments/{rows['assessment'].slug}/plan"
    response: Any = Client().post(path, {"rounds": "1"}, headers=headers)
    response.data = response.json()
    assert is_a_problem(response, 415)


def test_a_body_that_is_too_large_is_a_problem(call: Call, rows: dict[str, Any], settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = call("POST", f"/assessments/{rows['assessment'].slug}/plan", b" " * 2000, Idempotency_Key="k")
    assert is_a_problem(response, 413)


def test_what_nobody_foresaw_is_a_problem_without_a_word_about_the_inside(
    call: Call, rows: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("batches.api.standing.progress", broken)
    response = call("GET", f"/assessments/{rows['assessment'].slug}/progress")
    assert is_a_problem(response, 500)
    assert b"secret" not in response.content
    assert "secret inside" in caplog.text


def test_what_django_itself_refuses_is_a_problem(db: None, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["elsewhere.example"]
    response = send(Client(), "GET", "/rounds", None, {})
    assert is_a_problem(response, 400)


def test_an_invalid_request_names_its_member_and_not_what_was_sent(call: Call, rows: dict[str, Any]) -> None:
    essays = [{"candidate": "c", "text": {"the pupil": "wrote this"}}]
    response = call("POST", f"/assessments/{rows['assessment'].slug}/essays", {"essays": essays}, Idempotency_Key="k")
    assert is_a_problem(response, 422)
    assert response.data["errors"][0]["where"].endswith("essays.0.text")
    assert b"wrote this" not in response.content


def test_pages_beside_the_api_are_as_they_were(client: Client, db: None) -> None:
    assert "problem" not in client.get("/nothing").get("Content-Type", "")
