"""An assessment -> where it stands: what is happening, what it cost, what to do next."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.conf import cj_settings
from batches.models import Assessment, Comparison, Judge, Round, Scale
from batches.models.judging import GATHERING
from batches.pipeline import canaries, fits, triggers
from batches.pipeline.outlook import Outlook, outlook
from batches.pipeline.progress import Progress, progress
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
    with_people: int  # of those, let go, and waiting for people to judge them
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
    is_purged: bool
    strategy: str
    strategy_source: str
    fail_reasons: list[tuple[str, int]]
    account_trouble: str
    gathering: list[Gathering]  # what waits for company or for the night, with counts, thresholds and times
    held_rounds: list[Round]  # whose judges missed known pairs: a person decides about each
    warnings: list[str]  # those rounds, judges whose models retire soon
    outlook: Outlook  # what the newest scale should reach, and what that still takes
    judges: list[Judge]
    progress: Progress  # the counters that all this was said by

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
        return self.in_flight + self.waiting - self.unsubmitted - self.held - self.with_people

    @property
    def happening(self) -> str:
        """What is going on, in one sentence: the first row that holds."""
        rows = (
            (self.jobs_needing_attention, self._stuck),
            (self.moving and self.account_trouble, self.account_trouble),
            (self.in_flight, self._under_way),
            (self.gathering, " ".join(_gathering(one) for one in self.gathering)),
            (self.moving, _leaving(self.moving)),
            (self.held, _held(self.held)),
            (self.with_people, _with_people(self.with_people)),
            (self.unsubmitted, _planned(self.unsubmitted)),
            (self.judged, _judged(self.judged)),
            (True, _("Nothing is under way.")),
        )
        return next(sentence for holds, sentence in rows if holds)

    @property
    def _decide(self) -> str:
        number = self.held_rounds[0].number if self.held_rounds else ""
        return _("Decide about round %(number)s: its judge missed too many known pairs.") % {"number": number}

    @property
    def _stuck(self) -> str:
        n = self.jobs_needing_attention
        words = ngettext("{n} batch job cannot go on without you.", "{n} batch jobs cannot go on without you.", n)
        return words.format(n=f"{n:,}")

    @property
    def _under_way(self) -> str:
        jobs = ngettext("{n} batch job", "{n} batch jobs", self.jobs_live).format(n=f"{self.jobs_live:,}")
        n = self.in_flight
        words = ngettext("{n} comparison under way in {jobs}.", "{n} comparisons under way in {jobs}.", n)
        return words.format(n=f"{n:,}", jobs=jobs)

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
            (self.jobs_needing_attention, "attention", _("Look at the batch jobs that need attention.")),
            (self.is_purged, "done", _("Nothing: its texts were removed for good. Scores, counts and money stay.")),
            (self.n_essays < 2, "load", _("Load at least two essays.")),
            (self.moving, "wait", _("Wait: this page shows how far it has come.")),
            (self.overrun_usd, "budget", _("The budget is overrun: raise it before anything else is submitted.")),
            (
                self.held,
                "submit",
                _("Some comparisons are held back, by a cancel or by the budget: submit them again."),
            ),
            (self.held_rounds, "decide", self._decide),
            (self.unsubmitted, "submit", _("Submit the planned comparisons.")),
            (self.failed and not self.judged, "retry", _("Every comparison failed: see why, then retry them.")),
            (self.scorable and not self.scale_is_current, "score", _("Compute the scale.")),
            (self.failed, "retry", _("Some comparisons failed: see why, then retry them or go on without.")),
            (self.with_people and not self.judged, "people", _("Wait for the people who judge, or remind them.")),
            (not self.scorable and not self.latest_scale, "plan", _("Plan a round.")),
            (
                self.latest_scale and not self.latest_scale.published_at and self.outlook.reached,
                "publish",
                _("What this assessment should reach is reached: look at the scale and publish it."),
            ),
            (
                self.latest_scale and not self.latest_scale.published_at and self.outlook.goals,
                "plan",
                _("Plan another round: what this assessment should reach is not reached yet."),
            ),
            (
                self.latest_scale and not self.latest_scale.published_at,
                "publish",
                _("Publish the scale, or plan another round to make it more reliable."),
            ),
            (True, "done", _("The scale is published; another round can still be planned.")),
        )
        return next((action, sentence) for holds, action, sentence in rows if holds)


def standing(assessment: Assessment) -> Standing:
    """Look at an assessment as it is now: a bounded number of queries, whatever its size."""
    assessment.refresh_from_db(
        fields=[
            *("reserved_usd", "spent_usd", "budget_usd", "overrun_usd", "overrides"),
            *("target_reliability", "target_certain_grades"),
        ]
    )
    return look(assessment)


def look(assessment: Assessment, *, now: Progress | None = None, n_essays: int | None = None) -> Standing:
    """The same for an assessment that was read this moment: from its counters, never comparison by comparison.

    `now`, `n_essays`: its counters, where the caller has them.
    """
    scale = assessment.scales.defer("judgement_ids").order_by("-number").first()
    now = now or progress(assessment, newest=scale)
    counts = now.counts
    judges = list(assessment.judges.select_related("account", "user"))
    strategy = next(row for row in cj_settings.effective(assessment) if row.key == "llm_batching_strategy")
    held_rounds = [one for one in reversed(now.all_rounds) if one.trust == Round.Trust.HELD]
    return Standing(
        n_essays=assessment.essays.filter(withdrawn_at=None).count() if n_essays is None else n_essays,
        n_rounds=now.rounds,
        **{name: getattr(counts, name) for name in COUNTED},
        with_people=now.with_people,
        jobs_live=now.jobs_live,
        jobs_needing_attention=now.jobs_needing_attention,
        reserved_usd=assessment.reserved_usd,
        spent_usd=assessment.spent_usd,
        left_usd=assessment.left_usd,
        budget_usd=assessment.budget_usd,
        overrun_usd=assessment.overrun_usd,
        latest_scale=scale,
        scorable=now.scorable,
        is_local=any(judge.is_local for judge in judges),
        is_purged=assessment.purged_at is not None,
        strategy=strategy.value,
        strategy_source=strategy.source,
        fail_reasons=_fail_reasons(assessment) if counts.failed else [],
        account_trouble=_account_trouble(judges),
        gathering=triggers.gatherings(assessment, judges) if _gather(now) else [],
        outlook=outlook(assessment, scale, judged=now.judged_for_scale),
        held_rounds=held_rounds,
        warnings=[
            *canaries.warnings(held_rounds),
            *fits.retirement_warnings(judge for judge in judges if judge.kind == Judge.Kind.MODEL),
        ],
        judges=judges,
        progress=now,
    )


def _gather(now: Progress) -> bool:
    """Whether comparisons of rounds that were let go may be waiting for company or for the night."""
    gathering = (one for one in now.all_rounds if one.submitted_at and one.strategy in GATHERING)
    return any(now.by_round.get((one.pk, Status.PENDING)) for one in gathering)


COUNTED = ("waiting", "unsubmitted", "held", "in_flight", "judged", "failed", "withdrawn")


def is_local(assessment: Assessment) -> bool:
    """Whether what it says comes from the local provider's judge."""
    return assessment.judges.filter(account__is_local=True).exists()


