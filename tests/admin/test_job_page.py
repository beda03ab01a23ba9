"""A batch job's page: its way, a ledger that balances, errors by reason, files, and the buttons of its state."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from batches.admin import job_page
from batches.models import BatchJob, Project, RawFile, StrayLine
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
Status = BatchJob.Status


def page_of(client: Client, job: BatchJob, query: str = "") -> Any:
    response = client.get(reverse("admin:batches_batchjob_change", args=[job.pk]) + query)
    assert response.status_code == 200
    return response


@pytest.fixture
def job(project: Project) -> BatchJob:
    """Six comparisons: one judged, two refused, one cut off, two open."""
    made = factories.assessment(project, "Year 9")
    job = factories.job(list(factories.cj_round(made, pairs=6, submitted=True).comparisons.order_by("pk")))
    items = list(job.items.order_by("pk"))
    factories.judged(items[0])
    factories.failed(items[1])
    factories.failed(items[2])
    factories.failed(items[3], reason="truncated")
    return job


def test_the_way_a_job_went_is_shown_state_by_state(visit: Visit, job: BatchJob) -> None:
    job.advance(Status.RUNNING)
    entries = page_of(visit("viewer"), job).context["timeline"]
    assert [str(one["words"]) for one in entries] == ["planned", "calling"]
    assert [bool(one["goes_on"]) for one in entries] == [False, True]
    assert all(one["stayed"] for one in entries)
    job.items.filter(outcome=None).update(outcome="MISSING", reason="missing")
    job.advance(Status.COLLECTED, n_succeeded=1, n_invalid=3, n_missing=2)
    entries = page_of(visit("viewer"), job).context["timeline"]
    assert [str(one["words"]) for one in entries] == ["planned", "calling", "collected"]
    assert entries[-1]["stayed"] == ""


def test_the_ledger_adds_up_and_each_line_leads_to_its_comparisons(visit: Visit, job: BatchJob) -> None:
    client = visit("viewer")
    page = page_of(client, job)
    ledger = [(row["outcome"], row["n"]) for row in page.context["ledger"]]
    assert sorted(ledger) == [("INVALID", 1), ("INVALID", 2), ("OPEN", 2), ("SUCCEEDED", 1)]
    assert sum(n for _, n in ledger) == job.n_items
    assert [(row["n"], row["reason"]) for row in page.context["troubles"]] == [
        (2, "the model declined to answer"),
        (1, "the answer was cut off"),
    ]
    for row in page.context["ledger"]:
        items = page_of(client, job, row["href"]).context["items"]
        assert len(items) == row["n"]
        assert {item.outcome or "OPEN" for item in items} == {row["outcome"]}
    assert "Because" not in page.content.decode()
    assert "2 comparisons because the model declined to answer" in " ".join(page.content.decode().split())


def test_items_are_paged_by_key_within_what_was_chosen(
    visit: Visit, job: BatchJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_page, "ITEMS_PER_PAGE", 1)
    client, seen, query = visit("viewer"), [], "?outcome=INVALID&reason=refused"
    while query:
        context = page_of(client, job, query).context
        seen += [item.pk for item in context["items"]]
        query = context["next_page"].removesuffix("#items")
    assert seen == list(job.items.filter(reason="refused").order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize(
    "query", ["?outcome=NONSENSE", "?after=x", "?after=99999999999999999999", "?reason=%00", "?p=2"]
)
def test_an_address_that_somebody_made_up_does_not_break_the_page(visit: Visit, job: BatchJob, query: str) -> None:
    page_of(visit("viewer"), job, query)


def test_files_and_lines_that_fit_nowhere_are_shown_only_to_those_whose_job_it_is(
    visit: Visit, project: Project
) -> None:
    mine, theirs = factories.assessment(project, "Mine"), factories.assessment(factories.project("South"), "Theirs")
    rounds = [factories.cj_round(one, pairs=1, submitted=True) for one in (mine, theirs)]
    shared = factories.job([one.comparisons.get() for one in rounds])
    own = factories.job(list(factories.cj_round(mine, pairs=2, submitted=True).comparisons.all()))
    for one in (shared, own):
        BatchJob.objects.filter(pk=one.pk).update(input_file_id="file-abc", n_strangers=1)
        RawFile.objects.create(job=one, kind="OUTPUT", sha256="ab" * 32, size=2048, n_lines=7, lines_read=3)
        StrayLine.objects.create(job=one, kind="STRANGER", custom_id="whose", line_sha256="c", line="<b>stray</b>")
    client = visit("viewer")
    text = " ".join(page_of(client, own).content.decode().split())
    for words in ("file-abc", "ab" * 32, "2.0 KB", "3 of 7", "&lt;b&gt;stray&lt;/b&gt;", "1: unknown id"):
        assert words in text, words
    text = page_of(client, shared).content.decode()
    assert "also holds comparisons of projects you do not belong to" in text
    for words in ("file-abc", "ab" * 32, "stray</b>"):
        assert words not in text


@pytest.mark.parametrize(
    ("packing", "moves", "buttons"),
    [
        ("SINGLE", [], {"cancel"}),
        ("SINGLE", ["RUNNING"], {"cancel"}),
        ("SINGLE", ["RUNNING", "NEEDS_ATTENTION"], {"cancel", "look_again", "never_arrived"}),
        ("PROVIDER_BATCH", ["SENDING", "IN_DOUBT"], {"poll", "cancel"}),
        (
            "PROVIDER_BATCH",
            ["SENDING", "IN_DOUBT", "NEEDS_ATTENTION"],
            {"cancel", "look_again", "adopt", "never_arrived"},
        ),
        ("PROVIDER_BATCH", ["SENDING", "REFUSED"], set()),
    ],
)
def test_the_state_decides_which_buttons_there_are(
    visit: Visit, project: Project, packing: str, moves: list[str], buttons: set[str]
) -> None:
    made = factories.assessment(project, "Year 9")
    job = factories.job(list(factories.cj_round(made, submitted=True).comparisons.all()), packing=packing)
    for status in moves:
        job.advance(Status(status), error="No.")
    assert {one["name"] for one in page_of(visit("submitter"), job).context["buttons"]} == buttons


def test_a_large_job_takes_as_many_queries_as_a_small_one(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "Year 9", essays=12)
    client, asked = visit("viewer"), []
    for pairs in (2, 60):
        job = factories.job(list(factories.cj_round(made, pairs=pairs, submitted=True).comparisons.all()))
        with CaptureQueriesContext(connection) as found:
            page_of(client, job)
        asked.append(len(found))
    assert asked[0] == asked[1] <= 15
