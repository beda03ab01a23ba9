"""People named as judges of an assessment: who, how much of it, and what share of the pairs is theirs."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from batches.conf import BadSetting, check_overrides
from batches.models import Assessment, AssessmentJudge, AuditEntry, Comparison, Judge
from batches.models.project import Person
from batches.numbers import grouped
from batches.pipeline import claims
from batches.pipeline.refused import Refused

Status = Comparison.Status
SHARE, PAIRS = "human_share", "human_pairs"
MOST = 1_000_000
PERMISSION = "batches.name_judges"
MAY_JUDGE = "batches.judge_comparison"


def name_judge(assessment: Assessment, username: str, *, quota: int | None, actor: Person | None) -> AssessmentJudge:
    """Let a member of the project judge, so many comparisons at most; also to change somebody's quota."""
    _check(actor)
    if quota is not None and not 1 <= quota <= MOST:
        raise Refused(
            _("A quota is a whole number from 1 to %(most)s; leave it empty for no limit.") % {"most": grouped(MOST)}
        )
    user = User.objects.filter(username=username, is_active=True, projects=assessment.project_id).first()
    if user is None:
        raise Refused(
            _("Nobody in this project has the user name %(username)s: add them to the project first.")
            % {"username": username}
        )
    if not user.has_perm(MAY_JUDGE):
        raise Refused(
            _("%(username)s may not judge: give them the role judge first, under People.") % {"username": username}
        )
    with transaction.atomic():
        _open(assessment, actor)
        judge, _made = Judge.objects.get_or_create(kind=Judge.Kind.PERSON, user=user)
        seat, made = AssessmentJudge.objects.get_or_create(
            assessment=assessment, judge=judge, defaults={"quota": quota}
        )
        if not made and seat.quota == quota:
            return seat
        before = None if made else seat.quota
        AssessmentJudge.objects.filter(pk=seat.pk).update(quota=quota)
        act = "name judge" if made else "change quota"
        _record(act, assessment, actor, person=username, quota=[before, quota])
    seat.refresh_from_db()
    return seat


def drop_judge(assessment: Assessment, username: str, *, actor: Person | None) -> None:
    """Let this person judge no more: what they have judged stays, the pair in their hands waits for others."""
    with transaction.atomic():
        _open(assessment, actor)
        seat = _people(assessment).filter(judge__user__username=username).first()
        if seat is None:
            raise Refused(_("%(username)s does not judge this assessment.") % {"username": username})
        assessment.claims.filter(judge=seat.judge_id).delete()
        seat.delete()
        _record("drop judge", assessment, actor, person=username)


def set_share(assessment: Assessment, share: Decimal | None, pairs: str = "", *, actor: Person | None) -> None:
    """What share of the next rounds' pairs people are given, and whether beside the model; None: as set elsewhere."""
    wanted: dict[str, Any] = {SHARE: None if share is None else f"{share.normalize():f}", PAIRS: pairs or None}
    given = {key: value for key, value in wanted.items() if value is not None}
    try:
        check_overrides(given)
    except BadSetting as problem:
        raise Refused(str(problem)) from None
    with transaction.atomic():
        mine = _open(assessment, actor)
        before = {key: mine.overrides.get(key) for key in wanted}
        if before == wanted:
            return
        rest = {key: value for key, value in mine.overrides.items() if key not in wanted}
        Assessment.objects.filter(pk=mine.pk).update(overrides=rest | given)
        changed = {key: [before[key], wanted[key]] for key in wanted if before[key] != wanted[key]}
        _record("change human share", assessment, actor, **changed)
    assessment.refresh_from_db(fields=["overrides"])


def call_back(assessment: Assessment, *, actor: Person | None) -> int:
    """Withdraw what people have not judged yet, drafts included; how many comparisons that was."""
    with transaction.atomic():
        _open(assessment, actor)
        waiting = claims.for_people(assessment.pk).filter(status=Status.PENDING)
        ids = list(waiting.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        if not ids:
            raise Refused(_("Nothing waits for people here."))
        mine = Comparison.objects.filter(pk__in=ids)
        claims.drop(mine)
        n = mine.advance(Status.WITHDRAWN, held=False, not_before=None)
        _record("call back", assessment, actor, comparisons=n)
    return n


def people(assessment: Assessment) -> list[dict[str, Any]]:
    """Who judges, with quota and what they have done; the order of their names."""
    judged = claims.for_people(assessment.pk).filter(status=Status.JUDGED).order_by()
    figures = judged.values("judge").annotate(n=Count("pk"), last=Max("resolved_at"))
    done: dict[int, Any] = {row["judge"]: row for row in figures}
    seats = _people(assessment).select_related("judge__user").order_by("judge__user__username")
    return [
        {
            "username": seat.judge.user.username,
            "name": seat.judge.user.get_full_name() or seat.judge.user.username,
            "quota": seat.quota,
            "done": done.get(seat.judge_id, {}).get("n", 0),
            "last": done.get(seat.judge_id, {}).get("last"),
            "locked_out": not seat.judge.user.is_active,
        }
        for seat in seats
        if seat.judge.user
    ]


def left(assessment: Assessment) -> int:
    """Comparisons that wait for people."""
    return claims.for_people(assessment.pk).filter(status=Status.PENDING).count()


def _people(assessment: Assessment) -> Any:
    return AssessmentJudge.objects.filter(Q(assessment=assessment), judge__kind=Judge.Kind.PERSON)


def _check(actor: Person | None) -> None:
    if actor is not None and not actor.has_perm(PERMISSION):
        raise Refused(_("You may not say who judges: ask an editor of this project."))


def _open(assessment: Assessment, actor: Person | None) -> Assessment:
    """The assessment, locked; Refused where it was purged, or for somebody who may not name judges."""
    _check(actor)
    mine = Assessment.objects.select_for_update().get(pk=assessment.pk)
    if mine.purged_at:
        raise Refused(_("This assessment was purged: nothing is left in it to judge."))
    return mine


def _record(act: str, assessment: Assessment, actor: Person | None, **detail: Any) -> None:
    AuditEntry.record(act, assessment, actor=actor, project=assessment.project, **detail)
