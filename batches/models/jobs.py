"""Paid attempts: one submission is a batch job, one comparison in it an item."""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from batches.models.accounts import Judge, ProviderAccount
from batches.models.fields import DatabaseClock, UsdField
from batches.models.judging import Comparison, Strategy
from batches.models.project import MemberQuerySet, Project


class IllegalMove(Exception):
    """A batch job cannot go from its status to the one asked for."""


class LostLease(Exception):
    """Another worker has taken this job over; what this worker knows is out of date."""


def new_nonce() -> str:
    """Twelve characters that mark one job in everything the provider sees."""
    return secrets.token_hex(6)


class BatchJobQuerySet(MemberQuerySet["BatchJob"]):
    def in_projects(self, projects: Any) -> "BatchJobQuerySet":
        """Jobs that hold at least one comparison of these projects."""
        from batches.models.parts import JobPart  # which is about jobs, and so comes after them

        mine = JobPart.objects.in_projects(projects).filter(job=models.OuterRef("pk"))
        return self.filter(Q(project__in=projects) | Q(project=None) & models.Exists(mine))

    def take(self, pk: int, *, seconds: float) -> "BatchJob | None":
        """Take the lease of a job that nobody holds, with a new fence; None when somebody holds it.

        A lease that ran out was never given back: its worker died, which counts as a recovery.
        """
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=DatabaseClock())
        with transaction.atomic():
            job = self.select_for_update(skip_locked=True, of=("self",)).filter(free, pk=pk).first()
            if job is None:
                return None
            job.fence += 1
            job.recoveries += job.lease_until is not None
            lease = DatabaseClock() + timedelta(seconds=seconds)
            self.filter(pk=pk).update(fence=job.fence, recoveries=job.recoveries, lease_until=lease)
            return job


