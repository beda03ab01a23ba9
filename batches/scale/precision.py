"""An information matrix -> its inverse where it fits, else the parts of it that are needed, with their error known.

Dense (LAPACK) is exact. Beyond it Gaussian belief propagation gives variances of scores and of the differences
that were judged; it takes no square matrix, because comparison graphs fill in a sparse factor almost wholly.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri

from .decisions import Floats, Indices
from .model import Design, Prior, solve

SWEEPS = 50
SETTLED = 1e-5  # relative change of a message; what propagation itself leaves out is larger
EXACT_COLUMNS = 64  # solved exactly to measure the worst error


class DensePrecision:
    """Information plus prior as a factored matrix."""

    def __init__(self, design: Design, prior: Prior, q: Floats) -> None:
        self.design, self.prior = design, prior
        matrix = prior.add_to(design.information(q), design.n)
        self.factor, failed = dpotrf(matrix, lower=1, clean=1)
        if failed:
            raise np.linalg.LinAlgError("the information matrix is singular")

    def solve(self, b: Floats) -> Floats:
        return cho_solve((self.factor, True), b)

    @cached_property
    def _lower(self) -> Floats:
        """The inverse's lower triangle, diagonal included; zeros above it. All that most answers need."""
        inverse, _ = dpotri(self.factor, lower=1, overwrite_c=0)
        return inverse

    @cached_property
    def covariance(self) -> Floats:
        full = self._lower + self._lower.T
        full[np.diag_indices_from(full)] /= 2
        return full

    def variances(self) -> Floats:
        return np.diag(self._lower).copy()

    def position_covariance(self) -> Floats:
        n = self.design.n
        lower = self._lower[n:, n:]
        return lower + np.tril(lower, -1).T

    def decision_variances(self) -> Floats:
        """The variance of each decision's logit."""
        design, lower = self.design, self._lower
        n = design.n
        # essays of fixed score, at index n, vary with nothing
        spread = np.append(np.diag(lower)[:n], 0.0)
        w, t = design.winner, design.loser
        low, high = np.minimum(w, t), np.maximum(w, t)
        together = lower[np.minimum(high, n - 1), np.minimum(low, n - 1)] * (high < n)
        score = spread[w] + spread[t] - 2 * together
        if not design.k:
            return score
        border = np.zeros((design.k, n + 1))
        border[:, :n] = lower[n:, :n]
        bias = np.diag(lower)[n:][design.term]
        pull = border[design.term, w] - border[design.term, t]
        return score + design.place**2 * bias + 2 * design.place * pull

    def left_open(self) -> float:
        """The scores' summed variance about their own mean."""
        n = self.design.n
        lower = self._lower[:n, :n]
        trace = float(np.trace(lower))
        return trace - (2 * float(lower.sum()) - trace) / max(n, 1)

    def dense(self) -> "DensePrecision":
        return self

    def worst_error(self) -> float:
        return 0.0

    def log_det(self) -> float:
        return 2 * float(np.log(np.diag(self.factor)).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Edges:
    """The different pairs among the free essays, and which of them each decision belongs to."""

    one: Indices
    other: Indices
    of: Indices  # per decision; -1 where an essay's score is fixed

    @classmethod
    def of_design(cls, design: Design) -> "Edges":
        low, high = np.minimum(design.winner, design.loser), np.maximum(design.winner, design.loser)
        free = high < design.n
        codes, number = np.unique(low[free] * design.n + high[free], return_inverse=True)
        of = np.full(len(low), -1)
        of[free] = number
        return cls(one=codes // max(design.n, 1), other=codes % max(design.n, 1), of=of)


class SparsePrecision:
    """The same answers without the matrix: belief propagation on the pairs, conjugate gradients for the rest."""

    def __init__(self, design: Design, prior: Prior, q: Floats, edges: Edges, messages: Floats | None = None) -> None:
        self.design, self.prior, self.q, self.edges = design, prior, q, edges
        free = edges.of >= 0
        self.weight = np.bincount(edges.of[free], q[free], minlength=len(edges.one))
        self.node = design.diagonal(q)[: design.n] + prior.precision
        self.messages = self._propagate(messages)
        self.marginal = self.node + self._arriving(self.messages)

    def _arriving(self, messages: Floats) -> Floats:
        """`messages` holds both directions of every edge: first one -> other, then other -> one."""
        n, edges = self.design.n, self.edges
        to_other, to_one = np.split(messages, 2)
        return np.bincount(edges.other, to_other, minlength=n) + np.bincount(edges.one, to_one, minlength=n)

    def _cavities(self, messages: Floats) -> tuple[Floats, Floats]:
        """The precision of each end of an edge without what the edge itself tells it."""
        total = self.node + self._arriving(messages)
        to_other, to_one = np.split(messages, 2)
        return total[self.edges.one] - to_one, total[self.edges.other] - to_other

    def _propagate(self, messages: Floats | None) -> Floats:
        held = np.zeros(2 * len(self.weight)) if messages is None else messages
        square = np.concatenate([self.weight, self.weight]) ** 2
        for _ in range(SWEEPS):
            following = -square / np.concatenate(self._cavities(held))
            change = np.abs(following - held).max(initial=0.0)
            held = following
            if change <= SETTLED * np.abs(held).max(initial=1.0):
                break
        return held

    def solve(self, b: Floats) -> Floats:
        return solve(self.design, self.prior, self.q, b)

    @cached_property
    def _border(self) -> tuple[Floats, Floats]:
        """How the scores follow each position term, and the covariance of the terms."""
        design = self.design
        units = np.zeros((design.n + design.k, design.k))
        units[design.n :] = np.eye(design.k)
        columns = np.column_stack([self.solve(units[:, term]) for term in range(design.k)])
        terms = columns[design.n :]
        return columns[: design.n] @ np.linalg.inv(terms), terms

    def variances(self) -> Floats:
        """Of centred scores (propagation does not see the constant direction), then of the position terms."""
        scores = 1.0 / self.marginal
        if not self.design.k:
            return scores
        follow, terms = self._border
        return np.append(scores + ((follow @ terms) * follow).sum(axis=1), np.diag(terms))

    def decision_variances(self) -> Floats:
        one, other = self._cavities(self.messages)
        pair = (one + other - 2 * self.weight) / (one * other - self.weight**2)
        single = np.append(1.0 / self.marginal, 0.0)
        lone = single[self.design.winner] + single[self.design.loser]
        scores = np.where(self.edges.of >= 0, pair[self.edges.of], lone) if len(pair) else lone
        if not self.design.k:
            return scores
        follow, terms = self._border
        moved = np.column_stack(
            [self.design.linear(np.append(follow[:, t], np.eye(len(terms))[t])) for t in range(len(terms))]
        )
        return scores + ((moved @ terms) * moved).sum(axis=1)

    def position_covariance(self) -> Floats:
        return self._border[1]

    def left_open(self) -> float:
        return float(self.variances()[: self.design.n].sum())

    def dense(self) -> DensePrecision:
        return DensePrecision(self.design, self.prior, self.q)

    def log_det(self) -> float:
        """Bethe's approximation: exact on a tree, close on the expanders that comparison graphs are."""
        one, other = self._cavities(self.messages)
        degree = np.bincount(self.edges.one, minlength=self.design.n) + np.bincount(
            self.edges.other, minlength=self.design.n
        )
        pairs = np.log(one * other - self.weight**2).sum()
        value = float(pairs - ((degree - 1) * np.log(self.marginal)).sum())
        return value - float(np.linalg.slogdet(self._border[1])[1]) if self.design.k else value

    def worst_error(self, columns: int = EXACT_COLUMNS) -> float:
        """The largest relative error of a standard error among essays solved exactly, spread over the scale."""
        n, k = self.design.n, self.design.k
        chosen = np.unique(np.linspace(0, n - 1, min(columns, n)).astype(int))
        reported = np.sqrt(self.variances())
        worst = 0.0
        for essay in chosen:
            unit = np.zeros(n + k)
            unit[:n] = -1.0 / n
            unit[essay] += 1.0
            exact = float(np.sqrt(unit @ self.solve(unit)))
            worst = max(worst, abs(reported[essay] / exact - 1.0))
        return worst
