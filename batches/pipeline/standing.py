"""An assessment -> where it stands: what is happening, what it cost, what to do next."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q
from django.utils import timezone

from batches.conf import cj_settings
from batches.models import Assessment, BatchJob, Comparison, Judge, ProviderAccount, Scale
from batches.models.judging import Round
from batches.pipeline import fits, triggers
from batches.pipeline.outlook import Outlook, outlook
from batches.pipeline.triggers import Gathering

Status = Comparison.Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One look at an assessment."""

    n_essays: int
    n_rounds: int
    waiting: int  # PENDING, submitted or not
    unsubmitted: int  # of those, not let go yet
    held: int  # of those, held until staff submit them again
    in_flight: int
    judged: int
    failed: int
    withdrawn: int
    jobs_live: int
    jobs_needing_attention: int
    reserved_usd: Decimal
    spent_usd: Decimal
    left_usd: Decimal
    budget_usd: Decimal
    overrun_usd: Decimal
    latest_scale: Scale | None
    scorable: int  # judged comparisons that enter a scale: an experiment's do not
    is_local: bool
    strategy: str
    strategy_source: str
    fail_reasons: list[tuple[str, int]]
    account_trouble: str
    gathering: list[Gathering]  # what waits for company or for the night, with counts, thresholds and times
    warnings: list[str]  # judges whose models retire soon
    outlook: Outlook  # what the newest scale should reach, and what that still takes

    @property
    def scale_is_current(self) -> bool:
        """Whether the latest scale holds everything that could enter one."""
        return self.latest_scale is not None and self.latest_scale.n_comparisons == self.scorable

    @property
    def comparisons(self) -> int:
        return self.waiting + self.in_flight + self.judged + self.failed + self.withdrawn

    @property
    def resolved(self) -> int:
        return self.judged + self.failed + self.withdrawn

    @property
    def gathered(self) -> int:
        """Comparisons let go by staff that nothing has released yet."""
        return sum(one.own for one in self.gathering)

    @property
    def moving(self) -> int:
        """Comparisons that will be resolved without anybody doing anything."""
        return self.in_flight + self.waiting - self.unsubmitted - self.held

    @property
    def happening(self) -> str:
        """What is going on, in one sentence: the first row that holds."""
        rows = (
            (
                self.jobs_needing_attention,
                f"{_plural(self.jobs_needing_attention, 'batch job')} cannot go on without you.",
            ),
            (self.moving and self.account_trouble, self.account_trouble),
            (
                self.in_flight,
                f"{_plural(self.in_flight, 'comparison')} under way in {_plural(self.jobs_live, 'batch job')}.",
            ),
            (self.gathering, " ".join(_gathering(one) for one in self.gathering)),
            (self.moving, f"{_plural(self.moving, 'comparison')} about to leave."),
            (self.held, f"{_plural(self.held, 'comparison')} held back."),
            (self.unsubmitted, f"{_plural(self.unsubmitted, 'comparison')} planned, nothing submitted."),
            (self.judged, f"Nothing is under way; {_plural(self.judged, 'comparison')} judged."),
            (True, "Nothing is under way."),
        )
        return next(sentence for holds, sentence in rows if holds)

    @property
    def next_action(self) -> str:
        return self._next[0]

    @property
    def next_step(self) -> str:
        return self._next[1]

    @property
    def _next(self) -> tuple[str, str]:
        """The action to offer, and the sentence that goes with it: the first row that holds."""
        rows = (
            (self.jobs_needing_attention, "attention", "Look at the batch jobs that need attention."),
            (self.n_essays < 2, "load", "Load at least two essays."),
            (self.moving, "wait", "Wait: this page shows how far it has come."),
            (self.overrun_usd, "budget", "The budget is overrun: raise it before anything else is submitted."),
            (self.held, "submit", "Some comparisons are held back, by a cancel or by the budget: submit them again."),
            (self.unsubmitted, "submit", "Submit the planned comparisons."),
            (self.failed and not self.judged, "retry", "Every comparison failed: see why, then retry them."),
            (self.scorable and not self.scale_is_current, "score", "Compute the scale."),
            (self.failed, "retry", "Some comparisons failed: see why, then retry them or go on without."),
            (not self.scorable and not self.latest_scale, "plan", "Plan a round."),
            (
                self.latest_scale and not self.latest_scale.published_at and self.outlook.reached,
                "publish",
                "What this assessment should reach is reached: look at the scale and publish it.",
            ),
            (
                self.latest_scale and not self.latest_scale.published_at and self.outlook.goals,
                "plan",
                "Plan another round: what this assessment should reach is not reached yet.",
            ),
            (
                self.latest_scale and not self.latest_scale.published_at,
                "publish",
                "Publish the scale, or plan another round to make it more reliable.",
            ),
            (True, "done", "The scale is published; another round can still be planned."),
        )
        return next((action, sentence) for holds, action, sentence in rows if holds)


