"""A person -> the front page: what is running, what waits and for what, what failed, what it cost, what is wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Sum, Window
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from batches import tasks
from batches.admin.access import visible
from batches.admin.accounts import COLOURS as ACCOUNT_COLOURS
from batches.admin.accounts import state_of as account_state
from batches.admin.job_page import percent, with_own_part
from batches.admin.spend_chart import spend_chart
from batches.admin.states import COLOURS, recent, state_of
from batches.admin.words import JOB_COLOURS, reason_words
from batches.conf import sink_in_force
from batches.models import (
    Assessment,
    AssessmentJudge,
    BatchJob,
    Callback,
    Comparison,
    DayCost,
    Judge,
    Project,
    ProviderAccount,
)
from batches.models.judging import Strategy
from batches.pipeline import triggers
from batches.pipeline.overview import MOST_READ, Open, Overview, overview
from batches.providers import manifest

MOST_ASSESSMENTS, MOST_JOBS, DAYS, MOST_REASONS = 10, 8, 30, 8
Status = Comparison.Status


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold calls this for the index page. What a person may not view, they are not told the number of."""
    user = request.user
    names = ("assessment", "comparison", "batchjob", "provideraccount", "callback")
    may = {name: user.has_perm(f"batches.view_{name}") for name in names}
    projects = _projects(user)
    ids = [project.pk for project in projects]
    judges = _judges(ids)
    context |= {
        "title": _("Where things stand"),
        "has_project": bool(projects),
        "may_create": user.has_perm("batches.add_assessment"),
        "may_create_project": user.has_perm("batches.add_project"),
    }
    if may["assessment"]:
        context |= _assessments(projects, visible(Assessment, user)) | _spending(ids, judges)
    if may["comparison"]:
        context |= _open(overview(ids), judges)
    if may["batchjob"]:
        context |= _jobs(request) | _workers()
    if may["provideraccount"]:
        context["accounts"] = [row for row in map(_account, ProviderAccount.objects.all()) if row["state"] != "ready"]
        context["retiring"] = _retiring(judges)
    if may["callback"]:
        context["callbacks"] = _callbacks(visible(Callback, user))
    return context


def _projects(user: Any) -> list[Any]:
    """The person's projects, each with the sums of its assessments: the ids narrow every other query."""
    sums = {name: Sum(f"assessments__{name}_usd", default=Decimal(0)) for name in ("spent", "reserved", "budget")}
    return list(visible(Project, user).annotate(n=Count("assessments", filter=Q(assessments__probe=None)), **sums))


def _judges(projects: list[int]) -> list[Any]:
    """Every model, and whether one of these projects uses it."""
    used = AssessmentJudge.objects.filter(judge=OuterRef("pk"), assessment__project__in=projects)
    return list(Judge.objects.select_related("account", "user").annotate(is_used=Exists(used)))


def _assessments(projects: list[Any], mine: QuerySet[Assessment]) -> dict[str, Any]:
    rows = recent(mine.filter(probe=None), MOST_ASSESSMENTS)
    listed = [{"assessment": row, "state": state_of(row), "colour": COLOURS[state_of(row)]} for row in rows]
    money = {name: sum(getattr(one, name) for one in projects) for name in ("spent", "reserved", "budget")}
    return {"assessments": listed, "n_assessments": sum(one.n for one in projects), "money": money}


def _spending(projects: list[int], judges: list[Any]) -> dict[str, Any]:
    """The last thirty days, by day and judge: from sums by day, not from items."""
    today = timezone.localdate()
    mine = DayCost.objects.filter(assessment__project__in=projects, day__gt=today - timedelta(days=DAYS))
    sums = mine.order_by().values_list("day", "judge").annotate(cost=Sum("cost_usd"))
    names = {judge.pk: str(judge) for judge in judges}
    costs = {(day, judge): cost for day, judge, cost in sums}
    return {"spend": spend_chart(costs, names, last=today, days=DAYS), "spend_days": DAYS}


def _open(found: Overview, judges: list[Any]) -> dict[str, Any]:
    """The tiles, the waiting comparisons by what they wait for, and the failures by reason."""
    over = "" if found.is_all else _("over %(n)s") % {"n": f"{MOST_READ:,}"}
    counts = {
        "in_flight": found.count("IN_FLIGHT"),
        "waiting": found.count("LEAVING", "GATHERING"),
        "with_people": found.count("PEOPLE"),
        "to_submit": found.count("TO_SUBMIT", "HELD"),
        "failed": found.count("FAILED"),
    }
    shown = {name: over if over and n else f"{n:,}" for name, n in counts.items()}
    return shown | {"queues": _queues(found, judges), "failures": _failures(found), "not_all": over}


