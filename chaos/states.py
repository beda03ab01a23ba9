"""Random moves of batch jobs, legal and not -> do the database's trigger, `advance` and the table of moves agree?"""

from typing import Any

from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from batches.models import BatchJob, IllegalMove
from chaos import making
from chaos.checker import Found

STATUSES = list(BatchJob.Status)
WITH_ID = {"IN_PROGRESS", "CANCELLING", "COLLECTING", "COLLECTED"}
steps = 0


class Moves(RuleBasedStateMachine):
    """One batch job and, beside it, what it should be by the table."""

    @initialize(packing=some.sampled_from(list(BatchJob.Packing)), provider=some.sampled_from(["anthropic", "openai"]))
    def begin(self, packing: str, provider: str) -> None:
        judge = making.judge(provider)
        BatchJob.objects.all().delete()
        self.job = BatchJob.objects.create(
            account=judge.account, provider=provider, judge=judge, strategy="provider_batch", packing=packing, n_items=1
        )
        self.status, self.fence, self.held = "PLANNED", 0, False
        self.moves = BatchJob.MOVES[BatchJob.Packing(packing)]
        self.batch = packing == "PROVIDER_BATCH"

    def _changes(self, to: str) -> dict[str, Any]:
        """What must go along with a move so that only the move itself can be wrong."""
        batch = "batch_1" if self.batch and to in WITH_ID else ""
        return {"provider_batch_id": batch, "error": "because", "n_succeeded": 1}

    def _legal(self, to: str) -> bool:
        return to in self.moves.get(BatchJob.Status(self.status), set())

    def _agree(self) -> None:
        global steps
        steps += 1
        row = BatchJob.objects.get(pk=self.job.pk)
        assert (row.status, row.fence) == (self.status, self.fence), (row.status, row.fence, self.status, self.fence)

    @rule(to=some.sampled_from(STATUSES))
    def by_force(self, to: str) -> None:
        """An UPDATE as a shell or a migration would make it: the trigger decides."""
        try:
            with transaction.atomic():
                BatchJob.objects.filter(pk=self.job.pk).update(status=to, **self._changes(to))
            done = True
        except IntegrityError:
            done = False
        assert done == (self._legal(to) or to == self.status), (self.status, to, done)
        if done:
            self.status = to
        self._agree()

    @rule(to=some.sampled_from(STATUSES), fence=some.sampled_from([0, 0, 0, -1]), stale=some.booleans())
    def by_advance(self, to: str, fence: int, stale: bool) -> None:
        """`advance` from what a worker knows, which may be out of date."""
        worker = BatchJob.objects.get(pk=self.job.pk)
        worker.fence += fence
        if stale:
            worker.status = "COLLECTING" if self.batch else "RUNNING"
        known = worker.status
        allowed = to in self.moves.get(BatchJob.Status(known), set())
        try:
            moved = worker.advance(BatchJob.Status(to), **self._changes(to))
        except IllegalMove:
            assert not allowed
        else:
            assert allowed
            assert moved == (known == self.status and fence == 0)
            if moved:
                self.status = to
        self._agree()

    @rule(seconds=some.sampled_from([60.0, -1.0]))
    def take(self, seconds: float) -> None:
        """A lease that lasts, or one that has run out already."""
        taken = BatchJob.objects.take(self.job.pk, seconds=seconds)
        assert (taken is not None) == (not self.held)
        if taken is not None:
            self.fence, self.held = self.fence + 1, seconds > 0
        self._agree()

    @rule(ours=some.booleans())
    def release(self, ours: bool) -> None:
        worker = BatchJob.objects.get(pk=self.job.pk)
        worker.fence -= not ours
        worker.release()
        self.held = self.held and not ours
        self._agree()


def walk(seed: int, least: int) -> tuple[Found, int]:
    """At least so many random steps; how many it were."""
    global steps
    steps = 0
    making.clear()
    found = Found()
    rounds = 0
    while steps < least and not found.violations:
        try:
            _some(seed + rounds, least - steps)
        except AssertionError as problem:
            found.add("disagreement", problem)
        rounds += 1
    return found, steps


def _some(seed: int, least: int) -> None:
    machine = seeded(seed)(Moves)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, least // 40),
            stateful_step_count=50,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
