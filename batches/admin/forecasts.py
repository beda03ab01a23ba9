"""Rounds about to be submitted -> what each strategy would make of them, side by side, as a person reads it."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from batches.admin.words import duration, usd
from batches.models import Round
from batches.models.judging import Strategy
from batches.pipeline import forecast
from batches.pipeline.forecast import Forecast
from batches.pipeline.refused import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One strategy in the table of a confirmation page."""

    forecast: Forecast
    name: str
    chosen: bool  # the strategy these rounds were planned with

    @property
    def cost(self) -> str:
        return usd(self.forecast.cost_usd)

    @property
    def worst(self) -> str:
        return usd(self.forecast.worst_case_usd)

    @property
    def reserved(self) -> str:
        return usd(self.forecast.reserved_usd)

    @property
    def race(self) -> str:
        return usd(self.forecast.race_usd) if self.forecast.race_usd else ""

    @property
    def time(self) -> str:
        """The time to expect, in one unit."""
        return duration(self.forecast.seconds)


def forecast_rows(rounds: QuerySet[Round]) -> list[Row]:
    """All five strategies for what waits in these rounds; none where nothing can be foreseen."""
    chosen = set(rounds.values_list("strategy", flat=True))
    try:
        found = forecast.of_rounds(rounds)
    except Refused:
        return []
    labels = {value: str(label) for value, label in Strategy.choices}
    return [Row(forecast=one, name=labels[one.strategy], chosen=one.strategy in chosen) for one in found]


def over_budget(rows: list[Row]) -> list[str]:
    """A warning where what would be reserved is more than is left."""
    for row in rows:
        if row.chosen and not row.forecast.problem and not row.forecast.fits_budget:
            missing: Decimal = row.forecast.reserved_usd - row.forecast.budget_left_usd
            return [
                _(
                    "Up to %(reserved)s would be reserved, %(missing)s more than the budget has left: some "
                    "comparisons "
                    "will wait until answers free money, or until the budget is raised."
                )
                % {"reserved": row.reserved, "missing": usd(missing)}
            ]
    return []
