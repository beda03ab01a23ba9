"""Waiting comparisons -> batch jobs: the intent is committed before anything is sent."""

import itertools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.models import AuditEntry, BatchItem, BatchJob, Comparison, Judge, Round
from batches.models.fields import DatabaseClock
from batches.models.jobs import new_nonce
from batches.models.project import Person
from batches.pipeline import account, arrays, canaries, fits, parts, priming, queues, resolve
from batches.pipeline.chunks import Room
from batches.pipeline.crashes import crash_point
from batches.pipeline.drafts import PACK, Draft, Drafting, Entry, Purse
from batches.pipeline.refused import Refused
from batches.pipeline.requests import FIELDS, Waiting
from batches.pipeline.strategies import STRATEGIES, Packing, Trigger, calls_per_job, strategy
from batches.providers import manifest
from batches.providers.base import Outcome, Provider, ProviderError, Result

log = logging.getLogger(__name__)
ENVELOPE = 100  # bytes around the requests of a batch's body


def let_go(rounds: QuerySet[Round], *, actor: Person | None, correlation_id: UUID | None = None) -> int:
    """Let what waits in these rounds go; Refused, with nothing let go, where it could not be paid or sent.

    Callbacks that these rounds write from now on carry `correlation_id`, where one is given.
    """
    chosen = list(rounds.select_related("assessment__project"))
    going = canaries.with_canaries(chosen)
    waiting = Comparison.objects.filter(round__in=going, status=Comparison.Status.PENDING)
    _check_rounds(chosen, waiting)
    with transaction.atomic():
        going.filter(submitted_at=None).update(submitted_at=DatabaseClock())
        waiting.filter(held=True).update(held=False, not_before=None)
        if correlation_id:
            Round.objects.filter(pk__in=[r.pk for r in chosen]).update(correlation_id=correlation_id)
        n = waiting.count()
        for cj_round in chosen:
            AuditEntry.record("submit", cj_round, actor=actor, project=cj_round.assessment.project)
    return n


def force(comparisons: QuerySet[Comparison], *, actor: Person | None) -> int:
    """Let comparisons that wait for company, or for the night, leave at once; the number that will."""
    ids = release(comparisons)
    if not ids:
        raise Refused(_("Nothing here waits for a count or a time: submit the round first, or look at the batch jobs."))
    for cj_round in Round.objects.filter(comparisons__in=ids).select_related("assessment__project").distinct():
        AuditEntry.record("force", cj_round, actor=actor, project=cj_round.assessment.project)
    return len(ids)


@transaction.atomic
def release(comparisons: QuerySet[Comparison]) -> list[int]:
    """Release those of these comparisons that gather; which they were."""
    names = [name for name, one in STRATEGIES.items() if one.leaves != Trigger.ROUND]
    gathering = comparisons.filter(
        status=Comparison.Status.PENDING,
        held=False,
        released_at=None,
        round__submitted_at__isnull=False,
        round__strategy__in=names,
    )
    ids = list(gathering.select_for_update(of=("self",)).values_list("pk", flat=True))
    Comparison.objects.filter(pk__in=ids).update(released_at=DatabaseClock(), not_before=None)
    return ids


