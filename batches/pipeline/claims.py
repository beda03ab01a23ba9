"""People and the pairs that wait for them -> one pair in one person's hands, and judgements once they move on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.conf import cj_settings
from batches.models import AssessmentJudge, AuditEntry, Claim, Comparison, Judge, Judgement, Round
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.numbers import grouped
from batches.pipeline import callbacks
from batches.pipeline.refused import Refused
from batches.pipeline.resolve import storable

Status = Comparison.Status
LONGEST_COMMENT = 5_000  # characters
MOST_SECONDS = 2**31 - 1
TRIES = 5  # at a pair that somebody else takes in the same moment
GONE = gettext_lazy(
    "This pair is no longer yours: the time for it ran out, or it was taken back. Go on with the next one."
)


def seats(user: Person) -> QuerySet[AssessmentJudge]:
    """Where this person may judge: named there as a judge, still a member, and with the permission to."""
    mine = AssessmentJudge.objects.for_user(user).select_related("assessment", "judge__user")
    if not user.has_perm("batches.judge_comparison"):
        return mine.none()
    return mine.filter(judge__kind=Judge.Kind.PERSON, judge__user=user.pk, assessment__purged_at=None)


def for_people(assessment_id: int) -> QuerySet[Comparison]:
    """The comparisons of an assessment that people have judged or are to judge, once staff have let them go."""
    return Comparison.objects.filter(
        round__assessment=assessment_id,
        round__purpose=Round.Purpose.SCALE,
        round__submitted_at__isnull=False,
        judge__kind=Judge.Kind.PERSON,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one person has come in one assessment."""

    done: int
    quota: int | None
    left: int  # pairs that wait for anybody

    @property
    def of(self) -> int:
        """What the person will have judged in the end, as far as can be told."""
        mine = self.done + self.left
        return mine if self.quota is None else min(self.quota, mine)

    @property
    def is_full(self) -> bool:
        return self.quota is not None and self.done >= self.quota


def progress(seat: AssessmentJudge) -> Progress:
    """What is done and what is left for this person."""
    mine = for_people(seat.assessment_id)
    return Progress(
        done=mine.filter(judge=seat.judge_id, status=Status.JUDGED).count(),
        quota=seat.quota,
        left=mine.filter(status=Status.PENDING, held=False).count(),
    )


def in_hand(seat: AssessmentJudge) -> Claim | None:
    """The pair that this person has before them; None once it has gone to somebody else or was withdrawn."""
    mine = Claim.objects.filter(assessment=seat.assessment_id, judge=seat.judge_id, comparison__status=Status.PENDING)
    return mine.select_related("comparison__round").first()


def take(seat: AssessmentJudge) -> Claim | None:
    """Put the next pair before this person, the one in hand first; None when nothing is left or the quota is full."""
    with transaction.atomic():
        held = AssessmentJudge.objects.select_for_update().get(pk=seat.pk)  # two windows of one person: one pair
        _drop_withdrawn(held)
        if _renew(held):
            return in_hand(held)
        if progress(held).is_full:
            return None
        for _ in range(TRIES):
            if _take_next(held):
                return in_hand(held)
        return None


def _drop_withdrawn(seat: AssessmentJudge) -> None:
    mine = Claim.objects.filter(assessment=seat.assessment_id, judge=seat.judge_id)
    mine.exclude(comparison__status=Status.PENDING).delete()


def _renew(seat: AssessmentJudge) -> bool:
    """Keep the pair in hand for longer. A lapsed one that nobody took is still theirs, its time counted anew."""
    mine = Claim.objects.filter(assessment=seat.assessment_id, judge=seat.judge_id)
    mine.filter(lapses_at__lte=DatabaseClock(), winner="").update(taken_at=DatabaseClock())
    return bool(mine.update(lapses_at=_lapse()))


def _lapse() -> Any:
    return DatabaseClock() + timedelta(seconds=cj_settings.human_claim)


# One pair is never given twice at once: a row that another has locked is passed over, and where the other committed
# just before, the guarded upsert takes nothing and the next try looks again. Never the same pair twice in one round
# to one person. Oldest round first.
TAKE = """
INSERT INTO batches_claim AS claim
    (comparison_id, assessment_id, judge_id, taken_at, lapses_at, winner, comment, confidence, answered_at)
SELECT next.id, %(assessment)s, %(judge)s, clock_timestamp(), clock_timestamp() + make_interval(secs => %(seconds)s),
       '', '', NULL, NULL
FROM (
    SELECT comparison.id FROM batches_comparison comparison
    JOIN batches_round cj_round ON cj_round.id = comparison.round_id
    JOIN batches_judge dealt ON dealt.id = comparison.judge_id AND dealt.kind = 'PERSON'
    JOIN batches_essay a ON a.id = comparison.essay_a_id AND a.erased_at IS NULL
    JOIN batches_essay b ON b.id = comparison.essay_b_id AND b.erased_at IS NULL
    WHERE cj_round.assessment_id = %(assessment)s AND cj_round.purpose = 'SCALE'
      AND cj_round.submitted_at IS NOT NULL AND comparison.status = 'PENDING' AND NOT comparison.held
      AND NOT EXISTS (SELECT FROM batches_claim other
                      WHERE other.comparison_id = comparison.id AND other.lapses_at > clock_timestamp())
      AND NOT EXISTS (SELECT FROM batches_comparison twin
                      WHERE twin.round_id = comparison.round_id AND twin.judge_id = %(judge)s
                        AND twin.essay_a_id = comparison.essay_a_id AND twin.essay_b_id = comparison.essay_b_id
                        AND twin.replicate = comparison.replicate AND twin.id <> comparison.id)
    ORDER BY cj_round.number, comparison.id
    LIMIT 1 FOR UPDATE OF comparison SKIP LOCKED
) next
ON CONFLICT (comparison_id) DO UPDATE SET
    assessment_id = excluded.assessment_id, judge_id = excluded.judge_id, taken_at = excluded.taken_at,
    lapses_at = excluded.lapses_at, winner = '', comment = '', confidence = NULL, answered_at = NULL
WHERE claim.lapses_at <= clock_timestamp()
RETURNING comparison_id
"""


