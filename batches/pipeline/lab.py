"""The same pairs under several strategies -> whether the packing changes what the judge says, and what each costs."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from random import Random

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from batches.conf import STRATEGIES
from batches.models import Assessment, AuditEntry, BatchItem, Comparison, Judge, Round
from batches.models.project import Person
from batches.numbers import grouped
from batches.pipeline import fits
from batches.pipeline.refused import Refused
from batches.pipeline.strategies import strategy as known_strategy
from batches.scale.shares import Share

MOST_PAIRS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place within the bundles of a strategy: how often the first essay won there, and agreed with the baseline."""

    place: int  # from 1
    first_won: Share
    agreed: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One strategy's part in an experiment."""

    strategy: str
    asked: int
    judged: int
    failed: int
    agreed: Share  # with the first strategy, on the pairs that both judged
    first_won: Share  # how often the essay read first won
    cost_usd: Decimal
    input_tokens: int  # all of them: full price, read from and written to the cache
    cached_tokens: int  # of those, read from the cache
    output_tokens: int
    seconds: float | None  # from letting the pairs go to the last judgement
    places: tuple[Place, ...]  # only where several comparisons shared a prompt

    @property
    def usd_each(self) -> Decimal | None:
        return self.cost_usd / self.judged if self.judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One experiment: the same pairs, several strategies; the first is the baseline."""

    assessment: str
    seed: int
    pairs: int
    finished: bool
    arms: tuple[Arm, ...]
    all_agree: Share  # pairs that every strategy judged alike

    def as_json(self) -> dict[str, object]:
        """The document of `compare_strategies --json`."""
        return {
            "assessment": self.assessment,
            "seed": self.seed,
            "pairs": self.pairs,
            "finished": self.finished,
            "all_agree": self.all_agree.as_json(),
            "strategies": [_arm_json(arm) for arm in self.arms],
        }


def _arm_json(arm: Arm) -> dict[str, object]:
    return {
        "strategy": arm.strategy,
        "asked": arm.asked,
        "judged": arm.judged,
        "failed": arm.failed,
        "agreement": arm.agreed.as_json(),
        "first_won": arm.first_won.as_json(),
        "cost_usd": f"{arm.cost_usd:f}",
        "input_tokens": arm.input_tokens,
        "cached_tokens": arm.cached_tokens,
        "output_tokens": arm.output_tokens,
        "seconds": arm.seconds,
        "places": [
            {"place": one.place, "first_won": one.first_won.as_json(), "agreement": one.agreed.as_json()}
            for one in arm.places
        ],
    }


def set_up(
    assessment: Assessment,
    *,
    sample: int,
    actor: Person | None,
    strategies: Sequence[str] = STRATEGIES,
    seed: int | None = None,
    judge: Judge | None = None,
) -> list[Round]:
    """Plan one LAB round for each strategy, all of the same pairs before the same judge. Nothing is sent yet."""
    if not 1 <= sample <= MOST_PAIRS:
        raise Refused(
            _("Take a sample of 1 to %(most_pairs)s pairs, not %(sample)s.")
            % {"most_pairs": grouped(MOST_PAIRS), "sample": sample}
        )
    if len(set(strategies)) < 2:
        raise Refused(_("Choose at least two strategies to compare."))
    for name in strategies:
        known_strategy(name)
    judge = judge or assessment.judges.filter(kind=Judge.Kind.MODEL).order_by("pk").first()
    if judge is None:
        raise Refused(_("This assessment has no judge: choose a model first."))
    fits.model_of(judge)
    seed = secrets.randbits(62) if seed is None else seed
    essays = list(assessment.essays.filter(erased_at=None).order_by("pk").values_list("pk", flat=True))
    pairs = _sample(essays, sample, seed)
    with transaction.atomic():
        Assessment.objects.select_for_update().get(pk=assessment.pk)
        rounds = [_round(assessment, name, pairs, judge, seed, actor) for name in dict.fromkeys(strategies)]
        AuditEntry.record(
            "lab", assessment, actor=actor, project=assessment.project, pairs=len(pairs), strategies=list(strategies)
        )
    return rounds


def _sample(essays: Sequence[int], n: int, seed: int) -> list[tuple[int, int]]:
    """So many different pairs drawn by chance, each in an order drawn by chance; all of them where there are fewer."""
    rng = Random(seed)
    if len(essays) < 2:
        raise Refused(_("A comparison needs at least two essays: load essays first."))
    possible = len(essays) * (len(essays) - 1) // 2
    if n * 3 >= possible:
        chosen = list(combinations(essays, 2))
        rng.shuffle(chosen)
        return [pair if rng.random() < 0.5 else pair[::-1] for pair in chosen[:n]]
    drawn: dict[frozenset[int], tuple[int, int]] = {}
    while len(drawn) < n:
        a, b = rng.sample(essays, 2)
        drawn.setdefault(frozenset((a, b)), (a, b))
    return list(drawn.values())


def _round(
    assessment: Assessment,
    strategy: str,
    pairs: Sequence[tuple[int, int]],
    judge: Judge,
    seed: int,
    actor: Person | None,
) -> Round:
    cj_round = Round.objects.create(
        assessment=assessment,
        number=(assessment.rounds.aggregate(last=Max("number"))["last"] or 0) + 1,
        purpose=Round.Purpose.LAB,
        pairing=Assessment.Pairing.RANDOM,
        seed=seed,
        strategy=strategy,
        n_comparisons=len(pairs),
        created_by_id=actor.pk if actor else None,
    )
    rows = [Comparison(round=cj_round, essay_a_id=a, essay_b_id=b, judge=judge, is_random=True) for a, b in pairs]
    Comparison.objects.bulk_create(rows, batch_size=2000)
    return cj_round


def experiments(assessment: Assessment) -> list[list[Round]]:
    """The LAB rounds of an assessment by experiment, newest first."""
    found: dict[int, list[Round]] = defaultdict(list)
    for cj_round in assessment.rounds.filter(purpose=Round.Purpose.LAB).order_by("pk"):
        found[cj_round.seed].append(cj_round)
    return sorted(found.values(), key=lambda rounds: -rounds[0].pk)


Pair = tuple[int, int]


def report(rounds: Sequence[Round]) -> Report:
    """What the rounds of one experiment say so far."""
    said = {cj_round.pk: dict(_judged(cj_round)) for cj_round in rounds}
    baseline = said[rounds[0].pk]
    common = set.intersection(*(set(one) for one in said.values()))
    alike = sum(len({one[pair] for one in said.values()}) == 1 for pair in common)
    return Report(
        assessment=rounds[0].assessment.slug,
        seed=rounds[0].seed,
        pairs=rounds[0].n_comparisons,
        finished=not Comparison.objects.filter(round__in=rounds, status__in=["PENDING", "IN_FLIGHT"]).exists(),
        arms=tuple(_arm(cj_round, said[cj_round.pk], baseline) for cj_round in rounds),
        all_agree=Share(hits=alike, n=len(common)),
    )


def _judged(cj_round: Round) -> Iterator[tuple[Pair, str]]:
    rows = cj_round.comparisons.filter(status="JUDGED").values_list("essay_a", "essay_b", "judgement__winner")
    yield from (((a, b), winner) for a, b, winner in rows)


def _arm(cj_round: Round, said: dict[Pair, str], baseline: dict[Pair, str]) -> Arm:
    counts = cj_round.comparisons.aggregate(
        judged=Count("pk", filter=Q(status="JUDGED")),
        failed=Count("pk", filter=Q(status="FAILED")),
        last=Max("resolved_at"),
    )
    items = list(BatchItem.objects.filter(comparison__round=cj_round).order_by("pk").values_list(*ITEM))
    last, begun = counts["last"], cj_round.submitted_at
    return Arm(
        strategy=cj_round.strategy,
        asked=cj_round.n_comparisons,
        judged=counts["judged"],
        failed=counts["failed"],
        agreed=_agreed(said, baseline, said),
        first_won=_first_won(said.values()),
        cost_usd=sum((row[-1] for row in items), Decimal(0)),
        input_tokens=sum(row[3] + row[4] + row[5] for row in items),
        cached_tokens=sum(row[4] for row in items),
        output_tokens=sum(row[6] for row in items),
        seconds=(last - begun).total_seconds() if last and begun else None,
        places=tuple(_places(cj_round, said, baseline)),
    )


ITEM = (
    *("job_id", "bundle", "comparison_id", "input_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("output_tokens", "cost_usd"),
)


def _agreed(some: Iterable[Pair], baseline: dict[Pair, str], said: dict[Pair, str]) -> Share:
    both = [pair for pair in some if pair in baseline]
    return Share(hits=sum(said[pair] == baseline[pair] for pair in both), n=len(both))


def _first_won(winners: Iterable[str]) -> Share:
    counts = Counter(winners)
    return Share(hits=counts["A"], n=counts.total())


def _places(cj_round: Round, said: dict[Pair, str], baseline: dict[Pair, str]) -> Iterator[Place]:
    """The judgements by their place in the bundle that brought them."""
    by_place: dict[int, list[Pair]] = defaultdict(list)
    rows = BatchItem.objects.filter(comparison__round=cj_round).exclude(tag="").order_by("pk")
    before: Counter[tuple[int, int]] = Counter()
    fields = ("job_id", "bundle", "outcome", "comparison__essay_a", "comparison__essay_b")
    for job, bundle, outcome, a, b in rows.values_list(*fields):
        before[job, bundle] += 1
        if outcome == "SUCCEEDED" and (a, b) in said:
            by_place[before[job, bundle]].append((a, b))
    for place, pairs in sorted(by_place.items()):
        yield Place(
            place=place,
            first_won=_first_won(said[pair] for pair in pairs),
            agreed=_agreed(pairs, baseline, said),
        )
