"""What leaves for the outside once a comparison is resolved."""

import uuid

from django.db import models

from batches.models.judging import Comparison
from batches.models.project import MemberQuerySet


class Callback(models.Model):
    """An outbox row, written in the transaction that resolves its comparison; delivered at least once."""

    event_id = models.UUIDField(unique=True, default=uuid.uuid4)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="callbacks")
    revision = models.PositiveSmallIntegerField()
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)

    project_path = "comparison__round__assessment__project"
    objects = MemberQuerySet["Callback"].as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["comparison", "revision"], name="one_callback_per_resolution")]
        indexes = [models.Index(fields=["id"], condition=models.Q(delivered_at__isnull=True), name="callback_waiting")]

    def __str__(self) -> str:
        return str(self.event_id)
