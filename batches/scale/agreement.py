"""Two judges' decisions about the same pairs -> how often they agree, and where they differ most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp
from statistics import fmean

from .proportion import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many, with a 95 % interval; None of nothing."""

    hits: int
    n: int

    @property
    def rate(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.hits, self.n) if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One pair that a person and a model have both judged."""

    agreed: bool
    same_order: bool  # both read the same essay first
    chance: float | None = None  # by the scale, that the essay which the person chose is the better one
    confidence: int | None = None  # the model's, 1 to 5

    @property
    def size(self) -> float:
        """How much a disagreement here says, 0 to 1: how far apart the scale has the essays, or how sure the model was.

        About two essays that stand level any two judges differ half the time.
        """
        if self.chance is not None:
            return abs(2 * self.chance - 1)
        return (self.confidence or 1) / 5


def chance(gap: float) -> float:
    """The probability that the better of two essays so many logits apart is chosen."""
    return 1 / (1 + exp(-max(-700.0, min(700.0, gap))))


def agreement(meetings: Iterable[Meeting]) -> Share:
    """How many of them agreed."""
    met = list(meetings)
    return Share(hits=sum(one.agreed for one in met), n=len(met))


def expected(meetings: Sequence[Meeting]) -> float | None:
    """How often two judges agree about these pairs who both follow the scale and nothing else.

    The yardstick for an agreement: pairs chosen by score lie close together, and there nobody agrees much.
    """
    chances = [one.chance for one in meetings if one.chance is not None]
    return fmean(p * p + (1 - p) * (1 - p) for p in chances) if chances else None
