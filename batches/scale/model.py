"""Decisions and a prior -> the most probable scores: Bradley-Terry with a left-position term, by Newton's method."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_expit

from .decisions import Decisions, Floats, Indices
from .incidence import Incidence, multiplied

DENSE_NEWTON = 250  # parameters: up to here a factorisation is cheaper than conjugate gradients
GRADIENT = 1e-8
MAX_STEPS = 100
LONGEST = 4.0  # logits moved in one step: the quadratic is worth nothing further out


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """Logit of each decision's outcome = score of the winner - score of the loser + place * bias + offset.

    `n` free scores come first, then `k` position terms; index n stands for an essay of fixed score.
    """

    n: int
    k: int
    winner: Indices
    loser: Indices
    place: Floats
    term: Indices  # which position term
    offset: Floats

    def linear(self, x: Floats) -> Floats:
        """The parameters' part of every logit."""
        score = np.append(x[: self.n], 0.0)
        logit = score.take(self.winner)
        logit -= score.take(self.loser)
        if self.k:
            logit += self.place * self._of_term(x[self.n :])
        return logit

    def logits(self, x: Floats) -> Floats:
        logit = self.linear(x)
        logit += self.offset
        return logit

    def transpose(self, r: Floats) -> Floats:
        """Sum a value per decision back onto the parameters."""
        return np.append(self.incidence.signed @ r, self._by_term(self.place * r))

    def diagonal(self, q: Floats) -> Floats:
        """The diagonal of the information matrix with weight q per decision."""
        return np.append(self.incidence.sides @ q, self._by_term(self.place**2 * q))

    def information(self, q: Floats) -> Floats:
        """The information matrix, dense: a weighted graph Laplacian bordered by the position terms."""
        n, size = self.n, self.n + self.k
        full = np.zeros((size, size))
        self.incidence.subtract_from(full, q)
        full[np.arange(size), np.arange(size)] = self.diagonal(q)
        full[n:, :n] = self.border(q)
        full[:n, n:] = full[n:, :n].T
        return full

    def border(self, q: Floats) -> Floats:
        """The information that each position term shares with each score: (k, n)."""
        if not self.k:
            return np.zeros((0, self.n))
        return self.incidence.border(q * self.place, self.term, self.k)

    @cached_property
    def incidence(self) -> Incidence:
        return Incidence.among(self.winner, self.loser, self.n)

    def system(self, q: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
        """The diagonal of the information matrix with weight q per decision, and a product with the matrix, which is
        never made."""
        graph = self.incidence.neighbours(q)
        scores = graph @ np.ones(self.n + 1)  # all that an essay's decisions weigh; cheaper than to gather them again
        diagonal = np.append(scores, self._by_term(self.place**2 * q))
        return diagonal, multiplied(graph, diagonal, self.border(q))

    def _of_term(self, values: Floats) -> Floats:
        return values if self.k == 1 else values.take(self.term)

    def _by_term(self, values: Floats) -> Floats:
        if self.k == 1:
            return values.sum(keepdims=True)
        return np.bincount(self.term, values, minlength=self.k)[: self.k]


@dataclass(frozen=True, kw_only=True, eq=False)
class Prior:
    """Normal priors as precisions: on the scores about 0 or about their own mean, and on position terms.

    With `group` numbers and no precision it pins each group's mean at 0 instead, as maximum likelihood needs.
    """

    precision: float
    position_precision: float = 0.0
    own_mean: bool = False  # fixed anchors set the origin: the others' mean is unknown
    group: Indices | None = None

    def times(self, x: Floats, n: int) -> Floats:
        """The prior's precision matrix times x."""
        scores = x[:n] - x[:n].mean() if self.own_mean and n else x[:n]
        return np.concatenate([self.precision * scores, self.position_precision * x[n:]])

    def add_to(self, information: Floats, n: int) -> Floats:
        size = len(information)
        spread = np.append(np.full(n, self.precision), np.full(size - n, self.position_precision))
        information[np.arange(size), np.arange(size)] += spread
        if self.own_mean:
            information[:n, :n] -= self.precision / n
        if self.group is not None:
            information[:n, :n] += pin_means(self.group)
        return information


def pin_means(group: Indices) -> Floats:
    """J/n for every group: makes a Laplacian invertible and changes nothing orthogonal to the groups' means."""
    same = group[:, None] == group[None, :]
    return same / np.bincount(group)[group][:, None]


def design_of(decisions: Decisions, *, terms: str = "", fixed: dict[int, float] | None = None) -> Design:
    """Set up the parameters: `terms` is "" (no position term), "shared" or "judge"; `fixed` maps index to score."""
    known = np.full(decisions.n, np.nan)
    for essay, score in (fixed or {}).items():
        known[essay] = score
    free = np.isnan(known)
    index = np.where(free, np.cumsum(free) - 1, free.sum())
    level = np.where(free, 0.0, known)
    term = decisions.judge + 1 if terms == "judge" else np.zeros(len(decisions), dtype=np.int64)
    k = (len(decisions.judges) + 1 if terms == "judge" else 1) if terms else 0
    return Design(
        n=int(free.sum()),
        k=k,
        winner=index[decisions.winner],
        loser=index[decisions.loser],
        place=decisions.place,
        term=term,
        offset=level[decisions.winner] - level[decisions.loser],
    )


def log_likelihood(design: Design, x: Floats) -> float:
    return float(log_expit(design.logits(x)).sum())


def maximise(design: Design, prior: Prior, start: Floats | None = None) -> tuple[Floats, bool]:
    """The mode of likelihood times prior, to a gradient of 1e-8; False beside it if it was not reached."""
    x = np.zeros(design.n + design.k) if start is None else start.copy()
    value, surprise = _objective(design, prior, x)
    for _ in range(MAX_STEPS):
        gradient = design.transpose(surprise) - prior.times(x, design.n)
        if not len(x) or np.abs(gradient).max() <= GRADIENT:
            return x, True
        step = _newton_step(design, prior, surprise * (1.0 - surprise), gradient)
        step *= min(1.0, LONGEST / np.abs(step).max())
        x, value, surprise, moved = _search(design, prior, x, value, surprise, step)
        if not moved:
            return x, bool(np.abs(gradient).max() <= 1e-5)
    return x, False


def _objective(design: Design, prior: Prior, x: Floats) -> tuple[float, Floats]:
    """What is maximised, and beside it the probability of the other outcome of each decision."""
    logits = design.logits(x)
    surprise = np.exp(-np.abs(logits))
    both = 1.0 + surprise
    surprise /= both
    np.subtract(1.0, surprise, out=surprise, where=logits < 0)
    log_p = float(np.minimum(logits, 0.0, out=logits).sum()) - _sum_of_logs(both)
    return log_p - 0.5 * float(x @ prior.times(x, design.n)), surprise


def _sum_of_logs(values: Floats) -> float:
    """Of values from 1 to 2: one logarithm for a product of 512, which a float can hold."""
    return float(np.log(np.multiply.reduceat(values, np.arange(0, len(values), 512))).sum()) if len(values) else 0.0


def _search(
    design: Design, prior: Prior, x: Floats, value: float, surprise: Floats, step: Floats
) -> tuple[Floats, float, Floats, bool]:
    """Halve the step until the objective does not fall; near the top rounding decides, so a whole step is taken."""
    slack = 1e-10 * (1.0 + abs(value))
    for _ in range(30):
        tried, following = _objective(design, prior, x + step)
        if tried >= value - slack:
            return x + step, tried, following, True
        step = step / 2
    return x, value, surprise, False


def _newton_step(design: Design, prior: Prior, q: Floats, gradient: Floats) -> Floats:
    size = float(np.abs(gradient).max())
    return solve(design, prior, q, gradient, tolerance=min(0.03, size))


def solve(design: Design, prior: Prior, q: Floats, b: Floats, *, tolerance: float = 1e-10) -> Floats:
    """(information with weights q + prior)^-1 b; b must have no part along pinned means."""
    if len(b) <= DENSE_NEWTON:
        return cho_solve(cho_factor(_guard(prior.add_to(design.information(q), design.n))), b)
    diagonal, times = design.system(q)
    return conjugate_gradients(
        lambda v: times(v) + prior.times(v, design.n),
        b,
        np.maximum(diagonal + _spread(prior, design), 1e-12),
        tolerance=tolerance,
    )


def _spread(prior: Prior, design: Design) -> Floats:
    return np.append(np.full(design.n, prior.precision), np.full(design.k, prior.position_precision))


def _guard(matrix: Floats) -> Floats:
    """Keep a direction that the data say almost nothing about from stopping the factorisation."""
    matrix[np.diag_indices_from(matrix)] += 1e-12
    return matrix


def conjugate_gradients(
    times: Callable[[Floats], Floats], b: Floats, diagonal: Floats, *, tolerance: float, limit: int = 1000
) -> Floats:
    """Solve times(x) = b, preconditioned by the diagonal, to a relative residual.

    Comparison graphs are expanders: a handful of steps is enough, and a factor would fill in almost wholly.
    """
    x = np.zeros_like(b)
    residual = b.copy()
    z = residual / diagonal
    direction = z.copy()
    rz = float(residual @ z)
    goal = tolerance * float(np.linalg.norm(b))
    for _ in range(limit):
        if float(np.linalg.norm(residual)) <= goal or rz == 0.0:
            break
        moved = times(direction)
        curvature = float(direction @ moved)
        if not curvature > 0.0:  # flat to the last digit that way: as far as it goes
            break
        length = rz / curvature
        x += length * direction
        residual -= length * moved
        z = residual / diagonal
        rz, before = float(residual @ z), rz
        direction = z + (rz / before) * direction
    return x
