"""What each assessment has in a job: always what its items add up to, and what pages and the API show of it."""

from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from batches.models import BatchJob, JobPart
from batches.models.parts import OUTCOMES
from batches.pipeline import parts
from batches.pipeline.progress import progress
from batches.pipeline.resolve import resolve, resolve_rest
from batches.providers.base import Outcome, Result, Usage
from tests.making import added_up, make_assessment, make_comparison, make_item, make_job
from tests.pipeline.conftest import drain, one_pass, plan_and_let_go

pytestmark = pytest.mark.django_db
ANSWER = '{"justification": "Clearer.", "winner": "A", "confidence": 4}'


def kept() -> list[dict[str, Any]]:
    columns = ("job_id", "assessment_id", "n_items", *OUTCOMES.values(), "reserved_usd", "cost_usd")
    return list(JobPart.objects.order_by("job_id", "assessment_id").values(*columns))


def test_parts_are_what_their_items_add_up_to_at_every_step(provider: Any) -> None:
    one, other = make_assessment(4), make_assessment(3)
    plan_and_let_go(one)
    plan_and_let_go(other)
    one_pass()
    assert kept() == added_up() != []
    drain()
    assert kept() == added_up()
    shared = BatchJob.objects.get()
    assert {part.assessment_id for part in shared.parts.all()} == {one.pk, other.pk}
    assert sum(part.n_items for part in shared.parts.all()) == shared.n_items
    assert sum(part.cost_usd for part in shared.parts.all()) == shared.cost_usd > 0


def test_every_outcome_is_counted_once_and_a_result_that_comes_twice_is_not() -> None:
    job = make_job("SINGLE", n_items=len(Outcome))
    job.advance(BatchJob.Status.RUNNING)
    items = [make_item(job, make_comparison()) for _ in Outcome]
    results = [
        Result(custom_id=item.custom_id, outcome=outcome, answer=ANSWER, usage=Usage(input_tokens=100, output_tokens=9))
        for item, outcome in zip(items, Outcome, strict=True)
    ]
    resolve(job, results[:2])
    resolve(job, results[:1])
    assert kept() == added_up()
    resolve_rest(job, Outcome.LOST, "lost")
    assert kept() == added_up()
    found = parts.figures([job], JobPart.objects.all())[job.pk]
    assert (found.items, found.ended, sum(found.outcomes.values())) == (7, 7, 7)


def test_a_job_of_one_project_shows_its_own_counters_and_a_shared_one_the_part_that_was_asked_for(
    provider: Any,
) -> None:
    alone, one, other = make_assessment(4), make_assessment(3), make_assessment(3)
    plan_and_let_go(alone)
    one_pass()
    plan_and_let_go(one)
    plan_and_let_go(other)
    drain()
    job, shared = BatchJob.objects.order_by("pk")
    assert (job.project, shared.project) == (alone.project, None)
    mine = JobPart.objects.in_projects([one.project_id])
    found = parts.figures([job, shared], mine)
    whole = parts.figures_of(job.parts.get())
    assert found[job.pk] == whole
    assert found[shared.pk] == parts.figures_of(shared.parts.get(assessment=one))
    assert 0 < found[shared.pk].items < shared.n_items
    assert parts.figures([shared], JobPart.objects.none())[shared.pk].items == 0


def test_progress_knows_the_jobs_that_still_owe_an_answer_and_the_first_that_is_stuck() -> None:
    jobs = [make_job("SINGLE") for _ in range(3)]
    comparison = make_comparison()
    assessment = comparison.round.assessment
    for job in jobs:
        comparison.pk, comparison.replicate, comparison.status = None, comparison.replicate + 1, "PENDING"
        comparison.save(force_insert=True)
        make_item(job, comparison)
        job.advance(BatchJob.Status.RUNNING)
    resolve(jobs[0], [Result(custom_id=jobs[0].items.get().custom_id, outcome=Outcome.SUCCEEDED, answer=ANSWER)])
    jobs[1].advance(BatchJob.Status.NEEDS_ATTENTION, error="Nobody knows.")
    now = progress(assessment)
    assert (now.jobs_live, now.jobs_needing_attention, now.jobs.first_stuck) == (2, 1, jobs[1].pk)
    assert [part.job_id for part in now.jobs.newest] == [job.pk for job in reversed(jobs)]
    assert progress(make_assessment(2)).jobs.newest == ()


def test_jobs_from_before_are_given_their_parts(provider: Any) -> None:
    plan_and_let_go(make_assessment(4))
    drain()
    before = kept()
    JobPart.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("batches.migrations.0035_job_parts_so_far").FILL)
    assert kept() == before != []


def test_the_database_refuses_a_part_in_which_more_ended_than_there_is() -> None:
    job = make_job()
    make_item(job, make_comparison())
    with pytest.raises(IntegrityError, match="a_part_ends_once"), transaction.atomic():
        job.parts.update(n_lost=1, n_expired=1)
