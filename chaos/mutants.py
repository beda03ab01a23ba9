"""Bugs sown on purpose -> is each of them noticed? Each is put into the workers only, never into this process."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaos import workers
from chaos.checker import Found
from chaos.episodes import Episode, Load, run
from chaos.world import World

BOTH: tuple[Load, ...] = (("anthropic", "provider_batch", 24), ("openai", "provider_batch", 24))
CALLS: tuple[Load, ...] = (("anthropic", "per_round", 24), ("openai", "per_round", 24))
Sow = Callable[[], None]


def no_lease() -> None:
    from django.db import transaction

    from batches.models import BatchJob
    from batches.models.jobs import BatchJobQuerySet
    from batches.pipeline import watch

    def take(self: Any, pk: int, *, seconds: float) -> BatchJob:
        with transaction.atomic():
            job = self.select_for_update().get(pk=pk)
            job.fence += 1
            self.filter(pk=pk).update(fence=job.fence)
            return job

    def due() -> list[tuple[int, int]]:
        return list(BatchJob.objects.filter(status__in=BatchJob.LIVE).order_by("pk").values_list("pk", "fence"))

    BatchJobQuerySet.take = take  # type: ignore[method-assign]
    watch.due = due


def no_fence() -> None:
    from batches.models import BatchJob
    from batches.pipeline import send

    def advance(self: Any, to: str, **changes: Any) -> bool:
        BatchJob.objects.filter(pk=self.pk, status=self.status).update(status=to, **changes)
        self.refresh_from_db()
        return True

    BatchJob.hold = lambda self, *, seconds=None: None  # type: ignore[method-assign,assignment]
    BatchJob.advance = advance  # type: ignore[method-assign]
    BatchJob.n_open = lambda self: self.n_items  # type: ignore[method-assign]
    send._still_in_time = lambda job: True


def early_collected() -> None:
    from batches.pipeline import collect

    write = collect._write

    def once(job: Any, file: Any, chunk: Any) -> None:
        if not file.lines_read:
            write(job, file, chunk)
            file.lines_read = 1

    collect.CHUNK = 3
    collect._write = once


def truncated_accepted() -> None:
    import httpx2

    from batches.pipeline import raw
    from batches.providers import lines

    def half(response: Any) -> Any:
        try:
            yield from response.iter_bytes()
        except httpx2.HTTPError:
            return

    lines.whole, lines.refuse_torn, raw.DOWNLOADS = half, lambda path: None, 1


def sdk_retries() -> None:
    from batches.providers.anthropic import AnthropicProvider
    from batches.providers.base import ProviderError
    from batches.providers.openai import OpenAIProvider

    def stubborn(submit: Any) -> Any:
        def again(*args: Any, **kwargs: Any) -> Any:
            for _ in range(2):
                try:
                    return submit(*args, **kwargs)
                except ProviderError:
                    continue
            return submit(*args, **kwargs)

        return again

    for provider in (AnthropicProvider, OpenAIProvider):
        provider.submit = stubborn(provider.submit)  # type: ignore[attr-defined]


def late_callbacks() -> None:
    from django.db import transaction

    from batches.pipeline import callbacks
    from batches.pipeline.crashes import crash_point

    write = callbacks.write

    def later(ids: Any) -> None:
        def do() -> None:
            crash_point("late_callback")
            write(ids)

        transaction.on_commit(do)

    callbacks.write = later


def blind_resubmit() -> None:
    from batches.pipeline import recover, watch

    watch.BATCH_STEPS["IN_DOUBT"] = recover.absent


def no_settle() -> None:
    from batches.pipeline import recover

    recover._settled = lambda job: True
    recover.LOOKS = 1


def last_wins() -> None:
    from batches.pipeline import resolve

    first = resolve.resolve
    resolve.resolve = lambda job, results, **more: first(job, list(results)[::-1], **more)


def winner_swapped() -> None:
    from batches.pipeline import resolve

    read = resolve.read

    def swapped(result: Any) -> Any:
        end = read(result)
        if end.draft is None:
            return end
        winner = type(end.draft.winner)("B" if end.draft.winner == "A" else "A")
        return dataclasses.replace(end, draft=dataclasses.replace(end.draft, winner=winner))

    resolve.read = swapped


def essays_swapped() -> None:
    from batches.pipeline import payload, requests, submit

    waiting = requests.Waiting

    def swapped(pk: int, round_id: int, assessment_id: int, a: int, b: int) -> requests.Waiting:
        return waiting(pk, round_id, assessment_id, b, a)

    for module in (payload, requests, submit):
        module.Waiting = swapped  # type: ignore[assignment,misc]


def places_swapped() -> None:
    from batches.judging import prompts

    write = prompts._essay_parts

    def swapped(place: str, essay: Any, **more: Any) -> Any:
        return write({"A": "B", "B": "A"}[place], essay, **more)

    prompts._essay_parts = swapped


def budget_read_then_written() -> None:
    from decimal import Decimal

    from batches.models import Assessment
    from batches.pipeline import drafts

    class Purse(drafts.Purse):
        def __init__(self, assessments: set[int]) -> None:
            super().__init__(set())
            self._rows = {row.pk: row for row in Assessment.objects.filter(pk__in=assessments)}
            self._left = {pk: row.left_usd if row.overrun_usd == 0 else Decimal(0) for pk, row in self._rows.items()}

        def close(self) -> set[int]:
            time.sleep(0.15)
            return super().close()

    drafts.Purse = Purse  # type: ignore[misc]
    from batches.pipeline import submit

    submit.Purse = Purse  # type: ignore[misc]
    submit.calls_per_job = lambda: 3


def queue_is_the_truth() -> None:
    """Nobody looks into the database: what the queue has forgotten is not done. Run by chaos.bells."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A bug, and the stretch of work that shows it."""

    sow: Sow
    episode: dict[str, Any]
    die_at: str = ""
    sleep_at: str = ""  # until the others have given the job up