def _queues(found: Overview, judges: list[Any]) -> list[dict[str, Any]]:
    """One row for what waits for the same thing: how many, and what lets them leave."""
    names = {judge.pk: judge for judge in judges}
    gathered = {(one.strategy, one.judge.pk): one for one in triggers.gathered(found.gathering(), names)}
    rows = [_with_people(found)] if found.count("PEOPLE") else []
    for row in _as_one(found, names):
        if row.at in ("IN_FLIGHT", "FAILED", "PEOPLE"):
            continue
        group = gathered.get((row.strategy, row.judge_id)) if row.at == "GATHERING" else None
        rows.append(
            {
                "strategy": Strategy(row.strategy).label,
                "judge": _named(names.get(row.judge_id)),
                "n": row.n,
                "href": _queue_address(row.at, row.strategy, row.judge_id),
                "group": group,
                "percent": round(100 * min(1, group.waiting / group.threshold)) if group and group.threshold else None,
                "leaves": _leaves(row.at),
            }
        )
    return rows


def _as_one(found: Overview, judges: dict[int, Any]) -> Iterator[Open]:
    """People as one judge: whoever is free takes a pair, whatever name was put on it."""
    of_people: dict[tuple[str, str], Open] = {}
    for row in found.rows:
        if row.judge_id in judges and judges[row.judge_id].kind == Judge.Kind.PERSON:
            before = of_people.get((row.at, row.strategy))
            of_people[row.at, row.strategy] = replace(row, n=row.n + before.n) if before else row
        else:
            yield row
    yield from of_people.values()


def _with_people(found: Overview) -> dict[str, Any]:
    """What waits for people waits for whoever of them is free, whatever name stands on it."""
    return {
        "strategy": "–",
        "judge": _("people"),
        "n": found.count("PEOPLE"),
        "href": _list("comparison", status__exact="PENDING", judge__kind__exact="PERSON", held__exact="0"),
        "leaves": _("when a person judges them"),
    }


def _named(judge: Any) -> str:
    return _("people") if judge is None or judge.kind == Judge.Kind.PERSON else str(judge)


def _leaves(at: str) -> str:
    return {
        "TO_SUBMIT": _("when somebody submits the round"),
        "HELD": _("when somebody submits them again"),
        "LEAVING": _("as soon as a worker is free"),
    }.get(at, "")


def _queue_address(at: str, strategy: str, judge: int) -> str:
    if at == "TO_SUBMIT":
        return _list("round", submission="planned", strategy__exact=strategy)
    held = {"held__exact": "1"} if at == "HELD" else {}
    return _list("comparison", status__exact="PENDING", judge__id__exact=judge, round__strategy__exact=strategy, **held)


def _failures(found: Overview) -> list[dict[str, Any]]:
    return [
        {
            "words": reason_words(reason),
            "n": n,
            "href": _list("comparison", status__exact="FAILED", fail_reason=reason),
        }
        for reason, n in found.failures()[:MOST_REASONS]
    ]


def _list(model: str, **query: Any) -> str:
    """The address of a list, narrowed."""
    return f"{reverse(f'admin:batches_{model}_changelist')}?{urlencode(query)}"


def _jobs(request: HttpRequest) -> dict[str, Any]:
    live = with_own_part(request, visible(BatchJob, request.user).filter(status__in=BatchJob.LIVE))
    rows = live.select_related("judge__account", "judge__user").annotate(n_live=Window(Count("pk"))).order_by("-id")
    jobs: list[Any] = list(rows[:MOST_JOBS])
    listed = [{"job": job, "colour": JOB_COLOURS[job.status], "percent": percent(job)} for job in jobs]
    return {
        "jobs": listed,
        "n_jobs": f"{jobs[0].n_live if jobs else 0:,}",
        "live_jobs": _list("batchjob", going="live"),
    }


def _workers() -> dict[str, Any]:
    """Who would do what is due: asked of the queue itself, not of the database."""
    depths = tasks.queue_depths()
    return {"workers": tasks.workers(), "queued": None if depths is None else sum(depths.values())}


def _account(row: ProviderAccount) -> dict[str, Any]:
    return {"account": row, "state": account_state(row), "colour": ACCOUNT_COLOURS[account_state(row)]}


def _retiring(judges: list[Any]) -> list[str]:
    """A sentence for each model that the person's assessments use and that will soon be gone."""
    used = {judge.model_id for judge in judges if judge.is_used and judge.kind == Judge.Kind.MODEL}
    models = [manifest.load()[name] for name in sorted(used) if name in manifest.load()]
    return [words for model in models if (words := manifest.retirement_warning(model, timezone.localdate()))]


def _callbacks(mine: QuerySet[Callback]) -> dict[str, Any]:
    """How far the outside is behind, from the index of what waits."""
    waiting = mine.filter(delivered_at=None).order_by("pk")[: MOST_READ + 1]
    found = waiting.aggregate(n=Count("pk"), failing=Count("pk", filter=Q(tries__gt=0)), since=Min("created_at"))
    return found | {"off": sink_in_force() == "none", "href": _list("callback", delivery="waiting")}
