"""What somebody sees who is where nothing is, who may not, whose page grew old, or who met a bug of ours."""

import pytest
from django.test import Client, RequestFactory
from django.views.defaults import server_error

from tests.admin import factories

pytestmark = pytest.mark.django_db


def said(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["/nothing", "/admin/nothing/", "/judging/nothing/"])
def test_where_nothing_is_a_page_leads_back(client: Client, address: str) -> None:
    client.force_login(factories.person("root", factories.project("Northfield"), is_superuser=True))
    answer = client.get(address)
    assert answer.status_code == 404
    assert "There is nothing here" in said(answer)
    assert 'href="/admin/"' in said(answer)


def test_who_may_not_is_told_whom_to_ask_in_their_language(client: Client) -> None:
    client.force_login(factories.person("viewer", factories.project("Northfield"), role="viewer"))
    answer = client.get("/admin/batches/project/add/")
    assert (answer.status_code, "You may not do this" in said(answer)) == (403, True)
    client.cookies["cj_language"] = "de"
    assert "Das dürfen Sie nicht" in said(client.get("/admin/batches/project/add/"))


def test_an_old_form_is_refused_with_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})
    assert (answer.status_code, "open for too long" in said(answer)) == (403, True)


def test_a_bug_of_ours_is_a_page_that_needs_nothing() -> None:
    """Django renders it without the request, when everything else may have failed."""
    answer = server_error(RequestFactory().get("/"))
    assert (answer.status_code, "Something went wrong" in said(answer)) == (500, True)


def test_no_error_page_runs_or_loads_anything_from_elsewhere(client: Client) -> None:
    answer = client.get("/nothing")
    assert "<script" not in said(answer)
    assert "style=" not in said(answer)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
