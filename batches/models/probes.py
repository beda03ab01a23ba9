"""What a judge did when it was put to the test, and when."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from batches.models.accounts import Judge
from batches.models.assessment import Assessment
from batches.models.project import MemberQuerySet


class Probe(models.Model):
    """One probe of a judge. Its comparisons and its money are those of an assessment of its own."""

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="probes")
    assessment = models.OneToOneField(Assessment, on_delete=models.CASCADE, related_name="probe")
    asked = models.JSONField(default=list, editable=False)  # [[comparison, kind, name, place]], see judging.probing
    figures = models.JSONField(default=dict, blank=True, editable=False)  # once finished
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "assessment__project"
    objects = MemberQuerySet["Probe"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at=None, figures={}) | Q(finished_at__isnull=False) & ~Q(figures={}),
                name="finished_probe_has_figures",
            )
        ]

    def __str__(self) -> str:
        return str(self.assessment)
