"""What a fit says: one value per essay, and what holds for the scale as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from scipy.special import ndtri

from .decisions import Floats, Indices
from .misfit import JudgeFit

NAN = float("nan")
UNKNOWN = (NAN, NAN)
SIGNIFICANT = 5.41  # the 99 % point of the ratio where there is no spread: half of it is 0, half chi-square with 1 df


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """One fit. Arrays have one value per essay, in the order of `essays`; nan where a value is undefined."""

    estimator: str
    essays: tuple[Any, ...]
    n_comparisons: int
    component: Indices  # 0 is the largest
    n: Indices  # decisions of each essay
    wins: Indices
    logit: Floats  # mean 0 within a component, unless anchors were fixed
    standard_error: Floats  # from the full covariance, with sigma's own uncertainty in it
    standard_error_sirt: Floats  # as the reference engine has it, for comparison
    infit: Floats
    outfit: Floats
    rank: Floats  # 1 is the best
    position_bias: float = NAN  # logits in favour of the essay read first
    position_bias_se: float = NAN
    judge_position: Mapping[Any, tuple[float, float]] = field(default_factory=dict)  # bias and its error, if asked for
    sigma: float = NAN  # spread of the essays, logits
    sigma_interval: tuple[float, float] = UNKNOWN  # 95 %
    eb_reliability: float = NAN
    eb_reliability_interval: tuple[float, float] = UNKNOWN  # 95 %
    signal: float = NAN  # likelihood ratio (map): how much better differences between essays explain than none
    scale_separation_reliability: float = NAN
    judges: tuple[JudgeFit, ...] = ()
    covariance: Floats | None = None  # of the scores; None where too large
    standard_error_worst: float = 0.0  # largest relative error of a standard error, measured; 0 where exact

    @property
    def connected(self) -> bool:
        return self.components <= 1

    @property
    def told_from_noise(self) -> bool | None:
        """Whether a judge who tosses coins would seldom (1 in 100) look like this; None where nothing says."""
        return None if isnan(self.signal) else self.signal > SIGNIFICANT

    @property
    def components(self) -> int:
        return int(self.component.max()) + 1 if len(self.component) else 0

    def difference(self, one: int, other: int) -> tuple[float, float]:
        """Score of `one` minus score of `other` (indices), and its standard error; nan across components."""
        if self.component[one] != self.component[other]:
            return UNKNOWN
        gap = float(self.logit[one] - self.logit[other])
        if self.covariance is None:  # among thousands, two essays hardly vary together
            return gap, float(np.hypot(self.standard_error[one], self.standard_error[other]))
        c = self.covariance
        return gap, float(np.sqrt(max(c[one, one] + c[other, other] - 2 * c[one, other], 0.0)))

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper ends per essay."""
        reach = float(ndtri(0.5 + level / 2)) * self.standard_error
        return self.logit - reach, self.logit + reach
