"""Decisions -> a scale: scores, standard errors, misfit and a reliability that holds under adaptive pairing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from .decisions import Decisions, Floats, Indices, groups
from .estimators import SOLVERS, Question, Solved
from .misfit import essay_misfit, judge_fits
from .model import design_of
from .result import NAN, Fit
from .sirt import own_information_error, run_engine, separation_reliability
from .threads import on_one_core


@on_one_core
def fit(
    decisions: Decisions,
    estimator: str = "map",
    *,
    sigma: float | None = None,
    position: bool = True,
    judge_position: bool = False,
    fixed: Mapping[Any, float] | None = None,
    uncertain: bool = True,
) -> Fit:
    """Fit a scale. `estimator` is map, mle or sirt.

    sigma: the spread of the essays (map), estimated when None. position: a term for the essay read first, where
    `left` is known; with judge_position one for each judge. fixed: known scores by essay id, which set origin
    and unit (map and mle). uncertain=False takes sigma as known: faster, intervals a little too narrow.

    Essays that no decision connects never share a scale: each component is centred by itself, and ranks and
    reliabilities are undefined. Undefined scores (nobody compared; under mle also an essay without a finite
    estimate, with all of its component) are nan.
    """
    _check(estimator, sigma, fixed)
    known = {decisions.essays.index(essay): float(score) for essay, score in (fixed or {}).items()}
    joined = np.array(sorted(known), dtype=np.int64) if known else None
    component = groups(decisions, joined=joined)
    kept = _placeable(decisions, component, estimator, joined)
    part = _part(decisions, kept)
    index = np.cumsum(kept) - 1
    question = Question(
        part=part,
        group=_renumbered(component[kept]),
        known={int(index[essay]): score for essay, score in known.items() if kept[essay]},
        terms=_terms(part, position, judge_position),
        sigma=sigma,
        uncertain=uncertain,
    )
    solved = _solved(question, estimator) if len(part) and len(question.known) < part.n else None
    return _assemble(decisions, question, component, kept, estimator, solved)


def _solved(question: Question, estimator: str) -> Solved | None:
    """None where the estimator has no finite scores for these decisions: few of them, or all against one another."""
    try:
        return SOLVERS[estimator](question)
    except np.linalg.LinAlgError:
        return None


def _check(estimator: str, sigma: float | None, fixed: Mapping[Any, float] | None) -> None:
    if estimator not in SOLVERS:
        raise ValueError(f"an estimator is one of {', '.join(SOLVERS)}, not {estimator!r}")
    if sigma is not None and not 0 < sigma < np.inf:
        raise ValueError("sigma is a positive number of logits")
    if fixed and estimator == "sirt":
        raise ValueError("the reference engine's estimator takes no fixed scores")


def _placeable(decisions: Decisions, component: Indices, estimator: str, joined: Indices | None) -> np.ndarray:
    """Essays with a finite score: compared at all, linked to an anchor where there are any, and for mle
    in a component in which everybody's wins lead to everybody."""
    kept = decisions.appearances > 0
    if joined is not None:
        kept &= np.isin(component, component[joined])
    if estimator == "mle" and len(kept):
        circle = None if joined is None else np.concatenate([joined, joined[:1]])
        inside = groups(decisions, strong=True, joined=circle)
        parts = np.unique(np.column_stack([component, inside]), axis=0)
        kept &= np.bincount(parts[:, 0])[component] == 1
    return kept


def _part(decisions: Decisions, kept: np.ndarray) -> Decisions:
    """The decisions among kept essays, numbered anew."""
    index = np.append(np.cumsum(kept) - 1, -1)
    rows = kept[decisions.winner] & kept[decisions.loser]
    columns = [index[decisions.winner], index[decisions.loser], index[decisions.left], decisions.judge]
    names = [essay for essay, keep in zip(decisions.essays, kept, strict=True) if keep]
    return Decisions.from_indices(np.column_stack(columns)[rows], essays=names, judges=decisions.judges)


def _renumbered(group: Indices) -> Indices:
    return np.unique(group, return_inverse=True)[1]


def _terms(part: Decisions, position: bool, by_judge: bool) -> str:
    if not position or not part.place.any():
        return ""
    return "judge" if by_judge and part.judges else "shared"


