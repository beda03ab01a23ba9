"""A comparison in one person's hands, and the answer that they may still take back."""

from django.db import models
from django.db.models import Q

from batches.models.accounts import Judge
from batches.models.assessment import Assessment
from batches.models.judging import Comparison, Judgement
from batches.models.project import MemberQuerySet


class Claim(models.Model):
    """One person has this pair before them until it lapses; their answer is a draft until they move on."""

    comparison = models.OneToOneField(Comparison, primary_key=True, on_delete=models.CASCADE, related_name="claim")
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="claims", db_index=False)
    judge = models.ForeignKey(Judge, on_delete=models.CASCADE, related_name="claims", db_index=False)
    taken_at = models.DateTimeField()
    lapses_at = models.DateTimeField()
    winner = models.CharField(max_length=1, choices=Judgement.Winner, blank=True)
    comment = models.TextField(blank=True)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    project_path = "assessment__project"
    objects = MemberQuerySet["Claim"].as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["judge", "assessment"], name="one_pair_at_a_time"),
            models.CheckConstraint(
                condition=Q(winner="", answered_at=None) | Q(winner__in=["A", "B"], answered_at__isnull=False),
                name="draft_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=1, confidence__lte=5),
                name="draft_confidence_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge}: {self.comparison_id}"
