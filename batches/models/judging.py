"""Pairs put before judges, and what the judges said."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from batches.models.accounts import Judge
from batches.models.assessment import Assessment, Essay
from batches.models.project import MemberQuerySet


class Strategy(models.TextChoices):
    """When comparisons leave and how they are packed: `pipeline.strategies` has the table."""

    PER_ROUND = "per_round", _("per round")
    SERIAL_BUNDLE = "serial_bundle", _("serial bundle")
    PROVIDER_BATCH = "provider_batch", _("provider batch")
    ACCUMULATE = "accumulate", _("accumulate")
    NIGHTLY = "nightly", _("nightly")


GATHERING = (Strategy.ACCUMULATE, Strategy.NIGHTLY)  # their comparisons wait until something releases them


class PlannedRounds(models.Manager.from_queryset(MemberQuerySet)):  # type: ignore[misc]
    """The rounds that people plan. The known pairs that watch a round are found through it, or in `everything`."""

    def get_queryset(self) -> MemberQuerySet["Round"]:
        rows: MemberQuerySet[Round] = super().get_queryset()
        return rows.exclude(purpose=Round.Purpose.CANARY)


class Round(models.Model):
    """A pass in which pairs are planned."""

    class Purpose(models.TextChoices):
        SCALE = "SCALE", _("scale")
        LAB = "LAB", _("lab")  # never enters a scale
        CANARY = "CANARY", _("known pairs")  # watches a round: never enters a scale, an export or a callback

    class Trust(models.TextChoices):
        """What the known pairs of a round say about its judgements. Moves by `trust_moves_legally`, a trigger."""

        OPEN = "", _("nothing against them")
        HELD = "HELD", _("held")  # too many were missed: no scale uses the round until a person decides
        RELEASED = "RELEASED", _("used all the same")
        ASKED_AGAIN = "ASKED_AGAIN", _("asked again")  # in another round; no scale ever uses this one

    TRUSTED = (Trust.OPEN, Trust.RELEASED)

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.SCALE)
    pairing = models.CharField(max_length=10, choices=Assessment.Pairing)
    seed = models.BigIntegerField()
    strategy = models.CharField(max_length=20, choices=Strategy)
    n_comparisons = models.PositiveIntegerField(_("comparisons"))
    watches = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="canaries", editable=False
    )
    weighed_at = models.DateTimeField(null=True, blank=True, editable=False)  # known pairs: all of them are resolved
    trust = models.CharField(max_length=11, choices=Trust, default=Trust.OPEN, blank=True, editable=False)
    correlation_id = models.UUIDField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Given by whoever planned or submitted it; else the assessment's."),
    )
    submitted_at = models.DateTimeField(null=True, blank=True, help_text=_("When staff let its comparisons go."))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "assessment__project"
    objects = PlannedRounds()
    everything = MemberQuerySet["Round"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "number"], condition=Q(watches=None), name="round_number_once"
            ),
            models.CheckConstraint(condition=Q(strategy__in=Strategy.values), name="known_strategy"),
            models.CheckConstraint(
                condition=Q(purpose="CANARY", watches__isnull=False) | ~Q(purpose="CANARY") & Q(watches=None),
                name="known_pairs_watch_a_round",
            ),
            models.CheckConstraint(condition=Q(trust="") | Q(purpose="SCALE"), name="only_scale_rounds_are_held"),
        ]
        indexes = [
            models.Index(fields=["watches"], condition=Q(purpose="CANARY", weighed_at=None), name="canaries_unweighed"),
        ]
        permissions = [("decide_round", "Can decide about a round whose judge missed known pairs")]

    def __str__(self) -> str:
        name = _("%(assessment)s · round %(number)s") % {"assessment": self.assessment, "number": self.number}
        return str(_("%(round)s, known pairs") % {"round": name}) if self.watches_id else str(name)


class ComparisonQuerySet(MemberQuerySet["Comparison"]):
    def advance(self, to: str, **changes: Any) -> int:
        """Move on to `to` those that legally can; the number that moved."""
        return self.filter(status__in=Comparison.sources(to)).update(status=to, **changes)

    def due(self) -> "ComparisonQuerySet":
        """Comparisons of model judges that may leave now: let go by staff, released where their strategy gathers."""
        from batches.models.fields import DatabaseClock

        return self.filter(
            Q(not_before__isnull=True) | Q(not_before__lte=DatabaseClock()),
            Q(released_at__isnull=False) | ~Q(round__strategy__in=GATHERING),
            status=Comparison.Status.PENDING,
            held=False,
            round__submitted_at__isnull=False,
            judge__kind=Judge.Kind.MODEL,
        )


class Comparison(models.Model):
    """A pair put before a judge: essay_a is read first."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("waiting")
        IN_FLIGHT = "IN_FLIGHT", _("in flight")
        JUDGED = "JUDGED", _("judged")
        FAILED = "FAILED", _("failed")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")

    MOVES = {
        Status.PENDING: {Status.IN_FLIGHT, Status.JUDGED, Status.WITHDRAWN},
        Status.IN_FLIGHT: {Status.PENDING, Status.JUDGED, Status.FAILED, Status.WITHDRAWN},
        Status.FAILED: {Status.PENDING, Status.WITHDRAWN},
        Status.JUDGED: {Status.WITHDRAWN},
        Status.WITHDRAWN: set[Status](),
    }

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="comparisons")
    essay_a = models.ForeignKey(Essay, on_delete=models.PROTECT, related_name="comparisons_first")
    essay_b = models.ForeignKey(Essay, on_delete=models.PROTECT, related_name="comparisons_second")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="comparisons")
    replicate = models.PositiveSmallIntegerField(default=0)
    is_random = models.BooleanField(default=False, editable=False)  # drawn without looking at scores
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING, editable=False)
    fail_reason = models.CharField(max_length=60, blank=True, editable=False)
    fail_detail = models.CharField(max_length=500, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    revision = models.PositiveSmallIntegerField(default=0, editable=False, help_text=_("How often it was resolved."))
    held = models.BooleanField(default=False, editable=False, help_text=_("Waits until staff submit it again."))
    released_at = models.DateTimeField(null=True, blank=True, editable=False)  # when accumulate or nightly let it leave
    strategy = models.CharField(max_length=20, blank=True, editable=False)  # where it leaves otherwise than its round
    not_before = models.DateTimeField(null=True, blank=True, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)

    project_path = "round__assessment__project"
    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["round", "essay_a", "essay_b", "judge", "replicate"], name="pair_once_per_round"
            ),
            models.CheckConstraint(condition=~Q(essay_a=F("essay_b")), name="two_different_essays"),
            models.CheckConstraint(
                condition=Q(status="FAILED") & ~Q(fail_reason="") | ~Q(status="FAILED") & Q(fail_reason=""),
                name="failed_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["PENDING", "IN_FLIGHT", "JUDGED", "FAILED", "WITHDRAWN"]),
                name="known_comparison_status",
            ),
        ]
        indexes = [
            models.Index(fields=["round", "status"], name="comparison_by_round"),
            models.Index(fields=["judge", "id"], condition=Q(status="PENDING"), name="comparison_waiting"),
            models.Index(fields=["status", "-id"], name="comparison_by_status"),
            models.Index(
                fields=["round", "judge"], condition=Q(status="PENDING", released_at=None), name="comparison_gathering"
            ),
        ]
        permissions = [
            ("retry_comparison", "Can retry failed comparisons (spends money)"),
            ("judge_comparison", "Can judge comparisons, where named as a judge"),
        ]

    def __str__(self) -> str:
        return f"{self.essay_a} / {self.essay_b}"

    @classmethod
    def sources(cls, to: str) -> Iterable[str]:
        """The states from which `to` can be reached."""
        return [source for source, targets in cls.MOVES.items() if to in targets]


class Judgement(models.Model):
    """What the judge said. Insert-only; a trigger ties it to a JUDGED comparison."""

    class Winner(models.TextChoices):
        A = "A", _("first")
        B = "B", _("second")

    comparison = models.OneToOneField(Comparison, primary_key=True, on_delete=models.PROTECT, related_name="judgement")
    item = models.OneToOneField(
        "batches.BatchItem", null=True, blank=True, on_delete=models.PROTECT, related_name="judgement"
    )
    winner = models.CharField(max_length=1, choices=Winner)
    justification = models.TextField(blank=True)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True)
    told = models.BooleanField(null=True, blank=True)  # the judge says that an essay speaks to it; null: not asked
    seconds = models.PositiveIntegerField(null=True, blank=True)  # a person took from seeing the pair to the answer
    created_at = models.DateTimeField(auto_now_add=True)

    project_path = "comparison__round__assessment__project"
    objects = MemberQuerySet["Judgement"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(winner__in=["A", "B"]), name="winner_is_a_or_b"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=1, confidence__lte=5), name="confidence_1_to_5"
            ),
            models.CheckConstraint(
                condition=Q(item__isnull=True) | Q(confidence__isnull=False), name="model_states_its_confidence"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.comparison_id}: {self.winner}"
