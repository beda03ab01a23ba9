"""Results -> outcomes, judgements, statuses, money and callbacks: all of them in one transaction, once each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F

from batches.conf import cj_settings
from batches.judging.answers import JudgementDraft, Unreadable, read_answer
from batches.models import Assessment, BatchJob, Comparison, StrayLine
from batches.pipeline import arrays, callbacks, money, parts, retry
from batches.pipeline.crashes import crash_point
from batches.providers import manifest, prices
from batches.providers.base import Outcome, Result

SHORT = 1000  # characters of an error that are kept beside the item
ANSWER = 50_000  # characters of an answer that are kept beside the item


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One item as it ended: the result, and what was read out of its answer."""

    result: Result
    draft: JudgementDraft | None
    outcome: Outcome
    reason: str
    error: str
    cost_usd: Decimal | None = None  # its share of a bundle's cost; None: what its own usage costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of a set of results."""

    resolved: int
    duplicates: int
    strangers: int
    strays: dict[int, str] = field(default_factory=dict)  # place of a result that fits nowhere -> StrayLine.Kind


def read(result: Result) -> Ended:
    """Read one result strictly: an answer that is not a judgement is INVALID, whatever the provider called it."""
    if result.outcome != Outcome.SUCCEEDED:
        reason = "account_fault" if result.account_fault else result.reason or result.outcome.lower()
        return Ended(result=result, draft=None, outcome=result.outcome, reason=reason, error=result.error)
    draft = read_answer(result.answer)
    if isinstance(draft, Unreadable):
        return Ended(result=result, draft=None, outcome=Outcome.INVALID, reason=draft.reason, error=draft.detail)
    return Ended(result=result, draft=draft, outcome=Outcome.SUCCEEDED, reason="", error="")


def resolve(job: BatchJob, results: Iterable[Result | Ended], *, lease: float | None = None) -> Tally:
    """Write these results of a job down, first result first; LostLease when the job is no longer ours."""
    read_in = [result if isinstance(result, Ended) else read(result) for result in results]
    ended: dict[str, Ended] = {}
    for end in read_in:
        ended.setdefault(end.result.custom_id, end)
    with transaction.atomic():
        job.hold(seconds=lease)
        rows = _open_items(job, list(ended))
        before = _earlier(job, list(ended), [row.custom_id for row in rows])
        if rows:
            _write(job, rows, ended)
        strays, duplicates = _strays(read_in, ended, {row.custom_id for row in rows}, before)
        strangers = sum(kind == StrayLine.Kind.STRANGER for kind in strays.values())
        crash_point("mid_resolve")
        if duplicates or strangers:
            BatchJob.objects.filter(pk=job.pk).update(
                n_duplicates=F("n_duplicates") + duplicates, n_strangers=F("n_strangers") + strangers
            )
    return Tally(resolved=len(rows), duplicates=duplicates, strangers=strangers, strays=strays)


_Said = tuple[str, str]  # outcome and answer, as an item keeps them


def _said(end: Ended) -> _Said:
    return end.outcome.value, storable(end.result.answer, ANSWER)


def _earlier(job: BatchJob, custom_ids: list[str], open_ids: list[str]) -> dict[str, _Said]:
    """What those items of the job said that were resolved before."""
    resolved = set(custom_ids) - set(open_ids)
    rows = job.items.filter(custom_id__in=resolved)
    return {
        custom_id: (outcome or "", answer)
        for custom_id, outcome, answer in rows.values_list("custom_id", "outcome", "answer")
    }


def _strays(
    read_in: Sequence[Ended], ended: dict[str, Ended], resolved: set[str], before: dict[str, _Said]
) -> tuple[dict[int, str], int]:
    """The places of results that resolve nothing, strangers and conflicts, and how many repeat an item's result."""
    strays: dict[int, str] = {}
    duplicates = 0
    for place, end in enumerate(read_in):
        custom_id = end.result.custom_id
        if custom_id in resolved and ended[custom_id] is end:
            continue
        first = _said(ended[custom_id]) if custom_id in resolved else before.get(custom_id)
        if first is None:
            strays[place] = StrayLine.Kind.STRANGER
            continue
        duplicates += 1
        if first != _said(end):
            strays[place] = StrayLine.Kind.CONFLICT
    return strays, duplicates


def resolve_rest(job: BatchJob, outcome: Outcome, reason: str, *, error: str = "", sent: bool | None = None) -> int:
    """End every open item of a job alike (only those sent, or only those not sent, where `sent` says so)."""
    total = 0
    while True:
        items = job.items.filter(outcome=None)
        if sent is not None:
            items = items.filter(sent_at__isnull=not sent)
        ids = list(items.order_by("pk").values_list("custom_id", flat=True)[:500])
        if not ids:
            return total
        results = [Result(custom_id=one, outcome=outcome, reason=reason, error=error) for one in ids]
        total += resolve(job, results).resolved


