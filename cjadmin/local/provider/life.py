"""A batch and the clock -> where it stands. Nothing ticks, so a restart in mid-life changes nothing."""

from .store import Batch

VALIDATED_AT, FINALIZING_AT = 0.1, 0.9  # shares of a batch's life
OPENAI_TIMES = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)


def due_at(batch: Batch) -> float:
    """When its results are to be made."""
    if batch.failure:
        return batch.created_at + VALIDATED_AT * batch.seconds
    if batch.cancelled_at is not None:
        return min(batch.created_at + batch.seconds, batch.cancelled_at + batch.cancelling * batch.seconds)
    return batch.created_at + batch.seconds


def done_when_cancelled(batch: Batch) -> int:
    """How many requests were finished when the cancel came."""
    if batch.cancelled_at is None:
        return batch.n
    if batch.seconds <= 0:
        return batch.n
    return min(batch.n, int(batch.n * (batch.cancelled_at - batch.created_at) / batch.seconds))


def openai_status(batch: Batch, now: float) -> str:
    age = now - batch.created_at
    if batch.answered_at is not None and batch.cancelled_at is not None:
        return "cancelled"
    if not batch.checked or age < VALIDATED_AT * batch.seconds:
        return "cancelling" if batch.cancelled_at is not None else "validating"
    if batch.failure:
        return "failed"
    if batch.answered_at is not None:
        return "expired" if batch.expired else "completed"
    if batch.cancelled_at is not None:
        return "cancelling"
    return "finalizing" if age >= FINALIZING_AT * batch.seconds else "in_progress"


def openai_times(batch: Batch, status: str) -> dict[str, float]:
    """The time-stamps that a batch in this status has."""
    started, finalizing = (batch.created_at + share * batch.seconds for share in (VALIDATED_AT, FINALIZING_AT))
    if status == "failed":
        return {"failed_at": started}
    at = {} if status == "validating" else {"in_progress_at": started}
    if batch.cancelled_at is not None:
        at["cancelling_at"] = batch.cancelled_at
    if status in ("finalizing", "completed"):
        at["finalizing_at"] = finalizing
    if batch.answered_at is not None:
        at[f"{status}_at"] = due_at(batch)
    return at


def openai_counts(batch: Batch, status: str, now: float) -> dict[str, int]:
    """Counts that move while the batch runs."""
    if status in ("validating", "failed"):
        return {"total": 0, "completed": 0, "failed": 0}
    if batch.answered_at is not None:
        return {"total": batch.n, **{name: batch.counts[name] for name in ("completed", "failed")}}
    share = 1.0 if batch.seconds <= 0 else (now - batch.created_at) / batch.seconds
    done = min(batch.n, int(batch.n * min(1.0, max(0.0, share - VALIDATED_AT) / (FINALIZING_AT - VALIDATED_AT))))
    return {"total": batch.n, "completed": min(done, done_when_cancelled(batch)), "failed": 0}
