"""Batch jobs: what was sent, where it is, and what came of it; shared jobs show the viewer's own part."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest

from batches import tasks
from batches.admin.base import ReadOnly
from batches.admin.deciding import BATCH_FIELD, ask_before_absent, ask_before_adopting, refuse_shared, the_one
from batches.admin.deeds import Question, counted, deed
from batches.admin.filters import choice, own
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.words import JOB_COLOURS, JOB_SENTENCES, OUTCOME_COLOURS, moment, reason_words, usd
from batches.models import BatchItem, BatchJob
from batches.pipeline import cancel, decide, poll
from batches.pipeline.refused import Refused

ITEMS_PER_PAGE = 50
Status = BatchJob.Status
POLLABLE = (Status.IN_PROGRESS, Status.CANCELLING, Status.IN_DOUBT, Status.COLLECTING)


def ask_before_cancelling(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    live = rows.filter(status__in=BatchJob.LIVE, cancel_asked_at=None)
    refuse_shared(request, live)
    n = BatchItem.objects.filter(job__in=live, outcome=None).count()
    return Question(
        title="Cancel batch jobs",
        facts=[("Batch jobs", f"{live.count():,}"), ("Comparisons without an answer yet", f"{n:,}")],
        button=f"Cancel {counted(live.count(), 'batch job')}",
        warnings=(
            "What the provider has finished by then is kept and paid for; the rest waits until you submit it again.",
        ),
    )


@admin.register(BatchJob)
class BatchJobScreen(ReadOnly):
    page_template = "cj/job.html"
    list_per_page = 25
    list_display = ("name", "state", "progress", "judge", "packing", "account", "cost", "provider_batch_id", "created")
    list_filter = (choice("status"), choice("packing"), choice("strategy"), own("account"))
    list_select_related = ("account", "judge__account", "judge__user")
    exact_search = ("pk", "provider_batch_id__exact", "nonce__exact")
    search_help_text = "Job id, or the provider's batch id"
    ordering = ("-id",)
    actions = ("poll", "cancel", "look_again", "adopt", "never_arrived")
    has_poll_batchjob_permission = may("poll_batchjob")
    has_cancel_batchjob_permission = may("cancel_batchjob")

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        own_part(request, rows)

    @admin.display(description="job", ordering="id")
    def name(self, row: BatchJob) -> str:
        return f"Job {row.pk}"

    @labelled("state", JOB_COLOURS)
    def state(self, row: BatchJob) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description="answered")
    def progress(self, row: Any) -> str:
        return f"{row.own_done:,} of {row.own_items:,}"

    @admin.display(description="cost")
    def cost(self, row: Any) -> str:
        return usd(row.own_cost)

    @admin.display(description="created", ordering="created_at")
    def created(self, row: BatchJob) -> Any:
        return moment(row.created_at)

    @deed(permission="poll_batchjob", title="Poll now", icon="sync")
    def poll(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = poll.ask(rows, actor=request.user)
        if not n:
            raise Refused("None of these is at a provider at the moment: there is nothing to ask about.")
        tasks.ring()
        return f"The provider is asked about {counted(n, 'batch job')} now."

    @deed(permission="cancel_batchjob", title="Cancel", icon="cancel", confirm=ask_before_cancelling)
    def cancel(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        refuse_shared(request, rows)
        n = cancel.ask(rows, actor=request.user)
        if not n:
            raise Refused("None of these is under way any more: there is nothing to cancel.")
        tasks.ring()
        return f"{counted(n, 'batch job').capitalize()} will stop; answers that are finished are kept."

    @deed(permission="cancel_batchjob", title="Look again", icon="search", main=True)
    def look_again(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        job = the_one(rows)
        decide.carry_on(job, actor=request.user)
        tasks.ring()
        return f"Batch job {job.pk} is looked for once more."

    @deed(permission="cancel_batchjob", title="Name its batch", icon="link", confirm=ask_before_adopting)
    def adopt(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        job = the_one(rows)
        refuse_shared(request, rows)
        decide.adopt(job, request.POST.get(BATCH_FIELD, ""), actor=request.user)
        tasks.ring()
        return f"Batch job {job.pk} goes on with the batch you named."

    @deed(permission="cancel_batchjob", title="It never arrived", icon="block", confirm=ask_before_absent)
    def never_arrived(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        job = the_one(rows)
        refuse_shared(request, rows)
        decide.declare_absent(job, actor=request.user)
        tasks.ring()
        return f"Batch job {job.pk} is closed; its comparisons wait again."

    def senseless(self, row: BatchJob) -> set[str]:
        useless = set()
        if row.status != Status.NEEDS_ATTENTION:
            useless |= {"look_again", "adopt", "never_arrived"}
        elif row.packing != BatchJob.Packing.PROVIDER_BATCH:
            useless.add("adopt")
        if row.status not in POLLABLE:
            useless.add("poll")
        if row.status not in BatchJob.LIVE or row.cancel_asked_at:
            useless.add("cancel")
        return useless

    def page(self, request: HttpRequest, row: BatchJob) -> dict[str, Any]:
        own_part(request, [row])
        mine = BatchItem.objects.for_user(request.user).filter(job=row)
        listed = mine.select_related("comparison__round", "comparison__essay_a", "comparison__essay_b").order_by("id")
        listed = listed.defer("comparison__essay_a__text", "comparison__essay_b__text", "answer")
        items = Paginator(listed, ITEMS_PER_PAGE).get_page(request.GET.get("p"))
        return {
            **super().page(request, row),
            "title": f"Batch job {row.pk}",
            "colour": JOB_COLOURS[row.status],
            "sentence": JOB_SENTENCES[row.status],
            "items": items,
            "outcome_colours": OUTCOME_COLOURS,
            "outcomes": _outcomes(mine),
            "timeline": _timeline(row),
        }


def own_part(request: HttpRequest, rows: list[Any]) -> None:
    """Give jobs the counts and the cost of the viewer's own items: a job may hold those of others too."""
    mine = BatchItem.objects.for_user(request.user).filter(job__in=rows).order_by().values("job")
    sums = mine.annotate(n=Count("pk"), done=Count("outcome"), cost=Sum("cost_usd"), reserved=Sum("reserved_usd"))
    found = {row["job"]: row for row in sums}
    for row in rows:
        part = found.get(row.pk, {"n": 0, "done": 0, "cost": 0, "reserved": 0})
        row.own_items, row.own_done, row.own_cost = part["n"], part["done"], part["cost"]
        row.own_reserved = part["reserved"]
        row.percent = round(100 * row.own_done / row.own_items) if row.own_items else 0


def _outcomes(items: QuerySet[BatchItem]) -> list[dict[str, Any]]:
    """How the items ended, with their reasons, most frequent first."""
    grouped = items.order_by().values("outcome", "reason").annotate(n=Count("pk")).order_by("-n")
    labels = dict(BatchItem.Outcome.choices)
    return [
        {
            "words": labels.get(row["outcome"] or "", "no answer yet"),
            "colour": OUTCOME_COLOURS.get(row["outcome"] or "", "info"),
            "reason": reason_words(row["reason"]),
            "n": row["n"],
        }
        for row in grouped
    ]


def _timeline(job: BatchJob) -> list[tuple[str, Any]]:
    moments = (
        ("Written down", job.created_at),
        ("Sent", job.sent_at),
        ("Accepted by the provider", job.accepted_at),
        ("Last asked about", job.polled_at),
        ("Cancel asked for", job.cancel_asked_at),
        ("Finished at the provider", job.ended_at),
        ("Closed", job.closed_at),
    )
    return [(words, value) for words, value in moments if value]
