"""The names of pupils, apart from everything else: no essay points at them, and no prompt is ever joined with them."""

from django.db import models

from batches.models.assessment import Assessment
from batches.models.project import Project


class RosterName(models.Model):
    """A name that never leaves: of a whole project, or of one of its assessments."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="roster")
    assessment = models.ForeignKey(
        Assessment, null=True, blank=True, on_delete=models.CASCADE, related_name="roster"
    )  # null: all of the project
    name = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "assessment", "name"], nulls_distinct=False, name="name_once_on_a_roster"
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="roster_name_is_not_empty"),
        ]
        permissions = [
            ("manage_roster", "Can see and change the names of pupils, and what is replaced by placeholders")
        ]

    def __str__(self) -> str:
        return f"name {self.pk}"  # never the name: this stands in logs and messages
