"""What staff see of strategies: the price of each before paying, what gathers and how to send it, the lab."""

import pytest
from django.urls import reverse

from batches.models import BatchJob, Comparison, Project, Round
from batches.pipeline import lab, plan, submit
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.test_actions import page_of, press, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues", "provider_env")]


def test_the_price_of_every_strategy_stands_beside_the_question(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", essays=6)
    plan.plan_rounds(assessment, actor=None, strategy="serial_bundle")
    page = press(visit("submitter"), assessment, "submit").content.decode()
    for name in ("per round", "serial bundle", "provider batch", "accumulate", "nightly"):
        assert f">{name}" in page
    assert "chosen" in page
    assert "If an answer is lost" in page
    assert not BatchJob.objects.exists()


def test_a_reservation_beyond_the_budget_is_warned_about(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", essays=6)
    assessment.budget_usd = "0.001"
    assessment.save()
    plan.plan_rounds(assessment, actor=None)
    assert "more than the budget has left" in press(visit("submitter"), assessment, "submit").content.decode()


def test_what_gathers_is_shown_with_its_threshold_and_sent_by_a_button(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", essays=6)
    plan.plan_rounds(assessment, actor=None, strategy="accumulate")
    submit.let_go(Round.objects.all(), actor=None)
    page = visit("submitter").get(page_of(assessment)).content.decode()
    assert "Waiting to leave together" in page
    assert "Send what waits now" in page
    assert "Send what waits now" not in visit("viewer").get(page_of(assessment)).content.decode()
    assert "will leave without waiting" in said(press(visit("submitter"), assessment, "force"))
    assert not Comparison.objects.filter(released_at=None).exists()
    assert "Nothing here waits" in said(press(visit("submitter"), assessment, "force"))


def test_the_lab_has_a_page_for_members_only(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", essays=6)
    address = reverse("admin:batches_assessment_lab", args=[assessment.pk])
    assert "No experiment has been run yet" in visit("viewer").get(address).content.decode()
    lab.set_up(assessment, sample=5, actor=None)
    page = visit("viewer").get(address).content.decode()
    assert "5 pairs · under way" in page
    other = factories.assessment(factories.project("Southfield"), "Year 7", essays=2)
    assert visit("viewer").get(reverse("admin:batches_assessment_lab", args=[other.pk])).status_code == 404
