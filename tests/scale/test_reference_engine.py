"""The engine that the field trusts, run independently in R on the same decisions: every number to five digits."""

from random import Random

import numpy as np
import pytest

from batches.scale import Decisions, fit

FIELDS = ("logit", "standard_error_sirt", "infit", "outfit")
# worked out in R 4 by a program of its own that follows the engine's published steps (eps .3, no order effect, no ties)
# fmt: off
EVEN = {
    "logit": [
        -1.5854733, -1.1073823, -1.3623759, -1.0129708, 0.6811096, -1.1512774, -0.6846127, -0.3153253,
        -0.8422764, 0.4942106, 0.6620951, 0.1177297, 1.9922238, 0.1148408, 1.0060581, 0.2592578,
        0.7837007, 1.0312460, 0.7916856, 0.1275364,
    ],
    "standard_error_sirt": [
        0.4471455, 0.5503982, 0.4718240, 0.5864281, 0.5483595, 0.5794528, 0.4809481, 0.4154886,
        0.4786790, 0.5435846, 0.5095003, 0.4769706, 0.7577664, 0.7126375, 0.6646203, 0.4387522,
        0.6678870, 0.5240376, 0.5518884, 0.4433099,
    ],
    "infit": [
        1.0956120, 1.0267914, 0.8832306, 0.9080308, 1.1585763, 0.7042731, 0.9055792, 1.2724793,
        0.9554028, 1.1853988, 1.1650545, 0.8793006, 0.8611462, 1.1683372, 0.7371498, 0.9424335,
        0.7033918, 1.1530706, 0.7056308, 0.8821054,
    ],
    "outfit": [
        1.2768266, 0.9410055, 0.7179913, 0.7326655, 1.1359971, 0.6549851, 0.8421612, 1.3001969,
        0.9180810, 1.2566711, 1.0819833, 0.8474498, 0.5723735, 1.2489153, 0.6728377, 0.8740576,
        0.5259782, 1.3753175, 0.6122071, 0.9169955,
    ],
}
SPARSE = {
    "logit": [
        -4.2833955, -3.6597645, 12.7586954, 0.7626117, -3.6773518, -3.9710292, -1.5014940, 13.7324130,
        2.7497932, -2.4807464, -1.0393748, -3.8037241, -2.6780159, 2.5913809, -2.8219820, -2.6780159,
    ],
    "standard_error_sirt": [
        0.7815249, 0.8483235, 2.1268032, 2.2863540, 1.4218167, 1.2512192, 2.0715729, 2.1268030,
        1.2653937, 1.0694389, 2.8748706, 1.0501758, 2.2458350, 1.4157164, 2.2458317, 2.2458350,
    ],
    "infit": [
        0.7292758, 0.4619786, 0.4923928, 0.1222999, 0.8653103, 1.8503760, 0.0986476, 0.4923927,
        0.8296670, 0.9570586, 0.0537252, 0.8251116, 0.3746554, 1.0083914, 0.3746578, 0.3746554,
    ],
    "outfit": [
        0.3824104, 0.3839166, 0.4923928, 0.1205021, 0.8640417, 2.1835076, 0.0937894, 0.1641310,
        0.5462107, 0.9246828, 0.0447986, 0.8070437, 0.3746554, 0.5068035, 0.3746578, 0.3746554,
    ],
}
# fmt: on


def decided(essays: int, decisions: int, seed: int, *, uneven: bool) -> list[tuple[int, int]]:
    """(winner, loser) by a formula that any language can repeat; `uneven` meets the first essays far more often."""
    state, rows = seed, []
    while len(rows) < decisions:
        draws = []
        for _ in range(3):
            state = (1103515245 * state + 12345) % 2**31
            draws.append(state / 2**31)
        one, other = (int(essays * draw ** (2 if uneven else 1)) for draw in draws[:2])
        if one != other:
            won = draws[2] < 0.5 + 0.4 * (one - other) / essays
            rows.append((one, other) if won else (other, one))
    return rows


EVENLY = decided(20, 200, 3, uneven=False)
UNEVENLY = decided(16, 30, 6, uneven=True)  # the engine gives up on it after 100 steps, a quarter of a logit from rest


@pytest.mark.parametrize(
    ("rows", "expected", "reliability"), [(EVENLY, EVEN, 0.676008544), (UNEVENLY, SPARSE, 0.895599847)]
)
def test_every_number_is_the_reference_engines(rows, expected, reliability):
    scale = fit(Decisions.from_rows(rows), "sirt")
    for field in FIELDS:
        assert np.abs(getattr(scale, field) - expected[field]).max() < 1e-6, field
    assert scale.scale_separation_reliability == pytest.approx(reliability, abs=1e-8)


def test_the_classic_reliability_beside_any_estimator_is_the_reference_engines():
    assert fit(Decisions.from_rows(EVENLY)).scale_separation_reliability == pytest.approx(0.676008544, abs=1e-8)


def test_a_group_ends_at_the_same_bits_whoever_else_is_fitted_beside_it():
    alone = fit(Decisions.from_rows(EVENLY), "sirt")
    beside = fit(Decisions.from_rows(EVENLY + [(one + 100, other + 100) for one, other in UNEVENLY]), "sirt")
    assert beside.component.max() == 1
    assert np.isnan(beside.scale_separation_reliability)
    assert np.abs(beside.logit[:20] - alone.logit).max() < 1e-12
    assert np.abs(beside.infit[:20] - alone.infit).max() < 1e-12


def test_scores_too_far_apart_for_an_error_of_their_own_still_have_the_engines_numbers():
    """One who never loses and one who never wins, linked through many by a single decision each."""
    rows = [(0, 1)] * 60 + [(1, 2)] * 60 + [(2, 3)] * 60
    random = Random(1)
    random.shuffle(rows)
    scale = fit(Decisions.from_rows(rows), "sirt")
    assert np.isfinite(scale.logit).all()
    assert (np.diff(scale.logit) < 0).all()
    assert np.isfinite(scale.standard_error_sirt).all()