LOST = {"accept_and_drop": {"on": ["create"], "rate": 0.5}}
CUT = {"truncated_download": [{"rate": 0.4}, {"rate": 0.3, "how": "broken"}, {"rate": 0.3, "how": "whole_lines"}]}
MUTANTS: dict[str, Mutant] = {
    "no lease": Mutant(sow=no_lease, episode={"load": CALLS, "workers": 3, "provider": {"latency": 0.1}}),
    "no fence": Mutant(sow=no_fence, episode={"load": BOTH[1:], "workers": 5}, sleep_at="sending_committed"),
    "early COLLECTED": Mutant(sow=early_collected, episode={"load": BOTH}),
    "truncated download accepted": Mutant(sow=truncated_accepted, episode={"load": BOTH, "faults": CUT}),
    "SDK retries on create": Mutant(sow=sdk_retries, episode={"load": BOTH, "faults": LOST}),
    "callback outside the transaction": Mutant(sow=late_callbacks, episode={"load": BOTH}, die_at="late_callback"),
    "blind resubmit": Mutant(sow=blind_resubmit, episode={"load": BOTH, "faults": LOST}),
    "no settle time": Mutant(sow=no_settle, episode={"load": BOTH, "faults": LOST | {"list_lag": 0.8}}),
    "last result wins": Mutant(sow=last_wins, episode={"load": BOTH, "faults": {"duplicate_line_other_answer": 0.5}}),
    "position swapped: the winner": Mutant(sow=winner_swapped, episode={"load": BOTH}),
    "position swapped: the essays": Mutant(sow=essays_swapped, episode={"load": BOTH}),
    "position swapped: the places": Mutant(sow=places_swapped, episode={"load": BOTH}),
    "budget read, then written": Mutant(
        sow=budget_read_then_written, episode={"load": CALLS[:1], "workers": 4, "provider": {"latency": 0.1}}
    ),
}


def symptoms(world: World, name: str, seed: int, *, sown: bool, seconds: float = 30) -> Found:
    """What the checker says of the stretch of work, with the bug or without it."""
    mutant = MUTANTS[name]
    more: dict[str, Any] = dict(mutant.episode)
    if mutant.die_at:
        more["hook"] = workers.die_at({mutant.die_at: workers.Counter()}, 3)
    if mutant.sleep_at:
        more |= _asleep(workers.Sleepers(mutant.sleep_at, 3))
    found = run(world, Episode(seed=seed, prepare=mutant.sow if sown else None, seconds=seconds, **more))
    if found.counts["calls lost with a worker"] and not (found.counts["kills"] or found.counts["deaths"]):
        found.add("lost calls without a death", found.counts["calls lost with a worker"])
    return found


def _asleep(sleepers: workers.Sleepers) -> dict[str, Any]:
    """Wake them when the jobs that they were stopped at are over, and wait until they have done what they then do."""
    from batches.models import BatchJob

    def wake() -> None:
        if sleepers.count.value and BatchJob.objects.filter(status="ABSENT").count() >= sleepers.count.value:
            sleepers.wake()

    return {"hook": sleepers.hook, "meanwhile": wake, "until": lambda: sleepers.back_at_work}
