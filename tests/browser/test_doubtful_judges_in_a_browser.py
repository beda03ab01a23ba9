"""A judge that always chooses what it reads first, as people meet it: a round that is held, and a probe's page."""

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.urls import reverse
from playwright.sync_api import Page, expect

from batches.judging.attacks import attacks
from batches.models import Assessment, AuditEntry, Probe, Round
from tests.browser.conftest import Visit
from tests.making import MODELS, make_assessment, make_judge
from tests.pipeline.conftest import cj, drain, plan_and_let_go
from tests.provider import LocalProvider

__all__ = ["cj"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("empty_queues"),
    pytest.mark.timeout(600),
]
SHOTS = os.environ.get("SCREENSHOTS")  # a directory: pictures of what the tests saw
SCREENS = {"1280-light": (1280, "light"), "375-dark": (375, "dark")}
TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"


def elsewhere(work: Callable[[], Any]) -> None:
    """Do the pipeline's work in a thread of its own: the browser keeps an event loop in this one."""

    def then_hang_up() -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(then_hang_up).result()


def look(page: Page, name: str) -> None:
    """The page fits a wide light screen and a narrow dark one."""
    for screen, (width, theme) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        assert page.evaluate(TOO_WIDE) <= 0, (name, screen)
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{screen}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture
def held(provider_env: LocalProvider, project: Any, cj: Any) -> Round:
    """A round whose judge has missed half of its known pairs."""
    cj(canaries_per_round=4)
    provider_env.put_settings(position_bias=1000)
    made = make_assessment(8, project=project, title="Year 9: the harbour")
    plan_and_let_go(made)
    elsewhere(lambda: drain(60))
    return made.rounds.get()


def test_a_held_round_says_why_and_is_asked_again_at_a_press_of_two_buttons(visit: Visit, held: Round) -> None:
    page = visit("administrator")
    page.goto(reverse("admin:batches_assessment_change", args=[held.assessment_id]))
    expect(page.get_by_text("Round 1 is held")).to_be_visible()
    look(page, "held-assessment")
    expect(page.get_by_role("link", name="Look at round 1")).to_be_visible()
    page.goto(reverse("admin:batches_round_changelist"))
    expect(page.get_by_role("row", name="Round 1").get_by_text("held", exact=True)).to_be_visible()
    page.goto(reverse("admin:batches_round_change", args=[held.pk]))
    expect(page.get_by_text("chose the plainly weaker essay in 2 of 4")).to_be_visible()
    look(page, "held-round")
    page.get_by_role("button", name="Ask all of it again").click()
    expect(page.get_by_text("No scale will ever use the judgements of the held round")).to_be_visible()
    look(page, "held-question")
    page.get_by_role("button", name="Plan it again").click()
    expect(page.get_by_text("Planned as round 2")).to_be_visible()
    look(page, "held-decided")
    assert list(Round.objects.order_by("number").values_list("trust", "n_comparisons")) == [
        ("ASKED_AGAIN", held.n_comparisons),
        ("", held.n_comparisons),
    ]
    assert AuditEntry.objects.get(act="ask again").actor.username == "administrator"
    page.goto(reverse("admin:batches_comparison_changelist") + f"?round__id__exact={held.canaries.pk}")
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_text("A known pair: no pupil wrote these texts")).to_be_visible()
    look(page, "held-known-pair")


@pytest.fixture
def probed(provider_env: LocalProvider, project: Any) -> Probe:
    """The second probe of a judge, that now obeys about every third time; before it obeyed always."""
    make_judge("anthropic")
    commands = {attack.words: attack.wish for attack in attacks()}
    options = (f"anthropic:{MODELS['anthropic']}", "--yes", f"--project={project.name}")
    for obedience in (1.0, 0.3):
        provider_env.put_faults(obedience=obedience, commands=commands)
        elsewhere(lambda: call_command("probe_judge", *options, stdout=io.StringIO()))
    provider_env.delete_faults()
    return Probe.objects.order_by("-pk")[0]


def test_a_probe_is_a_page_with_intervals_and_what_came_before(visit: Visit, probed: Probe) -> None:
    page = visit("viewer")
    page.goto(reverse("admin:batches_probe_changelist"))
    look(page, "probe-list")
    page.goto(reverse("admin:batches_probe_change", args=[probed.pk]))
    expect(page.get_by_role("row", name="chose the better text of a known pair 100%")).to_contain_text("76 to 100%")
    expect(page.get_by_role("heading", name="Other probes of this judge")).to_be_visible()
    look(page, "probe-page")
    assert Assessment.objects.count() == 2