def _check_rounds(rounds: Sequence[Round], waiting: QuerySet[Comparison]) -> None:
    judges = Judge.objects.filter(pk__in=waiting.values("judge"), kind=Judge.Kind.MODEL).select_related("account")
    batch = any(strategy(cj_round.strategy).packing == Packing.PROVIDER_BATCH for cj_round in rounds)
    for judge in judges:
        account.check_open(judge)
        fits.model_of(judge, batch=batch)
    paid = set(waiting.filter(judge__kind=Judge.Kind.MODEL).values_list("round__assessment", flat=True).distinct())
    for assessment in {cj_round.assessment for cj_round in rounds if cj_round.assessment_id in paid}:
        if assessment.overrun_usd > 0:
            raise Refused(
                _("%(assessment)s has used more than its budget: raise the budget first.") % {"assessment": assessment}
            )
        if assessment.left_usd <= 0 and assessment.reserved_usd == 0:
            raise Refused(
                _("Nothing is left of the budget of %(assessment)s: raise the budget first.")
                % {"assessment": assessment}
            )
        essays = assessment.essays.filter(erased_at=None).values_list("candidate", "text", "n_pages")
        fits.check_essays(assessment, essays.iterator())


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Comparisons that may share a job: one judge, one strategy; of any round and assessment."""

    judge: Judge
    strategy: str

    @property
    def packing(self) -> Packing:
        return STRATEGIES[self.strategy].packing

    @property
    def waiting(self) -> QuerySet[Comparison]:
        """The comparisons of this group that may leave now."""
        return _leaving_by([self.strategy]).filter(judge=self.judge)


def _leaving_by(strategies: Iterable[str]) -> QuerySet[Comparison]:
    """Comparisons that may leave now, and do by one of these strategies."""
    names = list(strategies)
    by_round = Q(strategy="", round__strategy__in=names)
    return Comparison.objects.due().filter(by_round | Q(strategy__in=names))


def waiting_groups() -> list[Group]:
    """The groups with comparisons that may leave now, on accounts that are open."""
    due = _leaving_by(STRATEGIES).filter(judge__account__in=account.open_accounts()).order_by()
    rows = due.values_list("judge_id", "strategy", "round__strategy").distinct()
    pairs = {(judge, own or of_round) for judge, own, of_round in rows}
    judges = Judge.objects.select_related("account").in_bulk({judge for judge, _ in pairs})
    return [Group(judge=judges[judge], strategy=name) for judge, name in sorted(pairs)]


def open_jobs(group: Group) -> list[int]:
    """Commit the intent of one job after another until the group is empty; the ids of the new jobs."""
    jobs: list[int] = []
    batch = group.packing == Packing.PROVIDER_BATCH
    try:
        provider = account.provider_of(group.judge.own_account)
        watermark = provider.watermark() if batch else ""
        fits.model_of(group.judge, batch=batch)
    except Refused as problem:
        log.warning("submit refused judge=%s reason=%s", group.judge.pk, problem)
        return jobs
    except ProviderError as error:
        account.note_failure(group.judge.own_account, error)
        return jobs
    while (job := open_job(group, provider, watermark)) is not None:
        crash_point("intent_committed")
        jobs.append(job.pk)
    return jobs


def open_job(group: Group, provider: Provider, watermark: str = "") -> BatchJob | None:
    """Commit one job with its items, its reservation and its comparisons IN_FLIGHT; None when nothing may leave."""
    with transaction.atomic():
        if group.packing == Packing.PROVIDER_BATCH:
            return _open_batch(group, provider, watermark)
        comparisons = _lock_waiting(group, calls_per_job())
        if not comparisons:
            return None
        drafting = _drafting(group, comparisons)
        return _write_job(group, drafting, PACK[group.packing](drafting))


def open_race(judge: Judge, comparisons: Sequence[int]) -> list[int]:
    """Ask comparisons that wait in running batches once more, in single calls: whoever answers first wins.

    Both requests are reserved and paid for. The ids of the new jobs; as many as the budget covers.
    """
    jobs: list[int] = []
    for some in itertools.batched(comparisons, calls_per_job()):
        with transaction.atomic():
            job = _open_race(Group(judge=judge, strategy="per_round"), some)
        jobs += [job.pk] if job else []
    return jobs


def _open_race(group: Group, ids: Sequence[int]) -> BatchJob | None:
    in_flight = Comparison.objects.filter(pk__in=ids, judge=group.judge, status=Comparison.Status.IN_FLIGHT)
    racing = BatchItem.objects.filter(comparison__in=ids, races=True).values("comparison")
    locked = in_flight.exclude(pk__in=racing).select_for_update(skip_locked=True, of=("self",)).order_by("pk")
    rows = [Waiting(*row) for row in locked.values_list(*FIELDS)]
    if not rows:
        return None
    drafting = _drafting(group, rows)
    draft = drafting.single()
    drafting.purse.close()
    return _create(group, drafting, draft, races=True) if draft.entries else None


def _open_batch(group: Group, provider: Provider, watermark: str) -> BatchJob | None:
    queues.lock(group.judge)
    prime = priming.step(group.judge, group.strategy)
    room = _room(group.judge)
    if prime == priming.Step.WAIT or room.requests <= 0:
        return None
    comparisons = _lock_waiting(group, room.requests)
    if not comparisons:
        return None
    drafting = _drafting(group, comparisons)
    draft = drafting.batch(provider, room, _most_bytes(group.judge), prime=prime == priming.Step.PRIME)
    return _write_job(group, drafting, draft, watermark=watermark)


def _room(judge: Judge) -> Room:
    """What the next batch of a judge may hold: our chunk, the provider's limits, and what its queue still takes."""
    limits = manifest.limits(judge.own_account.provider)
    in_queue, tokens = queues.left(judge)
    most = min(cj_settings.batch_chunk_requests, limits.requests)
    return Room(
        requests=most if in_queue is None else min(most, in_queue),
        bytes=min(cj_settings.batch_chunk_bytes, _most_bytes(judge)),
        tokens=tokens,
        queue_busy=tokens is not None and queues.busy(judge),
    )


