"""Comparisons that are about to be submitted -> what each strategy would make of them: jobs, tokens, money, time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.models import Assessment, Comparison, Judge, Round
from batches.pipeline import caching, canaries, drafts, fits, plan, tally, triggers
from batches.pipeline.chunks import chunks
from batches.pipeline.history import History, history
from batches.pipeline.refused import Refused
from batches.pipeline.requests import FIELDS, Desk, Waiting
from batches.pipeline.strategies import STRATEGIES, Packing, Trigger, calls_per_job
from batches.pipeline.tally import Counting
from batches.providers import manifest, prices
from batches.providers.base import Usage

PAGE_MOST = 2_000  # comparisons that a page's forecast looks at

Asked = Mapping[Judge, Sequence[Waiting]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One strategy for one set of comparisons. Money is what we expect, not what is reserved, unless it says so."""

    strategy: str
    comparisons: int
    jobs: int
    requests: int
    input_tokens: int
    output_tokens: int
    tokens_are: str  # counted (by the provider, on a sample) or estimated
    cost_usd: Decimal
    worst_case_usd: Decimal  # if the answers that may be lost together are lost, and their comparisons are paid again
    reserved_usd: Decimal  # held until the real usage is known
    budget_left_usd: Decimal
    seconds: float  # from submitting to the last judgement
    from_history: bool  # whether the length of answers is this judge's own
    race_usd: Decimal = Decimal(0)  # more, if a race is run near the deadline
    problem: str = ""  # why this strategy cannot be used here

    @property
    def fits_budget(self) -> bool:
        """Whether nothing would be held back: the reservation is within what is left."""
        return self.reserved_usd <= self.budget_left_usd

    def as_json(self) -> dict[str, object]:
        """The document of `plan --json`."""
        return {
            "strategy": self.strategy,
            "comparisons": self.comparisons,
            "jobs": self.jobs,
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "tokens_are": self.tokens_are,
            "cost_usd": f"{self.cost_usd:f}",
            "worst_case_usd": f"{self.worst_case_usd:f}",
            "budget_left_usd": f"{self.budget_left_usd:f}",
        }


def of_rounds(rounds: QuerySet[Round]) -> list[Forecast]:
    """All five strategies for what waits in these rounds to be submitted, for a page: nobody outside is asked.

    Of very many comparisons an even sample is looked at, and the figures are scaled up.
    """
    chosen = canaries.with_canaries(rounds)
    waiting = Comparison.objects.filter(round__in=chosen, status=Comparison.Status.PENDING)
    return forecasts(asked(waiting.filter(Q(round__submitted_at=None) | Q(held=True))), ask=False, most=PAGE_MOST)


def of_assessment(assessment: Assessment, strategies: Iterable[str] = STRATEGIES) -> list[Forecast]:
    """The strategies for what is planned and not submitted; where nothing is, for the next round there would be."""
    waiting = Comparison.objects.filter(round__assessment=assessment, status=Comparison.Status.PENDING)
    found = asked(waiting.filter(Q(round__submitted_at=None) | Q(held=True)))
    return forecasts(found or _next_round(assessment), strategies)


def _next_round(assessment: Assessment) -> Asked:
    """The comparisons of a round that is planned and forgotten at once."""
    with transaction.atomic():
        [cj_round] = plan.plan_rounds(assessment, actor=None)
        found = asked(Comparison.objects.filter(round__in=canaries.with_canaries([cj_round])))
        transaction.set_rollback(True)
    return found


def asked(comparisons: QuerySet[Comparison]) -> dict[Judge, list[Waiting]]:
    """Comparisons of model judges, by judge."""
    rows = comparisons.filter(judge__kind=Judge.Kind.MODEL).order_by("pk").values_list("judge", *FIELDS)
    found: dict[int, list[Waiting]] = defaultdict(list)
    for judge, *fields in rows.iterator():
        found[judge].append(Waiting(*fields))
    judges = Judge.objects.select_related("account").in_bulk(found)
    return {judges[pk]: found[pk] for pk in sorted(found)}


def forecasts(
    comparisons: Asked, strategies: Iterable[str] = STRATEGIES, *, ask: bool = True, most: int | None = None
) -> list[Forecast]:
    """What each strategy would cost and take. Nothing is sent but token counts, which are free."""
    if not comparisons:
        raise Refused(_("Nothing waits to be submitted here: plan a round first."))
    left, n = _budget_left(comparisons), sum(map(len, comparisons.values()))
    share = min(1.0, most / n) if most else 1.0
    sample = {judge: tally.spread(rows, ceil(len(rows) * share)) for judge, rows in comparisons.items()}
    look = tally.count if ask else tally.estimate
    counted = {judge: look(judge, rows) for judge, rows in sample.items()}
    found = [_whole(name, sample, counted, left) for name in strategies]
    return [scaled(one, n) for one in found]


