"""What stops somebody: a page that they may not see, a bug of ours, and the question before pupils' texts are gone."""

from typing import Any, NoReturn

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from batches.admin.essays import EssayScreen
from batches.models import Assessment, Essay
from tests.admin import factories
from tests.browser.conftest import Visit
from tests.browser.faults import LISTEN, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider_env")]


@pytest.fixture
def open_as(visit: Visit) -> Any:
    """`open_as("viewer", address)`: the page that they get there."""

    def opened(role: str, address: str) -> Page:
        page = visit(role)
        page.add_init_script(LISTEN)
        page.goto(address)
        return page

    return opened


def lead_back(page: Page) -> None:
    page.get_by_role("link", name="Go to the front page").click()
    expect(page.get_by_role("heading", name="Where things stand", level=1)).to_be_visible()


def test_who_may_not_is_told_so_and_led_back(open_as: Any) -> None:
    page = open_as("viewer", reverse("admin:batches_project_add"))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    expect(page.get_by_text("You are logged in as viewer.")).to_be_visible()
    assert list(faults(page, "refused-403")) == []
    lead_back(page)


def test_a_bug_of_ours_says_what_to_do_and_leads_back(open_as: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> NoReturn:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(EssayScreen, "get_queryset", broken)
        page = open_as("viewer", reverse("admin:batches_essay_changelist"))
    expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()
    assert list(faults(page, "refused-500")) == []
    lead_back(page)


@pytest.fixture
def judged(project: Any) -> Assessment:
    made = factories.assessment(project, "Year 6 writing", essays=5)
    job = factories.job(list(factories.cj_round(made, pairs=6, submitted=True).comparisons.all()))
    for item in job.items.all()[:4]:
        factories.judged(item)
    return made


def test_texts_are_gone_only_after_a_question_that_says_what_goes(open_as: Any, judged: Assessment) -> None:
    page = open_as("administrator", reverse("admin:batches_assessment_change", args=[judged.pk]))
    page.get_by_role("button", name="Purge texts").click()
    expect(page.get_by_role("heading", name="Purge “Year 6 writing” for good?")).to_be_visible()
    expect(page.get_by_text("cannot be brought back")).to_be_visible()
    assert list(faults(page, "refused-purge")) == []
    page.get_by_role("link", name="No, go back").click()
    expect(page.get_by_role("heading", name="Year 6 writing").first).to_be_visible()
    assert Essay.objects.exclude(text="").count() == 5
    page.get_by_role("button", name="Purge texts").click()
    page.get_by_role("button", name="Remove all texts for good").click()
    expect(page.get_by_text("Purged 1 assessment")).to_be_visible()
    assert Essay.objects.exclude(text="").count() == 0
