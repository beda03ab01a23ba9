"""A pupil withdrawn, or an assessment purged -> texts gone at once, all else as jobs end, and a certificate.

Scores, counts and money stay. Answers under way are discarded as they arrive, and what they cost is settled.
"""

import logging
import time
from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from batches.models import Assessment, AuditEntry, BatchJob, Comparison, Erasure, Essay, EssayPage, Flag, RosterName
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.pipeline import cancel, forget
from batches.pipeline.refused import Refused
from batches.pipeline.scrub import add, comparisons, is_alone, jobs, scrub

log = logging.getLogger(__name__)
Status = Comparison.Status
BY_HAND = "asked for by a person"
AT_ONCE = 2000  # comparisons moved in one transaction
PATIENCE = 5.0  # seconds to wait for comparisons that a worker holds; the rest is moved when the erasure goes on
OUT_OF_REACH = (
    "Backups of the database hold the texts until they are themselves deleted.",
    "Whoever received callbacks or exports holds what they received.",
    "A provider keeps what it was sent for as long as its own terms say; what can be deleted there was deleted.",
)


def withdraw(essay: Essay, *, actor: Person | None, why: str = BY_HAND) -> Erasure:
    """Take one pupil's essay out for good, whatever is under way; Refused where that was done before."""
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().select_related("project").get(pk=essay.assessment_id)
        locked = Essay.objects.select_for_update().get(pk=essay.pk)
        if locked.withdrawn_at:
            raise Refused(
                _("%(locked)s was withdrawn before: its certificate is on the list of erasures.") % {"locked": locked}
            )
        erasure = _open(assessment, Erasure.Kind.WITHDRAWAL, actor, why, essay_id=locked.pk, candidate=locked.candidate)
        _empty(erasure, Essay.objects.filter(pk=locked.pk))
        Essay.objects.filter(pk=locked.pk).update(withdrawn_at=DatabaseClock())
        AuditEntry.record("withdraw", locked, actor=actor, project=assessment.project)
    carry_on(erasure)
    return erasure


def purge(assessment: Assessment, *, actor: Person | None, why: str = BY_HAND) -> Erasure:
    """Take all texts of an assessment out for good; Refused where that was done before.

    Jobs under way are cancelled where they are about nothing else; the erasure is complete when the last has ended.
    """
    with transaction.atomic():
        locked = Assessment.objects.select_for_update(of=("self",)).select_related("project").get(pk=assessment.pk)
        if locked.purged_at:
            raise Refused(
                _("%(locked)s was purged before: its certificate is on the list of erasures.") % {"locked": locked}
            )
        erasure = _open(locked, Erasure.Kind.PURGE, actor, why)
        _empty(erasure, locked.essays.all())
        _forget_names(erasure, locked)
        Assessment.objects.filter(pk=locked.pk).update(purged_at=DatabaseClock())
        AuditEntry.record("purge", locked, actor=actor, project=locked.project, why=why)
    for job in jobs(erasure).filter(status__in=BatchJob.LIVE):
        if is_alone(job, erasure):
            cancel.ask(BatchJob.objects.filter(pk=job.pk), actor=actor)
    carry_on(erasure)
    return erasure


def _open(assessment: Assessment, kind: str, actor: Person | None, why: str, **of: Any) -> Erasure:
    return Erasure.objects.create(
        kind=kind,
        project=assessment.project,
        project_name=assessment.project.name,
        assessment_id=assessment.pk,
        assessment_slug=assessment.slug,
        why=why,
        actor_id=actor.pk if actor else None,
        actor_name=actor.get_username() if actor else "command line",
        waits_for="It has only begun.",
        **of,
    )


def _empty(erasure: Erasure, essays: Any) -> None:
    """Remove the texts and pages, and write down what they were without saying it: hashes and counts."""
    held = essays.filter(erased_at=None)
    erasure.hashes = [list(row) for row in held.order_by("pk").values_list("candidate", "text_sha256")]
    pages = EssayPage.objects.filter(essay__in=held)
    found = Counter(
        {
            "essay texts": held.exclude(text="").count(),
            "words": held.aggregate(n=Sum("n_words"))["n"] or 0,
            "page images": pages.count(),
        }
    )
    pages.delete()
    Flag.objects.filter(essay__in=held).update(evidence={})
    held.update(left_out=[], text="", n_pages=0, n_names=0, n_emails=0, n_phones=0, erased_at=DatabaseClock())
    erasure.removed = add(erasure.removed, found)
    erasure.save(update_fields=["hashes", "removed"])


def _forget_names(erasure: Erasure, assessment: Assessment) -> None:
    """The roster of the assessment; that of the project too, once nothing else of it is left."""
    names = RosterName.objects.filter(assessment=assessment)
    if not assessment.project.assessments.exclude(pk=assessment.pk).filter(purged_at=None).exists():
        names = RosterName.objects.filter(project=assessment.project)
    erasure.removed = add(erasure.removed, Counter({"names of the roster": names.delete()[0]}))
    erasure.save(update_fields=["removed"])


