"""Essays and earlier pairs -> one round of pairs, in the order they will be read."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from random import Random

from .history import History, bridges, components
from .matching import Couple, Essay, pair_neighbours, walk

JITTER = 0.5  # of a standard error: the cheapest of the best rules in simulation, and it keeps the graph mixed


@dataclass(frozen=True, slots=True)
class Pair:
    """Two essays in the order read: `a` stands first in the prompt."""

    a: Essay
    b: Essay
    random: bool = field(default=False, compare=False)  # drawn without looking at scores: fit for held-out accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How a round is drawn."""

    by_score: bool  # neighbours on the scale so far, but for the random share
    balanced: bool  # places by who has stood first less often; by a coin otherwise


METHODS = {
    "random": Method(by_score=False, balanced=False),
    "balanced": Method(by_score=False, balanced=True),
    "adaptive": Method(by_score=True, balanced=True),
}


def winning_essay(pair: Pair, winner: str) -> Essay:
    """Turn the winning place of a judgement into the essay that stood there. Nothing else does."""
    if winner not in ("A", "B"):
        raise ValueError(f"a winner is A or B, not {winner!r}")
    return pair.a if winner == "A" else pair.b


def plan_pairs(
    essays: Sequence[Essay],
    *,
    earlier: Iterable[Pair],
    seed: int,
    scores: Mapping[Essay, float] | None = None,
    errors: Mapping[Essay, float] | None = None,
    method: str = "balanced",
    random_share: float = 0.10,
) -> list[Pair]:
    """Plan one round: each essay once; of an odd number, one that has appeared most often sits out.

    No pair meets again while a round of fresh pairs can be arranged. Groups that no earlier pair connects
    are joined first. `scores` and `errors` (logits) are used by "adaptive" alone; without scores it draws
    as "balanced". The same arguments give the same pairs: `seed` should differ from round to round.
    """
    drawn = METHODS[method]
    rng = Random(seed)
    earlier = list(earlier)
    firsts, seconds = [pair.a for pair in earlier], [pair.b for pair in earlier]
    history = History.of(firsts, seconds)
    present = _sit_one_out(list(dict.fromkeys(essays)), history, rng)
    key, by_score = _keys(present, scores or {}, errors or {}, rng) if drawn.by_score else _random_keys(present, rng)
    joining = _joining(zip(firsts, seconds, strict=True), essays, key)
    taken = {essay for couple in joining for essay in couple}
    rest = sorted((essay for essay in present if essay not in taken), key=key.__getitem__)
    at_random, rest = _random_part(rest, random_share if by_score else 0.0, history, rng)
    planned = pair_neighbours(rest, history.may_meet, joining + at_random)
    unscored = set(at_random)
    return [
        _orient(couple, history if drawn.balanced else None, rng, couple in unscored or not by_score)
        for couple in planned
    ]


def swap_repeats(pairs: Sequence[Pair], share: float, seed: int, always: Container[Essay] = ()) -> list[Pair]:
    """Pick a share of the pairs to be read a second time in the other order, to measure how many judgements flip.

    Pairs with one of the essays in `always` are repeated whatever the share.
    """
    rng = Random(seed)
    drawn = rng.sample(range(len(pairs)), _count(share, len(pairs), rng))
    picked = sorted({*drawn, *(i for i, pair in enumerate(pairs) if pair.a in always or pair.b in always)})
    return [Pair(pairs[at].b, pairs[at].a, pairs[at].random) for at in picked]


def _count(share: float, of: int, rng: Random) -> int:
    """Round share * of up or down by chance, so that small rounds keep the share on average."""
    return min(of, int(share * of + rng.random()))


def _sit_one_out(essays: list[Essay], history: History, rng: Random) -> list[Essay]:
    if len(essays) % 2:
        out = max(essays, key=lambda essay: (history.appearances(essay), rng.random()))
        essays.remove(out)
    return essays


def _random_keys(essays: Sequence[Essay], rng: Random) -> tuple[dict[Essay, float], bool]:
    return {essay: rng.random() for essay in essays}, False


def _keys(
    essays: Sequence[Essay], scores: Mapping[Essay, float], errors: Mapping[Essay, float], rng: Random
) -> tuple[dict[Essay, float], bool]:
    """A place on the scale for every essay, and True; random places and False where no scores exist yet."""
    known = {essay: scores[essay] for essay in essays if _is_number(scores.get(essay))}
    if len(known) < 2:
        return _random_keys(essays, rng)
    places = list(known.values())
    key = {}
    for essay in essays:
        error = errors.get(essay)
        spread = JITTER * error if error is not None and isfinite(error) else 0.0
        # a newcomer may meet anybody: it takes the place of somebody drawn at random
        score = known[essay] if essay in known else rng.choice(places)
        key[essay] = score + rng.gauss(0.0, spread)
    return key, True


def _is_number(score: float | None) -> bool:
    return score is not None and isfinite(score)


def _joining(couples: Iterable[Couple], essays: Sequence[Essay], key: Mapping[Essay, float]) -> list[Couple]:
    """Couples that join what is still unconnected, among the essays that have a `key`: who takes part."""
    groups = components(essays, couples)
    if len(groups) < 2:
        return []
    present = [[essay for essay in group if essay in key] for group in groups]
    return bridges([group for group in present if group], key)


def _random_part(rest: list[Essay], share: float, history: History, rng: Random) -> tuple[list[Couple], list[Essay]]:
    """Couples drawn without regard to scores, and the essays left for the neighbours' part."""
    drawn = set(rng.sample(range(len(rest)), 2 * _count(share, len(rest) // 2, rng)))
    shuffled = [rest[at] for at in drawn]
    rng.shuffle(shuffled)
    couples, _ = walk(shuffled, history.may_meet(0))
    taken = {essay for couple in couples for essay in couple}
    return couples, [essay for essay in rest if essay not in taken]


def _orient(couple: Couple, history: History | None, rng: Random, random: bool) -> Pair:
    """Put first whoever has been first less often; a pair that meets again, the other way round; else toss a coin."""
    one, other = couple
    swap = rng.random() < 0.5
    if history is not None:
        lead = history.lead(one) - history.lead(other) or history.leads(one, other)
        swap = lead > 0 if lead else swap
    return Pair(other, one, random) if swap else Pair(one, other, random)
