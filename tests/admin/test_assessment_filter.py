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


def test_the_choices_are_written_as_text_and_the_chosen_one_is_marked(client: Client) -> None:
    project = factories.project("Northfield")
    plain, hostile = (factories.assessment(project, title) for title in ("Old", '"><script>alert(1)</script>'))
    client.force_login(factories.person("me", project, role="everything"))
    text = client.get(LIST, {"round__assessment__id__exact": plain.pk}).content.decode()
    assert f'<option value="{plain.pk}" selected>Old</option>' in text
    assert f'<option value="{hostile.pk}">&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</option>' in text
    assert 'class="border ' in text.partition('<select name="round__assessment__id__exact"')[2].partition(">")[0]


def test_a_later_page_holds_the_rows_that_come_next(client: Client) -> None:
    project = factories.project("Northfield")
    made = factories.assessment(project, "Year 9", essays=12)
    factories.cj_round(made, pairs=60)
    client.force_login(factories.person("me", project, role="everything"))
    newest_first = list(Comparison.objects.order_by("-pk").values_list("pk", flat=True))
    for page, rows in ((1, newest_first[:50]), (2, newest_first[50:])):
        assert [row.pk for row in client.get(LIST, {"p": page}).context["cl"].result_list] == rows
