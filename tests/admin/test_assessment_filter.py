"""Comparisons of one assessment: found through its rounds, whose numbers the query names."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from batches.models import Comparison
from tests.admin import factories

pytestmark = pytest.mark.django_db
LIST = reverse("admin:batches_comparison_changelist")


def test_the_list_of_one_assessment_reads_its_rounds_and_no_newer_comparisons(client: Client) -> None:
    project = factories.project("Northfield")
    old, new = (factories.assessment(project, title) for title in ("Old", "New"))
    mine, other = factories.cj_round(old), factories.cj_round(new)
    client.force_login(factories.person("me", project, role="everything"))
    with CaptureQueriesContext(connection) as asked:
        found = client.get(LIST, {"round__assessment__id__exact": old.pk}).context["cl"]
    assert {row.round_id for row in found.result_list} == {mine.pk} != {other.pk}
    assert found.result_count == Comparison.objects.filter(round=mine).count()
    assert any(f'"round_id" IN ({mine.pk})' in query["sql"] for query in asked.captured_queries)


def test_a_filter_that_is_no_number_is_refused_as_django_refuses_it(client: Client) -> None:
    project = factories.project("Northfield")
    for title in ("Old", "New"):  # of one alone there is no filter
        factories.assessment(project, title)
    client.force_login(factories.person("me", project, role="everything"))
    answer = client.get(LIST, {"round__assessment__id__exact": "abc"})
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("?e=1")
