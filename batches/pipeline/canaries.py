"""A round -> known pairs among its comparisons; what was said of them -> whether a person must look at the round."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.judging.known_pairs import KnownPair, draw, texts
from batches.models import Assessment, AuditEntry, Comparison, Essay, Judge, Round
from batches.models.project import Person
from batches.pipeline.refused import Refused

log = logging.getLogger(__name__)
Status = Comparison.Status
OPEN = (Status.PENDING, Status.IN_FLIGHT)
MISSED = Q(judgement__winner="A", essay_a__known="weaker") | Q(judgement__winner="B", essay_b__known="weaker")


class Weight(NamedTuple):
    """What one judge made of a round's known pairs."""

    judge: int
    judged: int
    missed: int


def store(cj_round: Round, rows: Iterable[Comparison]) -> None:
    """Write a round's comparisons down, known pairs for each of its judges strewn among them.

    To be called in the transaction that plans the round, with its assessment locked.
    """
    planned = list(rows)
    n = int(cj_settings.of(cj_round.assessment.overrides).canaries_per_round)
    asked = {row.judge_id for row in planned} if n else set()
    judges = sorted(Judge.objects.filter(pk__in=asked, kind=Judge.Kind.MODEL).values_list("pk", flat=True))
    known = list(_known(cj_round, judges, n)) if judges else []
    Comparison.objects.bulk_create(_strewn(planned, known, Random(cj_round.seed)), batch_size=2000)


def _known(cj_round: Round, judges: Sequence[int], n: int) -> Iterator[Comparison]:
    essays = _essays(cj_round.assessment)
    watching = Round.everything.create(
        assessment=cj_round.assessment,
        number=cj_round.number,
        purpose=Round.Purpose.CANARY,
        watches=cj_round,
        pairing=cj_round.pairing,
        seed=cj_round.seed,
        strategy=cj_round.strategy,
        n_comparisons=n * len(judges),
        created_by=cj_round.created_by,
    )
    for judge in judges:
        for pair in draw(n, f"{cj_round.pk} {cj_round.seed} {judge}"):
            yield _comparison(watching, pair, judge, essays)


def _comparison(watching: Round, pair: KnownPair, judge: int, essays: dict[str, int]) -> Comparison:
    a, b = (essays[text.name] for text in pair.in_order)
    return Comparison(round=watching, essay_a_id=a, essay_b_id=b, judge_id=judge)


def _essays(assessment: Assessment) -> dict[str, int]:
    """The shipped texts as essays of the assessment, written down once: name -> id."""
    mine = Essay.everything.filter(assessment=assessment).exclude(known="")
    there = dict(mine.values_list("text_sha256", "pk"))
    shipped = [(one, known) for known, some in zip(("better", "weaker"), texts(), strict=True) for one in some]
    hashes = {one.name: hashlib.sha256(one.text.encode()).hexdigest() for one, _ in shipped}
    new = [
        Essay(
            assessment=assessment,
            candidate=f"known {one.name} {hashes[one.name][:6]}",
            known=known,
            text=one.text,
            text_sha256=hashes[one.name],
            n_words=len(one.text.split()),
            scanned_at=timezone.now(),
        )
        for one, known in shipped
        if hashes[one.name] not in there
    ]
    there |= {essay.text_sha256: essay.pk for essay in Essay.everything.bulk_create(new)}
    return {name: there[digest] for name, digest in hashes.items()}


def _strewn(planned: Sequence[Comparison], known: Sequence[Comparison], rng: Random) -> Iterator[Comparison]:
    """Each known pair at a place drawn from its own stretch of the round: first jobs hold some, and so do last ones."""
    stretch = len(planned) / (len(known) or 1)
    before = defaultdict(list)
    for i, one in enumerate(known):
        before[int(stretch * (i + rng.random()))].append(one)
    for place, row in enumerate(planned):
        yield from before[place]
        yield row


def with_canaries(rounds: QuerySet[Round] | Iterable[Round]) -> QuerySet[Round]:
    """These rounds and the known pairs that watch them."""
    ids = [one.pk for one in rounds]
    return Round.everything.filter(Q(pk__in=ids) | Q(watches__in=ids))


def weights(watched: Iterable[int]) -> dict[int, list[Weight]]:
    """What was said of the known pairs of these rounds so far, by round and judge."""
    judged = Comparison.objects.filter(round__watches__in=list(watched), status=Status.JUDGED).order_by()
    rows = judged.values_list("round__watches", "judge").annotate(n=Count("pk"), missed=Count("pk", filter=MISSED))
    found: dict[int, list[Weight]] = defaultdict(list)
    for cj_round, judge, n, missed in rows.order_by("round__watches", "judge"):
        found[cj_round].append(Weight(judge, n, missed))
    return found