def _take_next(seat: AssessmentJudge) -> bool:
    values = {"assessment": seat.assessment_id, "judge": seat.judge_id, "seconds": cj_settings.human_claim}
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        return cursor.fetchone() is not None


def put_down(seat: AssessmentJudge) -> None:
    """Give the pair in hand back to the others, without an answer."""
    Claim.objects.filter(assessment=seat.assessment_id, judge=seat.judge_id).delete()


def answer(
    seat: AssessmentJudge, comparison_id: int, winner: str, *, comment: str = "", confidence: int | None = None
) -> None:
    """Draft an answer, or change it; Refused where the pair is somebody else's by now."""
    if winner not in Judgement.Winner.values:
        raise Refused(_("Choose the first or the second essay."))
    said = _beside(comment, confidence)
    _change(seat, comparison_id, winner=winner, answered_at=DatabaseClock(), lapses_at=_lapse(), **said)


def remark(seat: AssessmentJudge, comparison_id: int, *, comment: str = "", confidence: int | None = None) -> None:
    """Change what stands beside a draft, and not the choice or its time."""
    _change(seat, comparison_id, lapses_at=_lapse(), **_beside(comment, confidence))


def _beside(comment: str, confidence: int | None) -> dict[str, Any]:
    if confidence is not None and not 1 <= confidence <= 5:
        raise Refused(_("Say how sure you are with a whole number from 1 to 5, or leave it open."))
    if len(comment) > LONGEST_COMMENT:
        raise Refused(_("A comment has at most %(most)s characters: shorten it.") % {"most": grouped(LONGEST_COMMENT)})
    return {"comment": storable(comment.strip(), LONGEST_COMMENT), "confidence": confidence}


def take_back(seat: AssessmentJudge, comparison_id: int) -> None:
    """Undo a draft: the pair is open again, its comment kept."""
    _change(seat, comparison_id, winner="", confidence=None, answered_at=None, lapses_at=_lapse())


def _change(seat: AssessmentJudge, comparison_id: int, **changes: Any) -> None:
    mine = Claim.objects.filter(
        comparison=comparison_id,
        assessment=seat.assessment_id,
        judge=seat.judge_id,
        comparison__status=Status.PENDING,
    )
    if not mine.update(**changes):
        raise Refused(str(GONE))


def move_on(seat: AssessmentJudge, comparison_id: int, *, actor: Person) -> None:
    """Make the draft a judgement, for good, with its callback; Refused where there is none, or the pair is gone."""
    with transaction.atomic():
        comparison, claim = _draft(seat, comparison_id)
        Judgement.objects.create(
            comparison=comparison,
            winner=claim.winner,
            justification=claim.comment,
            confidence=claim.confidence,
            seconds=min(MOST_SECONDS, round(claim.took.total_seconds())),  # type: ignore[attr-defined]
        )
        Comparison.objects.filter(pk=comparison.pk).advance(
            Status.JUDGED, judge=seat.judge_id, resolved_at=DatabaseClock(), revision=F("revision") + 1
        )
        claim.delete()
        callbacks.write([comparison.pk])
        AuditEntry.record("judge", comparison, actor=actor, project=seat.assessment.project, winner=claim.winner)


def _draft(seat: AssessmentJudge, comparison_id: int) -> tuple[Comparison, Claim]:
    """The pair and the draft, both locked; Refused where the pair is gone, or nothing was chosen."""
    waiting = for_people(seat.assessment_id).filter(
        pk=comparison_id, status=Status.PENDING, essay_a__erased_at=None, essay_b__erased_at=None
    )
    comparison = waiting.select_for_update(of=("self",)).first()
    took = ExpressionWrapper(F("answered_at") - F("taken_at"), output_field=DurationField())
    mine = Claim.objects.select_for_update().filter(comparison=comparison_id, judge=seat.judge_id)
    claim = mine.annotate(took=took).first()
    if comparison is None or claim is None:
        raise Refused(str(GONE))
    if not claim.winner:
        raise Refused(_("Choose the first or the second essay before you go on."))
    return comparison, claim


def drop(comparisons: QuerySet[Comparison]) -> int:
    """Take these pairs out of people's hands, drafts and comments with them."""
    return Claim.objects.filter(comparison__in=comparisons).delete()[0]
