"""One batch job -> its page: its way, the ledger of its outcomes, its errors by reason, its files, its items."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from batches.admin.access import visible
from batches.admin.spans import span
from batches.admin.words import JOB_COLOURS, JOB_SENTENCES, OUTCOME_COLOURS, reason_words
from batches.models import BatchItem, BatchJob, JobPart, StrayLine
from batches.models.parts import ENDED
from batches.pipeline.parts import Figures, figures

ITEMS_PER_PAGE = 50
MOST_STRAYS = 20
OPEN = "OPEN"  # in addresses: items without an outcome


def own_part(request: HttpRequest, rows: list[Any]) -> None:
    """Give jobs the counts and the cost of the viewer's own items."""
    found = figures(rows, visible(JobPart, request.user))
    for row in rows:
        dress(row, found[row.pk])


def dress(job: Any, part: Figures) -> Any:
    """A job with these figures, as lists show it."""
    job.own_items, job.own_done = part.items, part.ended
    job.own_cost, job.own_reserved = part.cost_usd, part.reserved_usd
    job.percent = percent(job)
    return job


def with_own_part(request: HttpRequest, jobs: QuerySet[BatchJob]) -> QuerySet[BatchJob]:
    """Jobs with the counts of the viewer's own items, for a short list: in the query itself."""
    mine = visible(JobPart, request.user).filter(job=OuterRef("pk")).order_by().values("job")
    sums = {"own_items": Sum("n_items"), "own_done": Sum(ENDED)}
    return jobs.annotate(**{name: Subquery(mine.annotate(n=total).values("n")) for name, total in sums.items()})


def percent(job: Any) -> int:
    return round(100 * job.own_done / job.own_items) if job.own_items else 0


def job_context(request: HttpRequest, job: BatchJob) -> dict[str, Any]:
    """What the page shows: of a job that other projects share only the viewer's own part."""
    own_part(request, [job])
    whole = job.own_items == job.n_items  # type: ignore[attr-defined]
    mine = (BatchItem.objects.all() if whole else BatchItem.objects.for_user(request.user)).filter(job=job)
    ledger = list(_ledger(mine))
    return {
        "title": _("Batch job %(number)s") % {"number": job.pk},
        "colour": JOB_COLOURS[job.status],
        "sentence": JOB_SENTENCES[job.status],
        "whole": whole,
        "ledger": ledger,
        "troubles": [row for row in ledger if row["reason"]],
        "timeline": list(_timeline(job)),
        "elapsed": span(job.created_at, job.closed_at or timezone.now()),
        "left": _left(job),
        "is_due": job.next_poll_at is not None and job.next_poll_at <= timezone.now(),
        **_listed(request, mine),
        **(_files(job) if whole else {}),
    }


def _ledger(mine: QuerySet[BatchItem]) -> Iterator[dict[str, Any]]:
    """How the items ended, with their reasons, most frequent first: one query for the whole job."""
    labels = dict(BatchItem.Outcome.choices)
    grouped = mine.order_by().values("outcome", "reason")
    sums = grouped.annotate(n=Count("pk"), cost=Sum("cost_usd"), reserved=Sum("reserved_usd"))
    for row in sums.order_by("-n", "outcome", "reason"):
        outcome = row["outcome"] or OPEN
        yield row | {
            "outcome": outcome,
            "words": labels.get(outcome, _("no answer yet")),
            "colour": OUTCOME_COLOURS.get(outcome, "info"),
            "reason": reason_words(row["reason"]),
            "href": "?" + urlencode({"outcome": outcome, "reason": row["reason"]}) + "#items",
        }


