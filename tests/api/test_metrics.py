"""/metrics, /healthz and /readyz: what they say, to whom, and at what price."""

from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from batches.models import Assessment, BatchItem, BatchJob, Comparison
from batches.pipeline.figures import figures
from tests.admin import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues")]
SECRET = "a long random metrics token"


@pytest.fixture
def scrape(settings: Any) -> Any:
    settings.METRICS_TOKEN = SECRET

    def values() -> dict[tuple[str, ...], float]:
        """(name, label values in the order of their names) -> value."""
        response = Client().get("/metrics", headers={"Authorization": f"Bearer {SECRET}"})
        assert response.status_code == 200
        families = text_string_to_metric_families(response.content.decode())
        samples = [sample for family in families for sample in family.samples]
        found = {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in samples}
        assert len(found) == len(samples)
        return found

    return values


def test_there_is_no_page_without_a_token_that_was_set(settings: Any) -> None:
    assert Client().get("/metrics").status_code == 404
    settings.METRICS_TOKEN = SECRET
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        response = Client().get("/metrics", headers=given)
        assert response.status_code == 401
        assert b"cj_" not in response.content


def test_the_figures_are_those_of_the_rows(scrape: Any) -> None:
    rows = factories.whole_project("Northfield")
    BatchJob.objects.update(n_succeeded=1, n_invalid=1, cost_usd="0.0015", input_tokens=900, output_tokens=60)
    Assessment.objects.filter(probe=None).update(spent_usd="0.0015", reserved_usd="0.01")
    found = scrape()
    model = rows["batchjob"].judge.model_id
    assert found["cj_jobs", "SINGLE", "anthropic", "PLANNED"] == 1
    assert found["cj_items_total", model, "SUCCEEDED", "anthropic"] == 1
    assert found["cj_items_total", model, "LOST", "anthropic"] == 0
    assert found["cj_tokens_total", "input", model, "anthropic"] == 900
    assert found["cj_tokens_total", "output", model, "anthropic"] == 60
    assert found["cj_cost_usd_total", model, "anthropic"] == 0.0015
    assert (found["cj_spent_usd",], found["cj_reserved_usd",]) == (0.0015, 0.01)
    assert found["cj_comparisons", "PENDING"] == Comparison.objects.filter(status="PENDING").count() == 2
    assert found["cj_callbacks_waiting",] == 1
    assert found["cj_callback_lag_seconds",] >= 0
    assert found["cj_queue_depth", "submit"] == found["cj_queue_depth", "poll"] == found["cj_workers",] == 0
    assert found["cj_accounts_paused",] == 0


def test_a_poll_that_is_late_is_seen(scrape: Any) -> None:
    from datetime import timedelta

    from batches.models.fields import DatabaseClock

    assert scrape()["cj_poll_overdue_seconds",] == 0
    made = factories.job(list(factories.whole_project("N")["planned"].comparisons.all()), packing="PROVIDER_BATCH")
    made.advance(BatchJob.Status.SENDING)
    late = DatabaseClock() - timedelta(seconds=90)
    made.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id="b", next_poll_at=late)
    found = scrape()
    assert found["cj_polls_overdue",] == 1
    assert 90 <= found["cj_poll_overdue_seconds",] < 600


def test_the_price_of_a_scrape_does_not_grow_with_the_rows(scrape: Any, django_assert_max_num_queries: Any) -> None:
    for name in ("Northfield", "Southfield", "Eastfield"):
        factories.whole_project(name)
    with django_assert_max_num_queries(8) as asked:
        figures()
    said = " ".join(query["sql"] for query in asked.captured_queries)
    assert BatchItem._meta.db_table not in said


def test_names_of_people_and_projects_are_not_among_the_figures(settings: Any) -> None:
    settings.METRICS_TOKEN = SECRET
    factories.whole_project("Zeppelin")
    said = Client().get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).content
    assert b"eppelin" not in said


def test_alive_asks_nobody(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"alive": True})


def test_ready_when_every_part_is(settings: Any) -> None:
    response = Client().get("/readyz")
    assert response.status_code == 200
    assert response.json()["parts"] == {
        "database": "answers",
        "migrations": "applied",
        "valkey": "answers",
        "provider": "local",
    }


def failing(**kwargs: Any) -> tuple[int, list[str], dict[str, str]]:
    response = Client().get("/readyz", **kwargs)
    return response.status_code, response.json()["failing"], response.json()["parts"]


def test_not_ready_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise DatabaseError("secret host is down")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", refused)
    status, names, parts = failing()
    assert (status, names) == (503, ["database", "migrations"])
    assert "secret" not in str(parts)


def test_not_ready_without_valkey(settings: Any) -> None:
    nowhere = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere.sock"}
    settings.CACHES = {"default": nowhere}
    assert failing()[:2] == (503, ["valkey"])


def test_not_ready_with_a_migration_that_is_not_applied() -> None:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    newest = MigrationRecorder.Migration.objects.filter(app="batches").order_by("name").last()
    MigrationRecorder(connection).record_unapplied("batches", newest.name)
    status, names, parts = failing()
    assert (status, names) == (503, ["migrations"])
    assert parts["migrations"].startswith("1 migration")


def test_not_ready_without_a_provider(settings: Any) -> None:
    settings.LOCAL_PROVIDER = False
    assert failing()[:2] == (503, ["provider"])


def test_probes_are_not_sent_to_tls(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/admin/").status_code == 301
