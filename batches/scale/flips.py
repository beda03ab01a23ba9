"""Decisions about pairs that one judge read both ways round -> how many flipped, and whose."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .decisions import Decisions, Indices
from .proportion import wilson


@dataclass(frozen=True, kw_only=True, eq=False)
class Flips:
    """A pair counts once a judge, when they read it in both orders; it flipped when the winner changed with the order.

    Where a pair was read several times one way, the first decisions (in the canonical order) are matched.
    """

    pairs: int
    flipped: int
    first_won: int  # of the flipped: the essay read first won both times; in the others the second did
    of_essay: Indices  # flipped pairs per essay

    @property
    def rate(self) -> float:
        return self.flipped / self.pairs if self.pairs else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, by Wilson's formula."""
        return wilson(self.flipped, self.pairs)


def flips(decisions: Decisions) -> Flips:
    """Find the pairs that a judge read both ways round."""
    read: dict[tuple[int, int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    columns = (decisions.winner, decisions.loser, decisions.left, decisions.judge)
    for winner, loser, left, judge in zip(*(column.tolist() for column in columns), strict=True):
        if left >= 0:
            low, high = min(winner, loser), max(winner, loser)
            read[low, high, judge][left == high].append(winner)
    of_essay = np.zeros(decisions.n, dtype=np.int64)
    pairs = flipped = first_won = 0
    for (low, high, _), ways in read.items():
        for low_first, high_first in zip(*ways, strict=False):
            pairs += 1
            if low_first != high_first:
                flipped += 1
                first_won += low_first == low
                of_essay[[low, high]] += 1
    return Flips(pairs=pairs, flipped=flipped, first_won=first_won, of_essay=of_essay)
