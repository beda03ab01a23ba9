"""What leaves for the outside: the outbox, who empties it, and what came in."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q

from batches.models.assessment import Assessment
from batches.models.fields import DatabaseClock
from batches.models.judging import Comparison
from batches.models.project import MemberQuerySet
from batches.models.scale import Scale


class Callback(models.Model):
    """An outbox row, written in the transaction that it tells of; delivered at least once, in order for each key.

    It tells either of a comparison that was resolved or of a scale that was published.
    """

    event_id = models.UUIDField(unique=True, default=uuid.uuid4)
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="callbacks", db_index=False)
    comparison = models.ForeignKey(
        Comparison, null=True, blank=True, on_delete=models.CASCADE, related_name="callbacks", db_index=False
    )
    scale = models.ForeignKey(
        Scale, null=True, blank=True, on_delete=models.CASCADE, related_name="callbacks", db_index=False
    )
    key = models.CharField(max_length=100)  # messages of one key leave in the order in which they were written
    revision = models.PositiveSmallIntegerField()
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    project_path = "assessment__project"
    objects = MemberQuerySet["Callback"].as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["comparison", "revision"], name="one_callback_per_resolution"),
            models.UniqueConstraint(fields=["scale"], name="one_callback_per_published_scale"),
            models.CheckConstraint(
                condition=Q(comparison__isnull=False, scale__isnull=True)
                | Q(comparison__isnull=True, scale__isnull=False),
                name="callback_tells_of_one_thing",
            ),
            models.CheckConstraint(condition=~Q(key=""), name="callback_has_a_key"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(delivered_at__isnull=True), name="callback_waiting"),
            models.Index(fields=["key", "id"], condition=Q(delivered_at__isnull=True), name="callback_in_order"),
            models.Index(fields=["delivered_at"], condition=Q(delivered_at__isnull=False), name="callback_to_prune"),
        ]

    def __str__(self) -> str:
        return str(self.event_id)


class RelayQuerySet(models.QuerySet["Relay"]):
    def take(self, *, holder: str, seconds: float, patient: bool = True) -> "Relay | None":
        """Take the lease with a new fence; None while another relay holds it, or rests and we are `patient`."""
        self.get_or_create(pk=1)
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=DatabaseClock())
        if patient:
            free &= Q(next_try_at__isnull=True) | Q(next_try_at__lte=DatabaseClock())
        with transaction.atomic():  # or a relay that slept in between would read its heir's fence
            relay = self.select_for_update(skip_locked=True).filter(free, pk=1).first()
            if relay is None:
                return None
            relay.fence, relay.holder = relay.fence + 1, holder[:100]
            lease = DatabaseClock() + timedelta(seconds=seconds)
            self.filter(pk=1).update(fence=relay.fence, holder=relay.holder, lease_until=lease)
            return relay


class Relay(models.Model):
    """The one relay that may empty the outbox now, and how the other side has answered. A single row."""

    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=100, blank=True)
    failures = models.PositiveIntegerField(default=0)  # passes in a row in which nothing got through
    next_try_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)  # when anything last got through

    objects = RelayQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_relay")]

    def __str__(self) -> str:
        return self.holder

    def keep(self, *, seconds: float) -> bool:
        """Renew the lease; False when another relay has taken over."""
        mine = Relay.objects.filter(pk=1, fence=self.fence)
        return bool(mine.update(lease_until=DatabaseClock() + timedelta(seconds=seconds)))

    def rest(self, *, error: str, seconds: float) -> None:
        """Nothing gets through: no patient relay tries again before so many seconds have passed."""
        mine = Relay.objects.filter(pk=1, fence=self.fence)
        again = DatabaseClock() + timedelta(seconds=seconds)
        mine.update(failures=F("failures") + 1, next_try_at=again, last_error=error)

    def release(self, *, delivered: bool, trouble: bool) -> None:
        """Give the lease back, if it is still ours, and note whether something got through before any trouble."""
        changes: dict[str, Any] = {"lease_until": None, "holder": ""}
        if delivered:
            changes |= {"delivered_at": DatabaseClock()}
        if delivered and not trouble:
            changes |= {"failures": 0, "next_try_at": None, "last_error": ""}
        Relay.objects.filter(pk=1, fence=self.fence).update(**changes)


class IncomingWebhook(models.Model):
    """A webhook that was believed. The row is the promise that the same one is not believed twice."""

    webhook_id = models.CharField(max_length=200)
    provider = models.CharField(max_length=20)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["provider", "webhook_id"], name="webhook_believed_once")]
        indexes = [models.Index(fields=["received_at"], name="webhook_by_age")]

    def __str__(self) -> str:
        return self.webhook_id
