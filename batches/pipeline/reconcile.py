"""A provider's batches, what it says it answered, and our reservations -> differences, written down and shown."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet

from batches.conf import cj_settings
from batches.models import Assessment, AuditEntry, BatchJob, Deployment, ProviderAccount, Stranger
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.pipeline import account as accounts
from batches.pipeline import money, ownership, pace, recover
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.providers.base import BatchState, Progress, Provider, ProviderError

log = logging.getLogger(__name__)
Status = BatchJob.Status
SPAN = timedelta(hours=48)  # a batch lives a day
EVERY = timedelta(hours=24)
SOUGHT = (Status.PLANNED, Status.SENDING, Status.IN_DOUBT, Status.NEEDS_ATTENTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGap:
    """A collected job of which the provider answered, and billed, another number of requests than reached us."""

    job: int
    provider_answered: int
    ours_answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationGap:
    """An assessment whose reserved sum is not that of its open items."""

    assessment: str
    reserved_usd: Decimal
    open_items_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What one comparison of an account's books with ours has found."""

    account: str
    batches: int
    strangers: tuple[str, ...]  # batches that no job owns
    orphans: tuple[str, ...]  # those of them that we sent ourselves
    stopped: tuple[str, ...]  # orphans that still ran
    usage_gaps: tuple[UsageGap, ...]


def due() -> QuerySet[ProviderAccount]:
    """Accounts with provider batches whose books were not compared for a day."""
    late = Q(reconciled_at__isnull=True) | Q(reconciled_at__lt=DatabaseClock() - EVERY)
    used = BatchJob.objects.filter(packing=BatchJob.Packing.PROVIDER_BATCH).values("account")
    return accounts.open_accounts().filter(late, pk__in=used)


def compare(account: ProviderAccount, *, actor: Person | None) -> Books:
    """Compare one account's batches of the last two days with ours, stop what is surely ours, and write it down."""
    provider = accounts.provider_of(account)
    ProviderAccount.objects.filter(pk=account.pk).update(reconciled_at=DatabaseClock())
    now = pace.now()
    listed = list(provider.recent((now - SPAN).isoformat()))
    _forget_adopted(account)
    found = [_record(account, provider, progress) for progress in _unowned(account, listed, now)]
    orphans = Stranger.objects.filter(account=account, is_ours=True, pk__in=[stranger.pk for stranger in found])
    running = {progress.provider_batch_id for progress in listed if progress.state == BatchState.RUNNING}
    stopped = [
        orphan.provider_batch_id
        for orphan in orphans.filter(provider_batch_id__in=running)
        if recover.stop_orphan(orphan, provider)
    ]
    books = Books(
        account=account.alias,
        batches=len(listed),
        strangers=tuple(stranger.provider_batch_id for stranger in found),
        orphans=tuple(orphans.values_list("provider_batch_id", flat=True)),
        stopped=tuple(stopped),
        usage_gaps=tuple(usage_gaps(account)),
    )
    AuditEntry.record("reconcile", account, actor=actor, project=None, **asdict(books))
    return books


def _forget_adopted(account: ProviderAccount) -> None:
    """A batch that a job owns after all is no stranger."""
    owned = BatchJob.objects.filter(account=account, is_provisional=False).exclude(provider_batch_id="")
    Stranger.objects.filter(account=account, provider_batch_id__in=owned.values("provider_batch_id")).delete()


def _unowned(account: ProviderAccount, listed: list[Progress], now: datetime) -> Iterator[Progress]:
    """Listed batches that no job owns and no job may still claim: what was only just made may be on its way to us."""
    jobs = BatchJob.objects.filter(account=account)
    owned = set(jobs.exclude(provider_batch_id="").values_list("provider_batch_id", flat=True))
    sought = set(jobs.filter(status__in=SOUGHT).values_list("nonce", flat=True))
    settled = now - timedelta(seconds=cj_settings.call_timeout + cj_settings.settle_time)
    for progress in listed:
        made = pace.moment(progress.created_at)
        if progress.provider_batch_id not in owned and progress.nonce not in sought and (not made or made < settled):
            yield progress


