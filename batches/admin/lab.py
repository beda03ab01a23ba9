"""The strategy experiments of an assessment -> a page: does batching change verdicts, and what does each way cost?"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from batches.admin.words import usd
from batches.models import Assessment
from batches.models.judging import Strategy
from batches.numbers import percent
from batches.pipeline import lab
from batches.pipeline.lab import Arm, Report
from batches.scale.shares import Share

MOST = 5  # experiments on the page, the newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One strategy of one experiment, in words."""

    arm: Arm

    @property
    def name(self) -> str:
        return str(Strategy(self.arm.strategy).label)

    @property
    def agreed(self) -> str:
        return shown(self.arm.agreed)

    @property
    def first_won(self) -> str:
        return shown(self.arm.first_won)

    @property
    def cost(self) -> str:
        return usd(self.arm.cost_usd)

    @property
    def each(self) -> str:
        return usd(self.arm.usd_each)

    @property
    def places(self) -> list[tuple[int, str, str]]:
        return [(one.place, shown(one.first_won), shown(one.agreed)) for one in self.arm.places]


def lab_context(assessment: Assessment) -> dict[str, Any]:
    """What the page shows: the newest experiments, each as a table."""
    reports = [lab.report(rounds) for rounds in lab.experiments(assessment)[:MOST]]
    return {
        "title": _("Strategy lab of %(assessment)s") % {"assessment": assessment},
        "experiments": [_experiment(report) for report in reports],
    }


def _experiment(report: Report) -> dict[str, Any]:
    return {"report": report, "rows": [Row(arm=arm) for arm in report.arms], "all_agree": shown(report.all_agree)}


def shown(share: Share) -> str:
    """84% (71 to 92%), with its interval of 95 %."""
    if share.value is None:
        return "–"
    low, high = share.interval
    return _("%(share)s (%(low)s to %(high)s)") % {
        "share": percent(share.value),
        "low": f"{100 * low:.0f}",
        "high": percent(high),
    }
