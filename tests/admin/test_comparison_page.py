"""A comparison as the judge read it, and an essay with everything it met."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from batches.models import BatchItem, Comparison, Essay, EssayPage, Project, RosterName, Score
from batches.pipeline.expected import newest_logits
from batches.pipeline.requests import FIELDS, Desk, Waiting
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"page"


def page_of(client: Client, row: Any) -> Any:
    response = client.get(reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk]))
    assert response.status_code == 200
    return response


@pytest.fixture
def judged(project: Project) -> Comparison:
    """A judged comparison whose essays name a pupil of the roster."""
    assessment = factories.assessment(project, "Year 9")
    assessment.essays.update(text="Written by Oliver Smith, aged 13.")
    comparison = factories.cj_round(assessment, submitted=True).comparisons.order_by("pk")[0]
    RosterName.objects.create(project=project, name="Oliver Smith")
    job = factories.job([comparison])
    factories.judged(job.items.get(), winner="A", why="Clearer.", confidence=3)
    return Comparison.objects.get(pk=comparison.pk)


def sent(comparison: Comparison) -> None:
    """Write down the hash of what is sent for it today."""
    row = Waiting(*Comparison.objects.values_list(*FIELDS).get(pk=comparison.pk))
    prompt, _ = Desk([row]).ask(row, comparison.judge, "x")
    BatchItem.objects.filter(comparison=comparison).update(prompt_sha256=prompt.sha256)


def test_essays_are_shown_as_they_left_with_placeholders_for_names(visit: Visit, judged: Comparison) -> None:
    text = page_of(visit("viewer"), judged).content.decode()
    assert "Oliver Smith" not in text
    assert "Written by " in text
    assert "with placeholders for names" in text


def test_the_hash_tells_whether_this_is_what_was_sent(visit: Visit, judged: Comparison, project: Project) -> None:
    client = visit("viewer")
    assert page_of(client, judged).context["as_sent"] is None
    sent(judged)
    assert "to the letter what the judge was sent" in page_of(client, judged).content.decode()
    RosterName.objects.create(project=project, name="Written")
    page = page_of(client, judged)
    assert page.context["as_sent"] is False
    assert "slightly different prompt" in page.content.decode()


def test_page_images_are_shown_in_order_and_only_to_members(visit: Visit, judged: Comparison, client: Client) -> None:
    essay = judged.essay_b
    for number in (2, 1):
        EssayPage.objects.create(essay=essay, number=number, media_type="image/png", data=PNG + bytes([number]))
    Essay.objects.filter(pk=essay.pk).update(n_pages=2)
    viewer = visit("viewer")
    addresses = page_of(viewer, judged).context["essays"][1]["pages"]
    assert addresses == [reverse("admin:batches_essay_page", args=[essay.pk, n]) for n in (1, 2)]
    image = viewer.get(addresses[1])
    assert (image.content, image["Content-Type"], image["X-Content-Type-Options"]) == (
        PNG + b"\x02",
        "image/png",
        "nosniff",
    )
    assert "sandbox" in image["Content-Security-Policy"]
    client.force_login(factories.person("stranger", factories.project("Southway"), role="viewer"))
    assert client.get(addresses[1]).status_code in {302, 404}
    assert viewer.get(reverse("admin:batches_essay_page", args=[essay.pk, 3])).status_code == 404


def test_the_swapped_repeat_is_beside_it_with_what_it_said(visit: Visit, judged: Comparison) -> None:
    swapped = Comparison.objects.create(
        round=judged.round, essay_a=judged.essay_b, essay_b=judged.essay_a, judge=judged.judge
    )
    factories.judged(factories.job([swapped]).items.get(), winner="A")
    Comparison.objects.create(
        round=judged.round, essay_a=judged.essay_a, essay_b=judged.essay_b, judge=judged.judge, replicate=1
    )
    repeats = page_of(visit("viewer"), judged).context["repeats"]
    assert [(one["order"], one["agrees"]) for one in repeats] == [
        ("in the same order", None),
        ("the other way round", False),
    ]
    assert repeats[1]["winner"] == judged.essay_b
    assert "says the opposite" in page_of(visit("viewer"), judged).content.decode()


def test_an_essay_says_whom_it_met_what_came_of_it_and_whether_that_was_to_be_expected(
    visit: Visit, judged: Comparison
) -> None:
    scale = factories.scale(judged.round.assessment)
    Score.objects.filter(scale=scale, essay=judged.essay_a).update(logit=-2)
    Score.objects.filter(scale=scale, essay=judged.essay_b).update(logit=2)
    assert newest_logits(judged.round.assessment_id, [judged.essay_a_id]) == {judged.essay_a_id: -2}
    client = visit("viewer")
    for essay, result in ((judged.essay_a, "won"), (judged.essay_b, "lost")):
        page = page_of(client, essay)
        met = next(row for row in page.context["met"] if row["comparison"] == judged)
        assert (met["result"], met["expected"]["words"]) == (result, "surprising")
        assert met["expected"]["chance"] == pytest.approx(0.018, abs=0.001)
        assert "Won 1 of 1" in " ".join(page.content.decode().split()) or result == "lost"
    assert page_of(client, judged).context["expected"]["words"] == "surprising"
