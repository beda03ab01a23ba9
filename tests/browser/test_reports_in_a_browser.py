"""The front page, a comparison, a job and the printed report as staff see them; a workbook comes down as a file."""

import os
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from batches.models import Assessment, BatchJob, Comparison, DayCost, Scale
from batches.pipeline import score
from tests.admin import factories
from tests.admin.sheets import sheets
from tests.browser.conftest import Visit
from tests.simulated import judge_rounds

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SCREENSHOTS")  # a directory: pictures of what the tests saw


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth <= 1"))


@pytest.fixture
def work(project: Any) -> Assessment:
    """An assessment with a little of everything: waiting, judged, failed, spent on two judges."""
    made = factories.assessment(project, "Year 9 narrative writing", essays=6)
    factories.cj_round(made, pairs=3, submitted=True, strategy="accumulate")
    factories.cj_round(made, pairs=2)
    job = factories.job(list(factories.cj_round(made, pairs=5, submitted=True).comparisons.order_by("pk")))
    items = list(job.items.order_by("pk"))
    factories.judged(items[0], why="Essay A has the clearer argument.")
    factories.failed(items[1])
    factories.failed(items[2], reason="truncated")
    job.advance(BatchJob.Status.RUNNING)
    other = factories.judge("gpt-5.4-mini", provider="openai")
    for days in range(0, 28, 2):
        day = timezone.localdate() - timedelta(days=days)
        DayCost.objects.create(
            assessment=made, judge=made.judges.get(), day=day, cost_usd=Decimal(days % 7) / 3 + Decimal("0.4")
        )
        DayCost.objects.create(assessment=made, judge=other, day=day, cost_usd=Decimal(days % 5) / 4)
    return made


@pytest.fixture
def scale(project: Any) -> Scale:
    made: Assessment = factories.assessment(
        project,
        "Year 9 narrative writing",
        essays=30,
        instructions="Write a story that begins with somebody opening a door they were told to leave closed.",
        spent_usd=Decimal("3.21"),
    )
    for i, essay in enumerate(made.essays.order_by("pk")):
        essay.candidate = f"N9-{i:02d}"
        essay.anchor_score = Decimal(1 + i // 8) if i % 4 == 0 else None
        essay.save()
    judge_rounds(made, 8)
    return score.score(made, actor=None)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (375, False)])
def test_every_screen_of_what_happened_fits_the_window(visit: Visit, work: Assessment, width: int, dark: bool) -> None:
    page = visit("submitter", width=width, dark=dark)
    look = f"{width}-{'dark' if dark else 'light'}"
    expect(page.get_by_role("heading", name="What waits, and for what")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("in 30 days, most on"))).to_be_visible()
    assert fits(page)
    shoot(page, f"front-{look}")
    page.get_by_role("link", name="1 comparison because the answer was cut off").click()
    expect(page.get_by_role("row").filter(has_text="the answer was cut off")).to_have_count(1)
    judged = Comparison.objects.get(status="JUDGED")
    page.goto(reverse("admin:batches_comparison_change", args=[judged.pk]))
    expect(page.get_by_text("Essay A has the clearer argument.")).to_be_visible()
    assert fits(page)
    shoot(page, f"comparison-{look}")
    page.get_by_role("link", name=f"Job {judged.items.get().job_id}").click()
    expect(page.get_by_role("heading", name="The way it went")).to_be_visible()
    page.get_by_role("link", name="1 comparison because the model declined to answer").click()
    expect(page.get_by_role("heading", name="Comparisons in it: unusable answer, the model declined")).to_be_visible()
    assert fits(page)
    shoot(page, f"job-{look}")
    page.goto(reverse("admin:batches_essay_change", args=[judged.essay_a_id]))
    expect(page.get_by_text("Won 1 of 1")).to_be_visible()
    assert fits(page)
    shoot(page, f"essay-{look}")


def test_a_report_is_printed_on_a4_with_everything_a_head_of_department_asks_for(
    visit: Visit, scale: Scale, tmp_path: Path
) -> None:
    page = visit("submitter")
    page.goto(reverse("admin:batches_scale_change", args=[scale.pk]))
    shoot(page, "scale")
    page.get_by_role("link", name="Report to print").click()
    for heading in (
        "What was judged, and by whom",
        "How far the order can be relied on",
        "The picture",
        "Grades",
        "Look at these first",
        "Ranking",
        "How to read this",
    ):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.get_by_text("Local judge.")).to_be_visible()
    expect(page.locator("tbody tr").filter(has_text="N9-")).not_to_have_count(0)
    assert fits(page)
    shoot(page, "report")
    target = Path(SHOTS or tmp_path) / "report.pdf"
    content = page.pdf(path=target, prefer_css_page_size=True, print_background=True)
    boxes = {tuple(map(float, box.split())) for box in re.findall(r"/MediaBox \[([^\]]+)\]", content.decode("latin-1"))}
    assert {(round(w), round(h)) for _x, _y, w, h in boxes} == {(595, 842)}
    assert 2 <= content.count(b"/Type /Page\n") <= 5
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


def test_a_workbook_comes_down_as_a_file(visit: Visit, scale: Scale) -> None:
    page = visit("submitter")
    page.goto(reverse("admin:batches_assessment_change", args=[scale.assessment_id]))
    with page.expect_download() as coming:
        page.get_by_role("button", name="Workbook (XLSX)").click()
    assert coming.value.suggested_filename == f"{scale.assessment.slug}-scale-1-results.xlsx"
    book = sheets(Path(coming.value.path()).read_bytes())
    assert len(book["Scores"]) == 31
    assert len(book["Judgements"]) == 1 + scale.n_comparisons
