"""A judge and its comparisons -> how many tokens and bytes their requests will have: counted where possible."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import F, Sum

from batches.judging.prompts import BUNDLE_QUESTION, QUESTION
from batches.models import BatchItem, BatchJob, Judge
from batches.pipeline import account, caching, drafts, fits, requests
from batches.pipeline.refused import Refused
from batches.pipeline.requests import Desk, Waiting
from batches.providers import prices
from batches.providers.base import Provider, ProviderError, Request

log = logging.getLogger(__name__)
LAST_JOBS = 4  # whose bills correct our estimates
SINGLES, BUNDLES = 12, 4  # requests of each kind that are counted
SCHEMA_BYTES = 1500  # of a line's envelope, schema and keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Our estimates of requests, and how far the provider's own counts of a sample were from them."""

    desk: Desk
    tokens_are: str
    shared: Mapping[int, int] = field(default_factory=dict)  # assessment -> counted tokens before the first essay
    correction: float = 1.0  # of an estimated preamble, from our own books
    single: float = 1.0  # counted tokens for one estimated, of what follows in single requests
    bundle: float = 1.0

    def preamble(self, row: Waiting) -> float:
        """Tokens of schema, system, rubric and instructions: the same in all requests of an assessment."""
        return self.shared.get(row.assessment_id, self.correction * _shared(self.desk, row))

    def input_tokens(self, some: Sequence[Waiting]) -> float:
        """Tokens of one request about these comparisons."""
        ratio = self.single if len(some) == 1 else self.bundle
        return self.preamble(some[0]) + ratio * self.rest(some)

    def estimate(self, some: Sequence[Waiting]) -> int:
        """The same by our own estimate alone: what reservations are made by."""
        return _shared(self.desk, some[0]) + self.rest(some)

    def rest(self, some: Sequence[Waiting]) -> int:
        """An estimate of what follows the preamble."""
        question = prices.estimate_tokens(QUESTION if len(some) == 1 else BUNDLE_QUESTION)
        return question + sum(map(self.desk.tokens, some))

    def bytes(self, row: Waiting) -> int:
        """An estimate of the line of one comparison in a batch's file."""
        shared = caching.shared_tokens(self.desk, row) * prices.BYTES_PER_TOKEN
        return SCHEMA_BYTES + shared + self.desk.essay_bytes(row.essay_a_id) + self.desk.essay_bytes(row.essay_b_id)


def _shared(desk: Desk, row: Waiting) -> int:
    return caching.shared_tokens(desk, row) + requests.SCHEMA_TOKENS


def estimate(judge: Judge, rows: Sequence[Waiting]) -> Counting:
    """Ask nobody: our estimates, corrected by how far they were from what this judge's last jobs were billed."""
    ratio = _by_the_books(judge)
    return Counting(desk=Desk(rows), tokens_are="estimated", correction=ratio, single=ratio, bundle=ratio)


def _by_the_books(judge: Judge) -> float:
    jobs = BatchJob.objects.filter(
        judge=judge, status=BatchJob.Status.COLLECTED, queued_tokens__gt=0, n_lost=0, n_errored=0
    )
    newest = list(jobs.order_by("-pk").values_list("pk", flat=True)[:LAST_JOBS])
    estimated = BatchJob.objects.filter(pk__in=newest).aggregate(n=Sum("queued_tokens"))["n"]
    used = F("input_tokens") + F("cache_read_tokens") + F("cache_write_tokens")
    billed = BatchItem.objects.filter(job__in=newest).aggregate(n=Sum(used))["n"]
    return billed / estimated if billed and estimated else 1.0


def count(judge: Judge, rows: Sequence[Waiting]) -> Counting:
    """Have the provider count a sample, free of charge; without it, our estimates stand."""
    desk = Desk(rows)
    plain = Counting(desk=desk, tokens_are="estimated")
    try:
        provider = account.provider_of(judge.own_account)
        singles = [[row] for row in spread(rows, SINGLES)]
        bundles = [some for some in drafts.cut(rows, desk, judge, fits.model_of(judge)) if len(some) > 1]
        firsts = {row.assessment_id: row for row in reversed(rows)}
        shared = {pk: _count_shared(provider, desk, judge, row) for pk, row in firsts.items()}
        plain = replace(plain, shared=shared, tokens_are="counted")
        return replace(
            plain,
            single=_ratio(provider, plain, judge, singles),
            bundle=_ratio(provider, plain, judge, spread(bundles, BUNDLES)),
        )
    except (Refused, ProviderError) as problem:
        log.info("tokens not counted judge=%s reason=%s", judge.pk, problem)
        return estimate(judge, rows)


def spread[T](things: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread."""
    n = min(most, len(things))
    return [things[i * len(things) // n] for i in range(n)]


def _ratio(provider: Provider, plain: Counting, judge: Judge, sample: Sequence[Sequence[Waiting]]) -> float:
    counted = sum(provider.count_tokens(_request(plain.desk, judge, some)) - plain.preamble(some[0]) for some in sample)
    estimated = sum(map(plain.rest, sample))
    return counted / estimated if estimated else 1.0


def _count_shared(provider: Provider, desk: Desk, judge: Judge, row: Waiting) -> int:
    """What the provider counts for a request that ends before its first essay."""
    request = _request(desk, judge, [row])
    return provider.count_tokens(replace(request, parts=request.parts[:1]))


def _request(desk: Desk, judge: Judge, some: Sequence[Waiting]) -> Request:
    if len(some) == 1:
        return desk.ask(some[0], judge, "count")[1]
    return desk.ask_bundle([(f"TAG{i:02d}", row) for i, row in enumerate(some)], judge, "count")[1]
