"""What follows an attempt that ended without a judgement."""

import pytest

from batches.models import BatchItem
from batches.pipeline.retry import after

O = BatchItem.Outcome  # noqa: E741


@pytest.mark.parametrize(
    ("outcome", "reason", "attempts", "status", "used", "held"),
    [
        (O.INVALID, "unknown_winner", 0, "PENDING", 1, False),
        (O.INVALID, "unknown_winner", 2, "FAILED", 3, False),
        (O.INVALID, "refused", 0, "FAILED", 1, False),
        (O.INVALID, "truncated", 0, "PENDING", 1, False),
        (O.INVALID, "truncated", 1, "FAILED", 2, False),
        (O.ERRORED, "server_error", 0, "PENDING", 1, False),
        (O.ERRORED, "rate_limited", 2, "PENDING", 2, False),
        (O.ERRORED, "never_connected", 2, "PENDING", 2, False),
        (O.CANCELLED, "account_fault", 0, "PENDING", 0, False),
        (O.CANCELLED, "cancelled_by_staff", 0, "PENDING", 0, True),
        (O.EXPIRED, "expired", 2, "FAILED", 3, False),
        (O.MISSING, "missing", 1, "PENDING", 2, False),
        (O.LOST, "worker_died", 1, "PENDING", 2, False),
    ],
)
def test_attempts_are_bounded_and_only_our_own_count(outcome, reason, attempts, status, used, held):
    then = after(outcome, reason, attempts=attempts, max_attempts=3)
    assert (then.status, then.attempts, then.held) == (status, used, held)


@pytest.mark.parametrize("outcome", [o for o in O if o not in (O.SUCCEEDED, O.CANCELLED)])
def test_every_outcome_ends_after_at_most_max_attempts(outcome):
    attempts = rounds = 0
    while True:
        rounds += 1
        then = after(outcome, "anything", attempts=attempts, max_attempts=3)
        if then.status == "FAILED":
            break
        attempts = then.attempts
    assert rounds == 3