def _fail_reasons(assessment: Assessment) -> list[tuple[str, int]]:
    failed = Comparison.objects.filter(round__assessment=assessment, status=Status.FAILED)
    return list(failed.order_by().values_list("fail_reason").annotate(n=Count("pk")).order_by("-n", "fail_reason"))


def _account_trouble(judges: Iterable[Judge]) -> str:
    """What keeps an account of these judges from being used, if anything does."""
    accounts = sorted({judge.account for judge in judges if judge.account}, key=lambda one: one.pk)
    for account in accounts:
        if account.paused_at:
            return _("The account {name} is paused: {reason}").format(name=account.alias, reason=account.paused_reason)
    for account in accounts:
        if account.last_error:
            provider = account.get_provider_display()
            return _("{provider} cannot be used at the moment: {reason}").format(
                provider=provider, reason=account.last_error
            )
    return ""


def _gathering(one: Gathering) -> str:
    at = timezone.localtime(one.leaves_by)
    return _("{what} They leave by {time} at the latest.").format(what=one.sentence, time=f"{at:%-d %B, %H:%M}")


def _leaving(n: int) -> str:
    return ngettext("{n} comparison about to leave.", "{n} comparisons about to leave.", n).format(n=f"{n:,}")


def _with_people(n: int) -> str:
    words = ngettext("{n} comparison with the people who judge.", "{n} comparisons with the people who judge.", n)
    return words.format(n=f"{n:,}")


def _held(n: int) -> str:
    return ngettext("{n} comparison held back.", "{n} comparisons held back.", n).format(n=f"{n:,}")


def _planned(n: int) -> str:
    words = ngettext("{n} comparison planned, nothing submitted.", "{n} comparisons planned, nothing submitted.", n)
    return words.format(n=f"{n:,}")


def _judged(n: int) -> str:
    words = ngettext("Nothing is under way; {n} comparison judged.", "Nothing is under way; {n} comparisons judged.", n)
    return words.format(n=f"{n:,}")
