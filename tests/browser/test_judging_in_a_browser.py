"""People judging with keys, on any screen; and a viewer who may not submit."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from batches.models import Assessment, Claim, Judgement, Round
from batches.pipeline import panel
from tests.admin import factories
from tests.browser.conftest import Visit
from tests.pipeline.people import submitted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider_env")]
SHOTS = os.environ.get("SCREENSHOTS")  # a directory: pictures of what the tests saw
TEXT = "The harbour was quiet when we arrived, and the boats lay in the mud like sleeping animals. " * 12


@pytest.fixture
def assessment(project: Any) -> Assessment:
    made = factories.assessment(
        project,
        "Year 9: the harbour",
        essays=6,
        instructions="Describe a place that you know well.",
        rubric="Ideas and detail first, then order, then spelling.",
    )
    for i, essay in enumerate(made.essays.all()):
        essay.text = f"{i}. {TEXT}\n\n{TEXT}"
        essay.save()
    panel.set_share(made, Decimal(1), "repeat", actor=None)
    return made


def start(visit: Visit, assessment: Assessment, **screen: Any) -> Page:
    """Somebody who only judges has logged in and presses the one button there is."""
    page = visit("judge", **screen)
    panel.name_judge(assessment, "judge", quota=None, actor=None)
    submitted(assessment)
    page.reload()
    page.get_by_role("button", name="Start judging").click()
    expect(page.get_by_role("heading", name="Which essay is better?")).to_be_visible()
    return page


def press(page: Page, key: str) -> None:
    """Press a key once the page is all there: its text is seen before its script has run."""
    page.wait_for_load_state()
    page.keyboard.press(key)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def test_a_person_judges_with_keys_alone_and_takes_an_answer_back(visit: Visit, assessment: Assessment) -> None:
    page = start(visit, assessment)
    pair = Claim.objects.get().comparison_id
    press(page, "ArrowLeft")
    expect(page.get_by_text("You chose the first essay.")).to_be_visible()
    press(page, "u")
    expect(page.get_by_text("Read both, then choose.")).to_be_visible()
    assert Claim.objects.get().winner == ""
    press(page, "b")
    expect(page.get_by_role("button", name="Second is better", pressed=True)).to_be_visible()
    assert not Judgement.objects.exists()
    press(page, "Enter")
    expect(page.get_by_text("1 of 3 judged")).to_be_visible()
    assert list(Judgement.objects.values_list("comparison", "winner")) == [(pair, "B")]
    press(page, "u")  # there is nothing to take back: the judgement stands
    press(page, "a")
    expect(page.get_by_text("You chose the first essay.")).to_be_visible()
    assert Judgement.objects.count() == 1


def test_keys_write_into_the_comment_and_can_be_switched_off(visit: Visit, assessment: Assessment) -> None:
    page = start(visit, assessment)
    page.get_by_text("Say more (if you like)").click()
    page.get_by_label("Why?").fill("")
    page.get_by_label("Why?").press_sequentially("a bad ending")
    expect(page.get_by_label("Why?")).to_have_value("a bad ending")
    page.get_by_role("button", name="First is better").click()
    expect(page.get_by_label("Why?")).to_have_value("a bad ending")
    assert Claim.objects.get().comment == "a bad ending"
    page.get_by_text("Keys", exact=True).click()
    page.get_by_label("Use these keys").uncheck()
    page.locator("main").focus()
    press(page, "b")
    page.reload()
    expect(page.get_by_text("You chose the first essay.")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_pair_fits_the_screen_and_the_answer_is_in_reach(
    visit: Visit, assessment: Assessment, width: int, dark: bool
) -> None:
    broken: list[str] = []
    page = visit("judge", width=width, dark=dark)
    page.on("pageerror", lambda error: broken.append(str(error)))
    panel.name_judge(assessment, "judge", quota=None, actor=None)
    submitted(assessment)
    page.reload()
    shot(page, f"judging-mine-{width}-{'dark' if dark else 'light'}")
    page.get_by_role("button", name="Start judging").click()
    for state in ("open", "chosen"):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        button = page.get_by_role("button", name="First is better")
        expect(button).to_be_in_viewport(ratio=1)
        first, second = (box for one in page.locator("article").all() if (box := one.bounding_box()))
        assert (first["y"] == second["y"]) == (width == 1280)
        size = page.locator("article .text").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
        assert size >= 18
        shot(page, f"judging-{state}-{width}-{'dark' if dark else 'light'}")
        if state == "open":
            button.click()
            expect(page.get_by_role("button", name="Next pair")).to_be_in_viewport(ratio=1)
    assert broken == []


@pytest.mark.parametrize("width", [375, 1280])
def test_a_viewer_sees_who_judges_and_may_not_submit(visit: Visit, assessment: Assessment, width: int) -> None:
    cj_round = factories.cj_round(assessment)
    page = visit("viewer", width=width)
    page.goto(reverse("admin:batches_assessment_change", args=[assessment.pk]))
    expect(page.get_by_role("button", name="Submit")).to_have_count(0)
    forged = """([path, id]) => fetch(path, {method: "POST", redirect: "manual", body: new URLSearchParams({
        csrfmiddlewaretoken: document.querySelector("[name=csrfmiddlewaretoken]").value,
        "CHANGE_FORM-action": "submit", "_selected_action": id, "confirmed": "yes"})}).then(r => r.type)"""
    address = reverse("admin:batches_round_change", args=[cj_round.pk])
    page.evaluate(forged, [address, str(cj_round.pk)])
    assert Round.objects.get(pk=cj_round.pk).submitted_at is None
    page.goto(reverse("admin:batches_assessment_people", args=[assessment.pk]))
    expect(page.get_by_role("heading", name="Who judges")).to_be_visible()
    expect(page.get_by_role("button", name="Let them judge")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_pages_about_people_fit_the_screen(visit: Visit, assessment: Assessment, width: int, dark: bool) -> None:
    from tests.pipeline.people import judge_one, person_who_judges, seat

    people = [person_who_judges(name, assessment, quota=30) for name in ("ada", "ben")]
    cj_round = submitted(assessment)
    of_model = list(cj_round.comparisons.filter(judge__kind="MODEL", replicate=0))
    for item in factories.job(of_model).items.all():
        factories.judged(item)
    for user in people:
        judge_one(seat(user, assessment), "B", comment="Livelier, and it ends well.")
    page = visit("administrator", width=width, dark=dark)
    for name in ("people", "agreement"):
        page.goto(reverse(f"admin:batches_assessment_{name}", args=[assessment.pk]))
        expect(page.locator(".cj-card").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if SHOTS:
            picture = Path(SHOTS) / f"{name}-{width}-{'dark' if dark else 'light'}.png"
            page.screenshot(path=picture, full_page=True)
