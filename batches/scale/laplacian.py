"""Decisions' pairs, sorted once -> products with the information matrix, which is a bordered graph Laplacian."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .decisions import Floats, Indices


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """The different pairs among free essays, and where they stand in a sparse matrix that has each pair twice."""

    one: Indices
    other: Indices
    of: Indices  # per decision; -1 where an essay's score is fixed
    columns: Indices
    starts: Indices
    entry: Indices  # per entry of the matrix: its pair

    @classmethod
    def among(cls, winner: Indices, loser: Indices, n: int) -> "Pairs":
        low, high = np.minimum(winner, loser), np.maximum(winner, loser)
        free = high < n
        codes, of = np.unique(low[free] * n + high[free], return_inverse=True)
        every = np.full(len(low), -1)
        every[free] = of
        one, other = codes // max(n, 1), codes % max(n, 1)
        rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
        order = np.argsort(rows, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
        entry = np.concatenate([np.arange(len(one))] * 2)[order]
        return cls(one=one, other=other, of=every, columns=columns[order], starts=starts, entry=entry)

    def weights(self, q: Floats) -> Floats:
        """A value per decision, summed over each pair."""
        free = self.of >= 0
        if free.all():
            return np.bincount(self.of, q, minlength=len(self.one))
        return np.bincount(self.of[free], q[free], minlength=len(self.one))

    def times(self, q: Floats, diagonal: Floats, border: Floats) -> Callable[[Floats], Floats]:
        """Multiply by the information matrix with weights q; `border` has a row per position term."""
        n = len(self.starts) - 1
        graph = csr_array((self.weights(q)[self.entry], self.columns, self.starts), shape=(n, n))
        scores, terms = diagonal[:n], diagonal[n:]
        if not len(terms):
            return lambda v: scores * v - graph @ v
        return lambda v: np.concatenate(
            [scores * v[:n] - graph @ v[:n] + v[n:] @ border, border @ v[:n] + terms * v[n:]]
        )
