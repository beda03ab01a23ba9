"""Pages are in the viewer's language and zone and forbid what they do not need; machines get what they always got."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from batches.models import AuditEntry, Project
from tests.admin import factories

pytestmark = pytest.mark.django_db
MIDNIGHT = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)


@pytest.fixture
def entry() -> AuditEntry:
    made: AuditEntry = factories.record(factories.assessment(factories.project("Northfield"), "Year 9"))
    AuditEntry.objects.filter(pk=made.pk)
    return made


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(
        factories.person("root", Project.objects.first() or factories.project("North"), is_superuser=True)
    )
    return client


def page(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("", "Europe/London"),
        ("../../etc/passwd", "Europe/London"),
        ("Mars", "Europe/London"),
    ],
)
def test_times_are_in_the_zone_that_the_browser_names_and_the_page_says_which(
    client: Client, cookie: str, zone: str
) -> None:
    client.cookies["cj_zone"] = cookie
    assert f"Times in {zone}" in page(client)


def test_a_time_is_shown_in_the_viewers_zone_and_marked_up_for_machines(client: Client) -> None:
    made = factories.assessment(factories.project("Southway"), "Year 9")
    factories.Membership.objects.create(project=made.project, user_id=client.session["_auth_user_id"])
    cj_round = factories.cj_round(made)
    type(cj_round).objects.filter(pk=cj_round.pk).update(created_at=MIDNIGHT)
    client.cookies["cj_zone"] = "Asia/Kolkata"
    text = client.get(reverse("admin:batches_round_change", args=[cj_round.pk])).content.decode()
    assert "2 Jul 2026, 05:00" in text
    assert 'datetime="2026-07-01T23:30:00+00:00"' in text


def test_the_next_request_does_not_inherit_a_zone_or_a_language(client: Client) -> None:
    client.cookies["cj_zone"], client.cookies["cj_language"] = "Asia/Kolkata", "de"
    page(client)
    del client.cookies["cj_zone"], client.cookies["cj_language"]
    text = page(client)
    assert "Times in Europe/London" in text
    assert '<html lang="en-gb"' in text


def test_a_language_is_chosen_and_kept(client: Client) -> None:
    client.post(reverse("set_language"), {"language": "de", "next": reverse("admin:index")})
    assert client.cookies["cj_language"].value == "de"
    assert '<html lang="de"' in page(client)


def test_machines_are_answered_in_english_whatever_they_ask_for(client: Client) -> None:
    client.cookies["cj_language"] = "de"
    answer = client.get("/api/v1/assessments/999999", headers={"accept-language": "de"})
    assert answer.json()["title"] == "Not Found"
    assert "Content-Language" not in answer.headers


def test_only_the_admins_frame_may_evaluate_and_nothing_may_come_from_outside(client: Client) -> None:
    framed = client.get(reverse("admin:index")).headers["Content-Security-Policy"]
    strict = client.get("/healthz").headers["Content-Security-Policy"]
    assert "'unsafe-eval'" in framed
    assert "script-src 'self' 'unsafe-eval';" in framed
    assert "unsafe" not in strict
    for policy in (framed, strict):
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "*" not in policy


@pytest.mark.parametrize("page", ["/admin/login/", "/admin/", "/judging/", "/favicon.ico"])
def test_the_icon_is_our_own_and_there(client: Client, page: str) -> None:
    """Also where a browser asks for it by itself, and where nobody has logged in."""
    client = Client() if "login" in page else client
    answer = client.get(page)
    told = answer["Location"] if answer.status_code == 302 else ""
    for address in re.findall(r'rel="icon"[^>]*href="([^"]*)"', answer.content.decode()) or [told]:
        icon = client.get(address)
        assert icon.status_code == 200, address
        assert b"".join(icon.streaming_content)[:4] in (b"<svg", b"\x00\x00\x01\x00")  # type: ignore[attr-defined]