def _record(account: ProviderAccount, provider: Provider, progress: Progress) -> Stranger:
    """The stranger's row, as new; whose it is, as far as the provider tells."""
    stranger, _ = Stranger.objects.get_or_create(account=account, provider_batch_id=progress.provider_batch_id)
    nonce = stranger.nonce or progress.nonce or _nonce_inside(provider, progress)
    sent_for = BatchJob.objects.filter(account=account, nonce=nonce).first() if nonce else None
    elsewhere = bool(progress.environment) and progress.environment != Deployment.name()
    Stranger.objects.filter(pk=stranger.pk).update(
        nonce=nonce[:12],
        is_ours=sent_for is not None and not elsewhere,
        taken_for=stranger.taken_for or sent_for,
        provider_status=progress.provider_status[:40],
        n_requests=progress.total if progress.total is not None else stranger.n_requests,
        made_at=pace.moment(progress.created_at),
    )
    crash_point("stranger_recorded")
    return stranger


def _nonce_inside(provider: Provider, progress: Progress) -> str:
    """The nonce in an ended batch's results, where the provider keeps no metadata."""
    if progress.state != BatchState.ENDED or not progress.results_ready:
        return ""
    try:
        nonces = Counter(ownership.nonces(provider, progress))
    except ProviderError as error:
        log.warning("stranger unread provider_batch_id=%s code=%s", progress.provider_batch_id, error.code)
        return ""
    return nonces.most_common(1)[0][0] if nonces else ""


def usage_gaps(account: ProviderAccount) -> Iterator[UsageGap]:
    """Jobs of the last two days of which the provider says it answered more or fewer requests than we can show."""
    answered = Q(items__outcome__in=["SUCCEEDED", "INVALID"]) & ~Q(items__reason="bad_line")
    jobs = BatchJob.objects.filter(account=account, status=Status.COLLECTED, closed_at__gt=DatabaseClock() - SPAN)
    counted = jobs.filter(provider_answered__isnull=False).annotate(ours=Count("items", filter=answered))
    rows = counted.exclude(provider_answered=F("ours")).order_by("pk").values_list("pk", "provider_answered", "ours")
    for job, theirs, ours in rows:
        yield UsageGap(job=job, provider_answered=theirs or 0, ours_answered=ours)


RESERVATIONS = """
SELECT assessment.id, assessment.slug, assessment.reserved_usd, coalesce(sum(item.reserved_usd), 0)
FROM batches_assessment assessment
LEFT JOIN batches_round cj_round ON cj_round.assessment_id = assessment.id
LEFT JOIN batches_comparison comparison ON comparison.round_id = cj_round.id
LEFT JOIN batches_batchitem item ON item.comparison_id = comparison.id AND item.outcome IS NULL
WHERE %s::bigint IS NULL OR assessment.id = %s
GROUP BY assessment.id HAVING assessment.reserved_usd <> coalesce(sum(item.reserved_usd), 0) ORDER BY assessment.id
"""


def _reservation_rows(assessment: int | None = None) -> list[tuple[int, str, Decimal, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(RESERVATIONS, [assessment, assessment])
        return cursor.fetchall()


def reservation_gaps() -> list[ReservationGap]:
    """Assessments whose reservation is not the sum of those of their open items: there should be none, ever."""
    return [
        ReservationGap(assessment=slug, reserved_usd=reserved, open_items_usd=items)
        for _, slug, reserved, items in _reservation_rows()
    ]


def repair_reservations(*, actor: Person | None) -> int:
    """Set the reservations right, each with an entry in the audit log; the number that were wrong."""
    repaired = 0
    for pk, *_ in _reservation_rows():
        with transaction.atomic():
            assessment = Assessment.objects.select_for_update(of=("self",)).select_related("project").get(pk=pk)
            for _, _, reserved, items in _reservation_rows(pk):  # again, now that nobody else can move it
                money.settle(pk, reserved=reserved - items, spent=Decimal(0))
                detail = {"reserved_usd": str(reserved), "open_items_usd": str(items)}
                AuditEntry.record("repair reservation", assessment, actor=actor, project=assessment.project, **detail)
                repaired += 1
    return repaired


def account_named(alias: str) -> ProviderAccount:
    account = ProviderAccount.objects.filter(alias=alias).first()
    if account is None:
        raise Refused(f"There is no account called {alias!r}.")
    return account
