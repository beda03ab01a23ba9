"""What each assessment has in a job: pages about jobs add up a few rows instead of ten thousand items."""

from functools import reduce
from operator import add

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from batches.models.assessment import Assessment
from batches.models.fields import UsdField
from batches.models.jobs import BatchItem, BatchJob
from batches.models.project import MemberQuerySet

OUTCOMES = {outcome: f"n_{outcome.lower()}" for outcome in BatchItem.Outcome.values}  # outcome -> the column of either
ENDED = reduce(add, map(F, OUTCOMES.values()))


class JobPart(models.Model):
    """The items of one assessment in one job, counted as they are written and as they end."""

    job = models.ForeignKey(BatchJob, on_delete=models.PROTECT, related_name="parts", db_index=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="job_parts", db_index=False)
    n_items = models.PositiveIntegerField(_("items"), default=0)
    n_succeeded = models.PositiveIntegerField(default=0)
    n_invalid = models.PositiveIntegerField(default=0)
    n_errored = models.PositiveIntegerField(default=0)
    n_expired = models.PositiveIntegerField(default=0)
    n_cancelled = models.PositiveIntegerField(default=0)
    n_missing = models.PositiveIntegerField(default=0)
    n_lost = models.PositiveIntegerField(default=0)
    reserved_usd = UsdField(default=0)
    cost_usd = UsdField(default=0)

    project_path = "assessment__project"
    objects = MemberQuerySet["JobPart"].as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["-job_id", "assessment_id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "assessment"], name="job_part_once"),
            models.CheckConstraint(condition=models.Q(n_items__gte=ENDED), name="a_part_ends_once"),
        ]
        indexes = [models.Index(fields=["assessment", "-job"], name="job_part_by_assessment")]

    def __str__(self) -> str:
        return f"{self.n_items} of {self.job}"
