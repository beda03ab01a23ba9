"""A fault planted in sound rows, or in the provider's ledger -> the checker names the promise that it breaks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from batches.models import Assessment, BatchItem, BatchJob, Callback, Comparison, JobPart, Judgement, Stranger
from chaos import checker
from tests.making import make_assessment
from tests.pipeline.conftest import drain, plan_and_let_go

pytestmark = pytest.mark.django_db


@dataclass
class Books:
    """What the checker asks of the harness's world."""

    provider_folder: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def ledger(self) -> list[dict[str, Any]]:
        return self.rows


@pytest.fixture
def books(provider, cj, settings) -> Books:
    """Four comparisons judged in one provider batch, with nothing wrong."""
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9"
    cj(callback_sink="kafka", delete_provider_files=False)
    plan_and_let_go(make_assessment(8), strategy="provider_batch")
    drain()
    return Books(provider_folder=provider.folder, rows=provider.ledger(limit=1000))


@contextmanager
def planted() -> Iterator[None]:
    """Rows as no trigger or constraint would let them become; taken back at the end."""
    with transaction.atomic():
        point = transaction.savepoint_create()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
        try:
            yield
        finally:
            transaction.savepoint_rollback(point)


def comparison_left(books: Books) -> None:
    Comparison.objects.filter(pk=_first().comparison_id).update(status="IN_FLIGHT")


def judgement_gone(books: Books) -> None:
    Judgement.objects.filter(item=_first())._raw_delete("default")


def winner_turned(books: Books) -> None:
    judgement = Judgement.objects.get(item=_first())
    Judgement.objects.filter(pk=judgement.pk).update(winner="B" if judgement.winner == "A" else "A")


def essays_turned(books: Books) -> None:
    Comparison.objects.filter(pk=_first().comparison_id).update(essay_a=F("essay_b"), essay_b=F("essay_a"))


def answered_twice(books: Books) -> None:
    first = _first()
    again = BatchItem.objects.get(pk=first.pk)
    again.pk, again.job, again.custom_id = None, _another_job(first.job), f"{first.job.nonce[:11]}x-000001"
    again.save(force_insert=True)


def _another_job(job: BatchJob) -> BatchJob:
    other = BatchJob.objects.get(pk=job.pk)
    other.pk, other.nonce, other.provider_batch_id, other.status = None, f"{job.nonce[:11]}x", "", "ABSENT"
    other.save(force_insert=True)
    return other


def billed_twice(books: Books) -> None:
    books.rows.append(books.rows[0] | {"line": 99})


def batch_of_nobody(books: Books) -> None:
    books.rows += [row | {"batch_id": "batch_2", "custom_id": row["custom_id"] + "0"} for row in books.rows[:2]]


def batch_of_nobody_on_record(books: Books) -> None:
    batch_of_nobody(books)
    Stranger.objects.create(account=_first().job.account, provider_batch_id="batch_2", is_ours=True)


def call_of_nobody(books: Books) -> None:
    row = {"kind": "sync", "batch_id": "", "custom_id": f"{_first().job.nonce}-999999"}
    books.rows.append(books.rows[0] | row)


def line_overlooked(books: Books) -> None:
    BatchItem.objects.filter(pk=_first().pk).update(outcome="MISSING", reason="missing")


def cost_changed(books: Books) -> None:
    BatchItem.objects.filter(pk=_first().pk).update(cost_usd=1)


def reservation_left(books: Books) -> None:
    Assessment.objects.update(reserved_usd=1)


def callback_gone(books: Books) -> None:
    Callback.objects.first().delete()


def count_changed(books: Books) -> None:
    BatchJob.objects.update(n_succeeded=F("n_succeeded") - 1, n_invalid=1)


def part_changed(books: Books) -> None:
    JobPart.objects.update(n_succeeded=F("n_succeeded") - 1)


def _first() -> BatchItem:
    return BatchItem.objects.earliest("pk")


PLANTS: dict[Callable[[Books], None], set[str]] = {
    comparison_left: {"lost"},
    judgement_gone: {"lost", "wrong"},
    winner_turned: {"wrong"},
    essays_turned: {"wrong"},
    answered_twice: {"doubled", "re-billed", "wrong", "money"},
    billed_twice: {"re-billed"},
    batch_of_nobody: {"re-billed", "unreported orphan"},
    batch_of_nobody_on_record: {"re-billed"},
    call_of_nobody: {"unaccounted call"},
    line_overlooked: {"lost line", "ledger of a job"},
    cost_changed: {"money", "ledger of a job"},
    reservation_left: {"reservations"},
    callback_gone: {"callbacks"},
    part_changed: {"ledger of a job"},
    count_changed: {"ledger of a job"},
}


def test_sound_rows_are_found_sound_and_each_planted_fault_is_named(books):
    sound = checker.check(books)
    assert (dict(sound.violations), sound.counts["judged"], sound.counts["batches billed"]) == ({}, 4, 1)
    rows = list(books.rows)
    for plant, broken in PLANTS.items():
        with planted():
            plant(books)
            found = checker.check(books)
        assert set(found.violations) == broken, plant.__name__
        books.rows = list(rows)
