"""The same comparisons -> tables in which a status is not written but follows from what else was written.

JUDGED: a judgement exists. IN_FLIGHT: a row in live_item, whose key also keeps "at most one live job".
FAILED, WITHDRAWN, held, waiting after an error: a row in setback, only for the few comparisons that need one.
PENDING: none of these. Outcomes of items are inserted beside the item instead of written into it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model

from batches.models import BatchItem, BatchJob, Comparison
from batches.pipeline import money, retry
from batches.pipeline.resolve import WRITE_JUDGEMENTS, Ended, read
from batches.providers import manifest, prices
from batches.providers.base import Result
from bench.comparison_status_rows import ends
from bench.gauge import run

STATUS = ("status", "fail_reason", "fail_detail", "attempts", "revision", "held", "not_before", "resolved_at")
OUTCOME = (
    *("outcome", "reason", "error", "answer", "request_id", "input_tokens", "cache_read_tokens"),
    *("cache_write_tokens", "output_tokens", "cost_usd", "resolved_at"),
)
# Rows go in before indexes and foreign keys: both sides start the measurement compact.
MAKE = """
CREATE SCHEMA derived;
CREATE TABLE derived.batches_comparison AS SELECT {comparison} FROM public.batches_comparison ORDER BY id;
CREATE TABLE derived.batches_batchitem AS SELECT {item} FROM public.batches_batchitem ORDER BY id;
CREATE TABLE derived.item_outcome AS
    SELECT id AS item_id, {outcome} FROM public.batches_batchitem WHERE outcome IS NOT NULL ORDER BY id;
CREATE TABLE derived.batches_judgement AS SELECT * FROM public.batches_judgement ORDER BY comparison_id;
CREATE TABLE derived.live_item (comparison_id bigint PRIMARY KEY, item_id bigint NOT NULL);
CREATE TABLE derived.setback AS
    SELECT id AS comparison_id, CASE WHEN status IN ('FAILED', 'WITHDRAWN') THEN status ELSE '' END AS final,
           fail_reason, fail_detail, attempts, revision, held, not_before, resolved_at
    FROM public.batches_comparison WHERE status IN ('FAILED', 'WITHDRAWN') ORDER BY id;
CREATE TABLE derived.open_round (round_id bigint PRIMARY KEY);

ALTER TABLE derived.batches_comparison ADD PRIMARY KEY (id),
    ADD CONSTRAINT pair_once_per_round UNIQUE (round_id, essay_a_id, essay_b_id, judge_id, replicate),
    ADD FOREIGN KEY (round_id) REFERENCES public.batches_round DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (essay_a_id) REFERENCES public.batches_essay DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (essay_b_id) REFERENCES public.batches_essay DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (judge_id) REFERENCES public.batches_judge DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX ON derived.batches_comparison (essay_a_id);
CREATE INDEX ON derived.batches_comparison (essay_b_id);
CREATE INDEX ON derived.batches_comparison (judge_id);
CREATE INDEX ON derived.batches_comparison (round_id, id);

ALTER TABLE derived.batches_batchitem ADD PRIMARY KEY (id),
    ADD CONSTRAINT custom_id_unique_for_ever UNIQUE (custom_id), ADD UNIQUE (job_id, comparison_id),
    ADD FOREIGN KEY (job_id) REFERENCES public.batches_batchjob DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (comparison_id) REFERENCES derived.batches_comparison DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX ON derived.batches_batchitem (comparison_id);
ALTER TABLE derived.item_outcome ADD PRIMARY KEY (item_id),
    ADD CHECK (outcome = 'SUCCEEDED' OR reason <> ''),
    ADD FOREIGN KEY (item_id) REFERENCES derived.batches_batchitem DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE derived.batches_judgement ADD PRIMARY KEY (comparison_id), ADD UNIQUE (item_id),
    ADD CHECK (winner IN ('A', 'B')), ADD CHECK (confidence BETWEEN 1 AND 5),
    ADD CHECK (item_id IS NULL OR confidence IS NOT NULL),
    ADD FOREIGN KEY (comparison_id) REFERENCES derived.batches_comparison DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (item_id) REFERENCES derived.batches_batchitem DEFERRABLE INITIALLY DEFERRED;
CREATE TRIGGER judgement_is_insert_only BEFORE UPDATE OR DELETE ON derived.batches_judgement
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
ALTER TABLE derived.live_item
    ADD FOREIGN KEY (comparison_id) REFERENCES derived.batches_comparison DEFERRABLE INITIALLY DEFERRED,
    ADD FOREIGN KEY (item_id) REFERENCES derived.batches_batchitem DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE derived.setback ADD PRIMARY KEY (comparison_id),
    ADD CHECK (final <> 'FAILED' OR fail_reason <> ''),
    ADD FOREIGN KEY (comparison_id) REFERENCES derived.batches_comparison DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX ON derived.setback (final, comparison_id DESC) WHERE final <> '';
