"""Waiting comparisons -> the draft of one job: what goes into it, what it may cost, and the hash of its body.

One pass, one request in memory at a time: a draft of a hundred thousand requests is a list of small entries.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from batches.conf import cj_settings
from batches.judging.prompts import SYSTEM, make_tags
from batches.models import Assessment, Judge
from batches.pipeline import bundles, caching, money, payload, requests
from batches.pipeline.chunks import Room
from batches.pipeline.requests import Desk, Waiting
from batches.pipeline.strategies import Packing
from batches.providers import manifest, prices
from batches.providers.base import Provider
from batches.providers.lines import too_long


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item to be."""

    comparison: int
    custom_id: str
    prompt_sha256: str
    reserved_usd: Decimal
    bundle: int | None = None
    tag: str = ""
    marks: int = 0
    tokens: int = 0  # input, estimated
    problem: str = ""  # why its line cannot be sent

    def row(self) -> tuple[object, ...]:
        """What a new item is written from."""
        custom = (self.comparison, self.custom_id, self.bundle, self.tag)
        return *custom, self.prompt_sha256, self.marks, self.reserved_usd


@dataclass(slots=True, kw_only=True)
class Draft:
    """A job that has not been written down yet."""

    entries: list[Entry] = field(default_factory=list)
    payload_sha256: str = ""
    tokens: int = 0  # input, estimated
    primes: bool = False

    @property
    def reserved_usd(self) -> Decimal:
        return sum((entry.reserved_usd for entry in self.entries), Decimal(0))


class Purse:
    """The budgets of the assessments in a draft, their rows locked until the transaction ends."""

    def __init__(self, assessments: set[int]) -> None:
        locked = Assessment.objects.select_for_update().filter(pk__in=assessments).order_by("pk")
        self._rows = {row.pk: row for row in locked}
        self._left = {pk: row.left_usd if row.overrun_usd == 0 else Decimal(0) for pk, row in self._rows.items()}
        self._taken: Counter[int] = Counter()
        self._shut: set[int] = set()

    def take(self, assessment: int, amount: Decimal) -> bool:
        """Hold so much; once something did not fit, nothing more is taken: the order of comparisons stands."""
        if assessment in self._shut or amount > self._left[assessment]:
            self._shut.add(assessment)
            return False
        self._left[assessment] -= amount
        self._taken[assessment] += 1
        self._rows[assessment].reserved_usd += amount
        return True

    def is_shut(self, assessment: int) -> bool:
        return assessment in self._shut

    def project(self) -> int | None:
        """The project that pays for all that was taken; None where several do."""
        projects = {self._rows[pk].project_id for pk, n in self._taken.items() if n}
        return projects.pop() if len(projects) == 1 else None

    def close(self) -> set[int]:
        """Write the reservations; the assessments that can pay for nothing, with nothing under way that may return."""
        for pk, row in self._rows.items():
            if self._taken[pk]:
                row.save(update_fields=["reserved_usd"])
        return {pk for pk in self._shut if not self._taken[pk] and self._rows[pk].reserved_usd == 0}