class BatchJob(models.Model):
    """One paid attempt. Its status moves only through `advance`, and a trigger knows the same moves."""

    class Packing(models.TextChoices):
        SINGLE = "SINGLE", _("one call each")
        BUNDLE = "BUNDLE", _("several in one prompt")
        PROVIDER_BATCH = "PROVIDER_BATCH", _("provider batch")

    class Status(models.TextChoices):
        PLANNED = "PLANNED", _("planned")  # the intent is committed, nothing was sent
        SENDING = "SENDING", _("sending")  # the one POST may be under way
        RUNNING = "RUNNING", _("calling")  # synchronous calls are in flight
        IN_DOUBT = "IN_DOUBT", _("in doubt")  # sent, and nobody knows whether it arrived
        IN_PROGRESS = "IN_PROGRESS", _("at the provider")
        CANCELLING = "CANCELLING", _("being cancelled")
        COLLECTING = "COLLECTING", _("being collected")
        COLLECTED = "COLLECTED", _("collected")  # every item has an outcome
        REFUSED = "REFUSED", _("refused")  # a definite no: nothing was billed
        ABSENT = "ABSENT", _("never arrived")  # looked for and not found: final
        CANCELLED = "CANCELLED", _("cancelled")  # before anything was sent
        NEEDS_ATTENTION = "NEEDS_ATTENTION", _("needs attention")  # a person decides

    S = Status
    BATCH_MOVES = {
        S.PLANNED: {S.SENDING, S.CANCELLED},
        S.SENDING: {S.IN_PROGRESS, S.REFUSED, S.IN_DOUBT},
        S.IN_DOUBT: {S.IN_PROGRESS, S.ABSENT, S.NEEDS_ATTENTION},
        S.IN_PROGRESS: {S.IN_DOUBT, S.CANCELLING, S.COLLECTING, S.NEEDS_ATTENTION},
        S.CANCELLING: {S.COLLECTING, S.NEEDS_ATTENTION},
        S.COLLECTING: {S.COLLECTED, S.NEEDS_ATTENTION},
        S.NEEDS_ATTENTION: {S.IN_PROGRESS, S.IN_DOUBT, S.ABSENT},
    }
    CALL_MOVES = {
        S.PLANNED: {S.RUNNING, S.CANCELLED},
        S.RUNNING: {S.COLLECTED, S.NEEDS_ATTENTION},
        S.NEEDS_ATTENTION: {S.RUNNING, S.COLLECTED},
    }
    MOVES = {Packing.SINGLE: CALL_MOVES, Packing.BUNDLE: CALL_MOVES, Packing.PROVIDER_BATCH: BATCH_MOVES}
    LIVE = (S.PLANNED, S.SENDING, S.RUNNING, S.IN_DOUBT, S.IN_PROGRESS, S.CANCELLING, S.COLLECTING, S.NEEDS_ATTENTION)
    AT_PROVIDER = (S.IN_PROGRESS, S.CANCELLING, S.COLLECTING, S.COLLECTED)
    del S

    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="jobs")
    provider = models.CharField(max_length=20, choices=ProviderAccount.Provider)  # the account's, for a constraint
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="jobs")
    project = models.ForeignKey(  # of all its comparisons; None: of several, its items tell
        Project, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    strategy = models.CharField(max_length=20, choices=Strategy)
    packing = models.CharField(max_length=20, choices=Packing)
    status = models.CharField(max_length=20, choices=Status, default=Status.PLANNED, editable=False)
    nonce = models.CharField(max_length=12, unique=True, default=new_nonce)
    payload_sha256 = models.CharField(max_length=64, blank=True)
    watermark = models.CharField(max_length=100, blank=True)  # the provider's newest batch before the intent
    is_provisional = models.BooleanField(default=False)  # adopted by count, not yet confirmed by the nonce

    provider_batch_id = models.CharField(max_length=100, blank=True)
    input_file_id = models.CharField(max_length=100, blank=True)
    output_file_id = models.CharField(max_length=100, blank=True)
    error_file_id = models.CharField(max_length=100, blank=True)
    provider_status = models.CharField(max_length=40, blank=True)
    provider_done = models.PositiveIntegerField(null=True, blank=True)
    provider_answered = models.PositiveIntegerField(null=True, blank=True)  # and billed, by its own count at the end
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=1000, blank=True)

    n_items = models.PositiveIntegerField(_("items"))
    n_succeeded = models.PositiveIntegerField(default=0)
    n_invalid = models.PositiveIntegerField(default=0)
    n_errored = models.PositiveIntegerField(default=0)
    n_expired = models.PositiveIntegerField(default=0)
    n_cancelled = models.PositiveIntegerField(default=0)
    n_missing = models.PositiveIntegerField(default=0)
    n_lost = models.PositiveIntegerField(default=0)
    n_strangers = models.PositiveIntegerField(default=0)  # lines with an id that is not ours
    n_duplicates = models.PositiveIntegerField(default=0)  # lines for an item that was already resolved
    input_tokens = models.PositiveBigIntegerField(default=0)  # of its items, summed as they end
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reserved_usd = UsdField(default=0)
    cost_usd = UsdField(default=0)
    queued_tokens = models.PositiveBigIntegerField(default=0)  # input it adds to the provider's queue, estimated
    primes_cache = models.BooleanField(default=False)  # one request ahead of the others, so that they find its prefix
    cancelled_for = models.CharField(max_length=20, blank=True)  # "deadline": what it leaves is asked in single calls

    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    recoveries = models.PositiveSmallIntegerField(default=0)  # in a row, without getting any further
    looks = models.PositiveSmallIntegerField(default=0)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    next_poll_at = models.DateTimeField(null=True, blank=True)
    poll_failures = models.PositiveIntegerField(default=0)
    polled_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    forget_asked_at = models.DateTimeField(null=True, blank=True)  # what the provider keeps of it is to be deleted
    forgotten_at = models.DateTimeField(null=True, blank=True)  # and was

    objects = BatchJobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "provider_batch_id"], condition=~Q(provider_batch_id=""), name="provider_batch_once"
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(provider="anthropic", packing="PROVIDER_BATCH", status__in=["SENDING", "IN_DOUBT"]),
                name="one_anthropic_batch_in_doubt",
            ),
            models.CheckConstraint(
                name="at_the_provider_means_an_id",
                condition=~Q(packing="PROVIDER_BATCH")
                | Q(status__in=["IN_PROGRESS", "CANCELLING", "COLLECTING", "COLLECTED"]) & ~Q(provider_batch_id="")
                | Q(status="NEEDS_ATTENTION")  # a person decides, whether or not the batch is known
                | ~Q(status__in=["IN_PROGRESS", "CANCELLING", "COLLECTING", "COLLECTED", "NEEDS_ATTENTION"])
                & Q(provider_batch_id=""),
            ),
            models.CheckConstraint(
                name="the_ledger_balances",
                condition=~Q(status="COLLECTED")
                | Q(
                    n_items=F("n_succeeded")
                    + F("n_invalid")
                    + F("n_errored")
                    + F("n_expired")
                    + F("n_cancelled")
                    + F("n_missing")
                    + F("n_lost")
                ),
            ),
            models.CheckConstraint(condition=Q(n_items__gte=1), name="job_has_items"),
            models.CheckConstraint(condition=~Q(status="REFUSED") | ~Q(error=""), name="refused_has_a_reason"),
        ]
        indexes = [
            models.Index(
                fields=["next_poll_at"],
                condition=Q(status__in=["IN_PROGRESS", "CANCELLING", "IN_DOUBT"]),
                name="job_to_poll",
            ),
            models.Index(fields=["status"], name="job_by_status"),
        ]
        permissions = [
            ("poll_batchjob", "Can ask the provider about batch jobs now"),
            ("cancel_batchjob", "Can cancel batch jobs"),
        ]

    def __str__(self) -> str:
        return str(_("job %(number)s") % {"number": self.pk})

    def advance(self, to: Status, **changes: Any) -> bool:
        """Move on to `to`; False if another worker moved this job, or took its lease, first."""
        if to not in self.MOVES[self.Packing(self.packing)].get(self.Status(self.status), set()):
            raise IllegalMove(f"{self}: {self.status} cannot become {to} ({self.packing}).")
        mine = BatchJob.objects.filter(pk=self.pk, status=self.status, fence=self.fence)
        with transaction.atomic(savepoint=False):  # or a worker that slept in between would read its heir's fence
            if not mine.update(status=to, **changes):
                return False
            self.refresh_from_db()
        return True

    def hold(self, *, seconds: float | None = None) -> None:
        """Lock this row in the open transaction and make sure the lease is still ours; renew it if asked."""
        mine = BatchJob.objects.select_for_update().filter(pk=self.pk, fence=self.fence)
        if not mine.exists():
            raise LostLease(f"{self} was taken over by another worker.")
        if seconds is not None:
            BatchJob.objects.filter(pk=self.pk).update(lease_until=DatabaseClock() + timedelta(seconds=seconds))

    def n_open(self) -> int:
        """Items without an outcome: before anything is collected, the requests that are sent."""
        return self.items.filter(outcome=None).count()

    def release(self, **changes: Any) -> None:
        """Give the lease back, if it is still ours."""
        BatchJob.objects.filter(pk=self.pk, fence=self.fence).update(lease_until=None, **changes)