def scaled(forecast: Forecast, n: int) -> Forecast:
    """The forecast of a sample, for all of them."""
    if forecast.comparisons == n:
        return forecast
    factor = Decimal(n) / forecast.comparisons
    sums: dict[str, Any] = {key: getattr(forecast, key) * factor for key in SUMS}
    scaled = {key: _places(value) if key.endswith("_usd") else ceil(value) for key, value in sums.items()}
    return replace(forecast, **cast(dict[str, Any], scaled))


def _budget_left(comparisons: Asked) -> Decimal:
    ids = {row.assessment_id for rows in comparisons.values() for row in rows}
    return sum((one.left_usd for one in Assessment.objects.filter(pk__in=ids)), Decimal(0))


def _whole(name: str, comparisons: Asked, counted: Mapping[Judge, Counting], left: Decimal) -> Forecast:
    """The parts of all judges together."""
    try:
        parts = [_Part(judge, rows, name, counted[judge]).forecast() for judge, rows in comparisons.items()]
    except Refused as problem:
        n = sum(map(len, comparisons.values()))
        return replace(_nothing(name, left), comparisons=n, problem=str(problem))
    total = _nothing(name, left)
    for part in parts:
        total = replace(
            total,
            **{key: getattr(total, key) + getattr(part, key) for key in SUMS},
            seconds=max(total.seconds, part.seconds),
            tokens_are="estimated" if "estimated" in (part.tokens_are, total.tokens_are) else "counted",
            from_history=total.from_history and part.from_history,
        )
    return total


SUMS = (
    *("comparisons", "jobs", "requests", "input_tokens", "output_tokens"),
    *("cost_usd", "worst_case_usd", "reserved_usd", "race_usd"),
)


