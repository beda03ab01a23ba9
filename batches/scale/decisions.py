"""Rows of who beat whom -> arrays in one canonical order, so that no number depends on the order of the rows."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

type Indices = NDArray[np.int64]
type Floats = NDArray[np.float64]


class Decision(NamedTuple):
    """One judgement: the winner's and the loser's id, the id that was read first, and who judged."""

    winner: Hashable
    loser: Hashable
    left: Hashable | None = None
    judge: Hashable | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Decisions:
    """Decisions as indices into `essays` and `judges`, sorted; -1 where the left essay or the judge is unknown."""

    essays: tuple[Any, ...]
    judges: tuple[Any, ...]
    winner: Indices
    loser: Indices
    left: Indices
    judge: Indices

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[Any, ...]], *, essays: Iterable[Hashable] = ()) -> "Decisions":
        """Build from (winner, loser[, left[, judge]]) rows; `essays` adds those nobody has judged yet."""
        complete = [Decision(*row) for row in rows]
        for row in complete:
            _check(row)
        names = _sorted({*essays, *(row.winner for row in complete), *(row.loser for row in complete)})
        judges = _sorted({row.judge for row in complete} - {None})
        place = {name: position for position, name in enumerate(names)}
        seat = {name: position for position, name in enumerate(judges)}
        indices = [
            (
                place[row.winner],
                place[row.loser],
                -1 if row.left is None else place[row.left],
                -1 if row.judge is None else seat[row.judge],
            )
            for row in complete
        ]
        return cls.from_indices(np.array(indices, dtype=np.int64).reshape(-1, 4), essays=names, judges=judges)

    @classmethod
    def from_indices(cls, table: Indices, *, essays: Iterable[Any], judges: Iterable[Any] = ()) -> "Decisions":
        """Build from columns winner, loser, left, judge that already are indices; sorts the rows."""
        winner, loser, left, judge = table[np.lexsort(table.T[::-1])].T
        return cls(essays=tuple(essays), judges=tuple(judges), winner=winner, loser=loser, left=left, judge=judge)

    def __len__(self) -> int:
        return len(self.winner)

    @property
    def n(self) -> int:
        return len(self.essays)

    @property
    def place(self) -> Floats:
        """+1 where the winner was read first, -1 where second, 0 where nobody knows."""
        return np.where(self.left < 0, 0.0, np.where(self.left == self.winner, 1.0, -1.0))

    @property
    def wins(self) -> Indices:
        return np.bincount(self.winner, minlength=self.n)

    @property
    def appearances(self) -> Indices:
        return self.wins + np.bincount(self.loser, minlength=self.n)

    def only(self, rows: NDArray[Any]) -> "Decisions":
        """The same essays and judges, with some of the rows: a mask, or their positions."""
        table = np.column_stack([self.winner, self.loser, self.left, self.judge])[rows]
        return Decisions.from_indices(table, essays=self.essays, judges=self.judges)

    def joined_with(self, other: "Decisions") -> "Decisions":
        """Both sets of decisions about the same essays; who judged is left behind."""
        parts = [np.column_stack([one.winner, one.loser, one.left, np.full(len(one), -1)]) for one in (self, other)]
        return Decisions.from_indices(np.concatenate(parts), essays=self.essays)


def groups(decisions: Decisions, *, strong: bool = False, joined: Indices | None = None) -> Indices:
    """A group number per essay, counted from 0 in order of size: connected by any decisions, or strongly by wins.

    `joined` essays count as connected to one another: their places on the scale are known.
    """
    winner, loser = decisions.winner, decisions.loser
    if joined is not None and len(joined) > 1:
        winner = np.concatenate([winner, joined[:-1]])
        loser = np.concatenate([loser, joined[1:]])
    graph = coo_matrix((np.ones(len(winner)), (winner, loser)), shape=(decisions.n, decisions.n))
    kind = "strong" if strong else "weak"
    _, label = connected_components(graph, directed=True, connection=kind)
    size = np.bincount(label)
    first = np.full(len(size), decisions.n)
    np.minimum.at(first, label, np.arange(decisions.n))
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(len(size))
    return rank[label]


def _check(row: Decision) -> None:
    if row.winner is None or row.loser is None or row.winner == row.loser:
        raise ValueError(f"a decision is between two different essays, not {row.winner!r} and {row.loser!r}")
    if row.left is not None and row.left not in (row.winner, row.loser):
        raise ValueError(f"the essay read first, {row.left!r}, is neither {row.winner!r} nor {row.loser!r}")


def _sorted(names: set[Any]) -> list[Any]:
    try:
        return sorted(names)
    except TypeError:  # ids of several types
        return sorted(names, key=lambda name: (type(name).__name__, repr(name)))
