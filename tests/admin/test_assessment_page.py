"""An assessment's page: it follows what moves, and lets a round go once."""

import re
from typing import Any

import pytest
from django.urls import reverse

from batches.models import Assessment, AuditEntry, Comparison, Project, Round, StoredAnswer
from batches.pipeline import plan
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.test_actions import press, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues", "provider_env")]


@pytest.fixture
def assessment(project: Project) -> Assessment:
    return factories.assessment(project, "Year 9", essays=6)


def live_of(assessment: Assessment) -> str:
    return reverse("admin:batches_assessment_live", args=[assessment.pk])


def test_the_page_is_told_only_when_something_has_moved(visit: Visit, assessment: Assessment) -> None:
    client, address = visit("viewer"), live_of(assessment)
    job = factories.job(list(factories.cj_round(assessment, submitted=True).comparisons.all()))
    first = client.get(address)
    assert "3 comparisons under way in 1 batch job." in first.content.decode()
    assert "data-moving" in first.content.decode()
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    factories.judged(job.items.all()[0])
    moved = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (moved.status_code, moved["ETag"] != first["ETag"]) == (200, True)
    assert 'aria-valuenow="1"' in moved.content.decode()
    for item in job.items.all()[1:]:
        factories.judged(item)
    factories.collected(job)
    done = client.get(address).content.decode()
    assert "Compute the scale." in done
    assert "data-moving" not in done


def test_a_job_whose_provider_gives_no_count_shows_since_when_and_until_when(
    visit: Visit, assessment: Assessment
) -> None:
    from datetime import timedelta

    from django.utils import timezone

    comparisons = list(factories.cj_round(assessment, submitted=True).comparisons.all())
    job = factories.job(comparisons, packing="PROVIDER_BATCH", strategy="provider_batch")
    now = timezone.now()
    job.advance("SENDING", sent_at=now)
    job.advance("IN_PROGRESS", provider_batch_id="batch_1", expires_at=now + timedelta(days=1))
    text = visit("viewer").get(live_of(assessment)).content.decode()
    assert "the provider gives no count while it works" in text
    assert re.search(r'<time datetime="[^"]+" data-since="[^"]+">', text)
    assert "at the latest" in text
    job.provider_done = 2
    job.save(update_fields=["provider_done"])
    assert "2 of 3 done at the provider" in visit("viewer").get(live_of(assessment)).content.decode()


def test_whoever_may_not_act_is_offered_nothing_to_press(visit: Visit, assessment: Assessment) -> None:
    factories.cj_round(assessment)
    assert "<form" not in visit("viewer").get(live_of(assessment)).content.decode()
    assert 'value="submit"' in visit("submitter").get(live_of(assessment)).content.decode()
    other = factories.assessment(factories.project("Southfield"), "Year 7")
    assert visit("submitter").get(live_of(other)).status_code == 404


def confirm(client: Any, assessment: Assessment) -> dict[str, str]:
    """What the page that asks sends back."""
    text = press(client, assessment, "submit").content.decode()
    return {name: re.search(rf'name="{name}" value="([^"]+)"', text)[1] for name in ("once", "seen")}  # type: ignore[index]


def test_the_question_has_the_price_the_worst_and_what_could_be_paid_twice(
    visit: Visit, assessment: Assessment
) -> None:
    plan.plan_rounds(assessment, actor=None)
    question = press(visit("submitter"), assessment, "submit").context["question"]
    facts = dict(question.facts)
    assert question.headline.startswith("About $")
    assert [label for label in facts if label.startswith("claude-haiku")]
    for label in ("Estimated price", "At worst", "Budget left", "Left afterwards, about"):
        assert facts[label].startswith("$"), label
    assert facts["Of that, at worst paid twice because answers were lost"].startswith("$")


def test_pressing_twice_submits_once_and_says_the_same(visit: Visit, assessment: Assessment) -> None:
    plan.plan_rounds(assessment, actor=None)
    client = visit("submitter")
    posted = confirm(client, assessment)
    told = [said(press(client, assessment, "submit", confirmed="yes", **posted)) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].startswith(f"Submitted {Comparison.objects.count()} comparison")
    assert AuditEntry.objects.filter(act="submit").count() == 1
    assert Round.objects.get().submitted_at is not None
    assert StoredAnswer.objects.count() == 1


def test_a_plan_that_grew_meanwhile_is_asked_about_again(visit: Visit, assessment: Assessment) -> None:
    plan.plan_rounds(assessment, actor=None)
    client = visit("submitter")
    posted = confirm(client, assessment)
    plan.plan_rounds(assessment, actor=None)
    answer = said(press(client, assessment, "submit", confirmed="yes", **posted))
    assert "has changed since you were shown its price" in answer
    assert not Round.objects.exclude(submitted_at=None).exists()
    assert not StoredAnswer.objects.exists()
    assert Comparison.objects.filter(status="PENDING").count() >= 6
