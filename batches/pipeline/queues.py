"""Live batches of an account -> how much more its provider's queue takes, by our own accounts."""

from django.db import connection
from django.db.models import QuerySet, Sum

from batches.conf import cj_settings
from batches.models import BatchJob, Judge

Status = BatchJob.Status
QUEUED = (
    *(Status.PLANNED, Status.SENDING, Status.IN_DOUBT),
    *(Status.IN_PROGRESS, Status.CANCELLING, Status.NEEDS_ATTENTION),
)
OVER = "token_limit_exceeded"


def lock(judge: Judge) -> None:
    """One at a time, until the transaction ends, opens jobs of this account: two must not fill the same room."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cj queue'), %s)", [judge.account_id])


def requests_left(judge: Judge) -> int | None:
    """How many more requests Anthropic's queue takes, which all models of the account share; None: no limit is set."""
    limits = cj_settings.anthropic_queued_requests
    room = []
    if "*" in limits:
        room.append(limits["*"] - _requests(_live(judge)))
    if judge.model_id in limits:
        room.append(limits[judge.model_id] - _requests(_live(judge).filter(judge__model_id=judge.model_id)))
    return max(0, min(room)) if room else None


def tokens_left(judge: Judge) -> int | None:
    """How many more input tokens of this model OpenAI's queue takes; None: no limit is known.

    Where the provider has refused a batch as too much (its own count may be above our estimate), at most half as
    much is sent until one is accepted.
    """
    limits = cj_settings.openai_queued_tokens
    limit = limits.get(judge.model_id, limits.get("*"))
    live = _live(judge).filter(judge__model_id=judge.model_id)
    used = live.aggregate(n=Sum("queued_tokens"))["n"] or 0
    room = [] if limit is None else [limit - used]
    if (refused := _refused_at(judge)) is not None:
        room.append(refused // 2 if not used else 0)
    return max(0, min(room)) if room else None


def _live(judge: Judge) -> QuerySet[BatchJob]:
    packing = BatchJob.Packing.PROVIDER_BATCH
    return BatchJob.objects.filter(account=judge.account_id, packing=packing, status__in=QUEUED)


def _requests(jobs: QuerySet[BatchJob]) -> int:
    return jobs.aggregate(n=Sum("n_items"))["n"] or 0


def _refused_at(judge: Judge) -> int | None:
    """The tokens of the newest closed batch of this model, where the provider found them too many."""
    packing = BatchJob.Packing.PROVIDER_BATCH
    closed = BatchJob.objects.filter(account=judge.account_id, packing=packing, judge__model_id=judge.model_id)
    newest = closed.filter(status=Status.COLLECTED).order_by("-pk").first()
    return newest.queued_tokens if newest and newest.error_code == OVER else None


ROOM = {"anthropic": (requests_left, "requests"), "openai": (tokens_left, "tokens")}


def busy(judge: Judge) -> bool:
    """Whether other batches of this model are in the queue."""
    return _live(judge).filter(judge__model_id=judge.model_id).exists()


def why_over(job: BatchJob) -> str:
    """The reason of the items of a batch that the provider found too much for its queue.

    One request that is refused while we have no other batch in that queue may be larger than all of the queue: it
    uses up attempts. Anything else only has to wait, or to be sent in smaller batches.
    """
    alone = job.n_items == 1 and not _live(job.judge).filter(judge__model_id=job.judge.model_id).exclude(pk=job.pk)
    return "over_queue_limit" if alone else OVER


def left(judge: Judge) -> tuple[int | None, int | None]:
    """(requests, input tokens) that the queue of this judge's provider still takes; None where nothing limits them."""
    count, unit = ROOM[judge.own_account.provider]
    room = count(judge)
    return (room, None) if unit == "requests" else (None, room)
