"""Every page of the admin, in both themes and at two widths: nothing from outside, and nobody is shut out."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from playwright.sync_api import Page

from batches.models import Membership
from tests.admin import factories
from tests.admin.urls import Address, addresses
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider_env")]
SHOTS = os.environ.get("SCREENSHOTS")  # a directory: pictures of what the test saw
WIDTHS = (1280, 375)
THEMES = ("light", "dark")
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(found => ["serious", "critical"].includes(found.impact))
  .map(found => `${found.id}: ${found.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")}`)"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# text that no reader can tell from its neighbour, or that cannot be reached: what axe does not look for
UNREACHABLE = """() => [...document.querySelectorAll("[x-on\\\\:click], [onclick]")]
  .filter(e => e.getClientRects().length && !e.closest("button, a[href], input, label, summary, [tabindex]"))
  .filter(e => !e.querySelector("button, a[href], input"))
  .map(e => `not reached by the keyboard: ${e.outerHTML.slice(0, 160)}`)"""


@pytest.fixture
def pages(project: Any) -> list[Address]:
    """The addresses of all of the admin's pages, the objects' forms included."""
    rows = factories.whole_project("Southway")
    found = list(addresses(factories.foreign_keys_of(rows)))
    forms = [
        Address(url=f"{page.url}?edit=1", name=page.name, model=page.model, of_a_row=True)
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


def findings(page: Page, url: str, name: str) -> Iterator[str]:
    """What is wrong with one page, seen at each width and in each theme."""
    page.goto(url)
    page.wait_for_function("window.Alpine && document.readyState === 'complete'")
    yield from page.evaluate("window.violations")
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
            where = f"{width} {theme}"
            if page.evaluate(TOO_WIDE) > 0:
                yield f"{where}: wider than the window"
            yield from (f"{where}: {found}" for found in page.evaluate(RUN_AXE))
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{theme}.png", full_page=True)
        yield from page.evaluate(UNREACHABLE)


@pytest.mark.timeout(900)
def test_every_page_is_closed_to_the_outside_and_open_to_every_reader(
    visit: Visit, pages: list[Address], live_server: Any
) -> None:
    page = visit("everything")
    Membership.objects.create(project_id=pages_project(), user=User.objects.get(username="everything"))
    outside: list[str] = []
    page.on("request", lambda request: _note(request.url, live_server.url, outside))
    page.add_init_script(LISTEN)
    wrong: dict[str, list[str]] = {}
    seen = 0
    for each in pages:
        if answers_with_a_page(page, each.url):
            seen += 1
            name = each.name + ("-form" if "edit=1" in each.url else "")
            if found := list(findings(page, each.url, name)):
                wrong[each.url] = found
    assert seen > 50
    assert outside == []
    assert wrong == {}, json.dumps(wrong, indent=1)


def pages_project() -> int:
    from batches.models import Project

    return Project.objects.get(name="Southway").pk


def _note(url: str, own: str, outside: list[str]) -> None:
    if not url.startswith((own, "data:", "blob:")):
        outside.append(url)
