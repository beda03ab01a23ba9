"""The estimator against tables printed in the literature, to the printed digits."""

import numpy as np
import pytest

from batches.scale import Decisions, fit
from tests.scale import published


def against(scale, reference) -> dict[str, tuple[float, float]]:
    """Differences to one essay, with their errors: what such tables print."""
    zero = scale.essays.index(reference)
    return {essay: scale.difference(place, zero) for place, essay in enumerate(scale.essays)}


def deviance(decisions: Decisions, scale) -> float:
    """Against the model that fits every (pair, place) exactly."""
    index = {essay: place for place, essay in enumerate(scale.essays)}
    bias = 0.0 if np.isnan(scale.position_bias) else scale.position_bias
    total = 0.0
    for home, visitors in published.BASEBALL.items():
        for visitor, (won, lost) in visitors.items():
            logit = scale.logit[index[home]] - scale.logit[index[visitor]] + bias
            for count, p in ((won, 1 / (1 + np.exp(-logit))), (lost, 1 / (1 + np.exp(logit)))):
                total += 2 * count * np.log(count / (won + lost) / p) if count else 0.0
    return total


def test_baseball_without_order_effect():
    decisions = published.baseball(places=False)
    scale = fit(decisions, "mle")
    printed = {
        "Baltimore": (0, 0), "Cleveland": (0.684, 0.332), "Boston": (1.108, 0.334), "New York": (1.248, 0.336),
        "Toronto": (1.294, 0.337), "Detroit": (1.436, 0.340), "Milwaukee": (1.581, 0.343),
    }  # fmt: skip
    found = against(scale, "Baltimore")
    for team, (ability, error) in printed.items():
        assert round(found[team][0], 3) == pytest.approx(ability, abs=6e-4), team
        assert round(found[team][1], 3) == pytest.approx(error, abs=6e-4), team
    assert deviance(decisions, scale) == pytest.approx(44.053, abs=5e-4)
    assert np.isnan(scale.position_bias)


def test_baseball_with_the_order_effect():
    decisions = published.baseball(places=True)
    scale = fit(decisions, "mle")
    assert scale.position_bias == pytest.approx(0.302, abs=5e-4)
    assert scale.position_bias_se == pytest.approx(0.131, abs=5e-4)
    assert deviance(decisions, scale) == pytest.approx(38.643, abs=5e-4)


def test_citations_between_journals_of_statistics():
    found = against(fit(published.citations(), "mle"), "Biometrika")
    printed = {"Comm. Statist.": (-2.949, 0.1026), "JASA": (-0.480, 0.0606), "JRSS-B": (0.269, 0.0708)}
    for journal, (ability, error) in printed.items():
        assert found[journal][0] == pytest.approx(ability, abs=5e-4), journal
        assert found[journal][1] == pytest.approx(error, abs=6e-5), journal


def test_abilities_are_centred_with_the_full_covariance_and_not_relative_to_one_essay():
    scale = fit(published.citations(), "mle")
    assert scale.logit.sum() == pytest.approx(0, abs=1e-12)
    assert (scale.standard_error > 0).all()
    assert np.abs(scale.covariance.sum(axis=1)).max() < 1e-9
