"""A caller of one project finds nothing of another: on no address, in no list, count, filter or error."""

from typing import Any

import pytest
from django.db import transaction

from batches.models import Assessment, BatchItem
from tests.admin import factories
from tests.admin.snapshot import snapshot
from tests.api.conftest import Call, caller
from tests.api.operations import Operation, operations
from tests.making import count_parts

THEIRS = "Zeppelin"  # stands in every name and text of the other project
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]
LISTS = [one for one in operations() if one.method == "GET" and not one.of_a_row and one.name != "get_health"]


@pytest.fixture
def theirs() -> dict[str, Any]:
    rows = factories.whole_project(THEIRS)
    Assessment.objects.filter(pk=rows["assessment"].pk).update(overrides={"llm_batching_strategy": "accumulate"})
    return rows


@pytest.fixture(params=["token:read,write,spend", "administrator", "superuser"])
def me(request: pytest.FixtureRequest) -> Call:
    return caller(request.param, factories.whole_project("Mine")["project"])


def shows_nothing(response: Any) -> bool:
    said = response.content + "".join(f"{name}{value}" for name, value in response.items()).encode()
    return THEIRS.lower().encode() not in said.lower() and response.status_code < 500


def test_no_address_shows_a_row_of_another_project(me: Call, theirs: dict[str, Any]) -> None:
    before = snapshot()
    for operation in operations():
        with transaction.atomic():
            headers = {"Idempotency-Key": f"leak-{operation.name}"}
            response = me(operation.method, operation.url(theirs), operation.body(theirs), **headers)
            transaction.set_rollback(True)
        assert shows_nothing(response), (operation.name, response.content)
        if operation.of_a_row:
            assert response.status_code == 404, operation.name
    assert snapshot() == before


@pytest.mark.parametrize("operation", LISTS, ids=lambda one: one.name)
def test_a_list_holds_own_rows_only_and_filtered_by_foreign_values_none(operation: Operation, theirs: Any) -> None:
    mine = factories.whole_project("Mine")
    me = caller("token:read", mine["project"])
    foreign = {
        "assessment": theirs["assessment"].slug,
        "round": theirs["round"].pk,
        "project": theirs["project"].pk,
    }
    whole = me("GET", operation.path)
    assert whole.data["items"] != []
    assert shows_nothing(whole)
    for parameter in operation.details["parameters"]:
        if parameter["in"] == "query" and parameter["name"] in foreign:
            found = me("GET", f"{operation.path}?{parameter['name']}={foreign[parameter['name']]}")
            assert found.data == {"items": [], "next": None}, parameter["name"]


def test_a_foreign_project_is_refused_in_the_words_of_one_that_does_not_exist(me: Call, theirs: dict[str, Any]) -> None:
    said = []
    for project in (theirs["project"].pk, 999_999):
        given = {"project": project, "title": "Taken"}
        response = me("POST", "/assessments", given, Idempotency_Key=f"k{project}")
        assert response.status_code == 422
        said.append(response.data["detail"].replace(str(project), "N"))
    assert said[0] == said[1]


def test_whether_another_project_has_an_assessment_of_a_name_cannot_be_found_out(theirs: dict[str, Any]) -> None:
    project = factories.project("Mine")
    me = caller("token:write", project)
    given = {"project": project.pk, "title": theirs["assessment"].title}
    first = me("POST", "/assessments", given, Idempotency_Key="1").data["slug"]
    second = me("POST", "/assessments", given, Idempotency_Key="2").data["slug"]
    assert first != second
    assert first[:-6] == second[:-6] == "zeppelin-essays-"


@pytest.fixture
def shared(theirs: dict[str, Any]) -> dict[str, Any]:
    """A batch job that holds two comparisons of mine and three of theirs."""
    mine = factories.whole_project("Mine")
    ours = list(mine["planned"].comparisons.order_by("pk"))
    foreign = list(factories.cj_round(theirs["assessment"], pairs=3).comparisons.order_by("pk"))
    job = factories.job([*ours, *foreign], packing="PROVIDER_BATCH", strategy="accumulate")
    BatchItem.objects.filter(job=job).update(cost_usd="0.5", reserved_usd="0.25")
    count_parts(job.pk)
    return {**mine, "batchjob": job, "foreign": foreign}


def test_of_a_shared_job_a_caller_sees_their_own_part(shared: dict[str, Any]) -> None:
    me = caller("token:read", shared["project"])
    job = me("GET", f"/batch-jobs/{shared['batchjob'].pk}").data
    assert (job["items"], job["cost_usd"], job["reserved_usd"]) == (2, "1.000000000000", "0.500000000000")
    items = me("GET", f"/batch-jobs/{shared['batchjob'].pk}/items").data["items"]
    assert len(items) == 2
    listed = me("GET", "/batch-jobs").data["items"][0]
    assert listed == job


def test_a_shared_job_is_not_cancelled_by_one_of_its_projects(shared: dict[str, Any]) -> None:
    me = caller("token:spend", shared["project"])
    response = me("POST", f"/batch-jobs/{shared['batchjob'].pk}/cancel", Idempotency_Key="k")
    assert response.status_code == 409
    shared["batchjob"].refresh_from_db()
    assert shared["batchjob"].cancel_asked_at is None


def test_how_many_comparisons_of_others_gather_is_not_said(theirs: dict[str, Any]) -> None:
    mine = factories.whole_project("Mine")
    for work, pairs in ((mine["assessment"], 2), (theirs["assessment"], 5)):
        factories.cj_round(work, pairs=pairs, submitted=True, strategy="accumulate")
    shown = caller("token:read", mine["project"])("GET", f"/assessments/{mine['assessment'].slug}/standing").data
    assert "7 " not in shown["happening"]