class BatchItem(models.Model):
    """One comparison within one batch job."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "SUCCEEDED", _("succeeded")
        INVALID = "INVALID", _("unusable answer")
        ERRORED = "ERRORED", _("error")
        EXPIRED = "EXPIRED", _("expired")
        CANCELLED = "CANCELLED", _("cancelled")
        MISSING = "MISSING", _("missing")
        LOST = "LOST", _("answer lost")

    job = models.ForeignKey(BatchJob, on_delete=models.PROTECT, related_name="items", db_index=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="items")
    custom_id = models.CharField(max_length=64)
    bundle = models.PositiveIntegerField(null=True, blank=True)  # which prompt of the job it shares
    tag = models.CharField(max_length=10, blank=True)  # its mark within the bundle
    prompt_sha256 = models.CharField(max_length=64, blank=True)
    cache_marks = models.PositiveSmallIntegerField(default=0)  # shared prefixes in its prompt, marked for the cache
    reserved_usd = UsdField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)  # its own call may be under way or done
    races = models.BooleanField(default=False)  # asked beside a batch that is still running: whoever answers first wins

    outcome = models.CharField(max_length=10, choices=Outcome, null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    answer = models.TextField(blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    cache_read_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = UsdField(default=0)
    resolved_at = models.DateTimeField(null=True, blank=True)

    project_path = "comparison__round__assessment__project"
    objects = MemberQuerySet["BatchItem"].as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["custom_id"], name="custom_id_unique_for_ever"),
            models.UniqueConstraint(
                fields=["comparison"],
                condition=Q(outcome__isnull=True, races=False),
                name="one_live_item_per_comparison",
            ),
            models.UniqueConstraint(
                fields=["comparison"],
                condition=Q(outcome__isnull=True, races=True),
                name="one_racing_item_per_comparison",
            ),
            models.UniqueConstraint(fields=["job", "comparison"], name="comparison_once_per_job"),
            models.CheckConstraint(
                condition=Q(custom_id__regex=r"^[A-Za-z0-9_-]{1,64}$"), name="custom_id_both_providers_take"
            ),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True) | Q(outcome="SUCCEEDED") | ~Q(reason=""),
                name="no_outcome_without_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "id"], name="item_by_job"),  # pages of a job's items, in order
            models.Index(fields=["job"], condition=Q(outcome__isnull=True), name="item_unresolved"),
        ]

    def __str__(self) -> str:
        return self.custom_id


class NightlyRun(models.Model):
    """One night's submission. The row is the promise that there is no second one, however many schedulers run."""

    strategy = models.CharField(max_length=20, choices=Strategy, default=Strategy.NIGHTLY)
    run_date = models.DateField(help_text=_("The local date on which it was due."))
    n_comparisons = models.PositiveIntegerField(_("comparisons"), default=0)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-run_date"]
        constraints = [models.UniqueConstraint(fields=["strategy", "run_date"], name="nightly_once")]

    def __str__(self) -> str:
        return f"{self.strategy} of {self.run_date}"


class Stranger(models.Model):
    """A provider batch that no job owns: shown to staff, never adopted again; touched only if it is surely ours."""

    account = models.ForeignKey(ProviderAccount, on_delete=models.PROTECT, related_name="strangers")
    provider_batch_id = models.CharField(max_length=100)
    taken_for = models.ForeignKey(BatchJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    nonce = models.CharField(max_length=12, blank=True)  # of the job that it says it was sent for
    is_ours = models.BooleanField(default=False)  # sent by this deployment: perhaps paid for twice
    provider_status = models.CharField(max_length=40, blank=True)
    n_requests = models.PositiveIntegerField(_("requests"), null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)  # by the provider's clock
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["account", "provider_batch_id"], name="stranger_once")]

    def __str__(self) -> str:
        return self.provider_batch_id
