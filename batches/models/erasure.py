"""What was taken out for good: asked for, carried out step by step, and in the end a certificate."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from batches.models.project import MemberQuerySet, Project


class Erasure(models.Model):
    """A purge of an assessment or the withdrawal of one pupil. A trigger freezes it once it is complete.

    It names what it was done to instead of pointing at it: the certificate outlives the rows.
    """

    class Kind(models.TextChoices):
        PURGE = "PURGE", _("purge of an assessment")
        WITHDRAWAL = "WITHDRAWAL", _("withdrawal of a pupil")

    certificate = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    project = models.ForeignKey(Project, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    project_name = models.CharField(max_length=200)
    assessment_id = models.BigIntegerField()
    assessment_slug = models.CharField(max_length=80)
    essay_id = models.BigIntegerField(null=True, blank=True)  # of a withdrawal
    candidate = models.CharField(max_length=100, blank=True)
    why = models.CharField(max_length=200)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    actor_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField(auto_now_add=True)
    removed = models.JSONField(default=dict)  # what -> how many
    hashes = models.JSONField(default=list)  # [candidate, SHA-256 of the text]
    left = models.JSONField(default=list)  # sentences: what could not be removed from here
    waits_for = models.CharField(max_length=500, blank=True)  # why it is not complete yet
    completed_at = models.DateTimeField(null=True, blank=True)

    project_path = "project"
    objects = MemberQuerySet["Erasure"].as_manager()

    class Meta:
        default_permissions = ("view",)
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="PURGE", essay_id__isnull=True) | Q(kind="WITHDRAWAL", essay_id__isnull=False),
                name="a_withdrawal_is_of_one_essay",
            ),
            models.UniqueConstraint(fields=["assessment_id"], condition=Q(kind="PURGE"), name="purged_once"),
            models.UniqueConstraint(fields=["essay_id"], condition=Q(kind="WITHDRAWAL"), name="withdrawn_once"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(completed_at__isnull=True), name="erasure_under_way")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.candidate or self.assessment_slug}"
