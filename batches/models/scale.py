"""One fit of an assessment's judgements."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from batches.models.assessment import Assessment, Essay
from batches.models.project import MemberQuerySet


class Scale(models.Model):
    """Scores, errors and fit from one set of judgements. A trigger freezes it once published."""

    class Estimator(models.TextChoices):
        MAP = "map", "MAP"
        MLE = "mle", _("maximum likelihood")
        SIRT = "sirt", "sirt"

    class GradesSource(models.TextChoices):
        NONE = "", _("no grades")
        ANCHORS = "anchors", _("from anchors")
        STAFF = "staff", _("set by staff")

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="scales")
    number = models.PositiveIntegerField()
    estimator = models.CharField(max_length=10, choices=Estimator, default=Estimator.MAP)
    is_local = models.BooleanField(_("local"), default=False)
    judgement_ids = ArrayField(models.BigIntegerField(), editable=False)  # the comparisons it was made from
    judgements_sha256 = models.CharField(max_length=64, editable=False)  # over ids and winners, in order
    n_essays = models.PositiveIntegerField(_("essays"))
    n_comparisons = models.PositiveIntegerField(_("judgements"))
    connected = models.BooleanField()
    components = models.PositiveIntegerField()
    position_bias = models.FloatField(null=True)
    position_bias_se = models.FloatField(null=True)
    sigma = models.FloatField(null=True)
    eb_reliability = models.FloatField(_("EB reliability"), null=True)
    eb_reliability_low = models.FloatField(null=True)  # 95 % interval
    eb_reliability_high = models.FloatField(null=True)
    told_from_noise = models.BooleanField(null=True)  # False: a judge who tosses coins may leave such a scale
    scale_separation_reliability = models.FloatField(_("SSR, classic"), null=True)
    scaled_mean = models.FloatField(null=True)  # of the scaled scores, as the assessment had them
    scaled_sd = models.FloatField(null=True)
    grades = models.JSONField(
        default=list, editable=False
    )  # lowest first: {"name", "from": logits, null for the lowest}
    grades_source = models.CharField(max_length=10, choices=GradesSource, default=GradesSource.NONE, blank=True)
    report = models.JSONField(default=dict, editable=False)  # pipeline.report: checks that do not rest on the fit
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    project_path = "assessment__project"
    objects = MemberQuerySet["Scale"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["assessment", "number"], name="scale_number_once"),
            models.CheckConstraint(condition=Q(scaled_sd__isnull=True) | Q(scaled_sd__gt=0), name="scaled_sd_positive"),
            models.CheckConstraint(condition=Q(grades_source__in=["", "anchors", "staff"]), name="known_grades_source"),
        ]
        permissions = [
            ("publish_scale", "Can publish a scale"),
            ("set_grades", "Can set grade boundaries"),
        ]

    def __str__(self) -> str:
        return str(_("%(assessment)s · scale %(number)s") % {"assessment": self.assessment, "number": self.number})


class Score(models.Model):
    """One essay on one scale."""

    scale = models.ForeignKey(Scale, on_delete=models.CASCADE, related_name="scores")
    essay = models.ForeignKey(Essay, on_delete=models.PROTECT, related_name="scores")
    component = models.PositiveIntegerField()
    n = models.PositiveIntegerField(_("judgements"))
    wins = models.PositiveIntegerField()
    logit = models.FloatField(null=True)
    standard_error = models.FloatField(null=True)
    standard_error_sirt = models.FloatField(null=True)
    infit = models.FloatField(null=True)
    outfit = models.FloatField(null=True)
    rank = models.PositiveIntegerField(null=True)
    rank_low = models.PositiveIntegerField(null=True)  # 95 %: the best rank that it plausibly has
    rank_high = models.PositiveIntegerField(null=True)
    scaled_score = models.FloatField(null=True)
    scaled_error = models.FloatField(null=True)
    separated = models.BooleanField(null=True)  # stands clear (95 %) of the essay ranked next below
    flips = models.PositiveSmallIntegerField(default=0)  # pairs read both ways round in which the winner changed
    grade = models.CharField(max_length=20, blank=True)  # the likeliest
    grade_probability = models.FloatField(null=True)
    grade_probabilities = ArrayField(models.FloatField(), default=list, editable=False)  # in the order of scale.grades

    project_path = "scale__assessment__project"
    objects = MemberQuerySet["Score"].as_manager()

    class Meta:
        ordering = ["rank", "id"]
        constraints = [models.UniqueConstraint(fields=["scale", "essay"], name="score_once_per_scale")]

    def __str__(self) -> str:
        return f"{self.essay}: {self.logit}"
