"""Who won against whom, sorted by essay once -> sums over each essay's decisions, as products of a sparse matrix."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from .decisions import Floats, Indices


@dataclass(frozen=True, kw_only=True, eq=False)
class Incidence:
    """A row per free essay, an entry for each of its decisions: +1 where it won, -1 where it lost."""

    signed: csr_array  # (essays, decisions)
    met: csr_array  # (essays, essays + 1): in which column it met whom; the last for all whose score is fixed
    decision: Indices  # per entry

    @classmethod
    def among(cls, winner: Indices, loser: Indices, n: int) -> "Incidence":
        """Sort by counting, as scipy turns rows into columns. Index n stands for every essay of fixed score."""
        m = len(winner)
        ends, partner = np.empty((m, 2), np.int32), np.empty((m, 2), np.int32)
        ends[:, 0], ends[:, 1] = winner, loser
        partner[:, 0], partner[:, 1] = ends[:, 1] + 1, ~ends[:, 0]  # whom it met, from 1, and by the sign who won
        every = np.arange(0, 2 * m + 1, 2, dtype=np.int32)
        by_essay = csr_array((partner.ravel(), ends.ravel(), every), shape=(m, n + 1)).tocsc()
        starts = by_essay.indptr[: n + 1]
        decision, partner = by_essay.indices[: starts[-1]], by_essay.data[: starts[-1]]
        won, ones = np.where(partner > 0, 1.0, -1.0), np.ones(len(partner))
        return cls(
            signed=csr_array((won, decision, starts), shape=(n, m)),
            met=csr_array((ones, np.abs(partner) - 1, starts), shape=(n, n + 1)),
            decision=decision.astype(np.intp),
        )

    @cached_property
    def sides(self) -> csr_array:
        """The same as `signed` with +1 everywhere."""
        return csr_array((np.abs(self.signed.data), self.signed.indices, self.signed.indptr), shape=self.signed.shape)

    def neighbours(self, q: Floats) -> csr_array:
        """Essays by essays, with the summed weights of the decisions between them; nothing on the diagonal."""
        graph = copy(self.met)
        graph.data = q.take(self.decision)
        return graph

    def border(self, pulled: Floats, term: Indices, k: int) -> Floats:
        """Each decision's value added to its winner and taken from its loser, apart for each of k terms: (k, n)."""
        if k == 1:
            return (self.signed @ pulled)[None, :]
        n = self.met.shape[0]
        values = self.signed.data * pulled.take(self.decision)
        return csr_array((values, term.take(self.decision), self.signed.indptr), shape=(n, k)).toarray().T

    def subtract_from(self, square: Floats, q: Floats) -> None:
        """Take each decision's weight from both entries of its pair in the corner of a dense square matrix."""
        n = self.met.shape[0]
        essay = np.repeat(np.arange(n), np.diff(self.met.indptr))
        free = self.met.indices < n
        at = essay * square.shape[1] + self.met.indices
        np.subtract.at(square.reshape(-1), at[free], q.take(self.decision)[free])


def multiplied(graph: csr_array, diagonal: Floats, border: Floats) -> Callable[[Floats], Floats]:
    """Multiply by an information matrix: its graph (`neighbours`), its diagonal, and a row for each position term."""
    n = graph.shape[0]
    scores, terms = diagonal[:n], diagonal[n:]

    def product(v: Floats) -> Floats:
        moved = np.empty_like(v)
        free = v[:n]
        moved[:n] = scores * free - graph @ np.append(free, 0.0) + v[n:] @ border
        moved[n:] = border @ free + terms * v[n:]
        return moved

    return product
