"""An assessment -> what its page shows: where it stands, what it cost, what to do next, and what came of it."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from batches.admin.jobs import own_part
from batches.admin.rounds import COLOURS as ROUND_COLOURS
from batches.admin.rounds import count_by_status, state_of
from batches.admin.trust import picture, trust
from batches.admin.words import JOB_COLOURS, JOB_SENTENCES, page_of, reason_words
from batches.conf import cj_settings
from batches.models import Assessment, BatchItem, BatchJob, Scale, Score
from batches.models.judging import Strategy
from batches.pipeline import relay, roster
from batches.pipeline.standing import Standing, standing
from batches.pipeline.suspect import doubted

MOST_ROUNDS, MOST_JOBS, MOST_SCORES = 20, 15, 10
SOURCES = {
    "assessment": "chosen for this assessment",
    "settings": "set for this installation",
    "environment": "set for this installation",
    "default": "the default",
}
# what standing calls the next action: the admin action that does it
ACTIONS = {"plan": "plan", "submit": "submit", "retry": "retry", "score": "score"}


def standing_context(request: HttpRequest, assessment: Assessment) -> dict[str, Any]:
    """Everything on the page that Django's own context does not have."""
    now = standing(assessment)
    return {
        "now": now,
        "percent": round(100 * now.resolved / now.comparisons) if now.comparisons else 0,
        "shares": _shares(now),
        "money": _money(now),
        "strategy": Strategy(now.strategy).label,
        "strategy_source": SOURCES.get(now.strategy_source, now.strategy_source),
        "settings": [row for row in cj_settings.effective(assessment) if row.overridable],
        "judges": list(assessment.judges.select_related("account", "user")),
        "next": _next(request, assessment, now),
        "replaced": roster.counts(assessment),
        "may_name": request.user.has_perm("batches.manage_roster"),
        "flagged": len(doubted(assessment)),
        "may_load": request.user.has_perm("batches.load_essays"),
        "rounds": _rounds(assessment),
        "jobs": _jobs(request, assessment),
        "failures": _failures(assessment, now),
        "callbacks": _callbacks(request, assessment),
        **_scale(now.latest_scale),
    }


def _shares(now: Standing) -> list[dict[str, Any]]:
    """The progress bar's pieces, in the order in which comparisons go through them."""
    pieces = (
        ("judged", now.judged, "judged"),
        ("failed", now.failed, "failed"),
        ("withdrawn", now.withdrawn, "withdrawn"),
        ("in-flight", now.in_flight, "under way"),
        ("waiting", now.waiting, "waiting"),
    )
    total = now.comparisons or 1
    return [{"css": css, "n": n, "words": words, "percent": f"{100 * n / total:.2f}"} for css, n, words in pieces if n]


def _money(now: Standing) -> dict[str, Any]:
    budget = now.budget_usd or 1
    return {
        "spent": f"{min(100, 100 * now.spent_usd / budget):.2f}",
        "reserved": f"{min(100, 100 * now.reserved_usd / budget):.2f}",
    }


def _next(request: HttpRequest, assessment: Assessment, now: Standing) -> dict[str, Any]:
    """The button that goes with the next step: a form that POSTs, a link, or nothing where there is only waiting."""
    if action := ACTIONS.get(now.next_action):
        return {"action": action}
    if now.next_action == "load" and request.user.has_perm("batches.load_essays"):
        return {"href": reverse("admin:batches_assessment_essays", args=[assessment.pk]), "words": "Add essays"}
    if now.next_action == "budget" and request.user.has_perm("batches.change_assessment"):
        return {"href": "?edit=1", "words": "Raise the budget"}
    if now.next_action == "publish" and now.latest_scale:
        return {"href": page_of(now.latest_scale), "words": f"Look at scale {now.latest_scale.number}"}
    if now.next_action == "attention":
        stuck = _own_jobs(assessment).filter(status=BatchJob.Status.NEEDS_ATTENTION).first()
        return {"href": page_of(stuck), "words": f"Look at job {stuck.pk}"} if stuck else {}
    return {}


def _rounds(assessment: Assessment) -> list[dict[str, Any]]:
    rounds = list(assessment.rounds.order_by("-number")[:MOST_ROUNDS])
    count_by_status(rounds)
    return [{"round": one, "state": state_of(one), "colour": ROUND_COLOURS[state_of(one)]} for one in rounds]


def _own_jobs(assessment: Assessment) -> Any:
    items = BatchItem.objects.filter(job=OuterRef("pk"), comparison__round__assessment=assessment)
    return BatchJob.objects.filter(Exists(items)).order_by("-id")


def _jobs(request: HttpRequest, assessment: Assessment) -> list[dict[str, Any]]:
    jobs = list(_own_jobs(assessment).select_related("judge__account", "judge__user")[:MOST_JOBS])
    own_part(request, jobs)
    return [{"job": job, "colour": JOB_COLOURS[job.status], "sentence": JOB_SENTENCES[job.status]} for job in jobs]


def _failures(assessment: Assessment, now: Standing) -> list[dict[str, Any]]:
    address = reverse("admin:batches_comparison_changelist")
    mine = {"round__assessment__id__exact": str(assessment.pk), "status__exact": "FAILED"}
    return [
        {"words": reason_words(reason), "n": n, "href": f"{address}?{urlencode(mine | {'fail_reason': reason})}"}
        for reason, n in now.fail_reasons
    ]


def _callbacks(request: HttpRequest, assessment: Assessment) -> dict[str, Any]:
    """Where its callbacks are listed and how many of them wait, for those who may see them."""
    if not request.user.has_perm("batches.view_callback"):
        return {}
    address = reverse("admin:batches_callback_changelist")
    waiting = relay.lag(assessment.pk).waiting
    return {"href": f"{address}?assessment__id__exact={assessment.pk}", "waiting": waiting}


def _scale(scale: Scale | None) -> dict[str, Any]:
    if scale is None:
        return {"scale": None}
    colour, sentence = trust(scale)
    scores = Score.objects.filter(scale=scale).select_related("essay").defer("essay__text").order_by("rank", "id")
    return {
        "scale": scale,
        "trust_colour": colour,
        "trust": sentence,
        "chart": picture(scale),
        "scores": scores[:MOST_SCORES],
    }
