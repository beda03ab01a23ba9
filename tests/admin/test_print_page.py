"""The report to print: everything on the paper, nothing that acts, and only for those who may see the scale."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from batches.admin.print_page import reliability_sentence
from batches.models import Essay, Project, Scale
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
HOSTILE = "</title><script>alert(1)</script>"


@pytest.fixture
def scale(project: Project) -> Scale:
    made = factories.assessment(project, HOSTILE, instructions=HOSTILE, essays=0)
    for i in range(3):
        Essay.objects.create(assessment=made, candidate=f"{HOSTILE}{i}", text="A pupil's text of some words.")
    items = list(factories.job(list(factories.cj_round(made, submitted=True).comparisons.all())).items.all())
    for item in items:
        factories.judged(item)
    scale = factories.scale(made)
    look_first = [{"essay": scale.scores.get(rank=1).essay.candidate, "essay_id": 1, "reasons": ["misfit"]}]
    Scale.objects.filter(pk=scale.pk).update(
        eb_reliability_low=0.80,
        eb_reliability_high=0.91,
        judgement_ids=[item.comparison_id for item in items],
        report={"look_first": look_first, "flips": {}},
    )
    return Scale.objects.get(pk=scale.pk)


def test_the_paper_says_what_was_judged_by_whom_how_sure_it_is_and_how_to_read_it(visit: Visit, scale: Scale) -> None:
    response = visit("viewer").get(reverse("admin:batches_scale_print", args=[scale.pk]))
    text = " ".join(response.content.decode().split())
    for words in (
        "Local judge.",
        "not published: it may still change",
        "3 essays were compared two at a time, 3 times in all.",
        "The judge, claude-haiku-4-5-20251001 (local), read both essays",
        (
            "about 87 in 100 are differences between the essays; the rest is chance "
            "(reliability 0.87, between 0.80 and 0.91 with 95 % certainty)."
        ),
        "The order is dependable for most purposes",
        "Look at these first",
        "How to read this",
    ):
        assert words in text, words
    ranks = re.findall(r'<tr><td class="n">(\d+)</td>', text)
    assert ranks == ["1", "2", "3"]
    assert response.context["words"] == 6
    assert response.context["judged"] is not None


def test_nothing_on_the_paper_acts(visit: Visit, scale: Scale) -> None:
    text = visit("viewer").get(reverse("admin:batches_scale_print", args=[scale.pk])).content.decode()
    assert "<script>alert" not in text
    assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/cj/print.js" defer>']
    assert " style=" not in text
    assert " onclick=" not in text


def test_a_scale_without_a_reliability_is_printed_with_that(visit: Visit, scale: Scale) -> None:
    Scale.objects.filter(pk=scale.pk).update(eb_reliability=None, eb_reliability_low=None, judgement_ids=[])
    scale.refresh_from_db()
    assert reliability_sentence(scale) == "The reliability cannot be told from these judgements."
    assert visit("viewer").get(reverse("admin:batches_scale_print", args=[scale.pk])).status_code == 200


def test_those_who_may_not_see_the_scale_print_nothing(scale: Scale, client: Client) -> None:
    client.force_login(factories.person("stranger", factories.project("Southway"), role="editor"))
    assert client.get(reverse("admin:batches_scale_print", args=[scale.pk])).status_code == 404
