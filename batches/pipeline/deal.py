"""A round's pairs -> who judges each: the models in turn, and people their share."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from batches.judging.pairs import Essay, Pair, people_pairs, swap_repeats
from batches.models import Judge


class Dealt(NamedTuple):
    """One comparison to be made."""

    pair: Pair
    judge: Judge
    replicate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """Who there is to judge an assessment, and how pairs are divided among them."""

    models: Sequence[Judge]
    people: Sequence[Judge]  # one of them stands for all: whoever is free takes the pair
    human_share: float
    human_pairs: str  # repeat or instead
    swap_share: float

    def deal(self, pairs: Sequence[Pair], *, number: int, seed: int, always: Container[Essay]) -> Iterator[Dealt]:
        """The comparisons of round `number`; pairs with an essay in `always` are read both ways round."""
        for_people = self._for_people(pairs, seed)
        taken = {_both(pair) for pair in for_people} if self._instead else set()
        turns = {_both(pair): (i + number) for i, pair in enumerate(pairs)}
        repeats = swap_repeats(pairs, self.swap_share, seed, always=always)
        for replicate, some in enumerate((pairs, repeats)):
            for pair in some:
                if _both(pair) not in taken:
                    yield Dealt(pair, self.models[turns[_both(pair)] % len(self.models)], replicate)
                elif replicate:
                    yield Dealt(pair, self.people[turns[_both(pair)] % len(self.people)], replicate)
        for i, pair in enumerate(for_people):
            yield Dealt(pair, self.people[(i + number) % len(self.people)], 0)

    @property
    def _instead(self) -> bool:
        return self.human_pairs == "instead" or not self.models

    def _for_people(self, pairs: Sequence[Pair], seed: int) -> list[Pair]:
        if not self.people:
            return []
        share = self.human_share if self.models else 1.0
        return people_pairs(pairs, share, seed, turned=not self._instead)


def _both(pair: Pair) -> frozenset[Essay]:
    return frozenset((pair.a, pair.b))
