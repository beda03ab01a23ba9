"""A fit -> one JSON document without NaN or Infinity: what is undefined is null."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from .result import Fit

ESSAY_FIELDS = ("n", "wins", "logit", "standard_error", "standard_error_sirt", "infit", "outfit", "rank")
WHOLE = {"n", "wins", "rank"}


def fit_to_json(fit: Fit, names: Mapping[Any, str] | None = None) -> dict[str, Any]:
    """The document of `scale` and `scale_csv`; essays best first within each component, under `names` if given.

    Components are numbered from 1, the largest first.
    """
    shown = names or {}
    score = np.where(np.isfinite(fit.logit), fit.logit, -np.inf)
    order = np.lexsort((np.arange(len(score)), -score, fit.component))
    return {
        "estimator": fit.estimator,
        "n_essays": len(fit.essays),
        "n_comparisons": fit.n_comparisons,
        "connected": fit.connected,
        "components": fit.components,
        "position_bias": _number(fit.position_bias),
        "position_bias_se": _number(fit.position_bias_se),
        "sigma": _number(fit.sigma),
        "eb_reliability": _number(fit.eb_reliability),
        "scale_separation_reliability": _number(fit.scale_separation_reliability),
        "essays": [_essay(fit, place, shown) for place in order],
    }


def _essay(fit: Fit, place: int, names: Mapping[Any, str]) -> dict[str, Any]:
    essay = fit.essays[place]
    values = {name: _number(getattr(fit, name)[place], whole=name in WHOLE) for name in ESSAY_FIELDS}
    return {"essay": names.get(essay, essay), "component": int(fit.component[place]) + 1, **values}


def _number(value: Any, *, whole: bool = False) -> float | int | None:
    if not isfinite(value):
        return None
    return int(value) if whole else float(value)
