"""An assessment -> what its page shows: what to do next, what is happening, what it cost, and what came of it."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from batches.admin.job_page import dress
from batches.admin.progress_chart import progress
from batches.admin.rounds import COLOURS as ROUND_COLOURS
from batches.admin.rounds import state_of
from batches.admin.trust import picture, trust
from batches.admin.words import JOB_COLOURS, JOB_SENTENCES, page_of, reason_words, usd
from batches.conf import cj_settings
from batches.models import Assessment, BatchJob, Comparison, Judge, Round, Scale, Score
from batches.models.judging import Strategy
from batches.pipeline import relay, roster
from batches.pipeline.counted import PEOPLE
from batches.pipeline.outlook import Goal
from batches.pipeline.parts import figures_of
from batches.pipeline.progress import Progress
from batches.pipeline.standing import Standing, look
from batches.scale.look_first import REASONS

MOST_ROUNDS, MOST_SCORES, MOST_LOOKED_AT, MOST_LIVE = 20, 10, 8, 5
SOURCES = {
    "assessment": gettext_lazy("chosen for this assessment"),
    "settings": gettext_lazy("set for this installation"),
    "environment": gettext_lazy("set for this installation"),
    "default": gettext_lazy("the default"),
}
# what standing calls the next action: the admin action that does it
ACTIONS = {"plan": "plan", "submit": "submit", "retry": "retry", "score": "score", "budget": "budget"}


def standing_context(request: HttpRequest, assessment: Assessment) -> dict[str, Any]:
    """Everything on the page that Django's own context does not have."""
    essays = roster.counts(assessment)
    moves = live_context(request, assessment, look(assessment, n_essays=essays.live))
    return {
        **moves,
        "people_judges": [judge for judge in moves["judges"] if judge.kind == Judge.Kind.PERSON],
        "settings": [row for row in cj_settings.effective(assessment) if row.overridable],
        "replaced": essays,
        "may_name": request.user.has_perm("batches.manage_roster"),
        "flagged": essays.flagged,
        "may_load": request.user.has_perm("batches.load_essays"),
        "callbacks": _callbacks(request, assessment),
    }


def live_context(request: HttpRequest, assessment: Assessment, now: Standing) -> dict[str, Any]:
    """The part of it that changes while one looks at it."""
    rounds = [one for one in now.progress.all_rounds if one.purpose != Round.Purpose.CANARY][:MOST_ROUNDS]
    jobs = [dress(part.job, figures_of(part)) for part in now.progress.jobs.newest]
    return {
        "now": now,
        "moving": bool(now.moving or now.jobs_live),
        "percent": round(100 * now.resolved / now.comparisons) if now.comparisons else 0,
        "shares": _shares(now),
        "money": _money(now),
        "goals": [_goal(goal) for goal in now.outlook.goals],
        "a_round": _a_round(now, rounds),
        "strategy": Strategy(now.strategy).label,
        "strategy_source": SOURCES.get(now.strategy_source, now.strategy_source),
        "judges": now.judges,
        "next": _next(request, assessment, now),
        "rounds": [_round(one, now) for one in rounds],
        "jobs": [_job(job) for job in jobs],
        "jobs_live": [_live_job(job) for job in jobs if job.status in BatchJob.LIVE][:MOST_LIVE],
        "failures": _failures(assessment, now),
        **_scale(assessment, now.latest_scale),
    }


def live_state(now: Progress) -> list[Any]:
    """What else than its counters changes on the page: the newest jobs, as far as their provider has come."""
    jobs = [part.job for part in now.jobs.newest]
    return [(job.pk, job.status, job.provider_done, job.sent_at) for job in jobs]


def _shares(now: Standing) -> list[dict[str, Any]]:
    """The progress bar's pieces, in the order in which comparisons go through them."""
    pieces = (
        ("judged", now.judged, _("judged")),
        ("failed", now.failed, _("failed")),
        ("withdrawn", now.withdrawn, _("withdrawn")),
        ("in-flight", now.in_flight, _("under way")),
        ("waiting", now.waiting, _("waiting")),
    )
    total = now.comparisons or 1
    return [{"css": css, "n": n, "words": words, "percent": f"{100 * n / total:.2f}"} for css, n, words in pieces if n]


def _money(now: Standing) -> dict[str, Any]:
    budget = now.budget_usd or 1
    return {
        "spent": f"{min(100, 100 * now.spent_usd / budget):.2f}",
        "reserved": f"{min(100, 100 * now.reserved_usd / budget):.2f}",
    }


def _goal(goal: Goal) -> dict[str, str]:
    """What is still needed for one aim, as a line among the money."""
    what = _("To a reliability of {value}") if goal.name == "reliability" else _("To certain grades for {value}")
    value = f"{goal.target:.2f}" if goal.name == "reliability" else f"{goal.target:.0%}"
    return {"what": what.format(value=value), "words": _still_needed(goal)}


