"""Ranks with intervals, grades, neighbours told apart, scaled scores, links to a known scale."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from batches.scale import (
    Decisions,
    cuts_from_anchors,
    fit,
    grade_probabilities,
    link,
    rank_intervals,
    scaled_scores,
    separated_from_next,
)
from batches.scale import estimators as solvers


def judged(seed=1, n=30, per_essay=30, sd=2.0) -> tuple[np.ndarray, Decisions]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, sd, n)
    rows = []
    for _ in range(n * per_essay // 2):
        a, b = map(int, rng.choice(n, 2, replace=False))
        rows.append((a, b) if rng.random() < expit(truth[a] - truth[b]) else (b, a))
    return truth - truth.mean(), Decisions.from_rows(rows)


def test_rank_intervals_hold_the_rank_and_most_true_ranks():
    inside = []
    for seed in range(10):
        truth, decisions = judged(seed, per_essay=12)
        scale = fit(decisions)
        low, high = rank_intervals(scale)
        assert ((low <= scale.rank) & (scale.rank <= high)).mean() > 0.9
        rank = np.argsort(np.argsort(-truth)) + 1
        inside.append(((low <= rank) & (rank <= high)).mean())
        assert np.array_equal(low, rank_intervals(scale)[0])
    assert 0.9 < np.mean(inside) <= 1


def test_rank_intervals_of_a_scale_without_a_covariance(monkeypatch):
    _, decisions = judged()
    with_matrix = rank_intervals(fit(decisions, sigma=2.0))
    monkeypatch.setattr(solvers, "DENSE_SEARCH", 10)
    monkeypatch.setattr(solvers, "DENSE_COVARIANCE", 10)
    without = rank_intervals(fit(decisions, sigma=2.0))
    assert np.abs(with_matrix[0] - without[0]).max() <= 2


def test_ranks_of_separate_groups_are_undefined():
    low, high = rank_intervals(fit(Decisions.from_rows([(1, 2), (3, 4)])))
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_grade_probabilities_follow_the_score_and_sum_to_one():
    _, decisions = judged()
    scale = fit(decisions)
    chances = grade_probabilities(scale, [-1.0, 1.0])
    assert chances.shape == (30, 3)
    assert chances.sum(axis=1) == pytest.approx(np.ones(30))
    best, worst = int(np.argmax(scale.logit)), int(np.argmin(scale.logit))
    assert chances[best].argmax() == 2
    assert chances[worst].argmax() == 0
    on_the_line = grade_probabilities(scale, [float(scale.logit[best])])
    assert on_the_line[best].tolist() == pytest.approx([0.5, 0.5])
    with pytest.raises(ValueError):
        grade_probabilities(scale, [1.0, -1.0])


def test_boundaries_lie_half_way_between_anchors_of_neighbouring_grades():
    _, decisions = judged()
    scale = fit(decisions)
    order = np.argsort(scale.logit)
    low, middle, high = (scale.essays[order[at]] for at in (2, 15, 27))
    cuts = cuts_from_anchors(scale, {low: 1, middle: 2, high: 3})
    assert cuts[0] == pytest.approx((scale.logit[order[2]] + scale.logit[order[15]]) / 2)
    assert len(cuts) == 2
    with pytest.raises(ValueError):
        cuts_from_anchors(scale, {low: 3, high: 1})


def test_only_clear_neighbours_are_separated():
    _, decisions = judged()
    scale = fit(decisions)
    order, clear = separated_from_next(scale)
    assert scale.rank[order].tolist() == list(range(1, 31))
    assert len(clear) == 29
    far = replace(scale, logit=scale.logit * 100)
    assert separated_from_next(far)[1].sum() > clear.sum()


def test_scaled_scores_have_the_mean_and_the_deviation_asked_for():
    _, decisions = judged()
    scale = fit(decisions)
    score, error = scaled_scores(scale, mean=100, sd=15)
    assert (score.mean(), score.std()) == pytest.approx((100, 15))
    assert error / scale.standard_error == pytest.approx(np.full(30, 15 / scale.logit.std()))


def test_linking_finds_the_known_scale_and_the_anchor_that_drifted():
    truth, decisions = judged(per_essay=120)
    known = {essay: 50 + 10 * truth[essay] for essay in range(0, 30, 3)}
    known[9] += 40
    linked = link(fit(decisions), known)
    assert [anchor.essay for anchor in linked.anchors if anchor.drifted] == [9]
    del known[9]
    linked = link(fit(decisions), known)
    assert linked.slope == pytest.approx(10, rel=0.15)
    off = linked.score - (50 + 10 * truth)
    assert (np.abs(off) < 2 * linked.standard_error).mean() > 0.85
    assert not any(anchor.drifted for anchor in linked.anchors if abs(off[anchor.essay]) < 1)


def test_linking_by_a_move_alone_keeps_the_unit():
    truth, decisions = judged(per_essay=120)
    linked = link(fit(decisions), {0: truth[0] + 3, 1: truth[1] + 3}, slope=1.0)
    assert linked.slope == 1
    assert linked.intercept == pytest.approx(3, abs=0.5)


def test_linking_needs_anchors():
    _, decisions = judged()
    for known in ({}, {0: 1.0}, {"stranger": 1.0, "other": 2.0}):
        with pytest.raises(ValueError):
            link(fit(decisions, uncertain=False), known)