@dataclass(slots=True, kw_only=True)
class Drafting:
    """What every packing needs to draft a job."""

    judge: Judge
    model: manifest.Model
    comparisons: Sequence[Waiting]
    nonce: str
    purse: Purse
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        truncated = requests.truncated_before(c.pk for c in self.comparisons)
        self.desk = Desk(self.comparisons, truncated=truncated)

    def batch(self, provider: Provider, room: Room, most_bytes: int, *, prime: bool = False) -> Draft:
        """As many requests, from the first on, as the room takes; a line that cannot be sent is there with its problem.

        To prime the cache only one goes, where the others share a prefix with it.
        """
        marks = caching.marks(self.comparisons, self.desk, self.judge, self.model, batch=True)
        draft, digest = Draft(primes=prime and bool(marks.preamble or marks.essays)), payload.Digest()
        splicer = payload.Splicer(self.desk, self.judge, provider)
        if draft.primes:
            room.requests = 1
        for number, comparison in enumerate(self.comparisons, start=1):
            if self.purse.is_shut(comparison.assessment_id):
                continue
            mark, custom_id = marks.of(comparison), self._custom_id(number)
            opening, second = splicer.opening(comparison, mark), splicer.second(comparison.essay_b_id)
            problem, cost = opening.problem or second.problem, Decimal(0)
            if opening.frame and second.blocks and not problem:
                size = opening.frame.size + len(custom_id) + len(second.blocks.encoded)
                problem = too_long(size, most_bytes)
            if opening.frame and second.blocks and not problem:
                tokens = opening.tokens + second.tokens
                cost = prices.reservation(self.model, tokens, opening.request.max_tokens, True)
                if not room.holds(size, tokens):
                    break
                if not self.purse.take(comparison.assessment_id, cost):
                    continue
                room.take(size, tokens)
                digest.add(opening.frame, custom_id.encode(), second.blocks)
                draft.tokens += tokens
            draft.entries.append(
                Entry(
                    comparison=comparison.pk,
                    custom_id=custom_id,
                    prompt_sha256=splicer.prompt_sha256(opening, comparison.essay_b_id),
                    reserved_usd=cost,
                    marks=mark,
                    problem=problem,
                )
            )
        draft.payload_sha256 = digest.hexdigest()
        return draft

    def single(self) -> Draft:
        """One call for each comparison."""
        marks = caching.marks(self.comparisons, self.desk, self.judge, self.model, batch=False)
        draft = Draft()
        for number, comparison in enumerate(self.comparisons, start=1):
            draft.entries += self._one(comparison, number, marks.of(comparison))
        return _summed(draft)

    def bundled(self) -> Draft:
        """Several comparisons of one assessment to a call, as many as fit and as have not failed together before."""
        draft, number = Draft(), 1
        bundles = list(cut(self.comparisons, self.desk, self.judge, self.model))
        alike = Counter(some[0].assessment_id for some in bundles if len(some) > 1)
        for bundle, some in enumerate(bundles, start=1):
            if len(some) == 1:
                draft.entries += self._one(some[0], number, 0, bundle=bundle)
            else:
                draft.entries += self._several(some, number, bundle, alike[some[0].assessment_id])
            number += len(some)
        return _summed(draft)

    def _one(self, comparison: Waiting, number: int, marks: int, *, bundle: int | None = None) -> Iterator[Entry]:
        prompt, request = self.desk.ask(comparison, self.judge, self._custom_id(number), marks=marks)
        cost = requests.worst_cost(request, self.model, batch=False)
        if self.purse.take(comparison.assessment_id, cost):
            yield Entry(
                comparison=comparison.pk,
                custom_id=request.custom_id,
                prompt_sha256=prompt.sha256,
                reserved_usd=cost,
                bundle=bundle,
                marks=marks,
                tokens=requests.input_tokens(request),
            )

    def _several(self, some: Sequence[Waiting], number: int, bundle: int, alike: int) -> Iterator[Entry]:
        tags = make_tags(len(some), int(self.nonce, 16) + bundle)
        tagged = list(zip(tags, some, strict=True))
        custom_id = requests.bundle_id(self.nonce, bundle)
        marks = caching.marks_of_bundle(alike, self.desk, self.judge, self.model, some[0])
        prompt, request = self.desk.ask_bundle(tagged, self.judge, custom_id, marks=marks)
        cost = requests.worst_cost(request, self.model, batch=False)
        if not self.purse.take(some[0].assessment_id, cost):
            return
        for i, ((tag, comparison), share) in enumerate(
            zip(tagged, money.split_usd(cost, [1] * len(some)), strict=True)
        ):
            yield Entry(
                comparison=comparison.pk,
                custom_id=self._custom_id(number + i),
                prompt_sha256=prompt.sha256,
                reserved_usd=share,
                bundle=bundle,
                tag=tag,
                marks=marks,
                tokens=requests.input_tokens(request) if i == 0 else 0,
            )

    def _custom_id(self, number: int) -> str:
        return f"{self.nonce}-{number:06d}"


def _summed(draft: Draft) -> Draft:
    draft.tokens = sum(entry.tokens for entry in draft.entries)
    return draft


def cut(comparisons: Sequence[Waiting], desk: Desk, judge: Judge, model: manifest.Model) -> Iterator[list[Waiting]]:
    """Comparisons in bundles, those of one assessment and with the same limit side by side."""
    limits = bundles.size_limits(c.pk for c in comparisons)
    sizes = {c.assessment_id: _bundle_size(desk.assessment(c), judge, model) for c in comparisons}
    pieces = sorted(
        ((c, min(sizes[c.assessment_id], limits.get(c.pk, sizes[c.assessment_id]))) for c in comparisons),
        key=lambda pair: (pair[0].assessment_id, -pair[1]),
    )
    for assessment in sorted(sizes):
        mine = [(c, most) for c, most in pieces if c.assessment_id == assessment]
        shared = _shared_tokens(desk.assessment(mine[0][0]))
        room = bundles.room(model, shared_tokens=shared, most=sizes[assessment], max_tokens=judge.max_tokens)
        sized = [bundles.Piece(key=assessment, most=most, tokens=desk.tokens(c)) for c, most in mine]
        for span in bundles.fill(sized, room=room):
            yield [mine[i][0] for i in span]


def _bundle_size(assessment: Assessment, judge: Judge, model: manifest.Model) -> int:
    wanted = cj_settings.of(assessment.overrides).bundle_size
    return int(min(wanted, bundles.most_by_output(model, judge.max_tokens)))


def _shared_tokens(assessment: Assessment) -> int:
    return prices.estimate_tokens(SYSTEM + assessment.rubric + assessment.instructions) + requests.SCHEMA_TOKENS


PACK = {Packing.SINGLE: Drafting.single, Packing.BUNDLE: Drafting.bundled}