"""
# What is not finished, by round: a list that somebody would have to keep true. See the ADR.
OPEN_ROUNDS = """
INSERT INTO derived.open_round
SELECT DISTINCT round_id FROM public.batches_comparison WHERE status IN ('PENDING', 'IN_FLIGHT')
"""
LEAVE = """
INSERT INTO live_item (comparison_id, item_id)
SELECT comparison_id, id FROM batches_batchitem WHERE comparison_id BETWEEN %(first)s AND %(last)s
"""


def make() -> None:
    """Copy what `comparison_status_rows.fill` left; nothing is in flight yet."""
    run(MAKE.format(comparison=_but(Comparison, STATUS), item=_but(BatchItem, OUTCOME), outcome=", ".join(OUTCOME)))
    run("VACUUM (ANALYZE) derived.batches_comparison, derived.batches_batchitem, derived.item_outcome")
    run("VACUUM (ANALYZE) derived.batches_judgement, derived.setback")


def _but(model: type[Model], names: Sequence[str]) -> str:
    """The columns of a table but these."""
    return ", ".join(str(field.column) for field in model._meta.concrete_fields if field.name not in names)


def withdraw(ids: range) -> None:
    """What staff would do with comparisons that nobody wants any more."""
    run(
        "INSERT INTO setback SELECT n, 'WITHDRAWN', '', '', 0, 0, false, NULL, NULL"
        " FROM generate_series(%(first)s::bigint, %(last)s) AS n",
        ends(ids),
    )


@contextmanager
def derived_tables() -> Iterator[None]:
    """Let every statement of the block find the derived tables under the names of the stored ones."""
    run("SET search_path = derived, public")
    try:
        yield
    finally:
        run("RESET search_path")


OPEN = """
SELECT item.id, item.custom_id, item.comparison_id, item.reserved_usd, coalesce(setback.attempts, 0),
       cj_round.assessment_id
FROM batches_batchitem item
JOIN live_item live ON live.comparison_id = item.comparison_id AND live.item_id = item.id
JOIN batches_comparison comparison ON comparison.id = item.comparison_id
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
LEFT JOIN setback ON setback.comparison_id = item.comparison_id
WHERE item.job_id = %s AND item.custom_id = ANY(%s)
"""
INSERT_OUTCOMES = """
INSERT INTO item_outcome (item_id, outcome, reason, error, answer, request_id,
                          input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost_usd, resolved_at)
SELECT new.*, clock_timestamp()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::int[], %s::int[], %s::int[], %s::int[], %s::numeric[]) AS new
ON CONFLICT (item_id) DO NOTHING
"""
LAND = "DELETE FROM live_item WHERE comparison_id = ANY(%s)"
SET_BACK = """
INSERT INTO setback (comparison_id, final, fail_reason, fail_detail, attempts, revision, held, not_before, resolved_at)
SELECT new.id, new.final, new.reason, new.detail, new.attempts, 1, new.held, NULL, clock_timestamp()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[], %s::bool[])
    AS new(id, final, reason, detail, attempts, held)
ON CONFLICT (comparison_id) DO UPDATE SET final = excluded.final, fail_reason = excluded.fail_reason,
    fail_detail = excluded.fail_detail, attempts = excluded.attempts, revision = setback.revision + 1
"""
Row = tuple[int, str, int, Decimal, int, int]  # item, custom_id, comparison, reserved, attempts, assessment


def resolve(job: BatchJob, results: Sequence[Result], *, lease: float) -> int:
    """What `pipeline.resolve.resolve` does, for derived statuses: the same reading, money and counts."""
    ended = {result.custom_id: read(result) for result in reversed(results)}
    with transaction.atomic():
        job.hold(seconds=lease)
        with connection.cursor() as cursor:
            cursor.execute(OPEN, [job.pk, list(ended)])
            rows: list[Row] = cursor.fetchall()
        set(job.items.filter(custom_id__in=list(ended)).values_list("custom_id", flat=True))
        _write(job, rows, ended)
    return len(rows)


def _write(job: BatchJob, rows: Sequence[Row], ended: dict[str, Ended]) -> None:
    model = manifest.find(job.provider, job.judge.model_id)
    costs = {row[0]: prices.cost(model, ended[row[1]].result.usage, batch=False) for row in rows}
    judged = [row for row in rows if ended[row[1]].draft is not None]
    others = [row for row in rows if ended[row[1]].draft is None]
    run(INSERT_OUTCOMES, _columns([_outcome(row, ended[row[1]], costs[row[0]]) for row in rows]))
    run(LAND, [[row[2] for row in rows]])
    run(WRITE_JUDGEMENTS, _columns([_judgement(row, ended[row[1]]) for row in judged]))
    if others:
        run(SET_BACK, _columns([_setback(row, ended[row[1]]) for row in others]))
    _settle(rows, costs)
    outcomes = Counter(ended[row[1]].outcome for row in rows)
    changes: dict[str, Any] = {f"n_{o.lower()}": F(f"n_{o.lower()}") + n for o, n in outcomes.items()}
    BatchJob.objects.filter(pk=job.pk).update(cost_usd=F("cost_usd") + sum(costs.values()), **changes)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _outcome(row: Row, end: Ended, cost: Decimal) -> tuple[Any, ...]:
    usage, result = end.result.usage, end.result
    tokens = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.output_tokens)
    return (row[0], end.outcome.value, end.reason, end.error, result.answer, result.request_id, *tokens, cost)


def _judgement(row: Row, end: Ended) -> tuple[Any, ...]:
    assert end.draft is not None
    return (row[2], row[0], end.draft.winner, end.draft.justification, end.draft.confidence)


def _setback(row: Row, end: Ended) -> tuple[Any, ...]:
    then = retry.after(end.outcome, end.reason, attempts=row[4], max_attempts=3)
    final = "FAILED" if then.status == "FAILED" else ""
    return (row[2], final, end.reason if final else "", end.error if final else "", then.attempts, then.held)


def _settle(rows: Sequence[Row], costs: dict[int, Decimal]) -> None:
    reserved: dict[int, Decimal] = defaultdict(Decimal)
    spent: dict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        reserved[row[5]] += row[3]
        spent[row[5]] += costs[row[0]]
    for assessment in sorted(reserved):
        money.settle(assessment, reserved=reserved[assessment], spent=spent[assessment])
