"""Essays -> flags for a person to look at; that person's decision -> what is judged again, and without what."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from batches.essays.scan import Suspicion, suspicions
from batches.essays.scan.passages import passage, together
from batches.models import Assessment, AuditEntry, Comparison, Essay, Flag, Judge, Round, SetAside
from batches.models.project import Person
from batches.pipeline import canaries
from batches.pipeline.refused import Refused
from batches.pipeline.strategies import strategy as known_strategy

AT_ONCE = 200  # essays scanned in one transaction
WITH_PLACES = ("instruction", "machine", "rubric_talk", "hidden", "turned", "encoded", "language")


def scan_due(essays: QuerySet[Essay] | None = None, *, most: int = AT_ONCE) -> int:
    """Scan essays that nobody has scanned yet, and flag what they hold; how many were scanned. Can run twice."""
    unscanned = (Essay.objects.all() if essays is None else essays).filter(scanned_at=None, withdrawn_at=None)
    rows = list(unscanned.order_by("pk").values_list("pk", "text")[:most])
    found = [(pk, suspicions(text)) for pk, text in rows]
    with transaction.atomic():
        Flag.objects.bulk_create((flag for pk, some in found for flag in _flags(pk, some)), ignore_conflicts=True)
        Essay.objects.filter(pk__in=[pk for pk, _ in rows]).update(scanned_at=timezone.now())
    return len(rows)


def scan_all(assessment: Assessment) -> None:
    """Scan whatever an assessment holds that was not scanned: pairs are planned by what is known of each essay."""
    while scan_due(assessment.essays.all()):
        pass


def _flags(essay: int, found: Sequence[Suspicion]) -> list[Flag]:
    kinds: dict[str, list[list[Any]]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append([one.start, one.end, one.detail])
    return [Flag(essay_id=essay, kind=kind, evidence={"places": places}) for kind, places in kinds.items()]


def doubted(assessment: Assessment) -> set[int]:
    """Essays whose every pair is judged a second time with the places swapped: those with a flag still open."""
    open_flags = Flag.objects.filter(essay__assessment=assessment, essay__withdrawn_at=None, verdict="")
    return set(open_flags.values_list("essay", flat=True))


def passages(essay: Essay) -> list[list[int]]:
    """The passages that the open flags of an essay lie in."""
    places = [place for flag in essay.flags.filter(verdict="") for place in flag.evidence.get("places", [])]
    return together(passage(essay.text, start, end) for start, end, *_ in places)


def find(essay: Essay, words: str) -> list[list[int]]:
    """Where some words stand in an essay, exactly; Refused where they do not."""
    words = words.strip()
    if not words:
        return []
    at = essay.text.find(words)
    if at < 0:
        raise Refused(_("These words do not stand in the essay: copy the passage from it exactly."))
    return [[at, at + len(words)]]


def harmless(flags: QuerySet[Flag], *, actor: Person | None) -> int:
    """A person has looked: nothing here speaks to the judge. The judgements stay as they are."""
    with transaction.atomic():
        rows = list(flags.filter(verdict="").select_for_update(of=("self",)).select_related("essay__assessment"))
        _decide(rows, Flag.Verdict.HARMLESS, actor)
    if not rows:
        raise Refused(_("This was decided before: reload the page to see by whom."))
    return len(rows)


def judge_again(essay: Essay, spans: Sequence[Sequence[int]], *, actor: Person | None, strategy: str) -> Round:
    """Leave the passages out of what judges are shown, set the essay's judgements aside, and plan its pairs anew.

    Nothing is sent: the new round is submitted like any other. Refused without a passage.
    """
    known_strategy(strategy)
    if not spans:
        raise Refused(_("Say which passage is to be left out: copy it from the essay."))
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().get(pk=essay.assessment_id)
        essay = Essay.objects.select_for_update().get(pk=essay.pk)
        essay.left_out = together([*essay.left_out, *spans])
        essay.save(update_fields=["left_out"])
        pairs = _set_aside(essay)
        flags = list(essay.flags.filter(verdict="").select_related("essay__assessment"))
        _decide(flags, Flag.Verdict.SET_ASIDE, actor)
        cj_round = _plan_again(assessment, pairs, strategy=strategy, actor=actor)
        AuditEntry.record(
            "judge again",
            essay,
            actor=actor,
            project=assessment.project,
            left_out=essay.left_out,
            comparisons=len(pairs),
            round=cj_round.number,
        )
    return cj_round


def put_back(essay: Essay, *, actor: Person | None) -> int:
    """Use the judgements that were set aside for this essay again, and show judges the whole essay; how many."""
    with transaction.atomic():
        Assessment.objects.select_for_update().get(pk=essay.assessment_id)
        n, _by_model = SetAside.objects.filter(essay=essay).delete()
        if not n and not essay.left_out:
            raise Refused(_("Nothing of this essay is set aside."))
        Essay.objects.filter(pk=essay.pk).update(left_out=[])
        AuditEntry.record("put back", essay, actor=actor, project=essay.assessment.project, comparisons=n)
    return n


def _decide(flags: Iterable[Flag], verdict: str, actor: Person | None) -> None:
    for flag in flags:
        changed = Flag.objects.filter(pk=flag.pk, verdict="").update(
            verdict=verdict, decided_by_id=actor.pk if actor else None, decided_at=timezone.now()
        )
        if changed:
            project = flag.essay.assessment.project
            AuditEntry.record("decide flag", flag, actor=actor, project=project, kind=flag.kind, verdict=verdict)


def _set_aside(essay: Essay) -> list[Comparison]:
    """The judged comparisons of an essay that scales used so far, one of each pair, judge and order."""
    judged = Comparison.objects.filter(
        Q(essay_a=essay) | Q(essay_b=essay),
        round__purpose=Round.Purpose.SCALE,
        round__trust__in=Round.TRUSTED,
        status=Comparison.Status.JUDGED,
        judge__kind=Judge.Kind.MODEL,
        set_aside=None,
    )
    rows = list(judged.order_by("pk"))
    if not rows:
        raise Refused(_("No model has judged this essay yet: nothing has to be judged again."))
    SetAside.objects.bulk_create([SetAside(comparison=row, essay=essay) for row in rows], ignore_conflicts=True)
    return rows


def _plan_again(assessment: Assessment, rows: Sequence[Comparison], *, strategy: str, actor: Person | None) -> Round:
    one_of_each = {(row.essay_a_id, row.essay_b_id, row.judge_id): row for row in rows}
    cj_round = Round.objects.create(
        assessment=assessment,
        number=(assessment.rounds.aggregate(last=Max("number"))["last"] or 0) + 1,
        pairing=assessment.pairing,
        seed=0,
        strategy=strategy,
        n_comparisons=len(one_of_each),
        created_by_id=actor.pk if actor else None,
    )
    again = (
        Comparison(
            round=cj_round,
            essay_a_id=row.essay_a_id,
            essay_b_id=row.essay_b_id,
            judge_id=row.judge_id,
            replicate=row.replicate,
            is_random=row.is_random,
        )
        for row in one_of_each.values()
    )
    canaries.store(cj_round, again)
    return cj_round
