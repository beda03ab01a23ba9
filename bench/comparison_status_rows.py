"""A number of rows -> that many comparisons in the project's own tables: judged, in flight and waiting ones."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Model
from psycopg import sql

from batches.models import (
    Assessment,
    BatchItem,
    BatchJob,
    Comparison,
    Essay,
    Judge,
    Membership,
    Project,
    ProviderAccount,
    Round,
)
from bench.gauge import rows_of, run

ROUND = 1000  # comparisons in a round; an assessment has two
ESSAYS = 40  # in an assessment
TABLES = ["batches_comparison", "batches_batchitem", "batches_judgement"]
SLICES = 10  # of the history, one transaction each


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which ids are what: an old round that was planned and forgotten, then history, jobs in flight, waiting rounds."""

    rows: int
    jobs: int  # in flight

    @property
    def job_size(self) -> int:
        return max(self.rows // 100, 100)

    @property
    def rounds(self) -> int:
        return self.rows // ROUND

    @property
    def waiting(self) -> range:
        return range(self.rows - ROUND * max(1, self.rounds // 200) + 1, self.rows + 1)

    @property
    def in_flight(self) -> range:
        return range(self.waiting.start - self.jobs * self.job_size, self.waiting.start)

    @property
    def history(self) -> range:
        return range(ROUND + 1, self.in_flight.start)

    @property
    def first_live_job(self) -> int:
        return self.rounds + 1

    def job_ids(self, number: int) -> range:
        """The comparisons of the n-th job in flight, from 0."""
        start = self.in_flight.start + number * self.job_size
        return range(start, start + self.job_size)


def slices(ids: range) -> Iterator[range]:
    """One round first, so that the planner has seen rows of every table before there are many."""
    yield ids[:ROUND]
    step = -(-len(ids) // SLICES // ROUND) * ROUND
    for start in range(ids.start + ROUND, ids.stop, step):
        yield range(start, min(start + step, ids.stop))


def nonce(job: int) -> str:
    return hashlib.md5(str(job).encode()).hexdigest()[:12]


def parents(layout: Layout) -> int:
    """Everything that comparisons hang on; the id of the user who sees it all."""
    user = get_user_model().objects.create(username="bench")
    projects = Project.objects.bulk_create(Project(name=f"Project {n}") for n in range(5))
    Membership.objects.bulk_create(Membership(project=project, user=user) for project in projects)
    account = ProviderAccount.objects.create(alias="bench", provider="anthropic", is_local=True)
    Judge.objects.create(pk=1, account=account, model_id="claude-haiku-4-5-20251001")
    assessments = range(1, layout.rounds // 2 + 1)
    Assessment.objects.bulk_create(
        Assessment(
            pk=pk,
            project=projects[pk % 5],
            slug=f"a-{pk}",
            title=f"Assessment {pk}",
            budget_usd=10**6,
            reserved_usd=10**4,
        )
        for pk in assessments
    )
    text = "This is what one of the pupils wrote about the matter in hand. " * 8
    Essay.objects.bulk_create(
        (
            Essay(pk=(a - 1) * ESSAYS + n, assessment_id=a, candidate=f"C{n:03d}", text=text, text_sha256="0" * 64)
            for a in assessments
            for n in range(1, ESSAYS + 1)
        ),
        batch_size=2000,
    )
    Round.objects.bulk_create(
        Round(
            pk=pk, assessment_id=(pk + 1) // 2, number=2 - pk % 2, pairing="balanced", seed=pk, strategy="per_round",
            n_comparisons=ROUND, submitted_at=None if pk == 1 else "2026-01-01T00:00Z",
        )
        for pk in range(1, layout.rounds + 1)
    )  # fmt: skip
    _jobs(layout, account)
    return int(user.pk)


def _jobs(layout: Layout, account: ProviderAccount) -> None:
    """One finished job for each round of the history, then the ones in flight."""
    sizes = dict.fromkeys(range(1, layout.first_live_job), ROUND)
    sizes |= dict.fromkeys(range(layout.first_live_job, layout.first_live_job + layout.jobs), layout.job_size)
    BatchJob.objects.bulk_create(
        BatchJob(
            pk=pk, account=account, provider="anthropic", judge_id=1, strategy="per_round", packing="SINGLE",
            nonce=nonce(pk), n_items=size,
        )
        for pk, size in sizes.items()
    )  # fmt: skip
    BatchJob.objects.update(status="RUNNING")
    BatchJob.objects.filter(pk__lt=layout.first_live_job).update(status="COLLECTED", n_succeeded=ROUND)


PLAN = """
INSERT INTO batches_comparison (id, round_id, essay_a_id, essay_b_id, judge_id, replicate, is_random, status,
                                fail_reason, fail_detail, attempts, revision, held)
SELECT n, (n - 1) / 1000 + 1, base + i %% 40, base + (i %% 40 + 1 + i / 40) %% 40, 1, 0, n %% 10 = 0, 'PENDING',
       '', '', 0, 0, false
FROM (SELECT n, (n - 1) %% 1000 AS i, (n - 1) / 2000 * 40 + 1 AS base
      FROM generate_series(%(first)s::bigint, %(last)s) AS n) numbered
"""
ITEMS = """
INSERT INTO batches_batchitem (id, job_id, comparison_id, custom_id, tag, prompt_sha256, reserved_usd, sent_at, outcome,
    reason, error, answer, request_id, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost_usd,
    resolved_at)
SELECT n, job, n, substr(md5(job::text), 1, 12) || '-' || lpad(place::text, 6, '0'), '', md5(n::text) || md5(job::text),
       0.001, now(), CASE WHEN %(open)s THEN NULL WHEN failed THEN 'INVALID' ELSE 'SUCCEEDED' END,
       CASE WHEN failed AND NOT %(open)s THEN 'refused' ELSE '' END, '',
       CASE WHEN %(open)s THEN '' ELSE repeat('The first essay has the clearer argument. ', 6) END,
       CASE WHEN %(open)s THEN '' ELSE 'req_' || md5(n::text) END,
       1800, 0, 0, 90, 0.00225, CASE WHEN NOT %(open)s THEN now() END
FROM (SELECT n, n %% 200 = 0 AS failed, %(job)s + (n - %(first)s) / %(size)s AS job,
             (n - %(first)s) %% %(size)s + 1 AS place
      FROM generate_series(%(first)s::bigint, %(last)s) AS n) numbered
"""
SAY = """
INSERT INTO batches_judgement (comparison_id, item_id, winner, justification, confidence, created_at)
SELECT n, n, CASE WHEN n %% 2 = 0 THEN 'A' ELSE 'B' END, repeat('The first essay has the clearer argument. ', 5), 3,
       now()
FROM generate_series(%(first)s::bigint, %(last)s) AS n WHERE n %% 200 <> 0
"""
LEAVE = "UPDATE batches_comparison SET status = 'IN_FLIGHT' WHERE id BETWEEN %(first)s AND %(last)s AND id %% 200 = 0"
END = """
UPDATE batches_comparison SET status = CASE WHEN id %% 200 = 0 THEN 'FAILED' ELSE 'JUDGED' END, attempts = 1,
    fail_reason = CASE WHEN id %% 200 = 0 THEN 'refused' ELSE '' END, resolved_at = clock_timestamp(), revision = 1
WHERE id BETWEEN %(first)s AND %(last)s
"""
WITHDRAW = (
    "UPDATE batches_comparison SET status = 'WITHDRAWN' WHERE id BETWEEN %(first)s AND %(last)s AND id %% 500 = 1"
)


def fill(layout: Layout) -> None:
    """Every comparison is inserted PENDING and moved on by legal moves, with all triggers and checks on.

    Secondary indexes and foreign keys are built when the rows are there: the tables start compact, and in time.
    """
    for model in (Comparison, BatchItem):
        give_defaults(model)
    with unadorned():
        run("ANALYZE")
        run(PLAN, {"first": 1, "last": ROUND})
        for some in slices(layout.history):
            where = {**ends(some), "size": ROUND, "job": (some.start - 1) // ROUND + 1, "open": False}
            with transaction.atomic():
                for step in (PLAN, ITEMS, SAY, LEAVE, END, WITHDRAW):
                    run(step, where)
            if len(some) == ROUND:
                run(f"ANALYZE {', '.join(TABLES)}")
        in_flight = {**ends(layout.in_flight), "size": layout.job_size, "job": layout.first_live_job, "open": True}
        for step in (PLAN, ITEMS):
            run(step, in_flight)
        run(PLAN, ends(layout.waiting))
        run(f"VACUUM (FULL) {', '.join(TABLES)}")
    run(f"VACUUM (ANALYZE) {', '.join(TABLES)}")


def ends(ids: range) -> dict[str, int]:
    return {"first": ids.start, "last": ids.stop - 1}


def give_defaults(model: type[Model]) -> None:
    """Let the database fill what Django would: a column that these statements do not name may come any day."""
    for one in model._meta.concrete_fields:
        value = None if one.primary_key or one.is_relation else one.get_default()
        if isinstance(value, str | int | bool):
            run(
                sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
                    sql.Identifier(model._meta.db_table), sql.Identifier(str(one.column)), sql.Literal(value)
                )
            )


FOREIGN_AND_UNIQUE = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'u') ORDER BY contype DESC
"""
PLAIN_INDEXES = """
SELECT index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid) FROM pg_index index
LEFT JOIN pg_constraint con ON con.conindid = index.indexrelid AND con.contype IN ('p', 'u')
WHERE index.indrelid = ANY(%s::regclass[]) AND con.oid IS NULL
"""


@contextmanager
def unadorned() -> Iterator[None]:
    """The tables without foreign keys and without indexes but their primary keys; both are back afterwards."""
    constraints, indexes = rows_of(FOREIGN_AND_UNIQUE, [TABLES]), rows_of(PLAIN_INDEXES, [TABLES])
    for table, name, _ in constraints:
        run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        run(f"DROP INDEX {name}")
    yield
    for table, name, definition in constraints:
        run(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for _, definition in indexes:
        run(definition)
