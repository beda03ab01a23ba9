"""What is kept of the way: each status a job took, and what each day cost."""

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from batches.models import BatchJob, DayCost, JobMove
from batches.pipeline.resolve import resolve
from batches.providers.base import Outcome, Result, Usage
from tests.making import make_assessment, make_comparison, make_item, make_job
from tests.pipeline.conftest import drain, one_pass, plan_and_let_go

pytestmark = pytest.mark.django_db
Status = BatchJob.Status
ANSWER = '{"justification": "Clearer.", "winner": "A", "confidence": 4}'


def moves(job: BatchJob) -> list[str]:
    return list(job.moves.values_list("status", flat=True))


def test_every_status_a_job_takes_is_written_with_its_time_in_the_same_statement() -> None:
    job = make_job()
    job.advance(Status.SENDING)
    with transaction.atomic():
        job.advance(Status.IN_DOUBT)
        transaction.set_rollback(True)
    job.refresh_from_db()
    job.advance(Status.REFUSED, error="No.")
    assert moves(job) == ["PLANNED", "SENDING", "REFUSED"]
    times = list(job.moves.values_list("at", flat=True))
    assert times == sorted(times)


def test_jobs_that_are_made_together_have_a_beginning_each_and_history_is_not_rewritten() -> None:
    one, other = make_job("SINGLE"), make_job("SINGLE")
    BatchJob.objects.filter(pk__in=[one.pk, other.pk]).update(status=Status.RUNNING)
    assert moves(one) == moves(other) == ["PLANNED", "RUNNING"]
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        JobMove.objects.filter(job=one).update(status="COLLECTED")


def result(custom_id: str, tokens: int) -> Result:
    usage = Usage(input_tokens=tokens, output_tokens=10)
    return Result(custom_id=custom_id, outcome=Outcome.SUCCEEDED, answer=ANSWER, usage=usage)


def test_what_a_day_cost_adds_up_to_what_was_spent_and_survives_the_move_from_before() -> None:
    comparison = make_comparison()
    assessment = comparison.round.assessment
    days = [datetime(2026, 11, 3, 9, tzinfo=UTC), datetime(2026, 11, 4, 9, tzinfo=UTC)]
    for day in days:
        job = make_job("SINGLE")
        job.advance(Status.RUNNING)
        comparison.pk, comparison.replicate = None, comparison.replicate + 1
        comparison.status = "PENDING"
        comparison.save(force_insert=True)
        item = make_item(job, comparison)
        with time_machine.travel(day):
            resolve(job, [result(item.custom_id, 1000)])
    assessment.refresh_from_db()
    kept = list(DayCost.objects.values_list("assessment", "judge", "day", "cost_usd", "n_items"))
    each = assessment.spent_usd / 2
    assert each > 0
    assert kept == [(assessment.pk, comparison.judge_id, date(2026, 11, n), each, 1) for n in (3, 4)]
    refill()
    assert sum(DayCost.objects.values_list("cost_usd", flat=True), Decimal(0)) == assessment.spent_usd
    assert sum(DayCost.objects.values_list("n_items", flat=True)) == 2


def test_a_job_names_its_project_only_where_it_serves_one(provider) -> None:
    alone, one, other = make_assessment(4), make_assessment(3), make_assessment(3)
    plan_and_let_go(alone)
    one_pass()
    plan_and_let_go(one)
    plan_and_let_go(other)
    drain()
    job, shared = BatchJob.objects.order_by("pk")
    assert (job.project, shared.project) == (alone.project, None)
    for assessment, seen in ((alone, {job}), (one, {shared}), (other, {shared}), (make_assessment(), set())):
        assert set(BatchJob.objects.in_projects([assessment.project_id])) == seen
    BatchJob.objects.update(project=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("batches.migrations.0025_job_project_so_far").FILL)
    assert list(BatchJob.objects.order_by("pk").values_list("project", flat=True)) == [alone.project_id, None]


def refill() -> None:
    """Empty and fill the tables as the migration does."""
    module = import_module("batches.migrations.0023_moves_and_costs_so_far")
    with connection.schema_editor() as editor:
        module.empty(apps, editor)
        module.fill(apps, editor)
