"""Requests of one job -> which of their shared prefixes are worth marking for the provider's prompt cache.

A marked prefix is dearer the first time and cheaper afterwards, so it pays only where enough requests share it and
enough of them really find it. What they found so far is read from our own books.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from django.db.models import Count, Q

from batches.judging.prompts import SYSTEM
from batches.models import BatchItem, BatchJob, Judge
from batches.models.fields import DatabaseClock
from batches.pipeline.requests import Desk, Waiting
from batches.providers import prices
from batches.providers.manifest import Model, Prices

LAST_JOBS = 3  # that say how often a marked prefix is found
ENOUGH = 30  # requests with a marked prefix before our own books are believed
FOUND = {True: 0.8, False: 0.95}  # share found until then: in batches it is luck which requests run side by side
ESSAY_KEY = 3  # parts of the key of a prefix that goes as far as the first essay
WARM = timedelta(minutes=5)  # after a job of calls, within which its prefix is surely still there


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Which prefixes are marked: 0 none, 1 system, rubric and instructions, 2 the first essay as well."""

    preamble: frozenset[int] = frozenset()  # assessments
    essays: frozenset[tuple[int, int]] = frozenset()  # assessment, first essay

    def of(self, comparison: Waiting) -> int:
        if (comparison.assessment_id, comparison.essay_a_id) in self.essays:
            return 2
        return int(comparison.assessment_id in self.preamble)


def pays(sharing: int, cost: Prices, found: float) -> bool:
    """Whether `sharing` requests together cost less with their prefix marked, where so many later ones find it."""
    hit = Decimal(str(found))
    later = hit * cost.cache_read + (1 - hit) * cost.cache_write
    return cost.cache_write + (sharing - 1) * later < sharing * cost.input


def marks(comparisons: Sequence[Waiting], desk: Desk, judge: Judge, model: Model, *, batch: bool) -> Marks:
    """The prefixes of these comparisons' requests that are long enough, and shared by enough of them."""
    if not model.cache_minimum:
        return Marks()
    found = share_found(judge, batch=batch)
    shared = {c.assessment_id: shared_tokens(desk, c) for c in comparisons}
    by_assessment = Counter(c.assessment_id for c in comparisons)
    by_essay = Counter((c.assessment_id, c.essay_a_id) for c in comparisons)
    preamble = {
        pk for pk, n in by_assessment.items() if shared[pk] >= model.cache_minimum and pays(n, model.prices, found)
    }
    essays = {
        (pk, essay)
        for (pk, essay), n in by_essay.items()
        if (batch or is_automatic(model))  # calls side by side cannot find each other's first essay
        and n > 1
        and shared[pk] + desk.essay_tokens(essay) >= model.cache_minimum
        and pays(n, model.prices, found)
        and not (pk in preamble and is_automatic(model))  # a mark is a cache's name there, and one name finds both
    }
    return Marks(preamble=frozenset(preamble), essays=frozenset(essays))


def is_automatic(model: Model) -> bool:
    """Whether the provider caches every prefix by itself, and our mark only says where it is to be looked for."""
    return model.provider == "openai"


def marks_of_bundle(n_bundles: int, desk: Desk, judge: Judge, model: Model, first: Waiting) -> int:
    """Whether so many bundles of one assessment share enough: system, rubric and instructions is all they can share."""
    if not model.cache_minimum or shared_tokens(desk, first) < model.cache_minimum:
        return 0
    return int(n_bundles > 1 and pays(n_bundles, model.prices, share_found(judge, batch=False)))


def shared_tokens(desk: Desk, comparison: Waiting) -> int:
    assessment = desk.assessment(comparison)
    return prices.estimate_tokens(SYSTEM + assessment.rubric + assessment.instructions)


