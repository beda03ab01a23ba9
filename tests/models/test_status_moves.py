"""Statuses move along their tables only, whoever tries."""

import itertools
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from batches.models import BatchJob, Comparison, IllegalMove, Judgement
from tests.making import make_comparison, make_item, make_job

pytestmark = pytest.mark.django_db
Status = BatchJob.Status
PACKINGS = [BatchJob.Packing.PROVIDER_BATCH, BatchJob.Packing.SINGLE]


def put(job: BatchJob, status: str) -> None:
    """Set a status past every guard."""
    at_provider = job.packing == BatchJob.Packing.PROVIDER_BATCH and status in BatchJob.AT_PROVIDER
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE batches_batchjob SET status = %s, provider_batch_id = %s, n_missing = 1, error = 'x' WHERE id = %s",
            [status, f"batch-{job.pk}" if at_provider else "", job.pk],
        )
        cursor.execute("SET session_replication_role = DEFAULT")


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_database_allows_exactly_the_moves_of_the_table(packing):
    legal = {(a, b) for a, targets in BatchJob.MOVES[packing].items() for b in targets}
    done = set()
    job = make_job(packing)
    for before, after in itertools.permutations(Status, 2):
        put(job, before)
        at_provider = packing == BatchJob.Packing.PROVIDER_BATCH and after in BatchJob.AT_PROVIDER
        try:
            with transaction.atomic():
                BatchJob.objects.filter(pk=job.pk).update(
                    status=after, provider_batch_id=f"batch-{job.pk}" if at_provider else ""
                )
            done.add((before, after))
        except IntegrityError:
            pass
    assert done == legal


def test_a_job_can_only_be_born_planned():
    with pytest.raises(IntegrityError, match="starts as PLANNED"), transaction.atomic():
        make_job("SINGLE", status=Status.COLLECTED)


@pytest.mark.parametrize("packing", PACKINGS)
def test_advance_refuses_a_move_that_is_not_in_the_table(packing):
    job = make_job(packing)
    with pytest.raises(IllegalMove, match="PLANNED cannot become COLLECTED"):
        job.advance(Status.COLLECTED)
    job.refresh_from_db()
    assert job.status == Status.PLANNED


def test_only_one_of_two_workers_moves_a_job():
    first = make_job("SINGLE")
    second = BatchJob.objects.get(pk=first.pk)
    assert first.advance(Status.RUNNING)
    assert not second.advance(Status.RUNNING)
    assert BatchJob.objects.get(pk=first.pk).status == Status.RUNNING


def test_a_worker_with_an_old_fence_moves_nothing():
    job = make_job("SINGLE")
    zombie = BatchJob.objects.take(job.pk, seconds=-1)
    heir = BatchJob.objects.take(job.pk, seconds=60)
    assert zombie is not None
    assert heir is not None
    assert heir.fence == zombie.fence + 1
    assert not zombie.advance(Status.RUNNING)
    assert heir.advance(Status.RUNNING)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_slept_while_it_moved_a_job_never_has_its_heirs_fence(monkeypatch):
    """Its lease runs out between the write of the move and the look at what was written."""
    job = make_job("SINGLE")
    sleeper = BatchJob.objects.take(job.pk, seconds=-1)
    assert sleeper is not None
    look, heirs = BatchJob.refresh_from_db, []

    def take_over() -> None:
        heirs.append(BatchJob.objects.take(job.pk, seconds=60))
        connection.close()

    def sleep_and_look(self, *args, **kwargs) -> None:
        heir = threading.Thread(target=take_over)
        heir.start()
        heir.join()
        look(self, *args, **kwargs)

    monkeypatch.setattr(BatchJob, "refresh_from_db", sleep_and_look)
    sleeper.advance(Status.RUNNING)
    assert len(heirs) == 1
    assert heirs[0] is None or heirs[0].fence != sleeper.fence
    assert sleeper.fence == job.fence + 1


def test_a_held_lease_is_given_to_nobody_else():
    job = make_job("SINGLE")
    assert BatchJob.objects.take(job.pk, seconds=60) is not None
    assert BatchJob.objects.take(job.pk, seconds=60) is None


def test_the_database_allows_exactly_the_comparison_moves_of_the_table():
    legal = {(a, b) for a, targets in Comparison.MOVES.items() for b in targets}
    comparison = make_comparison()
    with connection.cursor() as cursor:  # JUDGED needs a judgement; the deferred check is not the matter here
        cursor.execute(
            "INSERT INTO batches_judgement (comparison_id, winner, justification, created_at)"
            " VALUES (%s, 'A', '', now())",
            [comparison.pk],
        )
    done = set()
    for before, after in itertools.permutations(Comparison.Status, 2):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE batches_comparison SET status = %s, fail_reason = %s WHERE id = %s",
                [before, "x" if before == "FAILED" else "", comparison.pk],
            )
            cursor.execute("SET session_replication_role = DEFAULT")
        try:
            with transaction.atomic():
                Comparison.objects.filter(pk=comparison.pk).update(
                    status=after, fail_reason="x" if after == "FAILED" else ""
                )
            done.add((before, after))
        except IntegrityError:
            pass
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE batches_comparison SET status = 'JUDGED', fail_reason = '' WHERE id = %s", [comparison.pk]
        )
        cursor.execute("SET session_replication_role = DEFAULT")
    assert done == legal


def test_a_comparison_is_never_judged_without_a_judgement():
    comparison = make_comparison()
    with pytest.raises(IntegrityError, match="has no judgement"), transaction.atomic():
        Comparison.objects.filter(pk=comparison.pk).advance(Comparison.Status.JUDGED)


@pytest.mark.django_db(transaction=True)
def test_a_judgement_never_stands_beside_an_unjudged_comparison():
    comparison = make_comparison()
    with pytest.raises(IntegrityError, match="is not JUDGED"), transaction.atomic():
        Judgement.objects.create(comparison=comparison, winner="A")
    assert Judgement.objects.count() == 0


def test_a_failed_comparison_has_a_reason_and_no_other_has():
    comparison = make_comparison()
    make_item(make_job(), comparison)
    for status, reason in ((Comparison.Status.FAILED, ""), (Comparison.Status.PENDING, "refused")):
        with pytest.raises(IntegrityError, match="failed_has_a_reason"), transaction.atomic():
            Comparison.objects.filter(pk=comparison.pk).advance(status, fail_reason=reason)
