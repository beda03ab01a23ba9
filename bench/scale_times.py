"""Simulated judgements -> processor time of our fit, errors and pairing beside choix, evalica and LAPACK in one run.

    python -m bench --only scale-times --sizes 300 3000

20 comparisons an essay, spread 1.5, a bias of .2 logits. Processor time on one core, so that other work on the machine
matters little; ratios are what to read. The fit is the mode with a position term to a gradient of 1e-8; choix and
evalica have no position term. Packages that are not installed are left out.
"""

import argparse
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.special import expit

from batches.judging.pairs import plan_pairs
from batches.scale import Decisions, fit
from batches.scale.model import Prior, design_of, maximise
from batches.scale.precision import DensePrecision, Edges, SparsePrecision
from batches.scale.threads import on_one_core

SPREAD, BIAS = 1.5, 0.2
PER_ESSAY = 20
PRIOR = Prior(precision=SPREAD**-2, position_precision=0.01)
SLOW = 1000  # essays: beyond, choix's slowest ways are left out
TARGETS = {"choix (ilsr)": 300, "choix (Newton-CG)": 300, "evalica": 40, "scikit-learn": 2}  # at 3,000 essays


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


@on_one_core
def fits(n: int) -> None:
    decisions = decisions_of(n)
    ours = seconds(lambda: maximise(design_of(decisions, terms="shared"), PRIOR))
    print(f"fit, {n:,} essays: ours {_ms(ours)}")
    for name, work in peers(decisions).items():
        theirs = seconds(work)
        target = TARGETS.get(name) if n == 3000 else None
        wanted = f" (>= {target}: {'kept' if theirs / ours >= target else 'BROKEN'})" if target else ""
        print(f"  {name}: {_ms(theirs)}, {theirs / ours:,.1f} times ours{wanted}", flush=True)
    whole = seconds(lambda: fit(decisions))
    print(f"  everything (spread, errors, misfit, reliability): {_ms(whole)}, {whole / ours:,.0f} times the fit alone")


@on_one_core
def errors(n: int) -> None:
    """Exact errors against one LAPACK inverse; beyond, the approximation with its measured worst error."""
    decisions = decisions_of(n)
    design = design_of(decisions, terms="shared")
    x, _ = maximise(design, PRIOR)
    p = expit(design.logits(x))
    q = p * (1 - p)
    if n <= 3500:
        matrix = PRIOR.add_to(design.information(q), design.n)
        floor = seconds(lambda: dpotri(dpotrf(matrix, lower=1)[0], lower=1))
        ours = seconds(lambda: DensePrecision(design, PRIOR, q).variances())
        kept = "kept" if ours <= 1.2 * floor else "BROKEN"
        print(
            f"standard errors, {n:,} essays: exact {_ms(ours)}, {ours / floor:.2f} times one inverse (<= 1.2: {kept})"
        )
        return
    ours = seconds(lambda: SparsePrecision(design, PRIOR, q, Edges.of_design(design)).variances())
    solved = seconds(lambda: maximise(design, PRIOR))
    worst = SparsePrecision(design, PRIOR, q, Edges.of_design(design)).worst_error()
    print(
        f"standard errors, {n:,} essays: propagated {_ms(ours)}, {ours / solved:.2f} times the fit (< 1), "
        f"worst of 64 exact ones off by {worst:.2%}"
    )


def pairing(n: int) -> None:
    rng = np.random.default_rng(1)
    scores: dict[Any, float] = dict(enumerate(rng.normal(0, SPREAD, n).tolist()))
    known = {"scores": scores, "errors": dict.fromkeys(scores, 0.5), "method": "adaptive"}
    earlier = plan_pairs(range(n), earlier=[], seed=0, method="balanced")
    first = seconds(lambda: plan_pairs(range(n), earlier=[], seed=1, **known))
    for number in range(9):
        earlier = earlier + plan_pairs(range(n), earlier=earlier, seed=2 + number, **known)
    tenth = seconds(lambda: plan_pairs(range(n), earlier=earlier, seed=99, **known))
    kept = "kept" if n != 10_000 or tenth <= 0.05 else "BROKEN"
    print(
        f"a round of pairs, {n:,} essays: the first {_ms(first)}, the eleventh {_ms(tenth)} (10,000: <= 50 ms: {kept})"
    )


def _ms(value: float) -> str:
    return f"{value * 1e3:,.1f} ms"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[300, 3000], help="essays of the fits")
    parser.add_argument("--errors", nargs="+", type=int, default=[1000, 10_000], help="essays of the standard errors")
    parser.add_argument("--pairing", nargs="+", type=int, default=[1000, 10_000], help="essays of the rounds")
    options = parser.parse_args(arguments)
    for n in options.sizes:
        fits(n)
    for n in options.errors:
        errors(n)
    for n in options.pairing:
        pairing(n)
