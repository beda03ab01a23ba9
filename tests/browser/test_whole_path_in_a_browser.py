"""From an empty form to a published scale in Chromium: the steps, the price, progress without reloading, a cancel."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from batches import tasks
from batches.models import Assessment, AuditEntry, BatchJob, Comparison, Round, Scale, Sketch
from tests.browser.conftest import Visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("provider_env", "empty_queues"),
    pytest.mark.timeout(600),
]
SENTENCE = "The pupil number {n} writes about the sea and the wind. "
HAIKU = "claude-haiku-4-5 "
PATIENCE = 60_000  # milliseconds, on a machine that does much else


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Essays as a teacher has them: a folder of text files named after the candidates."""
    place = tmp_path / "Year 9"
    place.mkdir()
    for n in range(1, 7):
        (place / f"K{n}.txt").write_text(SENTENCE.format(n=n) * n)
    return place


def go_on(page: Page, button: str = "Go on") -> None:
    page.get_by_role("button", name=button).click()


def create(page: Page, folder: Path, *, strategy: str = "") -> Assessment:
    """Walk the steps up to the assessment's page."""
    page.set_default_timeout(PATIENCE)
    page.get_by_role("link", name="New assessment").first.click()
    page.get_by_label("Title").fill("Summer mock")
    page.get_by_label("Rubric").fill("Prefer the livelier essay.")
    go_on(page)
    page.get_by_label("Or a whole folder").set_input_files(folder)
    go_on(page, "Read these and go on")
    expect(page.get_by_text("6 essays were read.")).to_be_visible(timeout=PATIENCE)
    page.get_by_label(HAIKU).first.check()
    if strategy:
        page.get_by_label(strategy).check()
    go_on(page)
    expect(page.get_by_text("What it will cost")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("row", name="K6")).to_contain_text("66")
    assert not Assessment.objects.exists()
    go_on(page, "Create this assessment")
    expect(page.get_by_text("Summer mock is ready.")).to_be_visible(timeout=PATIENCE)
    assert not Sketch.objects.exists()
    return Assessment.objects.get()


def plan_and_submit(page: Page, *, rounds: int = 1) -> None:
    """Plan rounds, look at their price, and press the button twice."""
    page.get_by_label("Rounds to plan").fill(str(rounds))
    page.get_by_role("button", name="Plan rounds").click()
    expect(page.get_by_text("nothing is sent until you submit")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Submit", exact=False).first.click()
    expect(page.get_by_role("heading", name="Submit comparisons")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Estimated price")).to_be_visible()
    expect(page.get_by_text("at worst paid twice")).to_be_visible()
    assert Round.objects.filter(submitted_at=None).count() == rounds
    page.get_by_role("button", name="Submit", exact=False).dblclick()
    expect(page.get_by_text("as soon as a worker takes")).to_be_visible(timeout=PATIENCE)


def without_reloading(page: Page) -> Callable[[], bool]:
    """Whether the page is still the one it is now."""
    page.evaluate("window.loadedOnce = true")
    return lambda: bool(page.evaluate("window.loadedOnce === true"))


def finish() -> None:
    """What workers would do, until all is done; in a thread of its own, for the browser's has an event loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(_work).result()


def _work() -> None:
    try:
        while Comparison.objects.filter(status__in=["PENDING", "IN_FLIGHT"], held=False).exists():
            tasks.work_here()
    finally:
        connections.close_all()


def test_from_a_folder_to_a_published_scale(visit: Visit, folder: Path) -> None:
    page = visit("submitter")
    assessment = create(page, folder)
    plan_and_submit(page, rounds=4)  # of fewer, the essays may fall into groups: such a scale is not published
    assert (
        AuditEntry.objects.filter(act="submit").count() == 4
    )  # one for each round, though the button was pressed twice
    same_page = without_reloading(page)

    tasks.open_due()
    expect(page.get_by_text(re.compile(r"under way in \d batch job"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Under way")).to_be_visible()
    finish()
    expect(page.locator(".cj-happening").first).to_have_text("Compute the scale.", timeout=PATIENCE)
    assert same_page()

    page.get_by_role("button", name="Compute the scale").click()
    expect(page.get_by_text("will be ready in a moment")).to_be_visible(timeout=PATIENCE)
    same_page = without_reloading(page)
    tasks.score(assessment.pk, None)
    expect(page.get_by_role("heading", name="Scale 1")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("img", name="6 essays from the lowest to the highest")).to_be_visible()
    assert same_page()

    page.get_by_role("link", name="Look at scale 1").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("A published scale is frozen")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("published", exact=True)).to_be_visible(timeout=PATIENCE)
    assert Scale.objects.get().published_at is not None


def test_a_batch_is_cancelled_and_the_rest_waits(visit: Visit, folder: Path, local_provider: Any) -> None:
    page = visit("submitter")
    assessment = create(page, folder, strategy="Provider batch")
    plan_and_submit(page)
    tasks.open_due()
    job = BatchJob.objects.get()
    page.get_by_role("heading", name="Under way").wait_for(timeout=PATIENCE)
    page.get_by_role("link", name=f"Job {job.pk}").first.click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 1 batch job").click()
    expect(page.get_by_text("will stop")).to_be_visible(timeout=PATIENCE)
    tasks.poll_here()
    job.refresh_from_db()
    assert job.status == BatchJob.Status.CANCELLED
    page.goto(f"/admin/batches/assessment/{assessment.pk}/change/")
    expect(page.get_by_text("held back, by a cancel or by the budget")).to_be_visible(timeout=PATIENCE)
    assert not Comparison.objects.exclude(status="PENDING", held=True).exists()


def test_problems_of_a_file_are_shown_by_row_and_nothing_is_kept(visit: Visit, project: Any) -> None:
    page = visit("editor")
    page.set_default_timeout(PATIENCE)
    page.goto("/admin/batches/assessment/add/")
    page.get_by_label("Title").fill("Summer mock")
    page.get_by_label("Title").press("Enter")
    sheet = b"candidate,text\n,No code.\nP1,\n"
    files = page.get_by_label("Files")
    files.set_input_files({"name": "class.csv", "mimeType": "text/csv", "buffer": sheet})
    go_on(page, "Read these and go on")
    expect(page.get_by_text("2 problems: nothing of it was kept")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("row", name="row 2")).to_contain_text("The candidate is empty")
    expect(page.get_by_role("row", name="row 3")).to_contain_text("The text is empty")
    assert Sketch.objects.get().essays.count() == 0


@pytest.mark.parametrize("width", [375, 1280])
def test_the_steps_fit_the_screen(visit: Visit, project: Any, folder: Path, width: int) -> None:
    page = visit("editor", width=width)
    page.set_default_timeout(PATIENCE)
    for step in ("basics", "essays", "judging", "check"):
        if step == "basics":
            page.goto("/admin/batches/assessment/add/")
            page.get_by_label("Title").fill("Summer mock")
        elif step == "essays":
            page.get_by_label("Files").set_input_files(sorted(folder.iterdir()))
        elif step == "judging":
            page.get_by_label(HAIKU).first.check()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, step
        if step != "check":
            page.locator("form .cj-main").last.click()
            page.wait_for_load_state()
    expect(page.get_by_text("What it will cost")).to_be_visible(timeout=PATIENCE)
