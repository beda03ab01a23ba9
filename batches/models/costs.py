"""What was paid, by day: a page about a month adds up a few rows instead of a million items."""

from django.db import models

from batches.models.accounts import Judge
from batches.models.assessment import Assessment
from batches.models.fields import UsdField
from batches.models.project import MemberQuerySet


class DayCost(models.Model):
    """What one assessment paid for one judge on one day of the installation's zone, booked as its items end."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="day_costs")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    cost_usd = UsdField(default=0)
    n_items = models.PositiveIntegerField("items", default=0)

    project_path = "assessment__project"
    objects = MemberQuerySet["DayCost"].as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["day", "id"]
        constraints = [models.UniqueConstraint(fields=["assessment", "judge", "day"], name="day_cost_once")]
        indexes = [models.Index(fields=["day", "assessment"], name="day_cost_by_day")]

    def __str__(self) -> str:
        return f"{self.assessment_id} {self.day}: {self.cost_usd}"