def standing(assessment: Assessment) -> Standing:
    """Look at an assessment: a bounded number of queries, whatever its size."""
    assessment.refresh_from_db(
        fields=[
            *("reserved_usd", "spent_usd", "budget_usd", "overrun_usd", "overrides"),
            *("target_reliability", "target_certain_grades"),
        ]
    )
    scale = assessment.scales.defer("judgement_ids").order_by("-number").first()
    jobs = _jobs(assessment)
    strategy = next(row for row in cj_settings.effective(assessment) if row.key == "llm_batching_strategy")
    return Standing(
        n_essays=assessment.essays.filter(withdrawn_at=None).count(),
        n_rounds=assessment.rounds.count(),
        **_counts(assessment),
        jobs_live=sum(jobs.values()),
        jobs_needing_attention=jobs[BatchJob.Status.NEEDS_ATTENTION],
        reserved_usd=assessment.reserved_usd,
        spent_usd=assessment.spent_usd,
        left_usd=assessment.left_usd,
        budget_usd=assessment.budget_usd,
        overrun_usd=assessment.overrun_usd,
        latest_scale=scale,
        scorable=_scorable(assessment),
        is_local=is_local(assessment),
        strategy=strategy.value,
        strategy_source=strategy.source,
        fail_reasons=_fail_reasons(assessment),
        account_trouble=_account_trouble(assessment),
        gathering=triggers.gatherings(Comparison.objects.filter(round__assessment=assessment)),
        outlook=outlook(assessment, scale),
        warnings=fits.retirement_warnings(assessment.judges.filter(kind=Judge.Kind.MODEL)),
    )


def is_local(assessment: Assessment) -> bool:
    """Whether what it says comes from the local provider's judge."""
    return assessment.judges.filter(account__is_local=True).exists()


def _counts(assessment: Assessment) -> dict[str, int]:
    mine = Comparison.objects.filter(round__assessment=assessment)
    by_status = dict(mine.order_by().values_list("status").annotate(n=Count("pk")))
    pending = mine.filter(status=Status.PENDING).aggregate(
        unsubmitted=Count("pk", filter=Q(round__submitted_at=None)),
        held=Count("pk", filter=Q(held=True, round__submitted_at__isnull=False)),
    )
    names = {
        "waiting": Status.PENDING,
        "in_flight": Status.IN_FLIGHT,
        "judged": Status.JUDGED,
        "failed": Status.FAILED,
        "withdrawn": Status.WITHDRAWN,
    }
    return {name: by_status.get(status, 0) for name, status in names.items()} | pending


def _jobs(assessment: Assessment) -> Counter[str]:
    mine = BatchJob.objects.filter(
        status__in=BatchJob.LIVE, items__comparison__round__assessment=assessment, items__outcome=None
    )
    return Counter(dict(mine.order_by().values_list("status").annotate(n=Count("pk", distinct=True))))


def _scorable(assessment: Assessment) -> int:
    return Comparison.objects.filter(
        round__assessment=assessment, round__purpose=Round.Purpose.SCALE, status=Status.JUDGED, set_aside=None
    ).count()


def _fail_reasons(assessment: Assessment) -> list[tuple[str, int]]:
    failed = Comparison.objects.filter(round__assessment=assessment, status=Status.FAILED)
    return list(failed.order_by().values_list("fail_reason").annotate(n=Count("pk")).order_by("-n", "fail_reason"))


def _account_trouble(assessment: Assessment) -> str:
    """What keeps an account of this assessment's judges from being used, if anything does."""
    accounts = ProviderAccount.objects.filter(judges__assessments=assessment).distinct()
    for account in accounts.exclude(paused_at=None):
        return f"The account {account.alias} is paused: {account.paused_reason}"
    for account in accounts.exclude(last_error=""):
        return f"{account.get_provider_display()} cannot be used at the moment: {account.last_error}"
    return ""


def _gathering(one: Gathering) -> str:
    return f"{one.sentence} They leave by {timezone.localtime(one.leaves_by):%-d %B, %H:%M} at the latest."


def _plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
