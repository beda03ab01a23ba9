"""Pages and lists: how often each asks the database. As often for many rows as for few, and seldom."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from batches import tasks
from batches.models import Assessment, BatchJob, Comparison, Membership, Project
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
MOST = 15
LISTS = (
    *("assessment", "essay", "round", "comparison", "batchjob", "scale", "callback", "judge", "provideraccount"),
    *("auditentry", "project", "apitoken", "erasure", "probe"),
)


@pytest.fixture(autouse=True)
def with_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is not asked: it is no part of the database."""
    monkeypatch.setattr(tasks, "workers", lambda: 2)
    monkeypatch.setattr(tasks, "queue_depths", lambda: {"submit": 1, "poll": 0})


@pytest.fixture
def client(visit: Visit) -> Client:
    return visit("administrator")


def asked(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200, address
    return len(found)


def work(project: Project, *, times: int = 1) -> Assessment:
    """An assessment in every state at once: judged, failed, under way, waiting, gathering, planned, and scored."""
    made = factories.assessment(project, f"Work {Assessment.objects.count()}", essays=6)
    add(made, times)
    factories.scale(made)
    return made


def add(made: Assessment, times: int) -> None:
    for _ in range(times):
        job = factories.job(list(factories.cj_round(made, pairs=4, submitted=True).comparisons.all()))
        items = list(job.items.all())
        factories.judged(items[0])
        factories.failed(items[1])
        factories.failed(items[2], reason="truncated")
        for strategy in ("per_round", "accumulate", "nightly"):
            factories.cj_round(made, pairs=3, submitted=True, strategy=strategy)
        factories.cj_round(made, pairs=2)
        factories.callback(Comparison.objects.filter(status="JUDGED").latest("pk"))


def row_page(row: Any, page: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def test_the_front_page_asks_at_most_fifteen_times_whatever_is_going_on(client: Client, project: Project) -> None:
    work(project)
    few = asked(client, reverse("admin:index"))
    for _ in range(3):
        work(project, times=2)
    assert asked(client, reverse("admin:index")) == few <= MOST


def test_the_page_of_an_assessment_asks_as_often_for_many_rounds_and_jobs_as_for_one(
    client: Client, project: Project
) -> None:
    """Fifteen times, and once more where comparisons wait for company: with whom is a matter of all assessments."""
    made = work(project)
    pages = [row_page(made), row_page(made, "live")]
    few = [asked(client, page) for page in pages]
    add(made, 4)
    factories.scale(made)
    assert [asked(client, page) for page in pages] == few
    assert max(few) <= MOST + 1
    made.rounds.filter(strategy__in=["accumulate", "nightly"]).update(strategy="per_round")
    assert max(asked(client, page) for page in pages) <= MOST


def test_a_page_that_asks_whether_anything_moved_is_told_no_for_nine_queries(client: Client, project: Project) -> None:
    page = row_page(work(project), "live")
    etag = client.get(page)["ETag"]
    with CaptureQueriesContext(connection) as found:
        assert client.get(page, headers={"If-None-Match": etag}).status_code == 304
    assert len(found) <= 9


def test_the_page_of_an_essay_asks_as_often_for_many_comparisons_as_for_one(client: Client, project: Project) -> None:
    made = work(project)
    essay = made.essays.order_by("pk")[0]
    few = asked(client, row_page(essay))
    add(made, 3)
    factories.scale(made)
    assert asked(client, row_page(essay)) == few <= 13


def test_the_page_of_a_job_asks_as_often_whether_or_not_others_share_it(client: Client, project: Project) -> None:
    job = BatchJob.objects.get(parts__assessment=work(project))
    assert asked(client, row_page(job)) <= MOST
    BatchJob.objects.update(project=project)
    assert asked(client, row_page(job)) <= MOST


def test_a_person_and_a_role_are_shown_for_few_queries_however_many_rights_they_have(
    client: Client, project: Project
) -> None:
    person = factories.person("rich", project, role="everything")
    for group in Group.objects.all():
        person.groups.add(group)
        assert asked(client, row_page(group)) <= 8, group
    assert asked(client, row_page(person)) <= MOST
    assert asked(client, reverse("admin:auth_group_changelist")) <= 9


@pytest.mark.parametrize("model", LISTS)
def test_a_list_asks_as_often_for_many_rows_as_for_few(client: Client, project: Project, model: str) -> None:
    def everything(name: str) -> None:
        made = factories.whole_project(name)
        Membership.objects.create(project=made["project"], user_id=int(client.session["_auth_user_id"]))

    address = reverse(f"admin:batches_{model}_changelist")
    everything("Southway")
    few = asked(client, address)
    for i in range(3):
        everything(f"More {i}")
    assert asked(client, address) == few <= 12


def test_comparisons_are_in_the_order_of_their_numbers_whatever_an_address_asks_for(
    client: Client, project: Project
) -> None:
    """By any other column PostgreSQL would read and sort all of them."""
    work(project)
    address = reverse("admin:batches_comparison_changelist")
    newest_first = list(Comparison.objects.order_by("-pk").values_list("pk", flat=True))
    for order in range(1, 9):
        response = client.get(address, {"o": str(order)})
        assert [row.pk for row in response.context["cl"].result_list] == newest_first
    assert "?o=" not in response.content.decode()