def share_found(judge: Judge, *, batch: bool) -> float:
    """The share of requests with a marked prefix that found it, in this judge's last jobs; a usual one without them.

    The first of a job cannot find anything, and is left out.
    """
    packing = BatchJob.Packing.PROVIDER_BATCH
    jobs = BatchJob.objects.filter(judge=judge, status=BatchJob.Status.COLLECTED)
    jobs = jobs.filter(packing=packing) if batch else jobs.exclude(packing=packing)
    newest = list(jobs.order_by("-pk").values_list("pk", flat=True)[:LAST_JOBS])
    marked = BatchItem.objects.filter(job__in=newest, cache_marks__gt=0, output_tokens__gt=0)
    read = Q(cache_read_tokens__gt=0)
    alone = marked.filter(tag="").aggregate(asked=Count("pk"), found=Count("pk", filter=read))
    together = marked.exclude(tag="")
    asked = alone["asked"] + together.values("job", "bundle").distinct().count()
    found = alone["found"] + together.filter(read).values("job", "bundle").distinct().count()
    chances = asked - marked.values("job").distinct().count()
    return min(1.0, found / chances) if chances >= ENOUGH else FOUND[batch]


def warm(judge: Judge, model: Model) -> set[tuple[int, int]]:
    """(assessment, first essay) whose prefixes this judge has read just now; essay 0 for what is common to all."""
    since = DatabaseClock() - WARM
    recent = BatchItem.objects.filter(
        job__judge=judge, job__closed_at__gt=since, cache_marks__gt=0, output_tokens__gt=0
    )
    fields = ("comparison__round__assessment", "comparison__essay_a", "cache_marks")
    rows = list(recent.order_by().values_list(*fields).distinct())
    essays = {(pk, essay) for pk, essay, mark in rows if mark > 1 or is_automatic(model)}
    return essays | {(pk, 0) for pk, _, _ in rows}


class Request(Protocol):
    """A request to come, as far as the cache is concerned: input tokens, the prefixes in them, and their marks."""

    @property
    def comparisons(self) -> Sequence[Waiting]: ...
    @property
    def input_tokens(self) -> float: ...
    @property
    def preamble(self) -> float: ...
    @property
    def essay(self) -> float: ...
    @property
    def marks(self) -> int: ...


def expected[R: Request](
    job: Sequence[R], model: Model, found: float, seen: set[object]
) -> Iterator[tuple[R, float, float]]:
    """Each request of a job with the input tokens that will be read from the cache, and written to it.

    The first that has a prefix writes it, unless it was `seen` before; of the others a share `found` reads it.
    OpenAI caches what it can without being asked, and bills writes for some models whatever is marked.
    """
    for request in job:
        read = written = 0.0
        for key, tokens in prefixes(request, model):
            hit = found if key in seen else 0.0
            seen.add(key)
            read += hit * tokens
            written += (1 - hit) * tokens
        if is_automatic(model):
            billed = model.prices.cache_write != model.prices.input and request.input_tokens >= model.cache_minimum
            written = request.input_tokens - read if billed else 0.0
        yield request, read, written


def prefixes(request: Request, model: Model) -> Iterator[tuple[object, float]]:
    """The prefixes that are cached, each with the tokens it adds to the one before it."""
    row, automatic = request.comparisons[0], is_automatic(model)
    if not model.cache_minimum or not (request.marks or automatic):
        return
    name = (row.assessment_id, request.marks if automatic else 0)
    essay = (*name, row.essay_a_id)
    longest = request.preamble + (request.essay if automatic or request.marks > 1 else 0.0)
    if longest < model.cache_minimum:
        return
    if request.preamble < model.cache_minimum:
        yield essay, longest
        return
    yield name, request.preamble
    if longest > request.preamble:
        yield essay, request.essay


def place(request: Request, key: object) -> tuple[int, int]:
    """What `warm` calls a prefix of this request."""
    row = request.comparisons[0]
    by_essay = isinstance(key, tuple) and len(key) == ESSAY_KEY
    return row.assessment_id, row.essay_a_id if by_essay else 0