def _most_bytes(judge: Judge) -> int:
    return manifest.limits(judge.own_account.provider).bytes - ENVELOPE


def _drafting(group: Group, comparisons: Sequence[Waiting]) -> Drafting:
    return Drafting(
        judge=group.judge,
        model=fits.model_of(group.judge),
        comparisons=comparisons,
        nonce=new_nonce(),
        purse=Purse({c.assessment_id for c in comparisons}),
    )


def _lock_waiting(group: Group, most: int) -> list[Waiting]:
    """Comparisons for one job, locked: those with the same first essay side by side, bundles as they were planned.

    A bundle caches no essay, and known pairs are to stay strewn among the others.
    """
    locked = group.waiting.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
    rows = [Waiting(*row) for row in locked.values_list(*FIELDS)[:most]]
    if group.packing == Packing.BUNDLE:
        return rows
    return sorted(rows, key=lambda c: (c.assessment_id, c.essay_a_id, c.pk))


def _write_job(group: Group, drafting: Drafting, draft: Draft, *, watermark: str = "") -> BatchJob | None:
    """The job as rows, or nothing where no assessment can pay for any of it: those that never could are held back."""
    _hold_back(drafting, drafting.purse.close())
    if not draft.entries:
        return None
    job = _create(group, drafting, draft, watermark=watermark)
    ids = [entry.comparison for entry in draft.entries]
    Comparison.objects.filter(pk__in=ids).advance(Comparison.Status.IN_FLIGHT, not_before=None)
    crash_point("before_intent_commit")
    return _drop_bad_lines(job, draft)


def _create(group: Group, drafting: Drafting, draft: Draft, *, watermark: str = "", races: bool = False) -> BatchJob:
    job = BatchJob.objects.create(
        account=group.judge.own_account,
        provider=group.judge.own_account.provider,
        judge=group.judge,
        project_id=drafting.purse.project(),
        strategy=group.strategy,
        packing=group.packing,
        nonce=drafting.nonce,
        payload_sha256=draft.payload_sha256,
        watermark=watermark,
        n_items=len(draft.entries),
        reserved_usd=draft.reserved_usd,
        queued_tokens=draft.tokens,
        primes_cache=draft.primes,
    )
    for entries in itertools.batched(draft.entries, 2000):
        arrays.execute(INSERT_ITEMS, "ntottnn", [entry.row() for entry in entries], job.pk, races)
    of = {c.pk: c.assessment_id for c in drafting.comparisons}
    parts.begin(job, ((of[entry.comparison], entry.reserved_usd) for entry in draft.entries))
    return job


INSERT_ITEMS = """
INSERT INTO batches_batchitem
    (job_id, races, comparison_id, custom_id, bundle, tag, prompt_sha256, cache_marks, reserved_usd, reason, error,
     answer, request_id, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost_usd)
SELECT %s, %s, new.comparison, new.custom_id, new.bundle, new.tag, new.prompt_sha256, new.marks, new.reserved, '', '',
       '', '', 0, 0, 0, 0, 0
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::text[], %s::smallint[], %s::numeric[])
    WITH ORDINALITY AS new(comparison, custom_id, bundle, tag, prompt_sha256, marks, reserved, place)
ORDER BY new.place
"""


def _hold_back(drafting: Drafting, dry: set[int]) -> None:
    """Comparisons of assessments that can pay for none, with nothing under way that could give money back."""
    ids = [c.pk for c in drafting.comparisons if c.assessment_id in dry]
    if ids:
        Comparison.objects.filter(pk__in=ids).update(held=True)
        log.warning("budget exhausted assessments=%s held=%d", sorted(dry), len(ids))


def _drop_bad_lines(job: BatchJob, draft: Draft) -> BatchJob:
    """Requests that cannot be sent are errors of their own, before anything is uploaded; the others go."""
    bad = [entry for entry in draft.entries if entry.problem]
    if bad:
        resolve.resolve(job, [_bad_line(entry) for entry in bad])
        log.warning("lines refused job=%s n=%d first=%s", job.pk, len(bad), bad[0].problem)
    if len(bad) == len(draft.entries):
        job.advance(BatchJob.Status.CANCELLED, error_code="bad_line", error=bad[0].problem, closed_at=DatabaseClock())
    return job


def _bad_line(entry: Entry) -> Result:
    return Result(custom_id=entry.custom_id, outcome=Outcome.ERRORED, reason="bad_line", error=entry.problem)
