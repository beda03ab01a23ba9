"""A person -> the front page: their assessments, what is running, what waits, what is wrong, what it cost."""

from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from batches.admin.access import visible
from batches.admin.accounts import COLOURS as ACCOUNT_COLOURS
from batches.admin.accounts import state_of as account_state
from batches.admin.jobs import own_part
from batches.admin.states import COLOURS, recent, state_of
from batches.admin.words import JOB_COLOURS
from batches.models import Assessment, BatchJob, Comparison, Judge, Project, ProviderAccount
from batches.providers import manifest

MOST_ASSESSMENTS, MOST_JOBS, MOST_COUNTED = 12, 8, 10_000
Status = Comparison.Status


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold calls this for the index page. What a person may not view, they are not told the number of."""
    user = request.user
    may = {name: user.has_perm(f"batches.view_{name}") for name in ("assessment", "batchjob", "provideraccount")}
    context |= {
        "title": "Where things stand",
        "has_project": visible(Project, user).exists(),
        "may_create": user.has_perm("batches.add_assessment"),
        "may_create_project": user.has_perm("batches.add_project"),
    }
    if may["assessment"]:
        context |= _assessments(visible(Assessment, user)) | _waiting(visible(Comparison, user))
    if may["batchjob"]:
        context |= _jobs(request)
    if may["provideraccount"]:
        context["accounts"] = [row for row in map(_account, ProviderAccount.objects.all()) if row["state"] != "ready"]
        context["retiring"] = _retiring(visible(Assessment, user))
    return context


def _assessments(mine: QuerySet[Assessment]) -> dict[str, Any]:
    rows = recent(mine, MOST_ASSESSMENTS)
    money = mine.aggregate(spent=Sum("spent_usd"), reserved=Sum("reserved_usd"), budget=Sum("budget_usd"))
    listed = [{"assessment": row, "state": state_of(row), "colour": COLOURS[state_of(row)]} for row in rows]
    return {"assessments": listed, "n_assessments": mine.count(), "money": money}


def _waiting(mine: QuerySet[Comparison]) -> dict[str, Any]:
    """Capped counts: on a front page, more than ten thousand is more than ten thousand."""
    pending = mine.filter(status=Status.PENDING)
    kinds = {
        "waiting": pending.filter(round__submitted_at__isnull=False, held=False),
        "to_submit": pending.filter(Q(round__submitted_at=None) | Q(held=True)),
        "in_flight": mine.filter(status=Status.IN_FLIGHT),
        "failed": mine.filter(status=Status.FAILED),
    }
    return {name: _capped(rows) for name, rows in kinds.items()}


def _capped(rows: QuerySet[Any]) -> str:
    n = rows.order_by()[: MOST_COUNTED + 1].count()
    return f"{n:,}" if n <= MOST_COUNTED else f"over {MOST_COUNTED:,}"


def _jobs(request: HttpRequest) -> dict[str, Any]:
    live = visible(BatchJob, request.user).filter(status__in=BatchJob.LIVE)
    jobs = list(live.select_related("judge__account", "judge__user").order_by("-id")[:MOST_JOBS])
    own_part(request, jobs)
    return {"jobs": [{"job": job, "colour": JOB_COLOURS[job.status]} for job in jobs], "n_jobs": _capped(live)}


def _account(row: ProviderAccount) -> dict[str, Any]:
    return {"account": row, "state": account_state(row), "colour": ACCOUNT_COLOURS[account_state(row)]}


def _retiring(mine: QuerySet[Assessment]) -> list[str]:
    """A sentence for each model that the person's assessments use and that will soon be gone."""
    used = (
        Judge.objects.filter(assessments__in=mine, kind=Judge.Kind.MODEL).values_list("model_id", flat=True).distinct()
    )
    models = [manifest.load()[name] for name in used if name in manifest.load()]
    return [words for model in models if (words := manifest.retirement_warning(model, timezone.localdate()))]
