"""A scale's page as staff see it: the picture is whole at any width and in both themes, and grades are set on it."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from batches.models import Assessment, Scale
from batches.pipeline import score
from tests.admin import factories
from tests.browser.conftest import Visit
from tests.simulated import judge_rounds

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SCREENSHOTS")  # a directory: pictures of what the tests saw


@pytest.fixture
def scale(project: Any) -> Scale:
    made: Assessment = factories.assessment(project, "Year 9", essays=30, target_reliability=Decimal("0.9"))
    for i, essay in enumerate(made.essays.order_by("pk")):
        if i % 4 == 0:
            essay.anchor_score = Decimal(1 + i // 8)
            essay.save()
    judge_rounds(made, 8)
    return score.score(made, actor=None)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_picture_and_the_report_fit_the_window(visit: Visit, scale: Scale, width: int, dark: bool) -> None:
    page = visit("submitter", width=width, dark=dark)
    page.goto(reverse("admin:batches_scale_change", args=[scale.pk]))
    picture = page.get_by_role("img", name="30 essays from the lowest to the highest")
    expect(picture).to_be_visible()
    expect(picture.locator(".cj-cut")).to_have_count(3)
    assert picture.locator(".cj-anchors").get_attribute("d")
    expect(page.get_by_role("heading", name="How the judging went")).to_be_visible()
    expect(page.get_by_role("heading", name="Look at these first")).to_be_visible()
    expect(page.get_by_text("Aim: a reliability of 0.90")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
    contrast = page.evaluate("getComputedStyle(document.querySelector('.cj-grade')).fill")
    assert contrast == ("rgb(251, 191, 36)" if dark else "rgb(180, 83, 9)")
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"scale-{width}-{'dark' if dark else 'light'}.png", full_page=True)


def test_staff_set_grades_and_see_them(visit: Visit, scale: Scale) -> None:
    page = visit("submitter")
    page.goto(reverse("admin:batches_scale_change", args=[scale.pk]))
    page.get_by_role("button", name="Set grades").click()
    page.get_by_label("Grades, best first").fill("Distinction 60; Merit 50; Pass")
    page.get_by_role("button", name="Set these grades").click()
    expect(page.get_by_text("Grades of scale 1: Distinction 60; Merit 50; Pass.")).to_be_visible()
    expect(page.locator(".cj-grade")).to_have_text(["Pass", "Merit", "Distinction"])
    assert set(scale.scores.values_list("grade", flat=True)) == {"Pass", "Merit", "Distinction"}
