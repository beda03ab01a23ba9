"""How an item ended -> whether its comparison is asked again, and when."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from batches.models import AuditEntry, BatchItem, Comparison
from batches.models.project import Person

Outcome = BatchItem.Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one way of ending means for the comparison."""

    counts: bool = True  # uses up an attempt
    most: int | None = None  # attempts for this reason, where it is less than max_attempts
    wait: int = 0  # seconds before the next attempt; doubles with each
    hold: bool = False  # wait for a person


BY_REASON = {
    "refused": Policy(most=1),  # the same prompt would be refused, and billed, again
    "truncated": Policy(most=2),  # once more, with room for twice as much
    "bundle_failed": Policy(counts=False),  # asked again in smaller bundles, and at last by itself, where it counts
    "bad_line": Policy(most=1),  # it could not be sent as it is, and would be the same next time
    "rate_limited": Policy(counts=False, wait=30),
    "token_limit_exceeded": Policy(counts=False, wait=300),
    "over_queue_limit": Policy(wait=300),  # alone it is more than the whole queue takes: waiting would never end
    "never_connected": Policy(counts=False),  # the account's own pause says when
    "account_fault": Policy(counts=False),
    "stopped": Policy(counts=False),
    "job_refused": Policy(wait=60),  # 4xx for the batch as a whole: costs nothing, but must end some time
    "essay_withdrawn": Policy(counts=False),  # of another comparison in the same job: this one goes without it
    "payload_changed": Policy(wait=5),
    "stopped_workers": Policy(counts=False, hold=True),  # it killed worker after worker: a person looks at it first
    "absent": Policy(counts=False),
    "cancelled_by_staff": Policy(counts=False, hold=True),
}
BY_OUTCOME = {
    Outcome.INVALID: Policy(),
    Outcome.ERRORED: Policy(wait=20),
    Outcome.EXPIRED: Policy(),
    Outcome.CANCELLED: Policy(counts=False, hold=True),
    Outcome.MISSING: Policy(),
    Outcome.LOST: Policy(wait=5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What becomes of a comparison that was not judged."""

    status: str
    attempts: int
    wait: timedelta = timedelta(0)
    held: bool = False


def after(outcome: str, reason: str, *, attempts: int, max_attempts: int) -> Next:
    """What follows when an attempt ended like this, `attempts` having been used before it."""
    policy = BY_REASON.get(reason) or BY_OUTCOME[Outcome(outcome)]
    used = attempts + policy.counts
    if policy.counts and used >= min(policy.most or max_attempts, max_attempts):
        return Next(status=Comparison.Status.FAILED, attempts=used)
    wait = timedelta(seconds=policy.wait * 2 ** min(attempts, 6))
    return Next(status=Comparison.Status.PENDING, attempts=used, wait=wait, held=policy.hold)


def failed(comparisons: QuerySet[Comparison], *, actor: Person | None) -> int:
    """Let failed comparisons be asked again, with all their attempts; the number that will be."""
    total = 0
    by_assessment: dict[int, list[Comparison]] = {}
    rows = comparisons.filter(status=Comparison.Status.FAILED, round__assessment__purged_at=None)
    rows = rows.select_related("round__assessment__project")
    for comparison in rows:
        by_assessment.setdefault(comparison.round.assessment_id, []).append(comparison)
    for some in by_assessment.values():
        moved = Comparison.objects.filter(pk__in=[c.pk for c in some], status=Comparison.Status.FAILED).advance(
            Comparison.Status.PENDING, fail_reason="", fail_detail="", attempts=0, held=False, not_before=None
        )
        assessment = some[0].round.assessment
        AuditEntry.record("retry", assessment, actor=actor, project=assessment.project, comparisons=moved)
        total += moved
    return total
