"""Simulated sessions -> how well each way of estimating the spread of essays (sigma) keeps the scale's promises.

    python bench/prior_spread.py --sessions 100            reliability against truth, several ways side by side
    python bench/prior_spread.py --sessions 100 --cover    coverage of the 95 % intervals

Abilities are drawn anew for each session; the pairing sees the scores and errors of a fit after every round.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from batches.scale import Decisions, Fit, fit
from batches.scale.model import Prior, design_of, log_likelihood, maximise
from batches.scale.precision import DensePrecision
from batches.scale.spread import NARROWEST, POSITION_PRECISION, WIDEST
from bench.sessions import BIAS, ESSAYS, LOOKS, PAIRINGS, Session, looked_at


def laplace(decisions: Decisions, sigma: float) -> tuple[float, float, np.ndarray]:
    """Laplace's evidence, the reliability by the curvature at the mode, and the mode."""
    design = design_of(decisions, terms="shared")
    prior = Prior(precision=sigma**-2, position_precision=POSITION_PRECISION)
    x, _ = maximise(design, prior)
    p = expit(design.logits(x))
    precision = DensePrecision(design, prior, p * (1 - p))
    scores = x[: design.n]
    evidence = log_likelihood(design, x) - scores @ scores / (2 * sigma**2)
    evidence -= design.n * np.log(sigma) + 0.5 * precision.log_det()
    reliability = max(0.0, 1 - precision.left_open() / (sigma**2 * (design.n - 1)))
    return evidence, reliability, scores


def laplace_sigma(decisions: Decisions) -> float:
    found = minimize_scalar(
        lambda log_sigma: -laplace(decisions, float(np.exp(log_sigma)))[0],
        bounds=(np.log(NARROWEST), np.log(WIDEST)),
        method="bounded",
        options={"xatol": 0.01},
    )
    return float(np.exp(found.x))


def expected_reliability(scale: Fit) -> float:
    """The middle of the reliability's interval: what integrating over sigma would report."""
    return float(np.mean(scale.eb_reliability_interval))


def reliabilities(session: Session) -> dict[str, float]:
    decisions = session.decisions
    scale = fit(decisions)
    drawn = laplace_sigma(session.random_decisions)
    true = np.corrcoef(scale.logit, session.truth)[0, 1] ** 2 if session.truth.any() else 0.0
    return {
        "true r2": true,
        "EP": scale.eb_reliability,
        "Laplace": laplace(decisions, laplace_sigma(decisions))[1],
        "random only": laplace(decisions, drawn)[1],
        "integrated": expected_reliability(scale),
        "SSR": scale.scale_separation_reliability,
        "sigma EP": scale.sigma,
        "sigma Laplace": laplace_sigma(decisions),
    }


def coverage(session: Session) -> dict[str, float]:
    scale = fit(session.decisions)
    low, high = scale.interval()
    one, other = session.rng.choice(ESSAYS, 2, replace=False)
    gap, error = scale.difference(one, other)
    reach = 1.96 * error
    narrow_low, narrow_high = fit(session.decisions, uncertain=False).interval()
    return {
        "logits": float(((low <= session.truth) & (session.truth <= high)).mean()),
        "logits, sigma taken as known": float(((narrow_low <= session.truth) & (session.truth <= narrow_high)).mean()),
        "difference": float(abs(gap - session.truth[one] + session.truth[other]) <= reach),
        "position bias": float(abs(scale.position_bias - BIAS) <= 1.96 * scale.position_bias_se),
        "error / distance": float(
            np.sqrt((scale.standard_error**2).mean() / ((scale.logit - session.truth) ** 2).mean())
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="seed of the first session")
    parser.add_argument("--cover", action="store_true")
    parser.add_argument("--pairing", nargs="+", default=list(PAIRINGS), choices=PAIRINGS)
    parser.add_argument("--sd", nargs="+", type=float, default=[0.0, 0.7, 1.0, 2.0, 3.0])
    options = parser.parse_args()
    measure = coverage if options.cover else reliabilities
    for pairing in options.pairing:
        for sd in options.sd:
            found: dict[int, list[dict[str, float]]] = {look: [] for look in LOOKS}
            for seed in range(options.first, options.first + options.sessions):
                session = Session(seed, sd, pairing)
                for look in looked_at(session):
                    found[look].append(measure(session))
            for look, rows in found.items():
                means = "  ".join(f"{name} {np.nanmean([row[name] for row in rows]):.3f}" for name in rows[0])
                print(f"{pairing} sd {sd} n {look}:  {means}", flush=True)


if __name__ == "__main__":
    main()
