"""A batch job that cannot go on by itself -> what a person is told before they decide."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.deeds import Entry, Question
from batches.admin.words import moment, usd
from batches.models import BatchItem, BatchJob
from batches.numbers import grouped
from batches.pipeline import cancel, decide
from batches.pipeline.refused import Refused

BATCH_FIELD = "provider_batch_id"
PAID_TWICE = gettext_lazy(
    "If it did arrive, or arrives later, its comparisons are asked again and paid for a second time."
)


def the_one(rows: QuerySet[Any]) -> BatchJob:
    """The one job that waits for a decision: each is decided by itself."""
    jobs = list(rows.select_related("account", "judge")[:2])
    if len(jobs) != 1:
        raise Refused(_("Decide on one batch job at a time."))
    if jobs[0].status != BatchJob.Status.NEEDS_ATTENTION:
        raise Refused(_("Batch job %(number)s does not wait for a decision.") % {"number": jobs[0].pk})
    return jobs[0]


def refuse_shared(request: HttpRequest, jobs: QuerySet[Any]) -> None:
    """A job may hold comparisons of several projects; nobody stops what they cannot see."""
    cancel.refuse_shared(jobs, BatchItem.objects.for_user(request.user))


def known(job: BatchJob) -> list[tuple[str, Any]]:
    """What is known of the job, for the person who decides."""
    return [
        (_("Batch job"), job.pk),
        (_("Comparisons"), grouped(job.n_items)),
        (_("Held for it"), usd(job.reserved_usd)),
        (_("Account"), job.account),
        (_("Sent"), moment(job.sent_at) if job.sent_at else _("never")),
        (_("Its mark"), job.nonce),
        (_("Searches without an answer"), job.recoveries),
        (_("Last error"), job.error or _("none")),
    ]


def ask_before_adopting(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    refuse_shared(request, rows)
    job = the_one(rows)
    found = tuple(stranger.provider_batch_id for stranger in decide.candidates(job))
    return Question(
        title=_("Which batch at the provider is it?"),
        facts=known(job),
        button=_("This is the batch"),
        warnings=(_("Its results are believed only if they carry the job's own mark."),),
        entry=Entry(
            name=BATCH_FIELD,
            label=_("The provider's batch id"),
            help=_("As the provider's own pages show it, such as msgbatch_… or batch_…."),
            suggestions=found,
        ),
    )


def ask_before_absent(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    refuse_shared(request, rows)
    return Question(
        title=_("Did it never arrive?"),
        facts=known(the_one(rows)),
        button=_("It never arrived"),
        warnings=(_("Look at the provider's own pages first."), str(PAID_TWICE)),
    )
