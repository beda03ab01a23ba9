"""Pipeline steps as RQ jobs. RQ is a bell: what is to be done stands in the database, and every job can run twice."""

import logging
import time
from typing import Any

import django_rq
from django.conf import settings
from django.contrib.auth import get_user_model
from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import DuplicateJobError

from batches.models import Assessment, BatchJob, ProviderAccount
from batches.pipeline import deadline, erase, retention, sketches, submit, triggers, watch
from batches.pipeline import reconcile as reconcile_books
from batches.pipeline import score as scoring
from batches.pipeline.refused import Refused
from batches.providers.base import ProviderError

log = logging.getLogger(__name__)
TIMEOUT = 3600  # seconds; a step renews its own lease long before
AT_ONCE = (BatchJob.Status.COLLECTING,)  # states whose step need not wait
CLOSED = (BatchJob.Status.COLLECTED, BatchJob.Status.REFUSED, BatchJob.Status.ABSENT, BatchJob.Status.CANCELLED)
CROWDED = 500  # waiting RQ jobs beyond which a bell is not worth another: nobody seems to listen


def _enqueue(queue: str, task: Any, *args: Any, name: str) -> bool:
    """Put a task on a queue unless it waits there already; False when Redis cannot be reached."""
    try:
        rq_queue = django_rq.get_queue(queue)
        if rq_queue.count < CROWDED:
            rq_queue.enqueue_call(
                task, args=args, job_id=name, unique=True, result_ttl=0, failure_ttl=60, timeout=TIMEOUT
            )
    except DuplicateJobError:
        pass
    except RedisError as problem:
        log.warning("redis unreachable task=%s problem=%s", name, problem)
        return False
    return True


def ring() -> bool:
    """Wake the workers: something may be due. Never raises; without Redis the next sweep finds it all the same."""
    return _enqueue("submit", sweep, name=f"sweep-{time.time() // 2:.0f}")


def sweep() -> None:
    """Open jobs for what waits, and give every job that needs a step to a worker."""
    submit_due()
    poll_due()
    for account in reconcile_books.due():
        _enqueue("poll", reconcile, account.pk, name=f"reconcile-{account.pk}")


def reconcile(account_id: int) -> None:
    """Compare one account's books with ours: nightly, and whenever a person asks for it."""
    try:
        reconcile_books.compare(ProviderAccount.objects.get(pk=account_id), actor=None)
    except (Refused, ProviderError) as problem:
        log.warning("not reconciled account=%s reason=%s", account_id, problem)


def submit_due() -> list[int]:
    """One pass over the waiting comparisons; the ids of the jobs opened."""
    opened = open_due()
    if opened:
        poll_due()
    return opened


def open_due() -> list[int]:
    """Release what has gathered, and open jobs for all that may leave; their ids."""
    triggers.strike()
    deadline.meet()
    return [job for group in submit.waiting_groups() for job in submit.open_jobs(group)]


def poll_due() -> list[int]:
    """One pass over the live jobs; the ids of those handed to a worker. The fence in the name lets a job whose
    worker died be handed out again while RQ still believes in the dead one, and so does the minute."""
    due = watch.due()
    for job, fence in due:
        _enqueue("poll", step, job, name=f"step-{job}-{fence}-{time.time() // 60:.0f}")
    return [job for job, _ in due]


def step(job_id: int) -> None:
    """The steps of one job for as long as one makes the next due at once; then whatever that set free."""
    status = watch.step(job_id)
    while status in AT_ONCE:
        status = watch.step(job_id)
    if status in CLOSED:
        erase.carry_on_all()
        submit_due()


def ask_erase() -> bool:
    """Have the erasures that wait for something go on, and what is kept no longer purged: at most once a minute."""
    return _enqueue("poll", erase_due, name=f"erase-{time.time() // 60:.0f}")


def erase_due() -> None:
    """Purge what its project keeps no longer, go on with erasures that are not complete, and forget old sketches."""
    retention.purge_due()
    erase.carry_on_all()
    sketches.forget_old()


def ask_score(assessment_id: int, user_id: int | None) -> bool:
    """Have a scale computed by a worker."""
    return _enqueue("poll", score, assessment_id, user_id, name=f"score-{assessment_id}")


def score(assessment_id: int, user_id: int | None) -> None:
    """Compute and store a scale."""
    user = get_user_model().objects.filter(pk=user_id or 0).first()
    try:
        scoring.score(Assessment.objects.get(pk=assessment_id), actor=user)
    except Refused as problem:
        log.warning("no scale assessment=%s reason=%s", assessment_id, problem)


def ask_look_through(sketch_id: int) -> bool:
    """Have a worker look through the essays of a sketch for words meant for the judge."""
    return _enqueue("poll", look_through, sketch_id, name=f"look-through-{sketch_id}")


def look_through(sketch_id: int) -> None:
    """Look through what nobody has looked through; nothing where the sketch is gone."""
    sketches.look_through(sketch_id)


def workers_alive() -> bool:
    """Whether any worker listens, so that somebody else will do what is due."""
    return workers() > 0


def workers() -> int:
    """How many workers listen; 0 where Redis cannot be reached."""
    try:
        return int(Worker.count(connection=django_rq.get_connection("submit")))
    except RedisError:
        return 0


def queue_depths() -> dict[str, int] | None:
    """How many tasks wait on each queue; None where Redis cannot be reached."""
    try:
        return {name: int(django_rq.get_queue(name).count) for name in settings.QUEUES}
    except RedisError:
        return None


def anything_due() -> bool:
    """Whether a bell would find work."""
    return bool(watch.due() or submit.waiting_groups() or triggers.due() or deadline.due())


def due_now() -> tuple[object, ...]:
    """What is due at this moment: equal for as long as nobody has taken any of it."""
    return (*watch.due(), *((group.judge.pk, group.strategy) for group in submit.waiting_groups()))


def poll_here() -> list[int]:
    """Do the steps that are due in this process; the ids of the jobs."""
    due = [job for job, _ in watch.due()]
    for job in due:
        while watch.step(job) in AT_ONCE:
            pass
    return due


def work_here() -> bool:
    """Do what is due in this process, for a command on a machine without workers; whether there was anything."""
    opened = open_due()
    return bool(poll_here() or opened)
