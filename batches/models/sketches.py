"""A new assessment while somebody is still describing it: kept on the server, gone once it is made or too old."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from batches.models.assessment import EssayPage
from batches.models.project import Project


class Sketch(models.Model):
    """What a person has said so far of an assessment to be. Nothing of it is judged, counted or paid for.

    One for each person, so that what is kept of unfinished work is bounded.
    """

    maker = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sketch")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    given = models.JSONField(default=dict, blank=True)  # field -> value, as the forms took them
    source = models.CharField(max_length=300, blank=True)  # what the essays were read from
    ignored_columns = models.JSONField(default=list, blank=True)
    touched_at = models.DateTimeField(auto_now=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "project"

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.given.get("title", ""))


class SketchEssay(models.Model):
    """One essay as it was read from an upload."""

    sketch = models.ForeignKey(Sketch, on_delete=models.CASCADE, related_name="essays")
    candidate = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    anchor_score = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    source = models.CharField(max_length=300)  # the file, or the row of a sheet
    n_words = models.PositiveIntegerField(default=0)
    n_pages = models.PositiveSmallIntegerField(default=0)
    n_names = models.PositiveIntegerField(default=0)  # that will be replaced before anything leaves
    n_emails = models.PositiveIntegerField(default=0)
    n_phones = models.PositiveIntegerField(default=0)
    suspicions = models.JSONField(null=True, blank=True)  # kind -> [[start, end, detail]]; null: not looked through yet

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["sketch", "candidate"], name="candidate_once_per_sketch"),
            models.CheckConstraint(condition=~Q(text="") | Q(n_pages__gt=0), name="sketched_essay_can_be_read"),
        ]
        indexes = [
            models.Index(fields=["sketch"], condition=Q(suspicions__isnull=True), name="sketched_essay_to_scan"),
        ]

    def __str__(self) -> str:
        return self.candidate


class SketchPage(models.Model):
    """One page image of such an essay."""

    essay = models.ForeignKey(SketchEssay, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveSmallIntegerField()
    media_type = models.CharField(max_length=20, choices=EssayPage.MediaType)
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.essay}, page {self.number}"
