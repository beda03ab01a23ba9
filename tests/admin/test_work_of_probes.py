"""The essays and assessments of probes: out of sight among the staff's own, there for whoever asks."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from batches.models import Assessment, Essay, Probe, Project
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
LISTS = {name: reverse(f"admin:batches_{name}_changelist") for name in ("assessment", "essay")}


@pytest.fixture
def probe(project: Project) -> Probe:
    factories.assessment(project, "Year 9", essays=3)
    return factories.probe(project)


@pytest.fixture
def client(visit: Visit, probe: Probe) -> Client:
    return visit("administrator")


def listed(client: Client, name: str, **asked: Any) -> set[Any]:
    return set(client.get(LISTS[name], asked).context["cl"].result_list)


def rows(name: str, **of: Any) -> set[Any]:
    return (
        set(Essay.objects.filter(**{f"assessment__{key}": value for key, value in of.items()}))
        if (name == "essay")
        else set(Assessment.objects.filter(**of))
    )


@pytest.mark.parametrize("name", LISTS)
def test_they_are_not_among_the_staffs_own_unless_they_are_asked_for(client: Client, name: str) -> None:
    own, of_probes = rows(name, probe=None), rows(name, probe__isnull=False)
    assert own
    assert of_probes
    assert listed(client, name) == listed(client, name, probes="nonsense") == own
    assert listed(client, name, probes="shown") == own | of_probes
    assert listed(client, name, probes="only") == of_probes


def test_whoever_names_one_finds_it(client: Client, probe: Probe) -> None:
    essay = probe.assessment.essays.latest("pk")
    assert listed(client, "essay", assessment__id__exact=probe.assessment_id) == set(probe.assessment.essays.all())
    assert listed(client, "essay", assessment__id__exact="none") == rows("essay", probe=None)
    assert listed(client, "essay", q=essay.candidate) == {essay}
    assert listed(client, "assessment", q=probe.assessment.slug) == {probe.assessment}
    for row in (essay, probe.assessment, probe):
        page = reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk])
        assert client.get(page).status_code == 200


def test_nobody_is_offered_one_to_add_essays_to_or_to_filter_by(client: Client, probe: Probe) -> None:
    factories.assessment(probe.assessment.project, "Year 10")  # of one alone there is no filter
    form = client.get(reverse("admin:batches_essay_add")).context["adminform"].form
    assert set(form.fields["assessment"].queryset) == rows("assessment", probe=None)
    for name in ("round", "comparison", "scale"):
        text = client.get(reverse(f"admin:batches_{name}_changelist")).content.decode()
        assert ">Year 9</option>" in text
        assert f">{probe.assessment.title}</option>" not in text


def test_the_filter_names_the_one_that_the_address_names(client: Client, probe: Probe) -> None:
    factories.assessment(probe.assessment.project, "Year 10")
    asked = {"round__assessment__id__exact": probe.assessment_id}
    text = client.get(reverse("admin:batches_comparison_changelist"), asked).content.decode()
    assert f'<option value="{probe.assessment_id}" selected>{probe.assessment.title}</option>' in text


def test_the_front_page_counts_the_staffs_own(client: Client) -> None:
    shown = client.get(reverse("admin:index")).context
    assert shown["n_assessments"] == len(shown["assessments"]) == 1
