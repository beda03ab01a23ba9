"""The fit: same numbers for any row order, never one scale for separate groups, no NaN in JSON, the parts agree."""

import json
from random import Random

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from batches.scale import Decisions, fit, fit_to_json, posterior, read_decisions
from batches.scale import estimators as solvers
from batches.scale.model import Prior, design_of, maximise
from batches.scale.posterior import SHARES, SLOPES, approximate
from batches.scale.precision import DensePrecision, Edges, SparsePrecision
from batches.scale.spread import estimate_spread
from batches.scale.threads import on_one_core

FIELDS = {
    "estimator", "n_essays", "n_comparisons", "connected", "components", "position_bias", "position_bias_se", "sigma",
    "eb_reliability", "scale_separation_reliability", "essays",
}  # fmt: skip
ESSAY_FIELDS = {
    "essay", "component", "n", "wins", "logit", "standard_error", "standard_error_sirt", "infit", "outfit", "rank",
}  # fmt: skip


def judged(n=30, per_essay=12, sd=1.5, bias=0.3, seed=1, judges=("x", "y")) -> tuple[np.ndarray, list[tuple]]:
    """True scores and simulated decisions between random pairs."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, sd, n)
    rows = []
    for _ in range(n * per_essay // 2):
        a, b = rng.choice(n, 2, replace=False)
        wins = rng.random() < expit(truth[a] - truth[b] + bias)
        rows.append((int(a), int(b), int(a)) if wins else (int(b), int(a), int(a)))
    return truth - truth.mean(), [(*row, judges[number % len(judges)]) for number, row in enumerate(rows)]


def document(scale) -> str:
    return json.dumps(fit_to_json(scale), allow_nan=False)


@pytest.mark.parametrize("estimator", ["map", "mle", "sirt"])
def test_the_order_of_the_rows_changes_no_bit(estimator):
    _, rows = judged()
    first = document(fit(Decisions.from_rows(rows), estimator))
    for seed in range(3):
        Random(seed).shuffle(rows)
        assert document(fit(Decisions.from_rows(rows), estimator)) == first


def test_the_json_has_exactly_the_promised_keys():
    found = fit_to_json(fit(Decisions.from_rows(judged()[1])), {0: "pupil 0"})
    assert set(found) == FIELDS
    assert all(set(essay) == ESSAY_FIELDS for essay in found["essays"])
    assert [essay["rank"] for essay in found["essays"]] == list(range(1, 31))
    assert "pupil 0" in {essay["essay"] for essay in found["essays"]}
    assert found["connected"] is True
    assert found["components"] == 1


@pytest.mark.parametrize("estimator", ["map", "mle", "sirt"])
def test_separate_groups_never_share_a_scale(estimator):
    _, one = judged(n=10, per_essay=30, sd=0.7, seed=2)
    _, other = judged(n=8, per_essay=30, sd=0.7, seed=3)
    apart = one + [(w + 100, t + 100, left + 100, judge) for w, t, left, judge in other]
    scale = fit(Decisions.from_rows(apart, essays=[999]), estimator)
    found = json.loads(document(scale))
    assert found["connected"] is False
    assert found["components"] == 3
    assert found["eb_reliability"] is None
    assert found["scale_separation_reliability"] is None
    assert all(essay["rank"] is None for essay in found["essays"])
    for number in (1, 2):
        logits = [essay["logit"] for essay in found["essays"] if essay["component"] == number]
        assert sum(logits) == pytest.approx(0, abs=1e-6)
    lonely = found["essays"][-1]
    assert lonely["essay"] == 999
    assert lonely["component"] == 3
    assert {lonely[field] for field in ("logit", "standard_error", "infit", "outfit")} == {None}
    assert all(np.isnan(value) for value in scale.difference(0, 12))


@pytest.mark.parametrize("estimator", ["mle", "sirt"])
def test_a_group_is_fitted_as_if_it_were_alone(estimator):
    _, one = judged(n=10, per_essay=30, sd=0.7, seed=2, bias=0)
    _, other = judged(n=8, per_essay=30, sd=0.7, seed=3, bias=0)
    plain = [(w, t) for w, t, *_ in one]
    together = fit(Decisions.from_rows(plain + [(w + 100, t + 100) for w, t, *_ in other]), estimator)
    alone = fit(Decisions.from_rows(plain), estimator)
    assert np.abs(together.logit[:10] - alone.logit).max() < 1e-6
    assert np.abs(together.standard_error[:10] - alone.standard_error).max() < 1e-6


def test_maximum_likelihood_is_undefined_with_an_undefeated_essay_but_map_is_not():
    rows = [("b", "c"), ("c", "b"), ("a", "b"), ("a", "c")]
    assert np.isnan(fit(Decisions.from_rows(rows), "mle").logit).all()
    assert json.loads(document(fit(Decisions.from_rows(rows), "mle")))["connected"] is True
    scale = fit(Decisions.from_rows(rows))
    assert np.isfinite(scale.logit).all()
    assert scale.rank[0] == 1


@pytest.mark.parametrize("estimator", ["map", "mle", "sirt"])
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(1, 2, 1)],
        [(1, 2, 1)] * 3,
        [(1, 2, 1), (2, 1, 2)],
        [(1, 2, 1), (2, 3, 2), (3, 1, 3)],
        [(1, 2, None), (3, 4, 3)],
        [(x, y, x) for y in range(12) for x in range(y)],
        [(x, y, x) for y in range(12) for x in range(y)] * 20,
    ],
)
def test_the_smallest_and_the_most_lopsided_sets_give_valid_json(estimator, rows):
    assert json.loads(document(fit(Decisions.from_rows(rows, essays=[1, 9]), estimator)))["n_comparisons"] == len(rows)


def test_map_maximises_likelihood_times_prior():
    _, rows = judged()
    decisions = Decisions.from_rows(rows)
    scale = fit(decisions, sigma=1.2, position=False)
    surprise = expit(scale.logit[decisions.loser] - scale.logit[decisions.winner])
    gradient = (
        np.bincount(decisions.winner, surprise, minlength=30)
        - np.bincount(decisions.loser, surprise, minlength=30)
        - scale.logit / 1.2**2
    )
    assert np.abs(gradient).max() < 1e-7
    assert scale.sigma == 1.2


def test_the_reference_estimator_solves_its_equations():
    """Everybody compared equally often: expected wins equal adjusted wins, as closely as the engine goes on for."""
    rng = np.random.default_rng(4)
    rows = []
    for _ in range(10):
        order = rng.permutation(20)
        rows += [(int(a), int(b)) if rng.random() < 0.5 else (int(b), int(a)) for a, b in order.reshape(10, 2)]
    decisions = Decisions.from_rows(rows)
    scale = fit(decisions, "sirt")
    p = expit(scale.logit[decisions.winner] - scale.logit[decisions.loser])
    expected = np.bincount(decisions.winner, p, minlength=20) + np.bincount(decisions.loser, 1 - p, minlength=20)
    assert np.abs(expected - (0.3 + 9.4 * decisions.wins / 10)).max() < 1e-3
    information = np.bincount(decisions.winner, p * (1 - p), minlength=20)
    information += np.bincount(decisions.loser, p * (1 - p), minlength=20)
    assert np.abs(scale.standard_error_sirt - information**-0.5).max() < 1e-4
    ssr = 1 - (scale.standard_error_sirt**2).mean() / scale.logit.var(ddof=1)
    assert scale.scale_separation_reliability == pytest.approx(ssr, abs=1e-9)


def test_the_reference_estimator_ends_where_all_moves_cancel_on_unequal_counts():
    """Each score moved by its own information, then centred, until nothing moves."""
    _, rows = judged(n=15, per_essay=9, seed=8)
    decisions = Decisions.from_rows(rows)
    n = decisions.appearances
    goal = 0.3 + (n - 0.6) * decisions.wins / n
    theta = np.zeros(15)
    for _ in range(5000):
        p = expit(theta[decisions.winner] - theta[decisions.loser])
        expected = np.bincount(decisions.winner, p, minlength=15) + np.bincount(decisions.loser, 1 - p, minlength=15)
        q = np.bincount(decisions.winner, p * (1 - p), minlength=15)
        q += np.bincount(decisions.loser, p * (1 - p), minlength=15)
        theta = theta + 0.5 * (goal - expected) / q
        theta -= theta.mean()
    assert len(set(n.tolist())) > 3
    assert np.abs(fit(decisions, "sirt").logit - theta).max() < 1e-4


def test_infit_and_outfit_are_the_published_mean_squares():
    _, rows = judged(per_essay=40, sd=0.7)
    decisions = Decisions.from_rows(rows)
    scale = fit(decisions, "mle")
    essay = 3
    own = (decisions.winner == essay) | (decisions.loser == essay)
    logit = scale.logit[decisions.winner] - scale.logit[decisions.loser] + decisions.place * scale.position_bias
    p = expit(logit)[own]
    assert scale.outfit[essay] == pytest.approx(((1 - p) ** 2 / (p * (1 - p))).mean())
    assert scale.infit[essay] == pytest.approx(((1 - p) ** 2).sum() / (p * (1 - p)).sum())


def test_an_erratic_judge_has_the_worst_infit_and_the_least_agreement():
    _, rows = judged(per_essay=40, judges=("steady", "steady", "steady", "erratic"))
    rng = np.random.default_rng(0)
    rows = [
        (loser, winner, left, judge) if judge == "erratic" and rng.random() < 0.5 else (winner, loser, left, judge)
        for winner, loser, left, judge in rows
    ]
    worst, best = fit(Decisions.from_rows(rows)).judges
    assert (worst.judge, best.judge) == ("erratic", "steady")
    assert worst.infit > 1.1 > 1.0 > best.infit
    assert worst.agreement < best.agreement - 0.1
    assert worst.n * 3 == best.n


def test_each_judge_of_a_panel_can_have_a_position_bias_of_their_own():
    rng = np.random.default_rng(5)
    truth = rng.normal(0, 1, 30)
    lean = {"left": 1.5, "right": -1.5, "even": 0.0}
    rows = []
    for number in range(1800):
        a, b = map(int, rng.choice(30, 2, replace=False))
        judge = list(lean)[number % 3]
        rows.append((a, b, a, judge) if rng.random() < expit(truth[a] - truth[b] + lean[judge]) else (b, a, a, judge))
    scale = fit(Decisions.from_rows(rows), judge_position=True)
    for judge, bias in lean.items():
        found, error = scale.judge_position[judge]
        assert abs(found - bias) < 3 * error
        assert 0.05 < error < 0.2
    assert abs(scale.position_bias) < 3 * scale.position_bias_se
    own = {judge.judge: judge.position_bias for judge in scale.judges}
    assert own["left"] > 1 > 0.5 > own["even"] > -0.5 > -1 > own["right"]


def test_fixed_anchors_set_the_origin_and_the_unit():
    truth, rows = judged(n=40, per_essay=40, seed=6)
    fixed = {essay: 10 + truth[essay] for essay in range(5)}
    scale = fit(Decisions.from_rows(rows), fixed=fixed)
    assert [scale.logit[essay] for essay in range(5)] == [fixed[essay] for essay in range(5)]
    assert (scale.standard_error[:5] == 0).all()
    off = scale.logit[5:] - 10 - truth[5:]
    assert np.abs(off).mean() < 0.5
    assert (np.abs(off) < 2 * scale.standard_error[5:]).mean() > 0.85
    rows = judged(per_essay=40, sd=0.7)[1]
    mle = fit(Decisions.from_rows(rows), "mle", fixed={0: 10.0})
    free = fit(Decisions.from_rows(rows), "mle")
    assert np.abs((mle.logit - 10) - (free.logit - free.logit[0])).max() < 1e-6


def test_anchors_bridge_groups_and_a_group_without_one_stays_undefined():
    _, one = judged(n=10, seed=2)
    _, other = judged(n=8, seed=3)
    rows = one + [(w + 100, t + 100, left + 100, judge) for w, t, left, judge in other] + [(200, 201, 200, "x")]
    scale = fit(Decisions.from_rows(rows), fixed={0: 0.0, 100: 2.0})
    assert scale.components == 2
    assert np.isfinite(scale.logit[:18]).all()
    assert np.isnan(scale.logit[18:]).all()


@on_one_core
def test_belief_propagation_gives_the_errors_that_the_matrix_gives():
    rng = np.random.default_rng(7)
    n = 300
    truth = rng.normal(0, 1.5, n)
    rows = []
    for _ in range(20):
        for a, b in rng.permutation(n).reshape(-1, 2).tolist():
            rows.append((a, b, a) if rng.random() < expit(truth[a] - truth[b] + 0.2) else (b, a, a))
    design = design_of(Decisions.from_rows(rows), terms="shared")
    prior = Prior(precision=1 / 1.5**2, position_precision=0.01)
    x, reached = maximise(design, prior)
    assert reached
    q = expit(design.logits(x)) * expit(-design.logits(x))
    dense = DensePrecision(design, prior, q)
    sparse = SparsePrecision(design, prior, q, Edges.of_design(design))
    exact = np.sqrt(np.diag(dense.covariance)[:n] - 1.5**2 / n)
    assert np.abs(np.sqrt(sparse.variances()[:n]) / exact - 1).max() < 0.03
    assert sparse.variances()[n] == pytest.approx(dense.variances()[n], rel=1e-6)
    assert sparse.worst_error() < 0.03
    assert np.abs(sparse.decision_variances() / dense.decision_variances() - 1).max() < 0.03
    assert sparse.log_det() == pytest.approx(dense.log_det(), abs=1.5)  # nats, where 300 essays make the top steep
    rough, whole = (approximate(design, prior, mode=x, edges=edges) for edges in (Edges.of_design(design), None))
    assert rough.log_evidence == pytest.approx(whole.log_evidence, abs=1.0)


def test_a_large_scale_says_how_far_its_errors_may_be_off(monkeypatch):
    _, rows = judged(n=120, per_essay=20, seed=9)
    decisions = Decisions.from_rows(rows)
    exact = fit(decisions, sigma=1.5)
    monkeypatch.setattr(solvers, "DENSE_SEARCH", 50)
    monkeypatch.setattr(solvers, "DENSE_COVARIANCE", 50)
    rough = fit(decisions, sigma=1.5)
    assert exact.standard_error_worst == 0
    assert rough.covariance is None
    assert np.abs(rough.logit - exact.logit).max() < 1e-6
    assert 0 < rough.standard_error_worst < 0.1
    assert np.abs(rough.standard_error / exact.standard_error - 1).max() < 0.1
    assert rough.eb_reliability == pytest.approx(exact.eb_reliability, abs=0.01)
    for estimator in ("mle", "sirt"):
        whole = fit(decisions, estimator).standard_error
        assert np.isfinite(whole[np.isfinite(whole)]).all()


def test_the_mixture_of_normals_is_the_logistic_curve():
    z = np.linspace(-30, 30, 4001)
    assert np.abs(norm.cdf(z[:, None] * SLOPES) @ SHARES - expit(z)).max() < 3e-9


def test_a_decision_is_replaced_by_the_normal_factor_with_its_moments():
    """Cavity, outcome and factor against plain integration."""
    for mean, variance in ((0.0, 1.0), (-2.0, 0.5), (3.0, 9.0)):
        log_z, sites = posterior._match(np.array([1 / variance]), np.array([mean]))
        z = np.linspace(mean - 40, mean + 40, 400_001)
        tilted = expit(z) * norm.pdf(z, mean, variance**0.5)
        mass = np.trapezoid(tilted, z)
        first = np.trapezoid(tilted * z, z) / mass
        second = np.trapezoid(tilted * (z - first) ** 2, z) / mass
        precision = 1 / variance + sites.precision[0]
        assert log_z[0] == pytest.approx(np.log(mass), abs=1e-6)
        assert 1 / precision == pytest.approx(second, rel=1e-5)
        assert (mean / variance + sites.shift[0]) / precision == pytest.approx(first, abs=1e-5)


def test_the_variance_of_a_decisions_logit_is_that_of_its_difference_and_place():
    decisions = Decisions.from_rows(judged(n=12, per_essay=10)[1])
    design = design_of(decisions, terms="shared", fixed={3: 1.0})
    precision = DensePrecision(design, Prior(precision=0.5, position_precision=0.1), np.full(len(decisions), 0.2))
    rows = np.zeros((len(decisions), design.n + 1))
    for number in range(len(decisions)):
        for essay, sign in ((design.winner[number], 1.0), (design.loser[number], -1.0)):
            if essay < design.n:
                rows[number, essay] = sign
        rows[number, -1] = design.place[number]
    expected = np.einsum("ij,jk,ik->i", rows, precision.covariance, rows)
    assert np.abs(precision.decision_variances() - expected).max() < 1e-12


def test_the_nodes_over_sigma_reach_from_one_tail_to_the_other():
    spread = estimate_spread(design_of(Decisions.from_rows(judged(per_essay=20)[1]), terms="shared"))
    weights = [weight for _, weight, _ in spread.nodes]
    assert sum(weights) == pytest.approx(1)
    assert max(weights[0], weights[-1]) < 0.02
    sigmas = np.array([sigma for sigma, _, _ in spread.nodes])
    deviation = float(np.sqrt(weights @ (sigmas - weights @ sigmas) ** 2))
    assert 0.1 < deviation < 0.5


def test_essays_in_separate_groups_have_no_rank():
    scale = fit(Decisions.from_rows([(1, 2), (3, 4)]))
    assert np.isnan(scale.rank).all()
    assert np.isfinite(scale.logit).all()


def test_expectation_propagation_has_the_moments_of_the_posterior():
    """Three essays, one prior: means and variances against a grid over all differences."""
    rows = [(0, 1), (0, 1), (1, 2), (0, 2), (2, 1)]
    decisions = Decisions.from_rows(rows)
    found = approximate(design_of(decisions), Prior(precision=0.25))
    axis = np.linspace(-9, 9, 121)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    log = -0.125 * (grid**2).sum(axis=-1)
    for winner, loser in rows:
        log -= np.log1p(np.exp(grid[..., loser] - grid[..., winner]))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    for essay in range(3):
        mean = float((weight * grid[..., essay]).sum())
        variance = float((weight * (grid[..., essay] - mean) ** 2).sum())
        assert found.mean[essay] == pytest.approx(mean, abs=0.03)
        assert found.precision.variances()[essay] == pytest.approx(variance, rel=0.03)


def test_a_csv_goes_straight_to_a_scale():
    lines = ["chosen,not_chosen,left", *(f"e{w},e{t},e{left}" for w, t, left, _ in judged()[1])]
    found = fit_to_json(fit(read_decisions(lines)))
    assert found["n_essays"] == 30
    assert found["position_bias"] is not None


def test_an_unknown_estimator_or_a_bad_sigma_is_refused():
    decisions = Decisions.from_rows([(1, 2)])
    for options in ({"estimator": "elo"}, {"sigma": 0.0}, {"sigma": float("nan")}):
        with pytest.raises(ValueError):
            fit(decisions, **options)
    with pytest.raises(ValueError):
        fit(decisions, "sirt", fixed={1: 0.0})


@pytest.mark.parametrize("estimator", ["map", "mle", "sirt"])
def test_whatever_the_first_few_decisions_are_a_fit_has_numbers_or_null_and_no_exception(estimator):
    for seed in range(100):
        rng = Random(seed)
        n = rng.choice([2, 3, 4, 6, 10, 12])
        pairs = [rng.sample(range(n), 2) for _ in range(rng.choice([1, 2, n, 2 * n]))]
        if seed % 2:
            pairs = [(i, i + 1) for i in range(n - 1)] + pairs[: seed % 4]  # a chain hangs together by a thread
        rows = [(*(rng.choice([(a, b), (b, a)])), rng.choice([a, b]), "judge") for a, b in pairs]
        found = fit(Decisions.from_rows(rows, essays=range(n)), estimator, position=len(rows) > 1)
        json.dumps(fit_to_json(found), allow_nan=False)
        assert np.isfinite(found.logit).any() or estimator != "map"
