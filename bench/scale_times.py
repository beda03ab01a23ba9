"""Simulated judgements -> processor time of our fit, errors and pairing beside choix, evalica, scikit-learn and LAPACK.

20 comparisons an essay, spread 1.5, a bias of .2 logits. Processor time on one core, so that other work on the machine
matters little; ratios are what to read. The fit is the mode with a position term to a gradient of 1e-8; choix and
evalica have no position term. Packages that are not installed are left out.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.special import expit

from batches.judging.pairs import plan_pairs
from batches.scale import Decisions, fit
from batches.scale.estimators import DENSE_COVARIANCE
from batches.scale.model import Prior, _objective, design_of, maximise
from batches.scale.precision import DensePrecision, Edges, SparsePrecision
from batches.scale.threads import on_one_core
from bench import growth, pairing_worth
from bench.memory import apart
from bench.rows import Row, Sizes

SPREAD, BIAS = 1.5, 0.2
PER_ESSAY = 20
PRIOR = Prior(precision=SPREAD**-2, position_precision=0.01)
SLOW = 1000  # essays: beyond, choix's slowest ways are left out
FITS, ERRORS, PAIRING, LARGE = 3000, (3000, 10_000), 10_000, 100_000  # essays that the targets speak of
PEERS = ("choix (ilsr)", "choix (Newton-CG)", "evalica", "scikit-learn")
TARGETS = {"choix (ilsr)": 300, "evalica": 40, "scikit-learn": 2}  # at 3,000 essays
PASSES, INVERSES, ROUND = 30, 1.2, 0.05


def decisions_of(n: int, seed: int = 1) -> Decisions:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, SPREAD, n)
    orders = [rng.permutation(n)[: n // 2 * 2].reshape(-1, 2) for _ in range(PER_ESSAY)]
    first, second = np.concatenate(orders).T
    wins = rng.random(len(first)) < expit(truth[first] - truth[second] + BIAS)
    winner, loser = np.where(wins, first, second), np.where(wins, second, first)
    table = np.column_stack([winner, loser, first, np.full(len(first), -1)])
    return Decisions.from_indices(table, essays=range(n))


def seconds(work: Callable[[], object], most: float = 2.0) -> float:
    """The least processor time of several runs, the first of which warms up; of slow work one run counts."""
    found: list[float] = []
    while len(found) < 2 or (sum(found) < most and len(found) < 30):
        before = process_time()
        work()
        found.append(process_time() - before)
        if found[0] > most:
            break
    return min(found)


def peers(decisions: Decisions) -> dict[str, Callable[[], object]]:
    winner, loser, n = decisions.winner, decisions.loser, decisions.n
    found: dict[str, Callable[[], object]] = {}
    if find_spec("choix"):
        import choix

        data = np.column_stack([winner, loser]).tolist()
        found["choix (ilsr)"] = lambda: choix.ilsr_pairwise(n, data, alpha=0.01)
        if n <= SLOW:
            found["choix (Newton-CG)"] = lambda: choix.opt_pairwise(n, data, alpha=0.1, method="Newton-CG")
    if find_spec("evalica"):
        import evalica

        # it has no prior, and gives everybody 0 where one essay never lost: a phantom meets each once either way
        phantom, every = np.full(n, n), np.arange(n)
        xs, ys = np.concatenate([winner, every, phantom]).tolist(), np.concatenate([loser, phantom, every]).tolist()
        result = [evalica.Winner.X] * len(xs)
        found["evalica"] = lambda: evalica.bradley_terry(xs, ys, result, tolerance=1e-8, limit=10_000)
    if find_spec("sklearn"):
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression

        rows = np.repeat(np.arange(len(winner)), 2)
        sides = np.column_stack([winner, loser]).ravel()
        sign = np.tile([1.0, -1.0], len(winner))
        flip = np.where(np.arange(len(winner)) % 2, 1.0, -1.0)
        x = csr_matrix((sign * np.repeat(flip, 2), (rows, sides)), shape=(len(winner), n))
        model = LogisticRegression(C=SPREAD**2, solver="newton-cg", tol=1e-10)
        found["scikit-learn"] = lambda: model.fit(x, flip > 0)
    return found


def measure(sizes: Sizes) -> Iterator[Row]:
    """T4, T5, T6 and their growth."""
    for n in sorted({sizes.of(FITS // 10, least=100), sizes.of(FITS, least=100)}):
        yield from fits(n)
    yield from passes(sizes.of(LARGE, least=1000))
    for n in sorted({sizes.of(full, least=200) for full in ERRORS}):
        yield from errors(n)
    yield from rounds(sizes.of(PAIRING, least=100))
    yield growth.row("fit", {n: apart(fit_seconds, n).result for n in sizes.decades(LARGE, least=300)})
    yield growth.row("pairing", {n: round_seconds(n)[1] for n in sizes.decades(PAIRING, least=50)})
    yield from pairing_worth.measure(sizes)


@on_one_core
def fit_seconds(n: int) -> float:
    decisions = decisions_of(n)
    return seconds(lambda: maximise(design_of(decisions, terms="shared"), PRIOR))


def fits(n: int) -> Iterator[Row]:
    """Every peer beside our fit of the same judgements, each in a process of its own: what one leaves in memory
    slows the next."""
    ours = apart(fit_seconds, n).result
    for name in PEERS:
        if (value := apart(peer_seconds, name, n).result) is not None:
            yield Row(
                target="T4", path="fit", size=f"{n:,} essays", figure=f"CPU of {name}", value=value,
                beside="our fit", beside_value=ours, at_least=TARGETS.get(name, 1) if n == FITS else 1,
            )  # fmt: skip
    yield Row(
        target="", path="fit", size=f"{n:,} essays", figure="spread, errors, misfit and reliability too",
        value=apart(whole_seconds, n).result, beside="our fit", beside_value=ours,
    )  # fmt: skip


@on_one_core
def peer_seconds(name: str, n: int) -> float | None:
    """None where the peer is not installed, or too slow for so many."""
    work = peers(decisions_of(n)).get(name)
    return seconds(work) if work else None


@on_one_core
def whole_seconds(n: int) -> float:
    decisions = decisions_of(n)
    return seconds(lambda: fit(decisions))


@on_one_core
def passes(n: int) -> Iterator[Row]:
    """The fit in units of one look at all judgements: objective and gradient."""
    design = design_of(decisions_of(n), terms="shared")
    x = np.zeros(design.n + design.k)
    once = seconds(lambda: design.transpose(_objective(design, PRIOR, x)[1]))
    yield Row(
        target="T4", path="fit", size=f"{n:,} essays", figure="CPU to a gradient of 1e-8",
        value=seconds(lambda: maximise(design, PRIOR)), beside="one pass over the data", beside_value=once,
        at_most=PASSES,
    )  # fmt: skip


@on_one_core
def errors(n: int) -> Iterator[Row]:
    """Exact errors against one LAPACK inverse; beyond, the approximation with its measured worst error."""
    design = design_of(decisions_of(n), terms="shared")
    x, _ = maximise(design, PRIOR)
    p = expit(design.logits(x))
    q = p * (1 - p)
    size = f"{n:,} essays"
    if n <= DENSE_COVARIANCE:
        matrix = PRIOR.add_to(design.information(q), design.n)
        floor = seconds(lambda: dpotri(dpotrf(matrix, lower=1)[0], lower=1))
        ours = seconds(lambda: DensePrecision(design, PRIOR, q).variances())
        yield Row(
            target="T5", path="errors", size=size, figure="CPU, exact", value=ours, beside="one LAPACK inverse",
            beside_value=floor, at_most=INVERSES,
        )  # fmt: skip
        return
    worst = SparsePrecision(design, PRIOR, q, Edges.of_design(design)).worst_error()
    yield Row(
        target="T5", path="errors", size=size, figure="CPU, by belief propagation",
        value=seconds(lambda: SparsePrecision(design, PRIOR, q, Edges.of_design(design)).variances()),
        beside="our fit", beside_value=seconds(lambda: maximise(design, PRIOR)), at_most=1,
        note=f"worst of 64 exact ones off by {worst:.2%}",
    )  # fmt: skip


def rounds(n: int) -> Iterator[Row]:
    for number, value in zip(("first", "eleventh"), round_seconds(n), strict=True):
        yield Row(
            target="T6", path="pairing", size=f"{n:,} essays", figure=f"CPU of the {number} round", value=value,
            at_most=ROUND if n == PAIRING else None,
        )  # fmt: skip


def round_seconds(n: int) -> tuple[float, float]:
    """Of the first round, which nothing is known for, and of one with ten rounds behind it, by score."""
    rng = np.random.default_rng(1)
    scores: dict[Any, float] = dict(enumerate(rng.normal(0, SPREAD, n).tolist()))
    known: dict[str, Any] = {"scores": scores, "errors": dict.fromkeys(scores, 0.5), "method": "adaptive"}
    first = seconds(lambda: plan_pairs(range(n), earlier=[], seed=0, method="adaptive"))
    earlier = plan_pairs(range(n), earlier=[], seed=0, method="adaptive")
    for number in range(9):
        earlier = earlier + plan_pairs(range(n), earlier=earlier, seed=2 + number, **known)
    return first, seconds(lambda: plan_pairs(range(n), earlier=earlier, seed=99, **known))