def weigh_open() -> int:
    """Look at the known pairs that nobody has weighed to the end; how many rounds are held now that were not."""
    waiting = Round.everything.filter(purpose=Round.Purpose.CANARY, weighed_at=None, submitted_at__isnull=False)
    watched = dict(waiting.values_list("pk", "watches"))
    if not watched:
        return 0
    held = weigh(Round.objects.filter(pk__in=watched.values()))
    unresolved = Exists(Comparison.objects.filter(round=OuterRef("pk"), status__in=OPEN))
    Round.everything.filter(~unresolved, pk__in=watched).update(weighed_at=timezone.now())
    return held


def weigh(watched: QuerySet[Round]) -> int:
    """Hold those of these rounds whose judge has missed too many known pairs; how many are held now."""
    rows = {one.pk: one for one in watched.filter(trust="").select_related("assessment__project")}
    return sum(_hold(rows[pk], found) for pk, found in weights(rows).items() if _too_many(rows[pk], found))


def _too_many(cj_round: Round, found: Iterable[Weight]) -> bool:
    limit = cj_settings.of(cj_round.assessment.overrides).canary_miss_limit
    return any(one.missed > limit for one in found)


def _hold(cj_round: Round, found: Sequence[Weight]) -> bool:
    with transaction.atomic():
        if not Round.objects.filter(pk=cj_round.pk, trust=Round.Trust.OPEN).update(trust=Round.Trust.HELD):
            return False
        by_judge = {str(one.judge): f"{one.missed} of {one.judged}" for one in found}
        AuditEntry.record("hold", cj_round, actor=None, project=cj_round.assessment.project, missed=by_judge)
    log.warning("round held round=%s missed=%s", cj_round.pk, by_judge)
    return True


def release(cj_round: Round, *, actor: Person | None) -> None:
    """A person has looked: scales use the judgements of a held round all the same."""
    with transaction.atomic():
        _decide(cj_round, Round.Trust.RELEASED)
        AuditEntry.record("release", cj_round, actor=actor, project=cj_round.assessment.project)


def ask_again(cj_round: Round, *, actor: Person | None) -> Round:
    """Leave a held round out of scales for good, and plan its pairs anew in a round of their own; nothing is sent."""
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().get(pk=cj_round.assessment_id)
        _decide(cj_round, Round.Trust.ASKED_AGAIN)
        rows = list(cj_round.comparisons.exclude(status=Status.WITHDRAWN).order_by("pk"))
        if not rows:
            raise Refused(_("Every essay of this round was withdrawn: nothing is left to ask again."))
        again = _copy(assessment, cj_round, rows, actor)
        AuditEntry.record(
            "ask again", cj_round, actor=actor, project=assessment.project, round=again.number, comparisons=len(rows)
        )
    return again


def _decide(cj_round: Round, trust: str) -> None:
    if not Round.objects.filter(pk=cj_round.pk, trust=Round.Trust.HELD).update(trust=trust):
        raise Refused(_("This round is not held, or somebody has decided about it already: reload the page."))


def _copy(assessment: Assessment, cj_round: Round, rows: Sequence[Comparison], actor: Person | None) -> Round:
    again = Round.objects.create(
        assessment=assessment,
        number=(assessment.rounds.aggregate(last=Max("number"))["last"] or 0) + 1,
        pairing=cj_round.pairing,
        seed=cj_round.seed,
        strategy=cj_round.strategy,
        n_comparisons=len(rows),
        correlation_id=cj_round.correlation_id,
        created_by_id=actor.pk if actor else None,
    )
    fields = ("essay_a_id", "essay_b_id", "judge_id", "replicate", "is_random")
    store(again, (Comparison(round=again, **{name: getattr(row, name) for name in fields}) for row in rows))
    return again


def sentences(found: Iterable[Weight]) -> list[str]:
    """What each judge made of a round's known pairs, for a person."""
    rows = list(found)
    names = Judge.objects.select_related("account", "user").in_bulk([one.judge for one in rows])
    words = _("%(judge)s chose the plainly weaker essay in %(missed)s of %(judged)s.")
    return [words % {"judge": names[one.judge], "missed": one.missed, "judged": one.judged} for one in rows]


def warnings(rounds: Iterable[Round]) -> list[str]:
    """One sentence for each of these rounds, which are held."""
    words = _(
        "Round %(number)s is held: its judge missed too many known pairs. No scale uses it until you decide on the "
        "round's page."
    )
    return [words % {"number": one.number} for one in rounds]


def in_doubt(assessment: Assessment, comparisons: Iterable[int]) -> list[int]:
    """Numbers of the rounds that no scale may use and that some of these comparisons belong to."""
    doubtful = assessment.rounds.exclude(trust__in=Round.TRUSTED).order_by("number")
    numbers = dict(doubtful.values_list("pk", "number"))
    if not numbers:
        return []
    used = set(comparisons)
    rows = Comparison.objects.filter(round__in=numbers, status=Status.JUDGED).values_list("pk", "round")
    return sorted({numbers[cj_round] for pk, cj_round in rows.iterator() if pk in used})
