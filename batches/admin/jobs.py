"""Batch jobs: what was sent, where it is, and what came of it; shared jobs show the viewer's own part."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from batches import tasks
from batches.admin.base import ReadOnly
from batches.admin.deciding import BATCH_FIELD, ask_before_absent, ask_before_adopting, refuse_shared, the_one
from batches.admin.deeds import Question, deed
from batches.admin.filters import choice, one_of, own
from batches.admin.job_page import job_context, own_part
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.words import JOB_COLOURS, moment, usd
from batches.models import BatchItem, BatchJob
from batches.pipeline import cancel, decide, poll
from batches.pipeline.refused import Refused

Status = BatchJob.Status
# what a person may decide about a job that needs attention: where it may lead, by the table of legal moves
DECISIONS = {
    "look_again": {Status.IN_PROGRESS, Status.IN_DOUBT, Status.RUNNING},
    "adopt": {Status.IN_PROGRESS},
    "never_arrived": {Status.ABSENT, Status.COLLECTED},
}
POLLABLE = (Status.IN_PROGRESS, Status.CANCELLING, Status.IN_DOUBT, Status.COLLECTING)


def ask_before_cancelling(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    live = rows.filter(status__in=BatchJob.LIVE, cancel_asked_at=None)
    refuse_shared(request, live)
    jobs, n = live.count(), BatchItem.objects.filter(job__in=live, outcome=None).count()
    return Question(
        title=_("Cancel batch jobs"),
        facts=[(_("Batch jobs"), f"{jobs:,}"), (_("Comparisons without an answer yet"), f"{n:,}")],
        button=ngettext("Cancel %(n)s batch job", "Cancel %(n)s batch jobs", jobs) % {"n": f"{jobs:,}"},
        warnings=(
            _("What the provider has finished by then is kept and paid for; the rest waits until you submit it again."),
        ),
    )


@admin.register(BatchJob)
class BatchJobScreen(ReadOnly):
    nothing_yet = gettext_lazy("Batch jobs appear as soon as somebody submits a round.")
    page_template = "cj/job.html"
    list_per_page = 25
    list_display = ("name", "state", "progress", "judge", "packing", "account", "cost", "created")
    list_filter = (
        one_of(
            gettext_lazy("going on"),
            "going",
            live=(gettext_lazy("going on"), Q(status__in=BatchJob.LIVE)),
            over=(gettext_lazy("over"), ~Q(status__in=BatchJob.LIVE)),
        ),
        choice("status"),
        choice("packing"),
        choice("strategy"),
        own("account"),
    )
    list_select_related = ("account", "judge__account", "judge__user")
    linked_by = ("closed_at__date",)
    exact_search = ("pk", "provider_batch_id__exact", "nonce__exact")
    search_help_text = gettext_lazy("Job id, or the provider's batch id")
    ordering = ("-id",)
    actions = ("poll", "cancel", "look_again", "adopt", "never_arrived")
    has_poll_batchjob_permission = may("poll_batchjob")
    has_cancel_batchjob_permission = may("cancel_batchjob")

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        own_part(request, rows)

    @admin.display(description=gettext_lazy("job"), ordering="id")
    def name(self, row: BatchJob) -> str:
        return _("Job %(number)s") % {"number": row.pk}

    @labelled(gettext_lazy("state"), JOB_COLOURS)
    def state(self, row: BatchJob) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description=gettext_lazy("answered"))
    def progress(self, row: Any) -> str:
        return _("%(n)s of %(total)s") % {"n": f"{row.own_done:,}", "total": f"{row.own_items:,}"}

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, row: Any) -> str:
        return usd(row.own_cost)

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created(self, row: BatchJob) -> Any:
        return moment(row.created_at)

    @deed(permission="poll_batchjob", title=gettext_lazy("Poll now"), icon="sync")
    def poll(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = poll.ask(rows, actor=request.user)
        if not n:
            raise Refused(_("None of these is at a provider at the moment: there is nothing to ask about."))
        tasks.ring()
        return ngettext(
            "The provider is asked about %(n)s batch job now.", "The provider is asked about %(n)s batch jobs now.", n
        ) % {"n": f"{n:,}"}

    @deed(permission="cancel_batchjob", title=gettext_lazy("Cancel"), icon="cancel", confirm=ask_before_cancelling)
    def cancel(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        refuse_shared(request, rows)
        n = cancel.ask(rows, actor=request.user)
        if not n:
            raise Refused(_("None of these is under way any more: there is nothing to cancel."))
        tasks.ring()
        return ngettext(
            "%(n)s batch job will stop; answers that are finished are kept.",
            "%(n)s batch jobs will stop; answers that are finished are kept.",
            n,
        ) % {"n": f"{n:,}"}

    @deed(permission="cancel_batchjob", title=gettext_lazy("Look again"), icon="search", main=True)
    def look_again(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        job = the_one(rows)
        decide.carry_on(job, actor=request.user)
        tasks.ring()
        return _("Batch job %(number)s is looked for once more.") % {"number": job.pk}

    @deed(permission="cancel_batchjob", title=gettext_lazy("Name its batch"), icon="link", confirm=ask_before_adopting)
    def adopt(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        job = the_one(rows)
        refuse_shared(request, rows)
        decide.adopt(job, request.POST.get(BATCH_FIELD, ""), actor=request.user)
        tasks.ring()
        return _("Batch job %(number)s goes on with the batch you named.") % {"number": job.pk}

    @deed(permission="cancel_batchjob", title=gettext_lazy("It never arrived"), icon="block", confirm=ask_before_absent)
    def never_arrived(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        job = the_one(rows)
        refuse_shared(request, rows)
        decide.declare_absent(job, actor=request.user)
        tasks.ring()
        return _("Batch job %(number)s is closed; its comparisons wait again.") % {"number": job.pk}

    def senseless(self, row: BatchJob) -> set[str]:
        waits = row.status == Status.NEEDS_ATTENTION
        ahead = row.MOVES[row.Packing(row.packing)].get(row.Status(row.status), set())
        useless = {name for name, targets in DECISIONS.items() if not waits or not targets & ahead}
        if row.status not in POLLABLE:
            useless.add("poll")
        if row.status not in BatchJob.LIVE or row.cancel_asked_at:
            useless.add("cancel")
        return useless

    def page(self, request: HttpRequest, row: BatchJob) -> dict[str, Any]:
        return {**super().page(request, row), **job_context(request, row)}