def _nothing(name: str, left: Decimal) -> Forecast:
    return Forecast(
        strategy=name,
        comparisons=0,
        jobs=0,
        requests=0,
        input_tokens=0,
        output_tokens=0,
        tokens_are="counted",
        cost_usd=Decimal(0),
        worst_case_usd=Decimal(0),
        reserved_usd=Decimal(0),
        budget_left_usd=left,
        seconds=0.0,
        from_history=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request to be: its comparisons and its tokens, shared prefix apart."""

    comparisons: Sequence[Waiting]
    input_tokens: float
    preamble: float = 0.0  # of the input: system, rubric, instructions
    essay: float = 0.0  # of the input: the first essay
    marks: int = 0


@dataclass(slots=True)
class _Part:
    """One judge's comparisons under one strategy."""

    judge: Judge
    rows: Sequence[Waiting]
    name: str
    counted: Counting
    model: manifest.Model = field(init=False)
    desk: Desk = field(init=False)
    past: History = field(init=False)

    def __post_init__(self) -> None:
        self.model = fits.model_of(self.judge, batch=self.batch)
        self.desk = self.counted.desk
        self.past = history(self.judge, self.packing)

    @property
    def packing(self) -> Packing:
        return STRATEGIES[self.name].packing

    @property
    def batch(self) -> bool:
        return self.packing == Packing.PROVIDER_BATCH

    def forecast(self) -> Forecast:
        jobs = self._jobs()
        calls = [call for job in jobs for call in job]
        seen = self._warm(calls)
        usage = [self._usage(job, seen) for job in jobs]
        cost = sum((one for _, one in usage), Decimal(0)) * Decimal(str(round(self.past.asked, 6)))
        n = len(self.rows)
        output = self.past.output_tokens * n
        singles = self._racing(cost) if self.batch else Decimal(0)
        return Forecast(
            strategy=self.name,
            comparisons=n,
            jobs=len(jobs),
            requests=len(calls),
            input_tokens=round(sum(call.input_tokens for call in calls)),
            output_tokens=round(output),
            tokens_are=self.counted.tokens_are,
            cost_usd=_places(cost),
            worst_case_usd=_places(cost + cost * self._loss(jobs, n) / n),
            reserved_usd=_places(self._reserved(calls)),
            budget_left_usd=Decimal(0),
            seconds=self._seconds(len(calls), n),
            from_history=self.past.answers > 0,
            race_usd=_places(singles),
        )

    def _jobs(self) -> list[list[_Call]]:
        """The calls, job by job, in the order in which `submit` would make them."""
        if not self.batch:
            spans = chunks((1 for _ in self.rows), requests=calls_per_job(), bytes=10**12)
        else:
            limits = manifest.limits(self.judge.own_account.provider)
            spans = chunks(
                (self.counted.bytes(row) for row in self.rows),
                requests=min(cj_settings.batch_chunk_requests, limits.requests),
                bytes=min(cj_settings.batch_chunk_bytes, limits.bytes),
            )
        jobs = [sorted(self.rows[span.start : span.stop], key=_order) for span in spans]
        return [self._bundles(job) if self.packing == Packing.BUNDLE else self._singles(job) for job in jobs]

    def _singles(self, rows: Sequence[Waiting]) -> list[_Call]:
        marks = caching.marks(rows, self.desk, self.judge, self.model, batch=self.batch)
        return [
            _Call(
                comparisons=[row],
                input_tokens=self.counted.input_tokens([row]),
                preamble=self.counted.preamble(row),
                essay=self.counted.single * self.desk.essay_tokens(row.essay_a_id),
                marks=marks.of(row),
            )
            for row in rows
        ]

    def _bundles(self, rows: Sequence[Waiting]) -> list[_Call]:
        cut = list(drafts.cut(rows, self.desk, self.judge, self.model))
        alike = Counter(some[0].assessment_id for some in cut if len(some) > 1)
        calls = []
        for some in cut:
            n, first = alike[some[0].assessment_id], some[0]
            marks = caching.marks_of_bundle(n, self.desk, self.judge, self.model, first) if len(some) > 1 else 0
            calls.append(
                _Call(
                    comparisons=some,
                    input_tokens=self.counted.input_tokens(some),
                    preamble=self.counted.preamble(first),
                    marks=marks,
                )
            )
        return calls

    def _warm(self, calls: Iterable[_Call]) -> set[object]:
        """Prefixes that the first request will find, of a job that ended just now, where this one leaves at once."""
        if STRATEGIES[self.name].leaves != Trigger.ROUND:
            return set()
        warm = caching.warm(self.judge, self.model)
        return {
            key for call in calls for key, _ in caching.prefixes(call, self.model) if caching.place(call, key) in warm
        }

    def _usage(self, job: Sequence[_Call], seen: set[object]) -> tuple[float, Decimal]:
        """(tokens read from the cache, cost) of one job, as far as it can be foreseen."""
        found = caching.share_found(self.judge, batch=self.batch)
        reads, cost = 0.0, Decimal(0)
        for call, read, write in caching.expected(job, self.model, found, seen):
            usage = Usage(
                input_tokens=max(0, round(call.input_tokens - read - write)),
                cache_read_tokens=round(read),
                cache_write_tokens=round(write),
                output_tokens=round(self.past.output_tokens * len(call.comparisons)),
            )
            reads += read
            cost += prices.cost(self.model, usage, batch=self.batch)
        return reads, cost

    def _reserved(self, calls: Iterable[_Call]) -> Decimal:
        return sum((self._reservation(call) for call in calls), Decimal(0))

    def _reservation(self, call: _Call) -> Decimal:
        answer = min(self.judge.max_tokens * len(call.comparisons), self.model.max_output)
        return prices.reservation(self.model, self.counted.estimate(call.comparisons), answer, self.batch)

    def _loss(self, jobs: Sequence[Sequence[_Call]], n: int) -> int:
        """Comparisons that one lost answer, or one dead worker, may cost a second time."""
        if self.batch:
            return max(len(job) for job in jobs)
        widest = max(len(call.comparisons) for job in jobs for call in job)
        return int(min(n, cj_settings.sync_in_flight * widest))

    def _racing(self, cost: Decimal) -> Decimal:
        """What single calls beside the whole batch would cost, where an assessment with a deadline allows them."""
        racing = [row for row in self.rows if _may_race(self.desk.assessment(row))]
        return cost / (1 - self.model.batch_discount) * len(racing) / len(self.rows)

    def _seconds(self, calls: int, n: int) -> float:
        wait = {Trigger.ROUND: 0.0, Trigger.COUNT: _until_full(n), Trigger.NIGHT: _until_night()}
        if self.batch:
            return wait[STRATEGIES[self.name].leaves] + self.past.seconds
        return ceil(calls / cj_settings.sync_in_flight) * self.past.seconds


def _may_race(assessment: Assessment) -> bool:
    return bool(assessment.deadline) and bool(cj_settings.of(assessment.overrides).deadline_race)


def _order(row: Waiting) -> tuple[int, int, int]:
    return row.assessment_id, row.essay_a_id, row.pk


def _until_full(n: int) -> float:
    return 0.0 if n >= cj_settings.accumulate_pairs else float(cj_settings.accumulate_max_wait)


def _until_night() -> float:
    now = timezone.now()
    night = triggers.next_night(now, at=cj_settings.nightly_at, zone=ZoneInfo(cj_settings.nightly_timezone))
    return (night - now) / timedelta(seconds=1)


def _places(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-12))
