"""The form for names, for those alone who may see them."""

import pytest
from django.urls import reverse

from batches.models import Assessment, Essay, Project
from tests.admin import factories

pytestmark = pytest.mark.django_db
NAMES = "Siobhán O'Neill\n\nKwame  Adjei\nKwame Adjei\n"


@pytest.fixture
def assessment(project: Project) -> Assessment:
    made = factories.assessment(project, "Years", essays=2)
    Essay.objects.create(assessment=made, candidate="P1", text="Kwame rang 07700 900123, <b>then</b> k@x.org.")
    return made


def page(of, name: str) -> str:
    return reverse(f"admin:batches_{of._meta.model_name}_{name}", args=[of.pk])


def test_an_administrator_saves_names_and_what_is_replaced(visit, assessment):
    client = visit("administrator")
    posted = {"names": NAMES, "replace_names": "on", "replace_emails": "on"}
    assert client.post(page(assessment, "roster"), posted).status_code == 302
    assert list(assessment.roster.values_list("name", flat=True)) == ["Kwame Adjei", "Siobhán O'Neill"]
    assessment.refresh_from_db()
    assert assessment.overrides == {"replace_phones": "no"}
    shown = client.get(page(assessment, "change")).text
    assert "in 1 of 3 essays: names 1, e-mail addresses 1, phone numbers 0" in " ".join(shown.split())
    assert "Adjei" not in shown
    essay = client.get(page(Essay.objects.get(candidate="P1"), "change")).text
    assert "[name] rang 07700 900123, &lt;b&gt;then&lt;/b&gt; [e-mail]." in essay


def test_a_project_has_a_roster_of_its_own(visit, assessment):
    assert visit("administrator").post(page(assessment.project, "roster"), {"names": NAMES}).status_code == 302
    assert Essay.objects.get(candidate="P1").n_names == 1


@pytest.mark.parametrize("role", ["viewer", "editor", "submitter"])
def test_nobody_else_sees_names(visit, assessment, role):
    for of in (assessment, assessment.project):
        assert visit(role).get(page(of, "roster")).status_code == 403
        assert visit(role).post(page(of, "roster"), {"names": "X"}).status_code == 403
    assert not assessment.project.roster.exists()


def test_a_code_that_holds_a_name_is_refused_in_one_sentence(visit, assessment):
    Essay.objects.create(assessment=assessment, candidate="adjei-1", text="One.")
    answer = visit("administrator").post(page(assessment, "roster"), {"names": NAMES})
    assert "1 candidate code holds a name of the roster: give" in answer.text
    assert not assessment.roster.exists()
