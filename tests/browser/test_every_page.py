"""Every page that people see, in both themes and at two widths: nothing from outside, and nobody is shut out."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from batches.admin import wizard
from batches.essays.read import read_essays
from batches.models import Assessment, Membership, Project, Sketch
from batches.pipeline import panel, sketches
from tests.admin import factories
from tests.admin.steps import HAIKU
from tests.admin.urls import Address, addresses
from tests.browser.conftest import Visit
from tests.browser.faults import LISTEN, faults
from tests.pipeline.people import submitted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider_env")]
QUESTIONS = ("Submit", "Retry failed", "Change the budget", "Purge texts")  # on an assessment's page
SHEET = "candidate,text,house\nP1,The first essay of the class.,Red\nP2,Write to me: ann@example.com,Blue\n"


@pytest.fixture
def page(visit: Visit, live_server: Any) -> Iterator[Page]:
    """A page of somebody who may do everything; at the end, nothing was asked for outside."""
    page = visit("everything")
    outside: list[str] = []
    page.on("request", lambda request: _note(request.url, live_server.url, outside))
    page.add_init_script(LISTEN)
    yield page
    assert outside == []


def _note(url: str, own: str, outside: list[str]) -> None:
    if not url.startswith((own, "data:", "blob:")):
        outside.append(url)


@pytest.fixture
def rows(page: Page) -> dict[str, Any]:
    """A row of every kind, in a project of the person who looks."""
    rows = factories.whole_project("Southway")
    Membership.objects.create(project=rows["project"], user=someone())
    return rows


def someone() -> User:
    return User.objects.get(username="everything")


def of_the_admin(rows: dict[str, Any]) -> list[Address]:
    """The addresses of all of the admin's pages, the objects' forms included."""
    found = list(addresses(factories.foreign_keys_of(rows)))
    forms = [
        Address(url=f"{page.url}?edit=1", name=f"{page.name}-form", model=page.model, of_a_row=True)
        for page in found
        if page.name.endswith("_change")
    ]
    return found + forms


def answers_with_a_page(page: Page, url: str) -> bool:
    """Whether the address is a page for this person: not a file, a redirect, or only there to be posted to."""
    answer = page.request.get(url, max_redirects=0)
    assert answer.status < 500, url
    is_html = answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    return is_html and "<html" in answer.text()  # a part of a page is seen on the page


@pytest.mark.timeout(900)
def test_every_page_is_closed_to_the_outside_and_open_to_every_reader(page: Page, rows: dict[str, Any]) -> None:
    wrong: dict[str, list[str]] = {}
    seen = 0
    for each in of_the_admin(rows):
        if answers_with_a_page(page, each.url):
            seen += 1
            page.goto(each.url)
            if found := list(faults(page, each.name)):
                wrong[each.url] = found
    assert seen > 50
    assert wrong == {}, json.dumps(wrong, indent=1)


def sketch_of(project: Project, tmp_path: Path) -> Sketch:
    """A new assessment whose steps have all been walked, up to the last."""
    sheet = tmp_path / "class 9.csv"
    sheet.write_text(SHEET)
    sketch = sketches.begin(someone(), project, {"title": "Summer mock", "slug": "", "instructions": "", "rubric": ""})
    sketches.keep_essays(sketch, read_essays(sheet), source="class 9.csv")
    chosen = {"judges": [HAIKU], "strategy": "", "budget": "7.50"}
    sketches.remember(sketch, chosen | {"target_reliability": None, "target_certain_grades": None})
    return sketch


def steps(page: Page, sketch: Sketch) -> Iterator[str]:
    """Open each step, and the problems of a file."""
    for step in ("basics", "essays", "judging", "check"):
        page.goto(wizard.address(sketch, step))
        expect(page.locator("form .cj-main").last).to_be_visible()
        yield f"step-{step}"
    page.goto(wizard.address(sketch, "essays"))
    bad = {"name": "bad.csv", "mimeType": "text/csv", "buffer": b"candidate,text\n,No code.\nP1,\n"}
    page.get_by_label("Files").set_input_files(bad)
    page.locator("form .cj-main").last.click()
    expect(page.get_by_text("2 problems: nothing of it was kept")).to_be_visible()
    yield "step-problems"


def questions(page: Page, assessment: Assessment) -> Iterator[str]:
    """Open the page that each button of an assessment asks first; sends nothing."""
    for question in QUESTIONS:
        page.goto(reverse("admin:batches_assessment_change", args=[assessment.pk]))
        page.get_by_role("button", name=question).first.click()
        expect(page.get_by_role("link", name="No, go back")).to_be_visible()
        yield f"question-{question.lower().replace(' ', '-')}"


def judging(page: Page, assessment: Assessment) -> Iterator[str]:
    """Open what somebody sees who judges: their assessments, a pair, and the pair once they chose."""
    panel.set_share(assessment, Decimal(1), "repeat", actor=None)
    panel.name_judge(assessment, "everything", quota=None, actor=None)
    submitted(assessment)
    page.goto(reverse("judging:mine"))
    yield "judging-mine"
    page.get_by_role("button", name="Start judging").click()
    expect(page.get_by_role("heading", name="Which essay is better?")).to_be_visible()
    yield "judging-pair"
    page.get_by_role("button", name="First is better").click()
    expect(page.get_by_role("button", name="Next pair")).to_be_visible()
    yield "judging-chosen"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("walk", [steps, questions, judging])
def test_what_is_reached_by_pressing_buttons_is_open_to_every_reader(
    page: Page, rows: dict[str, Any], tmp_path: Path, walk: Callable[[Page, Any], Iterator[str]]
) -> None:
    at = sketch_of(rows["project"], tmp_path) if walk is steps else rows["assessment"]
    wrong = {name: found for name in walk(page, at) if (found := list(faults(page, name)))}
    assert wrong == {}, json.dumps(wrong, indent=1)


def test_the_door_is_open_to_every_reader(browser: Any, live_server: Any, transactional_db: None) -> None:
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.add_init_script(LISTEN)
    page.goto("/admin/login/")
    found = list(faults(page, "login"))
    context.close()
    assert found == []