def _still_needed(goal: Goal) -> str:
    if goal.reached:
        return _("reached")
    if goal.rounds is None:
        return _("cannot be foreseen yet")
    rounds = ngettext("{n} more round", "{n} more rounds", goal.rounds).format(n=goal.rounds)
    return (
        rounds if goal.cost_usd is None else _("{rounds}, about {cost}").format(rounds=rounds, cost=usd(goal.cost_usd))
    )


def _a_round(now: Standing, rounds: list[Round]) -> Decimal | None:
    """What one more round like the last should cost, going by what was paid so far; None before anything was."""
    if not rounds or not now.judged or not now.spent_usd:
        return None
    return now.spent_usd / now.judged * rounds[0].n_comparisons


def _next(request: HttpRequest, assessment: Assessment, now: Standing) -> dict[str, Any]:
    """The button that goes with the next step: a form that POSTs, a link, or nothing where there is only waiting."""
    if action := ACTIONS.get(now.next_action):
        return {"action": action}
    if now.next_action == "load" and request.user.has_perm("batches.load_essays"):
        return {"href": reverse("admin:batches_assessment_essays", args=[assessment.pk]), "words": _("Add essays")}
    if now.next_action == "people":
        return {"href": reverse("admin:batches_assessment_people", args=[assessment.pk]), "words": _("Who judges")}
    if now.next_action == "decide":
        words = _("Look at round {number}").format(number=now.held_rounds[0].number)
        return {"href": page_of(now.held_rounds[0]), "words": words}
    if now.next_action == "publish" and now.latest_scale:
        words = _("Look at scale {n}").format(n=now.latest_scale.number)
        return {"href": page_of(now.latest_scale), "words": words}
    if now.next_action == "attention":
        stuck = now.progress.jobs.first_stuck
        return {
            "href": reverse("admin:batches_batchjob_change", args=[stuck]),
            "words": _("Look at job {id}").format(id=stuck),
        }
    return {}


def _round(one: Any, now: Standing) -> dict[str, Any]:
    """A round with its counts, which the counters of the whole assessment hold already."""
    one.by_status = {status: now.progress.by_round.get((one.pk, status), 0) for status in Comparison.Status}
    one.with_people = now.progress.by_round.get((one.pk, PEOPLE), 0)
    resolved = (Comparison.Status.JUDGED, Comparison.Status.FAILED, Comparison.Status.WITHDRAWN)
    one.resolved = sum(one.by_status[status] for status in resolved)
    return {"round": one, "state": state_of(one), "colour": ROUND_COLOURS[state_of(one)]}


def _job(job: BatchJob) -> dict[str, Any]:
    return {"job": job, "colour": JOB_COLOURS[job.status], "sentence": JOB_SENTENCES[job.status]}


def _live_job(job: Any) -> dict[str, Any]:
    """A job that is under way: how far it has come, or that its provider does not say."""
    told = _("{n} of {all} answered").format(n=f"{job.own_done:,}", all=f"{job.own_items:,}")
    if job.packing == BatchJob.Packing.PROVIDER_BATCH and job.status in (
        BatchJob.Status.IN_PROGRESS,
        BatchJob.Status.CANCELLING,
    ):
        told = _("the provider gives no count while it works")
        if job.provider_done:
            told = _("{n} of {all} done at the provider").format(n=f"{job.provider_done:,}", all=f"{job.n_items:,}")
    return _job(job) | {"told": told}


def _failures(assessment: Assessment, now: Standing) -> list[dict[str, Any]]:
    address = reverse("admin:batches_comparison_changelist")
    mine = {"round__assessment__id__exact": str(assessment.pk), "status__exact": "FAILED"}
    return [
        {
            "words": _because(n, reason_words(reason)),
            "href": f"{address}?{urlencode(mine | {'fail_reason': reason})}",
        }
        for reason, n in now.fail_reasons
    ]


def _because(n: int, why: str) -> str:
    words = ngettext("{n} comparison because {why}", "{n} comparisons because {why}", n)
    return words.format(n=f"{n:,}", why=why)


def _callbacks(request: HttpRequest, assessment: Assessment) -> dict[str, Any]:
    """Where its callbacks are listed and how many of them wait, for those who may see them."""
    if not request.user.has_perm("batches.view_callback"):
        return {}
    address = reverse("admin:batches_callback_changelist")
    waiting = relay.lag(assessment.pk).waiting  # also while callbacks are off: they wait for a sink then
    return {"href": f"{address}?assessment__id__exact={assessment.pk}", "waiting": waiting}


def _scale(assessment: Assessment, scale: Scale | None) -> dict[str, Any]:
    if scale is None:
        return {"scale": None}
    colour, sentence = trust(scale)
    scores = Score.objects.filter(scale=scale).select_related("essay").defer("essay__text").order_by("rank", "id")
    target = assessment.target_reliability
    return {
        "scale": scale,
        "trust_colour": colour,
        "trust": sentence,
        "chart": picture(scale),
        "scores": list(scores[:MOST_SCORES]),
        "progress": progress(scale.report.get("by_round", []), None if target is None else float(target)),
        "look_first": [
            one | {"why": "; ".join(REASONS[reason] for reason in one["reasons"])}
            for one in scale.report.get("look_first", [])[:MOST_LOOKED_AT]
        ],
    }
