"""The admin as staff see it: Chromium on a running server, and what is visible on the page."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Request, expect

from batches.models import Assessment, Round
from tests.admin import factories
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider_env")]


@pytest.fixture
def assessment(project: Any) -> Assessment:
    return factories.assessment(project, "Year 9 writing", essays=6)


def open_page(page: Page, row: Any) -> None:
    page.goto(reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk]))


def test_going_back_from_the_question_sends_nothing(visit: Visit, assessment: Assessment) -> None:
    factories.cj_round(assessment)
    page = visit("submitter")
    open_page(page, assessment)
    page.get_by_role("button", name="Submit", exact=False).first.click()
    page.get_by_role("link", name="No, go back").click()
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    assert Round.objects.get().submitted_at is None


def test_a_viewer_sees_where_it_stands_and_no_button(visit: Visit, assessment: Assessment) -> None:
    factories.cj_round(assessment)
    factories.scale(assessment)
    page = visit("viewer")
    open_page(page, assessment)
    expect(page.get_by_text("planned, nothing submitted")).to_be_visible()
    for name in ("Submit", "Plan rounds", "Compute the scale", "Retry failed"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    for name in ("Settings", "Add essays", "Delete"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    expect(page.get_by_role("img", name="essays from the lowest to the highest")).to_be_visible()


def test_an_action_is_run_from_a_list(visit: Visit, assessment: Assessment) -> None:
    factories.cj_round(assessment)
    page = visit("submitter")
    page.goto(reverse("admin:batches_round_changelist"))
    page.get_by_label("Select Year 9 writing · round 1").check()
    page.get_by_label("Select action to run").select_option(label="Submit")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Submit comparisons")).to_be_visible()


def test_a_comparison_is_read_side_by_side_without_its_text_acting(visit: Visit, assessment: Assessment) -> None:
    hostile = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
    assessment.essays.update(text=hostile)
    cj_round = factories.cj_round(assessment, pairs=1, submitted=True)
    factories.judged(factories.job(list(cj_round.comparisons.all())).items.get(), why=hostile)
    page = visit("viewer")
    open_page(page, cj_round.comparisons.get())
    expect(page.get_by_text(hostile)).to_have_count(3)
    first, second = (box for e in page.locator(".cj-essay").all() if (box := e.bounding_box()))
    assert first["y"] == second["y"]
    assert first["x"] + first["width"] <= second["x"]
    assert "hit" not in page.title()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_pages_fit_the_screen_and_fetch_nothing_from_outside(
    visit: Visit, assessment: Assessment, live_server: Any, width: int, dark: bool
) -> None:
    job = factories.job(list(factories.cj_round(assessment, submitted=True).comparisons.all()))
    factories.judged(job.items.all()[0])
    scale = factories.scale(assessment)
    page = visit("administrator", width=width, dark=dark)
    outside: list[str] = []
    broken: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((live_server.url, "data:", "blob:")):
            outside.append(request.url)

    page.on("request", note)
    page.on("pageerror", lambda error: broken.append(str(error)))
    for row in (assessment, job, scale, assessment.essays.get(candidate__endswith="01"), job.items.all()[0].comparison):
        open_page(page, row)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, row
    page.goto("/admin/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (outside, broken) == ([], [])
