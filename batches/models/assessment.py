"""Essays judged on one rubric, and the money they may cost."""

import hashlib
import uuid
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from batches.models.accounts import Judge
from batches.models.fields import UsdField
from batches.models.project import MemberQuerySet, Project


class Assessment(models.Model):
    """A set of essays put before judges on one rubric."""

    class Pairing(models.TextChoices):
        BALANCED = "balanced", _("balanced")
        RANDOM = "random", _("random")
        ADAPTIVE = "adaptive", _("adaptive")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="assessments")
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    instructions = models.TextField(blank=True, help_text=_("The task the pupils were given."))
    rubric = models.TextField(blank=True, help_text=_("What makes one essay better than another."))
    judges = models.ManyToManyField(Judge, through="AssessmentJudge", related_name="assessments", blank=True)
    overrides = models.JSONField(default=dict, blank=True, help_text=_("Settings that differ for this assessment."))
    pairing = models.CharField(max_length=10, choices=Pairing, default=Pairing.ADAPTIVE)
    target_reliability = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    target_certain_grades = models.DecimalField(
        max_digits=4, decimal_places=3, null=True, blank=True
    )  # share of essays
    scaled_mean = models.FloatField(_("mean of the scaled scores"), default=50)
    scaled_sd = models.FloatField(
        _("standard deviation of the scaled scores"), default=10, validators=[MinValueValidator(0.001)]
    )
    deadline = models.DateTimeField(null=True, blank=True)
    correlation_id = models.UUIDField(default=uuid.uuid4, editable=False)

    budget_usd = UsdField(_("budget (USD)"), default=Decimal(20), validators=[MinValueValidator(0)])
    reserved_usd = UsdField(_("reserved (USD)"), default=Decimal(0), editable=False)
    spent_usd = UsdField(_("spent (USD)"), default=Decimal(0), editable=False)
    overrun_usd = UsdField(_("over budget (USD)"), default=Decimal(0), editable=False)

    purged_at = models.DateTimeField(null=True, blank=True, editable=False)  # its texts are gone, its figures stay
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "project"
    objects = MemberQuerySet["Assessment"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved_usd__gte=0, spent_usd__gte=0, overrun_usd__gte=0, budget_usd__gte=0),
                name="money_is_never_negative",
            ),
            models.CheckConstraint(
                condition=Q(budget_usd__gte=F("reserved_usd") + F("spent_usd") - F("overrun_usd")),
                name="reserving_never_passes_the_budget",
            ),
            models.CheckConstraint(
                condition=Q(target_certain_grades__isnull=True)
                | Q(target_certain_grades__gt=0, target_certain_grades__lte=1),
                name="target_certain_grades_is_a_share",
            ),
            models.CheckConstraint(condition=Q(scaled_sd__gt=0), name="scaled_scores_spread"),
        ]
        permissions = [
            ("load_essays", "Can load essays"),
            ("plan_round", "Can plan rounds"),
            ("submit_round", "Can submit rounds (spends money)"),
            ("score_assessment", "Can compute a scale"),
            ("export_results", "Can export results"),
            ("purge_assessment", "Can remove all texts of an assessment for good"),
            ("change_budget", "Can change budgets"),
            ("name_judges", "Can say which people judge, and how much"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def left_usd(self) -> Decimal:
        return max(Decimal(0), self.budget_usd - self.spent_usd - self.reserved_usd)


class AssessmentJudge(models.Model):
    """A judge of an assessment. A trigger keeps local and real accounts apart."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE)
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT)
    quota = models.PositiveIntegerField(null=True, blank=True)  # a person's comparisons at most; null: no limit

    project_path = "assessment__project"
    objects = MemberQuerySet["AssessmentJudge"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["assessment", "judge"], name="judge_once_per_assessment")]

    def __str__(self) -> str:
        return str(self.judge)


class PupilsEssays(models.Manager.from_queryset(MemberQuerySet)):  # type: ignore[misc]
    """The essays that pupils wrote: no list, count or plan of essays ever sees the texts of known pairs."""

    def get_queryset(self) -> MemberQuerySet["Essay"]:
        rows: MemberQuerySet[Essay] = super().get_queryset()
        return rows.filter(known="")


class Essay(models.Model):
    """One candidate's writing. A trigger keeps the text as it was once it has been put in a pair."""

    class Known(models.TextChoices):
        """Texts that no pupil of the assessment wrote: one of a pair of which everybody knows which is better."""

        PUPILS = "", _("a pupil's")
        BETTER = "better", _("known to be better")
        WEAKER = "weaker", _("known to be weaker")

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="essays")
    candidate = models.CharField(max_length=100, help_text=_("A pseudonym, never a name."))
    known = models.CharField(max_length=10, choices=Known, default=Known.PUPILS, blank=True, editable=False)
    text = models.TextField(blank=True)
    text_sha256 = models.CharField(max_length=64, editable=False)
    n_words = models.PositiveIntegerField(_("words"), default=0, editable=False)
    n_pages = models.PositiveSmallIntegerField(_("pages"), default=0, editable=False)
    anchor_score = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    n_names = models.PositiveIntegerField(_("names replaced"), default=0, editable=False)
    n_emails = models.PositiveIntegerField(_("e-mail addresses replaced"), default=0, editable=False)
    n_phones = models.PositiveIntegerField(_("phone numbers replaced"), default=0, editable=False)
    scanned_at = models.DateTimeField(null=True, blank=True, editable=False)  # for words meant for the judge
    left_out = models.JSONField(default=list, blank=True, editable=False)  # [[start, end]]: passages no judge is shown
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)  # withdrawn or purged: for good
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "assessment__project"
    objects = PupilsEssays()
    everything = MemberQuerySet["Essay"].as_manager()

    class Meta:
        ordering = ["assessment_id", "candidate"]
        constraints = [
            models.UniqueConstraint(fields=["assessment", "candidate", "known"], name="candidate_once_per_assessment"),
            models.CheckConstraint(condition=~Q(candidate=""), name="candidate_is_named"),
            models.CheckConstraint(condition=Q(known__in=["", "better", "weaker"]), name="known_to_be_what"),
            models.CheckConstraint(
                condition=~Q(text="") | Q(n_pages__gt=0) | Q(erased_at__isnull=False),
                name="essay_has_something_to_read",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(text="", n_pages=0), name="erased_essay_holds_nothing"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(erased_at__isnull=False), name="withdrawn_means_erased"
            ),
        ]
        permissions = [
            ("withdraw_essay", "Can withdraw a pupil's essay for good"),
            ("export_candidate", "Can export all that is held on one candidate"),
        ]

    def __str__(self) -> str:
        return self.candidate

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the hash and the word count true to the text."""
        self.text_sha256 = hashlib.sha256(self.text.encode()).hexdigest()
        self.n_words = len(self.text.split())
        super().save(*args, **kwargs)


class EssayPage(models.Model):
    """One page of an essay given as images."""

    class MediaType(models.TextChoices):
        PNG = "image/png", "PNG"
        JPEG = "image/jpeg", "JPEG"

    essay = models.ForeignKey(Essay, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveSmallIntegerField()
    media_type = models.CharField(max_length=20, choices=MediaType)
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["essay", "number"], name="page_once_per_essay")]

    def __str__(self) -> str:
        return f"{self.essay}, page {self.number}"
