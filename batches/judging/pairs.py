"""Essays and earlier pairs -> one round of pairs, in the order they will be read."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from operator import attrgetter
from random import Random

from .history import History, bridges, components
from .matching import Couple, Essay, pair_neighbours, walk
from .numbering import numbered

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
    drawn, rng = METHODS[method], Random(seed)
    names = list(dict.fromkeys(essays))
    taking_part, earlier = len(names), list(earlier)
    sides = [list(map(attrgetter(side), earlier)) for side in ("a", "b")]
    names, (firsts, seconds) = numbered(names, sides)
    history = History.of(firsts, seconds, essays=len(names))
    present = _sit_one_out(list(range(taking_part)), history, rng)
    key, by_score = _keys(present, names, scores or {}, errors or {}, rng) if drawn.by_score else (None, False)
    key = key or _random_keys(present, rng)
    joining = (
        []
        if history.connects(taking_part)
        else _joining(zip(firsts.tolist(), seconds.tolist(), strict=True), taking_part, key)
    )
    taken = {essay for couple in joining for essay in couple}
    rest = sorted((essay for essay in present if essay not in taken), key=key.__getitem__)
    at_random, rest = _random_part(rest, random_share if by_score else 0.0, history, rng)
    couples = pair_neighbours(rest, history, joining + at_random)
    unscored = set(at_random if by_score else couples)
    ordered = _oriented(couples, history if drawn.balanced else None, rng)
    return [
        Pair(names[one], names[other], couple in unscored)
        for couple, (one, other) in zip(couples, ordered, strict=True)
    ]


def swap_repeats(pairs: Sequence[Pair], share: float, seed: int, always: Container[Essay] = ()) -> list[Pair]:
    """Pick a share of the pairs to be read a second time in the other order, to measure how many judgements flip.

    Pairs with one of the essays in `always` are repeated whatever the share.
    """
    rng = Random(seed)
    drawn = rng.sample(range(len(pairs)), _count(share, len(pairs), rng))
    picked = sorted({*drawn, *(i for i, pair in enumerate(pairs) if pair.a in always or pair.b in always)})
    return [_turned(pairs[at]) for at in picked]


def people_pairs(pairs: Sequence[Pair], share: float, seed: int, *, turned: bool) -> list[Pair]:
    """Draw a share of the pairs for people, without looking at scores.

    With `turned` every other one of them is read in the other order: a liking for a place that people and model have
    in common would otherwise pass for agreement about essays.
    """
    rng = Random(f"people {seed}")
    drawn = rng.sample(range(len(pairs)), _count(share, len(pairs), rng))
    turn = set(drawn[::2]) if turned else set()
    return [_turned(pairs[at]) if at in turn else pairs[at] for at in sorted(drawn)]


def _turned(pair: Pair) -> Pair:
    return Pair(pair.b, pair.a, pair.random)


def _count(share: float, of: int, rng: Random) -> int:
    """Round share * of up or down by chance, so that small rounds keep the share on average."""
    return min(of, int(share * of + rng.random()))


def _sit_one_out(essays: list[int], history: History, rng: Random) -> list[int]:
    if len(essays) % 2:
        out = max(essays, key=lambda essay: (history.appearances[essay], rng.random()))
        essays.remove(out)
    return essays


def _random_keys(essays: Sequence[int], rng: Random) -> dict[int, float]:
    drawn = rng.random
    return {essay: drawn() for essay in essays}


def _keys(
    essays: Sequence[int],
    names: Sequence[Essay],
    scores: Mapping[Essay, float],
    errors: Mapping[Essay, float],
    rng: Random,
) -> tuple[dict[int, float] | None, bool]:
    """A place on the scale for every essay, and True; None and False where no scores exist yet."""
    named = [names[essay] for essay in essays]
    level, spread = map(scores.get, named), map(errors.get, named)
    known = [score if score is not None and isfinite(score) else None for score in level]
    places = [score for score in known if score is not None]
    if len(places) < 2:
        return None, False
    key, gauss = {}, rng.gauss
    for essay, score, error in zip(essays, known, spread, strict=True):
        if score is None:  # a newcomer may meet anybody: it takes the place of somebody drawn at random
            score = rng.choice(places)
        key[essay] = score + gauss(0.0, JITTER * error if error is not None and isfinite(error) else 0.0)
    return key, True


def _joining(couples: Iterable[tuple[int, int]], essays: int, key: Mapping[int, float]) -> list[Couple]:
    """Couples that join what is still unconnected, among the essays that have a `key`: who takes part."""
    groups = components(range(essays), couples)
    present = [[essay for essay in group if essay in key] for group in groups]
    return bridges([group for group in present if group], key)


def _random_part(rest: list[Essay], share: float, history: History, rng: Random) -> tuple[list[Couple], list[Essay]]:
    """Couples drawn without regard to scores, and the essays left for the neighbours' part."""
    drawn = set(rng.sample(range(len(rest)), 2 * _count(share, len(rest) // 2, rng)))
    shuffled = [rest[at] for at in drawn]
    rng.shuffle(shuffled)
    couples, _ = walk(shuffled, history)
    taken = {essay for couple in couples for essay in couple}
    return couples, [essay for essay in rest if essay not in taken]


def _oriented(couples: Sequence[Couple], history: History | None, rng: Random) -> Iterator[Couple]:
    """Put first whoever has been first less often; a pair that meets again, the other way round; else toss a coin."""
    toss = rng.random
    if history is None:
        yield from ((other, one) if toss() < 0.5 else (one, other) for one, other in couples)
        return
    lead = history.lead
    again = history.all_met([one for one, _ in couples], [other for _, other in couples])
    for (one, other), met in zip(couples, again, strict=True):
        swap = toss() < 0.5
        ahead = lead[one] - lead[other] or (met and history.leads(one, other))
        yield (other, one) if (ahead > 0 if ahead else swap) else (one, other)