def carry_on(erasure: Erasure) -> bool:
    """Do what can be done now; whether the erasure is complete. It may be called at any time, and again."""
    if erasure.completed_at:
        return True
    moved = _move(erasure)
    found = scrub(erasure)
    found["comparisons withdrawn"] = moved
    why_not = _waits(erasure)
    with transaction.atomic():
        locked = Erasure.objects.select_for_update().get(pk=erasure.pk)
        if locked.completed_at is None:
            if not why_not:
                found += scrub(locked)  # every job has ended: nothing can be written down any more
                locked.left = list(OUT_OF_REACH)
                locked.completed_at = timezone.now()
                _count_copies(locked, found)
            locked.removed = add(locked.removed, found)
            locked.waits_for = why_not[:500]
            locked.save(update_fields=["removed", "left", "waits_for", "completed_at"])
    erasure.refresh_from_db()
    if erasure.completed_at:
        log.info("erasure complete certificate=%s kind=%s", erasure.certificate, erasure.kind)
    return erasure.completed_at is not None


def carry_on_all() -> int:
    """Go on with every erasure that is not complete; how many are now."""
    return sum(carry_on(erasure) for erasure in Erasure.objects.filter(completed_at=None).order_by("pk"))


def _open_comparisons(erasure: Erasure) -> Any:
    """Those that still have to become WITHDRAWN: of a pupil all, of a purged assessment what is not resolved."""
    unresolved = [Status.PENDING, Status.IN_FLIGHT]
    resolved = [Status.JUDGED, Status.FAILED] if erasure.kind == Erasure.Kind.WITHDRAWAL else []
    return comparisons(erasure).filter(status__in=unresolved + resolved)


def _move(erasure: Erasure) -> int:
    """Withdraw the comparisons. Locked ones are passed over and tried again, so that no worker ever waits for this."""
    total, deadline = 0, time.monotonic() + PATIENCE
    while True:
        with transaction.atomic():
            free = _open_comparisons(erasure).select_for_update(skip_locked=True, of=("self",)).order_by("pk")
            ids = list(free.values_list("pk", flat=True)[:AT_ONCE])
            total += Comparison.objects.filter(pk__in=ids).advance(
                Status.WITHDRAWN, fail_reason="", fail_detail="", held=False, not_before=None
            )
        if ids:
            continue
        if not _open_comparisons(erasure).exists() or time.monotonic() > deadline:
            return total
        time.sleep(0.05)


def _waits(erasure: Erasure) -> str:
    """Why an erasure is not complete yet; "" when it is."""
    if _open_comparisons(erasure).exists():
        return "A worker holds some of its comparisons."
    live = jobs(erasure).filter(status__in=BatchJob.LIVE)
    if live.exists():
        asked = live.filter(status=BatchJob.Status.NEEDS_ATTENTION)
        names = ", ".join(str(job) for job in (asked or live).order_by("pk")[:5])
        return f"A person has to decide about {names}." if asked else f"{names} must end first: answers are discarded."
    return next(filter(None, map(forget.forget, _to_forget(erasure))), "")


def _to_forget(erasure: Erasure) -> Any:
    over = jobs(erasure).exclude(status__in=BatchJob.LIVE).filter(forgotten_at=None)
    return over.select_related("account", "judge").order_by("pk")


def _count_copies(erasure: Erasure, found: Counter[str]) -> None:
    at_provider = Q(packing=BatchJob.Packing.PROVIDER_BATCH) & ~Q(provider_batch_id="")
    found["provider batches with their files"] = jobs(erasure).filter(at_provider, forgotten_at__isnull=False).count()


def preview(assessment: Assessment) -> dict[str, int]:
    """What a purge would remove, as far as it can be counted now."""
    erasure = Erasure(kind=Erasure.Kind.PURGE, assessment_id=assessment.pk)
    mine = jobs(erasure)
    essays = assessment.essays.filter(erased_at=None)
    items = Counter(
        {
            "essay texts": essays.exclude(text="").count(),
            "words": essays.aggregate(n=Sum("n_words"))["n"] or 0,
            "page images": EssayPage.objects.filter(essay__in=essays).count(),
            "justifications": comparisons(erasure).filter(judgement__isnull=False).count(),
            "raw answers": comparisons(erasure).exclude(items=None).filter(~Q(items__answer="")).count(),
            "batch jobs under way": mine.filter(status__in=BatchJob.LIVE).count(),
            "batch jobs to delete at the provider": _to_forget(erasure)
            .filter(packing=BatchJob.Packing.PROVIDER_BATCH)
            .count(),
            "names of the roster": RosterName.objects.filter(assessment=assessment).count(),
        }
    )
    return dict(items)
