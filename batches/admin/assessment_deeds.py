"""Assessments -> what their actions act on, ask first, and are good for."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.admin.comparisons import ask_before_retrying
from batches.admin.deeds import Question
from batches.admin.spending import question_before_submitting
from batches.admin.told import told
from batches.models import Assessment, Comparison, Round
from batches.numbers import grouped
from batches.pipeline import erase
from batches.pipeline.refused import Refused
from batches.pipeline.standing import Standing

Status = Comparison.Status


def waiting_rounds(request: HttpRequest, assessments: QuerySet[Any]) -> QuerySet[Round]:
    """Rounds of these assessments with comparisons that somebody has to let go."""
    held = Comparison.objects.filter(status=Status.PENDING, held=True)
    rounds = Round.objects.for_user(request.user).filter(assessment__in=assessments)
    return rounds.filter(
        Q(submitted_at=None)
        | Exists(held.filter(round=OuterRef("pk")))
        | Exists(held.filter(round__watches=OuterRef("pk")))
    )


def failed_in(request: HttpRequest, assessments: QuerySet[Any]) -> QuerySet[Comparison]:
    mine = Comparison.objects.for_user(request.user)
    return mine.filter(round__assessment__in=assessments, status=Status.FAILED)


def ask_submit(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    return question_before_submitting(waiting_rounds(request, rows))


def ask_retry(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    return ask_before_retrying(screen, request, failed_in(request, rows))


def ask_purge(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    chosen = list(rows.filter(purged_at=None)[:20])
    if not chosen:
        raise Refused(_("These assessments were purged before."))
    title = _("Purge “%(assessment)s” for good?") % {"assessment": chosen[0]}
    many = ngettext("Purge %(n)s assessment for good?", "Purge %(n)s assessments for good?", len(chosen))
    return Question(
        title=title if len(chosen) == 1 else many % {"n": len(chosen)},
        facts=_lost_with(chosen[0]) if len(chosen) == 1 else [(str(one), _in_a_line(one)) for one in chosen],
        for_good=True,
        button=_("Remove all texts for good"),
        warnings=(
            _(
                "Texts, justifications, raw answers and files are removed and cannot be brought back; scores, counts "
                "and money stay. Jobs under way are cancelled."
            ),
        ),
    )


def _lost_with(assessment: Assessment) -> list[tuple[str, str]]:
    """What a purge would remove, and how much of it."""
    return [(capfirst(told(what)), grouped(n)) for what, n in erase.preview(assessment).items() if n]


def _in_a_line(assessment: Assessment) -> str:
    return ", ".join(f"{what}: {n}" for what, n in _lost_with(assessment))


def useful_actions(now: Standing) -> set[str]:
    """Actions that can do something with an assessment that stands there."""
    if now.is_purged:
        return set()
    useful = {
        "plan": now.n_essays >= 2,
        "submit": now.unsubmitted + now.held > 0,
        "retry": now.failed > 0,
        "force": now.gathered > 0,
        "score": now.judged > 0,
        "budget": True,
        "call_back": now.with_people > 0,
        "purge": now.n_essays > 0 or now.comparisons > 0,
    }
    return {action for action, holds in useful.items() if holds}
