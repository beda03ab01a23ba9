"""An assessment and its newest scale -> what it should reach, whether it has, and what is still needed for it."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.conf import cj_settings
from batches.models import Assessment, Comparison, Round, Scale
from batches.numbers import counted, decimal, percent
from batches.scale.look_first import SURE_GRADE
from batches.scale.outlook import certain_share, more_for_grades, more_for_reliability

MOST_GRADED = 20_000  # essays whose scores a page may read to forecast their grades


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One thing at which to stop, and how far off it is."""

    name: str  # reliability, grades
    target: float
    now: float | None
    rounds: int | None  # still needed; 0 when reached, None when they cannot be foreseen
    comparisons: int | None
    cost_usd: Decimal | None
    affordable: int | None  # rounds that the budget still pays for; None while nothing has been paid

    @property
    def reached(self) -> bool:
        return self.rounds == 0

    @property
    def sentence(self) -> str:
        what, now = self._what, self._now
        if self.reached:
            return _("Reached: %(what)s (now %(now)s).") % {"what": what, "now": now}
        aim = _("Aim: %(what)s (now %(now)s).") % {"what": what, "now": now}
        if self.rounds is None:
            return " ".join([aim, _("How many rounds that takes cannot be foreseen from these judgements.")])
        return " ".join([aim, self._effort, *self._short_of])

    @property
    def _what(self) -> str:
        if self.name == "grades":
            return _("a grade that is %(sure)s certain for %(target)s of the essays") % {
                "sure": percent(SURE_GRADE),
                "target": percent(self.target),
            }
        return _("a reliability of %(target)s") % {"target": decimal(self.target, 2)}

    @property
    def _now(self) -> str:
        if self.now is None:
            return _("not known yet")
        return percent(self.now) if self.name == "grades" else decimal(self.now, 2)

    @property
    def _effort(self) -> str:
        rounds = ngettext("About %(n)s more round", "About %(n)s more rounds", self.rounds or 0) % {"n": self.rounds}
        n = counted(self.comparisons or 0, "comparison")
        if self.cost_usd is None:
            return _("%(rounds)s (%(comparisons)s).") % {"rounds": rounds, "comparisons": n}
        return _("%(rounds)s (%(comparisons)s, about %(cost)s USD).") % {
            "rounds": rounds,
            "comparisons": n,
            "cost": decimal(self.cost_usd, 2),
        }

    @property
    def _short_of(self) -> list[str]:
        if self.affordable is None or self.rounds is None or self.affordable >= self.rounds:
            return []
        return [_("The budget pays for %(n)s of them.") % {"n": self.affordable or _("none")}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is still needed, goal by goal."""

    goals: tuple[Goal, ...]

    @property
    def reached(self) -> bool:
        """Whether everything that was asked for is there; False where nothing was asked for."""
        return bool(self.goals) and all(goal.reached for goal in self.goals)

    @property
    def sentences(self) -> list[str]:
        return [goal.sentence for goal in self.goals]


def outlook(
    assessment: Assessment,
    scale: Scale | None,
    *,
    reliability: float | None = None,
    certain_grades: float | None = None,
    judged: int | None = None,
) -> Outlook:
    """Look ahead from the newest scale; without any target given here, towards the assessment's own.

    `judged`: judgements of its rounds for scales, where the caller has counted them.
    """
    if reliability is None and certain_grades is None:
        reliability, certain_grades = _number(assessment.target_reliability), _number(assessment.target_certain_grades)
    if scale is None or not scale.n_essays or (reliability is None and certain_grades is None):
        return Outlook(goals=())
    ahead = _Ahead(assessment, scale, judged)
    goals = []
    if reliability is not None:
        now = scale.eb_reliability
        more = None if now is None else more_for_reliability(now, ahead.per_essay, reliability)
        goals.append(ahead.goal("reliability", reliability, now, more))
    if certain_grades is not None:
        share, more = ahead.grades(certain_grades)
        goals.append(ahead.goal("grades", certain_grades, share, more))
    return Outlook(goals=tuple(goals))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


class _Ahead:
    """What one more round adds and costs here, going by those before."""

    def __init__(self, assessment: Assessment, scale: Scale, judged: int | None) -> None:
        self.scale = scale
        self.per_essay = 2 * scale.n_comparisons / scale.n_essays
        settings = cj_settings.of(assessment.overrides)
        self.per_round = max(1.0, (scale.n_essays // 2) * (1 + float(settings.swap_share)))  # comparisons
        if judged is None:
            rounds = Round.objects.filter(assessment=assessment, purpose=Round.Purpose.SCALE)
            judged = Comparison.objects.filter(round__in=rounds, status=Comparison.Status.JUDGED).count()
        self.each = assessment.spent_usd / judged if judged and assessment.spent_usd else None
        self.left = assessment.left_usd

    def goal(self, name: str, target: float, now: float | None, more: float | None) -> Goal:
        """`more`: judgements per essay."""
        rounds = None if more is None else ceil(more * self.scale.n_essays / 2 / self.per_round - 1e-9)
        comparisons = None if rounds is None else round(rounds * self.per_round)
        cost = None if comparisons is None or self.each is None else comparisons * self.each
        a_round = None if self.each is None else self.each * Decimal(str(self.per_round))
        affordable = None if not a_round else int(self.left / a_round)
        return Goal(
            name=name,
            target=target,
            now=now,
            rounds=rounds,
            comparisons=comparisons,
            cost_usd=cost,
            affordable=affordable,
        )

    def grades(self, target: float) -> tuple[float | None, float | None]:
        """The share of essays with a certain grade now, and the judgements per essay to the target."""
        if not self.scale.grades or not self.scale.connected or self.scale.n_essays > MOST_GRADED:
            return None, None
        rows = self.scale.scores.filter(logit__isnull=False, standard_error__isnull=False)
        known = np.array(list(rows.values_list("logit", "standard_error")), dtype=float).reshape(-1, 2)
        cuts = [one["from"] for one in self.scale.grades[1:]]
        share = certain_share(known[:, 0], known[:, 1], cuts)
        return share, more_for_grades(known[:, 0], known[:, 1], cuts, self.per_essay, target)
