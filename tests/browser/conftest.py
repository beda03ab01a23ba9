"""Debian's Chromium, and people who are logged in with it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from playwright.sync_api import Browser, Page, sync_playwright

from tests.admin import factories

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright keeps an event loop in the thread that makes rows

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"There is no {CHROMIUM}: make test-browser installs it.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


# every migration that gives roles something, and its function that does
GIVES = {
    "0005_roles": "make_roles",
    "0015_privacy_roles": "give",
    "0017_grades_role": "grant",
    "0018_suspicions": "give_to_roles",
    "0020_token_sums": "let_administrators",
    "0031_more_roles": "give",
    "0032_known_pairs": "give_to_roles",
    "0033_probes": "give_to_roles",
}


@pytest.fixture
def roles(transactional_db: None) -> None:
    """The roles that a migration made: emptying the tables after a test takes them away for the next."""
    if not Group.objects.exists():
        from importlib import import_module

        from django.apps import apps
        from django.db import connection

        call_command("migrate", verbosity=0)
        for module, gives in GIVES.items():
            getattr(import_module(f"batches.migrations.{module}"), gives)(apps, connection.schema_editor())


@pytest.fixture
def project(roles: None) -> Any:
    return factories.project("Northfield Trust")


@pytest.fixture
def visit(browser: Browser, live_server: Any, project: Any) -> Iterator[Visit]:
    """`visit("submitter")`: a page of somebody in that role who has logged in through the form."""
    opened = []

    def login(role: str, *, width: int = 1280, dark: bool = False) -> Page:
        factories.person(role, project, role=role)
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        opened.append(context)
        page = context.new_page()
        page.goto("/admin/login/")
        page.get_by_label("Username").fill(role)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        return page

    yield login
    for context in opened:
        context.close()
