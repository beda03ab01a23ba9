"""What pages say where little, or something unusual, is there: a sentence that is true, and a next step."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from batches.admin.words import usd
from batches.conf import cj_settings
from batches.models import Comparison, Project, Round
from batches.pipeline import erase, plan, progress
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.pipeline.people import only_people, submitted, with_people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]


def said(client: Client, name: str, *of: Any) -> str:
    return " ".join(client.get(reverse(f"admin:{name}", args=of)).content.decode().split())


def member_of(role: str, of: Project) -> Client:
    client = Client()
    client.force_login(factories.person(role, of, role=role))
    return client


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0, "$0.00"), ("0.02", "$0.02"), ("0.0200", "$0.02"), ("0.0212", "$0.0212"), ("0.126", "$0.13"), (5, "$5.00")],
)
def test_whole_cents_are_written_as_cents(amount: Any, words: str) -> None:
    assert usd(Decimal(amount)) == words


def test_a_purged_assessment_is_offered_nothing_more(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "Year 9")
    erase.purge(made, actor=None)
    text = said(visit("administrator"), "batches_assessment_change", made.pk)
    assert "Nothing: its texts were removed for good." in text
    for button in ("Plan rounds", "Purge texts", "Add essays"):
        assert f"{button}</" not in text, button
    assert ">purged</span>" in said(visit("viewer"), "batches_assessment_changelist")


def test_where_only_people_are_waited_for_lists_and_the_front_page_say_so() -> None:
    assessment = only_people("ada", "ben", essays=8)
    submitted(assessment)
    client = member_of("viewer", assessment.project)
    for page in ("batches_assessment_changelist", "batches_round_changelist", "index"):
        assert ">with people</span>" in said(client, page), page
    assert ">with people</span>" in said(client, "batches_assessment_change", assessment.pk)
    assert ">with people</span>" in said(client, "batches_round_change", assessment.rounds.get().pk)
    [row] = client.get(reverse("admin:index")).context["queues"]
    n = Comparison.objects.filter(judge__kind="PERSON").count()
    assert (row["judge"], row["n"]) == ("people", n)
    listed = client.get(row["href"])
    assert listed.context["cl"].result_count == n


def test_what_people_will_be_given_stands_on_one_line_before_it_is_submitted() -> None:
    assessment = with_people("ada", "ben", essays=8)
    plan.plan_rounds(assessment, actor=None)
    client = member_of("viewer", assessment.project)
    lines = [(row["judge"], row["n"]) for row in client.get(reverse("admin:index")).context["queues"]]
    assert len(lines) == 2
    assert ("people", Comparison.objects.filter(judge__kind="PERSON").count()) in lines


def test_known_pairs_are_told_beside_the_totals_that_count_them(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "Year 9", essays=6, overrides={"canaries_per_round": 4})
    plan.plan_rounds(made, actor=None)
    watching = Round.everything.get(assessment=made, purpose=Round.Purpose.CANARY).n_comparisons
    assert progress.progress(made).known_pairs == watching == 4
    assert cj_settings.of(made.overrides).canaries_per_round == 4
    assert "count 4 known pairs" in said(visit("viewer"), "batches_assessment_change", made.pk)


def test_whoever_is_in_no_project_is_told_to_make_one_before_a_new_assessment() -> None:
    lonely = Client()
    lonely.force_login(factories.person("root", is_superuser=True))
    assert "Make a project first" in said(lonely, "batches_assessment_add")
    editor = Client()
    editor.force_login(factories.person("lonely", role="editor"))
    assert "Ask an administrator to add you to one." in said(editor, "batches_assessment_add")
    assert User.objects.filter(projects=None).count() == 2


def test_an_empty_list_says_how_rows_come_into_it_and_a_search_in_vain_what_to_type(visit: Visit) -> None:
    client = visit("viewer")
    assert "Rounds are planned on the page of their assessment." in said(client, "batches_round_changelist")
    found = client.get(reverse("admin:batches_essay_changelist"), {"q": "nobody"}).content.decode()
    assert "Type the whole of what is looked for" in found
    assert "Essays are loaded on" not in found