class _Row(NamedTuple):
    """An open item and its comparison, both locked."""

    item_id: int
    custom_id: str
    comparison_id: int
    reserved_usd: Decimal
    status: str
    attempts: int
    assessment_id: int
    races: bool  # asked beside a batch that is still running
    bundle: int | None
    erased: bool  # an essay of it is gone: what was said of it is not written down, what it cost is


OPEN_ITEMS = """
SELECT item.id, item.custom_id, comparison.id, item.reserved_usd, comparison.status, comparison.attempts,
       cj_round.assessment_id, item.races, item.bundle, essay_a.erased_at IS NOT NULL OR essay_b.erased_at IS NOT NULL
FROM batches_batchitem item
JOIN batches_comparison comparison ON comparison.id = item.comparison_id
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
JOIN batches_essay essay_a ON essay_a.id = comparison.essay_a_id
JOIN batches_essay essay_b ON essay_b.id = comparison.essay_b_id
WHERE item.job_id = %s AND item.custom_id = ANY(%s::text[]) AND item.outcome IS NULL
ORDER BY item.id FOR UPDATE OF item, comparison
"""


def _open_items(job: BatchJob, custom_ids: list[str]) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_ITEMS, [job.pk, arrays.texts([storable(one, 64) for one in custom_ids])])
        return [_Row(*row) for row in cursor.fetchall()]


def _write(job: BatchJob, rows: Sequence[_Row], ended: dict[str, Ended]) -> None:
    model = manifest.find(job.provider, job.judge.model_id)
    batch = job.packing == BatchJob.Packing.PROVIDER_BATCH
    costs = {row.item_id: _cost(model, ended[row.custom_id], batch=batch) for row in rows}
    _write_items(rows, ended, costs)
    wanted = [row for row in rows if row.status == Comparison.Status.IN_FLIGHT and not row.erased]
    judged = [row for row in wanted if ended[row.custom_id].draft is not None]
    _write_judgements(judged, ended)
    _advance(job, rows, ended)
    _settle(job, rows, ended, costs)
    _count(job, rows, ended, sum(costs.values(), Decimal(0)))
    callbacks.write([row.comparison_id for row in wanted])


def _cost(model: manifest.Model, end: Ended, *, batch: bool) -> Decimal:
    return prices.cost(model, end.result.usage, batch=batch) if end.cost_usd is None else end.cost_usd


WRITE_ITEMS = """
UPDATE batches_batchitem item SET
    outcome = new.outcome, reason = new.reason, error = new.error, answer = new.answer, request_id = new.request_id,
    input_tokens = new.input, cache_read_tokens = new.cache_read, cache_write_tokens = new.cache_write,
    output_tokens = new.output, cost_usd = new.cost, resolved_at = clock_timestamp()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::int[], %s::int[], %s::int[], %s::int[], %s::numeric[])
    AS new(id, outcome, reason, error, answer, request_id, input, cache_read, cache_write, output, cost)
WHERE item.id = new.id AND item.outcome IS NULL
"""


def storable(text: str, most: int) -> str:
    """Text as PostgreSQL takes it: no NUL, no lone surrogates, and not longer than `most` characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:most]


def _write_items(rows: Sequence[_Row], ended: dict[str, Ended], costs: dict[int, Decimal]) -> None:
    values: list[tuple[Any, ...]] = []
    silent = {row.bundle for row in rows if row.erased and row.bundle is not None}  # their one answer is about it too
    for row in rows:
        end, unsaid = ended[row.custom_id], row.erased or row.bundle in silent
        usage = end.result.usage
        values.append(
            (
                row.item_id,
                end.outcome.value,
                storable(end.reason, 60),
                "" if unsaid else storable(end.error, SHORT),
                "" if unsaid else storable(end.result.answer, ANSWER),
                storable(end.result.request_id, 100),
                usage.input_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
                usage.output_tokens,
                costs[row.item_id],
            )
        )
    arrays.execute(WRITE_ITEMS, "ntttttnnnnn", values)


WRITE_JUDGEMENTS = """
INSERT INTO batches_judgement (comparison_id, item_id, winner, justification, confidence, told, created_at)
SELECT new.comparison, new.item, new.winner, new.justification, new.confidence, new.told, clock_timestamp()
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::smallint[], %s::bool[])
    AS new(comparison, item, winner, justification, confidence, told)
ON CONFLICT (comparison_id) DO NOTHING
"""


def _write_judgements(rows: Sequence[_Row], ended: dict[str, Ended]) -> None:
    values = [
        (
            row.comparison_id,
            row.item_id,
            draft.winner,
            storable(draft.justification, 20_000),
            draft.confidence,
            draft.told,
        )
        for row in rows
        if (draft := ended[row.custom_id].draft)
    ]
    if values:
        arrays.execute(WRITE_JUDGEMENTS, "nnttnf", values)


# `|| ''` keeps the planner from the index on status: it would read all that is in flight for each chunk (ADR 1).
MOVE_COMPARISONS = """
UPDATE batches_comparison comparison SET
    status = new.status, attempts = new.attempts, held = new.held, fail_reason = new.reason, fail_detail = new.detail,
    not_before = CASE WHEN new.wait > 0 THEN clock_timestamp() + make_interval(secs => new.wait) END,
    resolved_at = CASE WHEN new.status IN ('JUDGED', 'FAILED') THEN clock_timestamp() END,
    revision = comparison.revision + CASE WHEN new.status IN ('JUDGED', 'FAILED') THEN 1 ELSE 0 END
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::bool[], %s::text[], %s::text[], %s::float8[])
    AS new(id, status, attempts, held, reason, detail, wait)
