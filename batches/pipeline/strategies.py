"""`llm_batching_strategy` -> when comparisons leave, and how they are packed."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.models import BatchJob
from batches.pipeline.refused import Refused

Packing = BatchJob.Packing


class Trigger(StrEnum):
    """When submitted comparisons leave."""

    ROUND = "ROUND"  # at once, with their round
    COUNT = "COUNT"  # when enough of one judge wait, or one has waited long enough
    NIGHT = "NIGHT"  # at a time of day, once a night


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """The two answers that make a strategy."""

    leaves: Trigger
    packing: Packing


STRATEGIES = {
    "per_round": Strategy(leaves=Trigger.ROUND, packing=Packing.SINGLE),
    "serial_bundle": Strategy(leaves=Trigger.ROUND, packing=Packing.BUNDLE),
    "provider_batch": Strategy(leaves=Trigger.ROUND, packing=Packing.PROVIDER_BATCH),
    "accumulate": Strategy(leaves=Trigger.COUNT, packing=Packing.PROVIDER_BATCH),
    "nightly": Strategy(leaves=Trigger.NIGHT, packing=Packing.PROVIDER_BATCH),
}
CALLS_PER_JOB = 600  # comparisons in one job of calls: long enough to be worth a job, short enough to finish


def calls_per_job() -> int:
    """Comparisons in one job of calls: twice as many as are in flight at once, where a worker has many in flight."""
    return max(CALLS_PER_JOB, 2 * cj_settings.sync_in_flight)


def strategy(name: str) -> Strategy:
    """The strategy of this name; Refused for one that cannot be served."""
    if name not in STRATEGIES:
        raise Refused(
            _("There is no strategy %(name)s: choose one of %(strategies)s.")
            % {"name": name, "strategies": ", ".join(STRATEGIES)}
        )
    return STRATEGIES[name]
