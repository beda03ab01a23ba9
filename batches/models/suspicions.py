"""What makes an essay worth a second look, what a person decided about it, and the comparisons set aside for it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from batches.models.assessment import Essay
from batches.models.judging import Comparison
from batches.models.project import MemberQuerySet


class Flag(models.Model):
    """One reason to look at an essay. It never counts against the pupil: only a person decides what follows."""

    class Kind(models.TextChoices):
        INSTRUCTION = "instruction", _("speaks to the judge")
        MACHINE = "machine", _("looks like a part of a prompt or of an answer")
        RUBRIC_TALK = "rubric_talk", _("praises itself in a marker's words")
        HIDDEN = "hidden", _("holds characters that nobody sees")
        TURNED = "turned", _("turns the order of reading")
        ENCODED = "encoded", _("holds encoded text")
        LANGUAGE = "language", _("changes to another language")
        TOLD = "told", _("the judge says that it was given instructions")
        PLACE = "place", _("whichever essay is read first (or second) wins")
        FLIPS = "flips", _("judged otherwise when the places are swapped")

    class Verdict(models.TextChoices):
        OPEN = "", _("not looked at yet")
        HARMLESS = "harmless", _("harmless")
        SET_ASIDE = "set_aside", _("judged again without the passage")

    essay = models.ForeignKey(Essay, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=12, choices=Kind)
    evidence = models.JSONField(default=dict, blank=True)  # places [[start, end, detail]]; or counts
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.OPEN, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "essay__assessment__project"
    objects = MemberQuerySet["Flag"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["essay", "kind"], name="flag_once_per_kind"),
            models.CheckConstraint(
                condition=Q(verdict="", decided_at=None) | ~Q(verdict="") & Q(decided_at__isnull=False),
                name="verdict_has_its_time",
            ),
        ]
        indexes = [models.Index(fields=["essay"], condition=Q(verdict=""), name="flag_open")]
        permissions = [("decide_flag", "Can decide what flags of essays mean")]

    def __str__(self) -> str:
        return f"{self.essay}: {self.get_kind_display()}"


class SetAside(models.Model):
    """A comparison whose judgement no scale uses, because an essay in it spoke to the judge. Can be taken back."""

    comparison = models.OneToOneField(Comparison, primary_key=True, on_delete=models.CASCADE, related_name="set_aside")
    essay = models.ForeignKey(Essay, on_delete=models.CASCADE, related_name="set_aside")
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "comparison__round__assessment__project"
    objects = MemberQuerySet["SetAside"].as_manager()

    class Meta:
        verbose_name = _("comparison set aside")
        verbose_name_plural = _("comparisons set aside")

    def __str__(self) -> str:
        return str(self.comparison)
