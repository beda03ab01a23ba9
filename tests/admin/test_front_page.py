"""The front page: what waits for what, what failed, what each day cost, each figure a link."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from batches import tasks
from batches.admin.spend_chart import MOST_SERIES, spend_chart
from batches.models import DayCost, Judge, Project, Round
from batches.pipeline import overview
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def with_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the queue says is not what these tests are about."""
    monkeypatch.setattr(tasks, "workers", lambda: 2)
    monkeypatch.setattr(tasks, "queue_depths", lambda: {"submit": 1, "poll": 0})


def front(client: Client) -> Any:
    response = client.get(reverse("admin:index"))
    assert response.status_code == 200
    return response


def queues(client: Client) -> list[tuple[str, int, str]]:
    return [(row["strategy"], row["n"], row["leaves"]) for row in front(client).context["queues"]]


def rows_at(client: Client, address: str) -> set[int]:
    response = client.get(address)
    assert response.status_code == 200, address
    return {row.pk for row in response.context["cl"].result_list}


def test_what_waits_is_shown_by_what_it_waits_for_and_leads_there(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "Year 9")
    planned = factories.cj_round(made, pairs=1)
    leaving = factories.cj_round(made, pairs=2, submitted=True)
    gathering = factories.cj_round(made, pairs=3, submitted=True, strategy="accumulate")
    held = factories.cj_round(made, pairs=4, submitted=True, strategy="provider_batch")
    held.comparisons.update(held=True)
    client = visit("viewer")
    page = front(client)
    assert sorted(queues(client)) == [
        ("accumulate", 3, ""),
        ("per round", 1, "when somebody submits the round"),
        ("per round", 2, "as soon as a worker is free"),
        ("provider batch", 4, "when somebody submits them again"),
    ]
    text = " ".join(page.content.decode().split())
    assert "3 of 200 for this judge" in text
    assert "or at the latest" in text
    assert (page.context["waiting"], page.context["to_submit"]) == ("5", "5")
    by_n = {row["n"]: row["href"] for row in page.context["queues"]}
    assert rows_at(client, by_n[1]) == {planned.pk}
    assert rows_at(client, by_n[4]) == set(held.comparisons.values_list("pk", flat=True))
    assert rows_at(client, by_n[3]) == set(gathering.comparisons.values_list("pk", flat=True))
    assert rows_at(client, by_n[2]) >= set(leaving.comparisons.values_list("pk", flat=True))


def test_failures_are_grouped_by_reason_and_lead_to_their_comparisons(visit: Visit, project: Project) -> None:
    job = factories.job(list(factories.cj_round(factories.assessment(project, "T"), submitted=True).comparisons.all()))
    items = list(job.items.all())
    refused = {factories.failed(item, reason="refused").pk for item in items[:2]}
    factories.failed(items[2], reason="truncated")
    client = visit("viewer")
    found = front(client).context["failures"]
    assert [(row["words"], row["n"]) for row in found] == [
        ("the model declined to answer", 2),
        ("the answer was cut off", 1),
    ]
    assert rows_at(client, found[0]["href"]) == refused


def test_spending_is_drawn_by_day_and_judge_and_said_in_words(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "Year 9")
    one, other = made.judges.get(), factories.judge("gpt-5.4-mini", provider="openai")
    today = timezone.localdate()
    for judge, days, cost in ((one, 0, "1.50"), (other, 0, "0.50"), (one, 3, "2.00"), (one, 45, "9.00")):
        DayCost.objects.create(assessment=made, judge=judge, day=today - timedelta(days=days), cost_usd=Decimal(cost))
    theirs = factories.assessment(factories.project("Southway"), "Theirs")
    DayCost.objects.create(assessment=theirs, judge=one, day=today, cost_usd=Decimal(100))
    page = front(visit("viewer"))
    chart = page.context["spend"]
    assert chart.total == Decimal("4.00")
    assert [(line.name, line.total) for line in chart.series] == [
        (str(one), Decimal("3.5")),
        (str(other), Decimal("0.5")),
    ]
    assert len(chart.pieces) == 3
    assert f'aria-label="{chart.summary}"'.replace("'", "&#x27;") in page.content.decode()
    assert "$4.00 in 30 days" in chart.summary
    assert reverse("admin:batches_judge_change", args=[other.pk]) in page.content.decode()


def test_a_bar_is_as_high_as_its_parts_and_many_judges_share_the_last_colour() -> None:
    today = timezone.localdate()
    costs = {(today, judge): Decimal(judge) for judge in range(1, 9)}
    chart = spend_chart(costs, {n: f"J{n}" for n in range(1, 9)}, last=today, days=30)
    assert chart is not None
    assert [one.number for one in chart.series] == list(range(1, MOST_SERIES + 2))
    assert chart.series[-1].total == 1 + 2 + 3
    height = sum(piece.height for piece in chart.pieces)
    full = chart.bottom - chart.ticks[-1][0]
    assert height == pytest.approx(full * 36 / float(chart.ticks[-1][1].strip("$")), rel=0.02)
    assert spend_chart({}, {}, last=today, days=30) is None


def test_counting_stops_where_nobody_reads_on(visit: Visit, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from batches.admin import front_page

    for module in (overview, front_page):
        monkeypatch.setattr(module, "MOST_READ", 2)
    factories.cj_round(factories.assessment(project, "Many"), pairs=5, submitted=True)
    page = front(visit("viewer"))
    assert page.context["waiting"] == "over 2"
    assert "There are over 2 comparisons that are not resolved" in page.content.decode()


def test_a_queue_without_workers_is_said_at_the_top(
    visit: Visit, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = visit("viewer")
    assert "2 workers listen, 1 task queued" in " ".join(front(client).content.decode().split())
    monkeypatch.setattr(tasks, "workers", lambda: 0)
    assert "No worker listens" in front(client).content.decode()


def test_a_model_that_retires_soon_is_named_only_where_it_is_used(visit: Visit, project: Project) -> None:
    judge = factories.judge("claude-sonnet-4-5-20250929")
    client = visit("viewer")
    assert front(client).context["retiring"] == []
    factories.assessment(project, "Year 9", by=judge)
    assert "retires on 2026-11-30" in front(client).context["retiring"][0]
    assert Judge.objects.count() == 1


def test_rounds_without_comparisons_do_not_break_the_page(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "Empty", essays=0)
    Round.objects.create(assessment=made, number=1, pairing="balanced", seed=1, strategy="nightly", n_comparisons=0)
    assert queues(visit("viewer")) == []