def _assemble(
    decisions: Decisions,
    question: Question,
    component: Indices,
    kept: np.ndarray,
    estimator: str,
    solved: Solved | None,
) -> Fit:
    part = question.part
    connected = bool(len(component)) and not component.any()
    logit = np.full(decisions.n, NAN)
    blank = logit.copy()
    base: dict[str, Any] = {
        "estimator": estimator,
        "essays": decisions.essays,
        "n_comparisons": len(decisions),
        "component": component,
        "n": decisions.appearances,
        "wins": decisions.wins,
    }
    if solved is None:
        empty: dict[str, Any] = dict.fromkeys(
            ("standard_error", "standard_error_sirt", "infit", "outfit", "rank"), blank
        )
        return Fit(**base, logit=_with_known(blank, question, kept), **empty)
    scores, errors, covariance = _spread_out(question, solved)
    logit[kept] = scores
    p = expit(solved.design.logits(solved.x)) if solved.p is None else solved.p
    infit, outfit = essay_misfit(part, p)
    return Fit(
        **base,
        logit=logit,
        standard_error=_at(kept, errors),
        standard_error_sirt=_at(kept, _own_errors(part, p)),
        infit=_at(kept, infit),
        outfit=_at(kept, outfit),
        rank=rankdata(-logit, method="min") if connected and kept.all() else blank,
        **_position(question, solved),
        sigma=solved.sigma,
        sigma_interval=solved.sigma_interval,
        eb_reliability=solved.reliability if connected else NAN,
        eb_reliability_interval=solved.reliability_interval if connected else (NAN, NAN),
        signal=solved.signal if connected else NAN,
        scale_separation_reliability=_classic(part, question.group) if connected else NAN,
        judges=tuple(judge_fits(part, scores, p)),
        covariance=covariance,
        standard_error_worst=solved.worst,
    )


def _at(kept: np.ndarray, values: Floats) -> Floats:
    every = np.full(len(kept), NAN)
    every[kept] = values
    return every


def _with_known(blank: Floats, question: Question, kept: np.ndarray) -> Floats:
    logit = blank.copy()
    places = np.flatnonzero(kept)
    for essay, score in question.known.items():
        logit[places[essay]] = score
    return logit


def _spread_out(question: Question, solved: Solved) -> tuple[Floats, Floats, Floats | None]:
    """Scores, errors and covariance of all placed essays: fixed ones have their score and no error."""
    n = question.part.n
    free = np.array([essay not in question.known for essay in range(n)])
    scores = np.array([question.known.get(essay, 0.0) for essay in range(n)])
    scores[free] = solved.x[: solved.design.n]
    errors = np.zeros(n)
    errors[free] = np.sqrt(np.maximum(solved.variance, 0.0))
    if solved.covariance is None or free.all():
        return scores, errors, solved.covariance
    covariance = np.zeros((n, n))
    covariance[np.ix_(free, free)] = solved.covariance
    return scores, errors, covariance


def _own_errors(part: Decisions, p: Floats) -> Floats:
    return own_information_error(design_of(part), p * (1.0 - p))


def _classic(part: Decisions, group: Indices) -> float:
    """The reliability the field prints, from the reference engine's scores and errors whatever the estimator."""
    engine = run_engine(part, group)
    return separation_reliability(engine.theta, _own_errors(part, engine.p))


def _position(question: Question, solved: Solved) -> dict[str, Any]:
    design, bias, covariance = solved.design, solved.position, solved.position_covariance
    if bias is None or covariance is None:
        return {}
    if design.k == 1:
        return {"position_bias": float(bias[0]), "position_bias_se": float(np.sqrt(covariance[0, 0]))}
    placed = np.bincount(design.term, np.abs(design.place), minlength=design.k)
    share = placed / placed.sum()
    names = (None, *question.part.judges)
    return {
        "position_bias": float(share @ bias),
        "position_bias_se": float(np.sqrt(share @ covariance @ share)),
        "judge_position": {
            names[term]: (float(bias[term]), float(np.sqrt(covariance[term, term])))
            for term in range(design.k)
            if placed[term]
        },
    }
