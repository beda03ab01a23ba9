"""Pages on which every text wants to run: Chromium runs none of it, asks no other host, and has nothing to forbid."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Dialog, Page, Request

from batches.models import Membership
from tests.browser.conftest import Visit
from tests.hostile import every_text_hostile

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
WATCH = """
    window.ran = [];
    window.zqx = () => window.ran.push(location.pathname);
    window.alert = window.zqx;
    document.addEventListener('securitypolicyviolation', e => console.error('policy', e.violatedDirective, e.sample));
"""


class Watched:
    """A page, and whatever happened on it that text should not make happen."""

    def __init__(self, page: Page, own: str) -> None:
        self.page, self.own, self.happened = page, own, list[str]()
        page.set_default_timeout(120_000)
        page.add_init_script(WATCH)
        page.on("dialog", self.dialog)
        page.on("console", self.console)
        page.on("request", self.request)
        page.on("pageerror", lambda error: self.happened.append(f"error {error}"))

    def dialog(self, dialog: Dialog) -> None:
        self.happened.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.happened.append(f"console {message.text}")

    def request(self, request: Request) -> None:
        if not request.url.startswith((self.own, "data:", "blob:")):
            self.happened.append(f"request {request.url}")

    def look(self, url: str) -> None:
        self.page.goto(url)  # until everything is loaded; a page that asks how things stand is never idle
        for element in self.page.locator("summary:visible").all()[:5]:
            element.click()
        self.page.mouse.move(400, 300)
        self.happened += [f"ran {place}" for place in self.page.evaluate("window.ran")]
        assert self.page.evaluate("document.querySelectorAll('zqx, [onerror], [onload], [onfocus], base').length") == 0


def pages(rows: dict[str, Any]) -> list[str]:
    work = rows["hostile"]
    planned = work.rounds.get()
    comparisons = list(planned.comparisons.order_by("pk"))
    shown = [work, planned, comparisons[0], comparisons[1], comparisons[0].items.get().job, work.scales.get()]
    shown += [*work.essays.order_by("pk")[:6], rows["callback"], rows["audit"], rows["project"], rows["apitoken"]]
    urls = [reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk]) for row in shown]
    lists = ("assessment", "essay", "comparison", "round", "batchjob", "scale", "auditentry", "callback", "project")
    return [*urls, *(reverse(f"admin:batches_{name}_changelist") for name in lists), reverse("admin:index")]


def test_no_text_runs_opens_a_dialog_or_asks_another_host(visit: Visit, project: Any, live_server: Any) -> None:
    rows = every_text_hostile()
    watched = Watched(visit("administrator"), live_server.url)
    Membership.objects.create(project=rows["project"], user=User.objects.get(username="administrator"))
    for url in pages(rows):
        watched.look(url)
    assert watched.happened == []


def test_the_watch_sees_what_runs_and_what_the_policy_forbids(visit: Visit, live_server: Any) -> None:
    watched = Watched(visit("viewer"), live_server.url)
    watched.page.goto("/admin/")
    watched.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=zqx()>')")
    watched.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=//zqx.example>')")
    watched.page.evaluate("zqx()")
    watched.page.wait_for_function("window.ran.length > 0")
    watched.page.wait_for_timeout(500)
    assert watched.page.evaluate("window.ran") == ["/admin/"]  # only the direct call: the handler was forbidden
    assert any("script-src-attr" in one for one in watched.happened)