def _timeline(job: BatchJob) -> Iterator[dict[str, Any]]:
    """Every state with its moment and how long the job stayed in it, and what a person or the provider added."""
    moves = list(job.moves.values_list("status", "at"))
    entries = [_state(job, moves, i) for i in range(len(moves))]
    notes = (
        (_("Somebody asked for it to be cancelled"), job.cancel_asked_at),
        (_("Last asked about"), job.polled_at),
        (_("Ended at the provider"), job.ended_at),
        (_("Deleted at the provider"), job.forgotten_at),
    )
    entries += [{"words": words, "at": at, "note": True} for words, at in notes if at]
    yield from sorted(entries, key=lambda entry: entry["at"])


def _state(job: BatchJob, moves: list[tuple[str, Any]], i: int) -> dict[str, Any]:
    status, at = moves[i]
    last = i + 1 == len(moves)
    until = moves[i + 1][1] if not last else timezone.now() if job.status in BatchJob.LIVE else None
    return {
        "words": BatchJob.Status(status).label,
        "colour": JOB_COLOURS[status],
        "at": at,
        "stayed": span(at, until) if until else "",
        "goes_on": last and until is not None,
    }


def _left(job: BatchJob) -> str:
    """How long the provider still has for a batch that it holds; "" where no deadline is known or none is left."""
    if job.expires_at is None or job.status not in BatchJob.LIVE:
        return ""
    now = timezone.now()
    return span(now, job.expires_at) if job.expires_at > now else ""


def _files(job: BatchJob) -> dict[str, Any]:
    """The raw results as they are kept here, and the names of what the provider keeps."""
    ids = (
        (_("What was sent"), job.input_file_id),
        (_("Results"), job.output_file_id),
        (_("Errors"), job.error_file_id),
    )
    counted = job.stray_lines.order_by().values_list("kind").annotate(n=Count("pk"))
    strays = {StrayLine.Kind(kind).label: n for kind, n in counted}
    return {
        "raw_files": list(job.raw_files.all()),
        "provider_files": [(words, name) for words, name in ids if name],
        "strays": strays,
        "stray_lines": list(job.stray_lines.all()[:MOST_STRAYS]) if strays else [],
    }


def _listed(request: HttpRequest, mine: QuerySet[BatchItem]) -> dict[str, Any]:
    """A page of items, by outcome and reason where a link asked for them; keyset, so that the last page costs as much
    as the first."""
    asked = {name: request.GET[name] for name in ("outcome", "reason") if name in request.GET}
    rows = _chosen(mine, asked)
    after = request.GET.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 19:
        rows = rows.filter(pk__gt=int(after))
    rows = rows.select_related("comparison__round", "comparison__essay_a", "comparison__essay_b")
    rows = rows.defer("comparison__essay_a__text", "comparison__essay_b__text", "answer").order_by("pk")
    found: list[Any] = list(rows[: ITEMS_PER_PAGE + 1])
    for item in found:
        item.colour = OUTCOME_COLOURS.get(item.outcome or "", "info")
    more = len(found) > ITEMS_PER_PAGE
    return {
        "items": found[:ITEMS_PER_PAGE],
        "next_page": "?" + urlencode(asked | {"after": found[ITEMS_PER_PAGE - 1].pk}) + "#items" if more else "",
        "first_page": "?" + urlencode(asked) + "#items" if after else "",
        "chosen": _chosen_words(asked),
    }


def _chosen(mine: QuerySet[BatchItem], asked: dict[str, str]) -> QuerySet[BatchItem]:
    if "reason" in asked:
        mine = mine.filter(reason=asked["reason"].replace("\x00", ""))
    if asked.get("outcome") == OPEN:
        return mine.filter(outcome=None)
    return mine.filter(outcome=asked["outcome"]) if asked.get("outcome") in BatchItem.Outcome else mine


def _chosen_words(asked: dict[str, str]) -> str:
    """What the list was narrowed to, in words."""
    outcome = dict(BatchItem.Outcome.choices).get(asked.get("outcome", ""), _("no answer yet") if asked else "")
    reason = reason_words(asked.get("reason", ""))
    return ", ".join(str(word) for word in (outcome, reason) if word)