WHERE comparison.id = new.id AND comparison.status || '' = 'IN_FLIGHT'
"""


def _advance(job: BatchJob, rows: Sequence[_Row], ended: dict[str, Ended]) -> None:
    """Move the comparisons on: judged, waiting again, or failed with a reason."""
    rivals = _rivals(rows)
    tail = job.cancelled_for == "deadline"  # cancelled so that its rest is asked at once, not to wait for staff
    stopped = not tail and BatchJob.objects.filter(pk=job.pk, cancel_asked_at__isnull=False).exists()  # wait for staff
    unjudged = {row.assessment_id for row in rows if ended[row.custom_id].draft is None}
    limits = _attempt_limits(unjudged) if unjudged else {}
    moves: list[tuple[Any, ...]] = []
    for row in rows:
        end = ended[row.custom_id]
        if row.comparison_id in rivals and end.draft is None:
            continue  # the other request for this comparison is still under way: its answer decides
        if row.erased:
            moves.append((row.comparison_id, "WITHDRAWN", row.attempts, False, "", "", 0.0))
        elif end.draft is not None:
            moves.append((row.comparison_id, "JUDGED", row.attempts + 1, False, "", "", 0.0))
        else:
            then = retry.after(end.outcome, end.reason, attempts=row.attempts, max_attempts=limits[row.assessment_id])
            failed = then.status == Comparison.Status.FAILED
            moves.append(
                (
                    row.comparison_id,
                    str(then.status),
                    then.attempts,
                    (then.held or stopped) and not tail,
                    storable(end.reason, 60) if failed else "",
                    storable(end.error, 500) if failed else "",
                    max(then.wait.total_seconds(), end.result.retry_after or 0) if not failed else 0.0,
                )
            )
    if moves:
        arrays.execute(MOVE_COMPARISONS, "ntnfttn", moves)


def _rivals(rows: Sequence[_Row]) -> set[int]:
    """Comparisons that another open item is about: a race, of which this is one end."""
    with connection.cursor() as cursor:
        cursor.execute(RIVALS[not rows[0].races], [arrays.numbers(row.comparison_id for row in rows)])
        return {pk for (pk,) in cursor.fetchall()}


# Either kind has an index of its own, which a parameter in the place of the condition would not find.
_OPEN = "SELECT comparison_id FROM batches_batchitem WHERE comparison_id = ANY(%s::bigint[]) AND outcome IS NULL AND "
RIVALS = {True: f"{_OPEN} races", False: f"{_OPEN} NOT races"}


def _attempt_limits(assessments: set[int]) -> dict[int, int]:
    rows = Assessment.objects.filter(pk__in=assessments).values_list("pk", "overrides")
    return {pk: cj_settings.of(overrides).max_attempts for pk, overrides in rows}


def _settle(job: BatchJob, rows: Sequence[_Row], ended: dict[str, Ended], costs: dict[int, Decimal]) -> None:
    reserved: dict[int, Decimal] = defaultdict(Decimal)
    spent: dict[int, Decimal] = defaultdict(Decimal)
    outcomes: dict[int, Counter[str]] = defaultdict(Counter)
    for row in rows:
        reserved[row.assessment_id] += row.reserved_usd
        spent[row.assessment_id] += costs[row.item_id]
        outcomes[row.assessment_id][ended[row.custom_id].outcome.value] += 1
    for assessment in sorted(reserved):  # in one order everywhere: no deadlocks
        money.settle(assessment, reserved=reserved[assessment], spent=spent[assessment])
        money.book(assessment, job.judge_id, spent=spent[assessment], items=outcomes[assessment].total())
        parts.add(job.pk, assessment, outcomes[assessment], cost=spent[assessment])


def _count(job: BatchJob, rows: Sequence[_Row], ended: dict[str, Ended], cost: Decimal) -> None:
    outcomes = Counter(ended[row.custom_id].outcome for row in rows)
    changes: dict[str, Any] = {f"n_{o.lower()}": F(f"n_{o.lower()}") + count for o, count in outcomes.items()}
    for kind in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"):
        used = sum(getattr(ended[row.custom_id].result.usage, kind) for row in rows)
        changes |= {kind: F(kind) + used} if used else {}
    BatchJob.objects.filter(pk=job.pk).update(cost_usd=F("cost_usd") + cost, recoveries=0, **changes)
