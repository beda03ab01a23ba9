"""What people and models said of the same pairs -> a report: agreement, disagreements by size, place and time."""

from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from batches.models import Assessment, Essay, Judge, Score
from batches.numbers import counted
from batches.scale.agreement import Meeting, Share, agreement, chance, expected

MOST_SHOWN = 200  # disagreements in one report


class Said(NamedTuple):
    """One judgement of a person, and a model's of the same pair where there is one."""

    comparison: int
    round: int
    judge: int
    first: int
    second: int
    winner: str
    comment: str
    seconds: int | None
    beside: int | None = None  # the model's comparison
    beside_first: int | None = None
    beside_winner: str | None = None
    confidence: int | None = None

    @property
    def chose(self) -> int:
        return self.first if self.winner == "A" else self.second

    @property
    def turned_down(self) -> int:
        return self.second if self.winner == "A" else self.first

    @property
    def model_chose(self) -> int | None:
        if self.beside is None:
            return None
        first = self.beside_first == self.first
        return self.first if (self.beside_winner == "A") == first else self.second


# The model's reading in the same round first, the plain one before its repeat; else that of another round.
SAID = """
SELECT mine.id, cj_round.number, mine.judge_id, mine.essay_a_id, mine.essay_b_id, said.winner, said.justification,
       said.seconds, model.id, model.essay_a_id, model.winner, model.confidence
FROM batches_round cj_round
JOIN batches_comparison mine ON mine.round_id = cj_round.id AND mine.status = 'JUDGED'
JOIN batches_judge judge ON judge.id = mine.judge_id AND judge.kind = 'PERSON'
JOIN batches_judgement said ON said.comparison_id = mine.id
LEFT JOIN LATERAL (
    SELECT other.id, other.essay_a_id, answer.winner, answer.confidence
    FROM batches_comparison other
    JOIN batches_round its ON its.id = other.round_id AND its.purpose = 'SCALE'
    JOIN batches_judge asked ON asked.id = other.judge_id AND asked.kind = 'MODEL'
    JOIN batches_judgement answer ON answer.comparison_id = other.id
    WHERE other.status = 'JUDGED'
      AND (other.essay_a_id = mine.essay_a_id AND other.essay_b_id = mine.essay_b_id
           OR other.essay_a_id = mine.essay_b_id AND other.essay_b_id = mine.essay_a_id)
      AND NOT EXISTS (SELECT FROM batches_setaside aside WHERE aside.comparison_id = other.id)
    ORDER BY other.round_id <> mine.round_id, other.replicate, other.id LIMIT 1
) model ON true
WHERE cj_round.assessment_id = %s AND cj_round.purpose = 'SCALE'
  AND NOT EXISTS (SELECT FROM batches_setaside aside WHERE aside.comparison_id = mine.id)
ORDER BY mine.id
"""


def said(assessment: Assessment) -> list[Said]:
    """What people have judged in an assessment's scale, each with the model's word on the same pair."""
    with connection.cursor() as cursor:
        cursor.execute(SAID, [assessment.pk])
        return [Said(*row) for row in cursor.fetchall()]


def report(assessment: Assessment, *, most: int = MOST_SHOWN) -> dict[str, Any]:
    """People against the model, as JSON; null for what these judgements cannot say."""
    rows = said(assessment)
    scale = assessment.scales.order_by("-number").first()
    logits = _logits(scale.pk, rows) if scale else {}
    met = {row.comparison: _meeting(row, logits) for row in rows if row.beside is not None}
    names = _names(rows)
    differing = sorted(
        (row for row in rows if row.comparison in met and not met[row.comparison].agreed),
        key=lambda row: (-met[row.comparison].size, row.comparison),
    )
    candidates = _candidates(differing[:most])
    return {
        "assessment": assessment.slug,
        "scale": scale.number if scale else None,
        "judgements": len(rows),
        "agreement": _agreement(list(met.values())),
        "same_order": _agreement([one for one in met.values() if one.same_order]),
        "turned": _agreement([one for one in met.values() if not one.same_order]),
        "model_chose_first": _share(_model_first([row for row in rows if row.beside is not None])),
        "people": [_person(name, [r for r in rows if r.judge == judge], met) for judge, name in names.items()],
        "n_disagreements": len(differing),
        "disagreements": [_disagreement(row, met[row.comparison], names, candidates) for row in differing[:most]],
    }


def _logits(scale: int, rows: Sequence[Said]) -> dict[int, float]:
    essays = {essay for row in rows for essay in (row.first, row.second)}
    placed = Score.objects.filter(scale=scale, essay__in=essays, logit__isnull=False)
    return {essay: logit for essay, logit in placed.values_list("essay", "logit") if logit is not None}


def _meeting(row: Said, logits: dict[int, float]) -> Meeting:
    known = row.chose in logits and row.turned_down in logits
    return Meeting(
        agreed=row.chose == row.model_chose,
        same_order=row.beside_first == row.first,
        chance=chance(logits[row.chose] - logits[row.turned_down]) if known else None,
        confidence=row.confidence,
    )


def _names(rows: Sequence[Said]) -> dict[int, str]:
    """Judge -> user name, in the order of the names."""
    judges = Judge.objects.filter(pk__in={row.judge for row in rows}, user__isnull=False)
    return dict(judges.order_by("user__username").values_list("pk", f"user__{User.USERNAME_FIELD}"))


def _candidates(rows: Sequence[Said]) -> dict[int, str]:
    essays = {essay for row in rows for essay in (row.first, row.second)}
    return dict(Essay.objects.filter(pk__in=essays).values_list("pk", "candidate"))


def _share(share: Share) -> dict[str, Any]:
    interval = share.interval
    return {"n": share.n, "hits": share.hits, "rate": share.rate, "interval": list(interval) if interval else None}


def _agreement(met: Sequence[Meeting]) -> dict[str, Any]:
    return _share(agreement(met)) | {"expected": expected(met)}


def _model_first(rows: Sequence[Said]) -> Share:
    return Share(hits=sum(row.beside_winner == "A" for row in rows), n=len(rows))


def _person(name: str, rows: Sequence[Said], met: dict[int, Meeting]) -> dict[str, Any]:
    first = Share(hits=sum(row.winner == "A" for row in rows), n=len(rows))
    return {
        "judge": name,
        "judgements": len(rows),
        "agreement": _agreement([met[row.comparison] for row in rows if row.comparison in met]),
        "chose_first": _share(first),
        "seconds": _seconds([row.seconds for row in rows if row.seconds is not None]),
    }


def _seconds(took: Sequence[int]) -> dict[str, Any]:
    """The middle of a person's times, and the middle half: a mean would tell of coffee breaks."""
    quarters = quantiles(took, n=4, method="inclusive") if len(took) > 1 else [took[0]] * 3 if took else None
    return {
        "n": len(took),
        "median": median(took) if took else None,
        "middle_half": [quarters[0], quarters[2]] if quarters else None,
    }


def _disagreement(row: Said, one: Meeting, names: dict[int, str], candidates: dict[int, str]) -> dict[str, Any]:
    return {
        "comparison": row.comparison,
        "model_comparison": row.beside,
        "round": row.round,
        "judge": names.get(row.judge, ""),
        "person_chose": candidates[row.chose],
        "model_chose": candidates[row.turned_down],
        "size": one.size,
        "scale_sides_with": None if one.chance is None else "person" if one.chance > 0.5 else "model",
        "model_confidence": row.confidence,
        "comment": row.comment,
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The report as text, for a terminal or a file."""
    yield f"People and model: {found['assessment']}"
    judgements = counted(found["judgements"], "judgement")
    yield f"{judgements} by people, {found['agreement']['n']:,} of them of pairs a model judged."
    yield f"Agreement: {_words(found['agreement'])}{_against(found['agreement'])}"
    yield f"  read in the same order: {_words(found['same_order'])}"
    yield f"  read the other way round: {_words(found['turned'])}"
    yield f"The model chose the essay it read first: {_words(found['model_chose_first'])}"
    for one in found["people"]:
        yield ""
        yield f"{one['judge']}: {counted(one['judgements'], 'judgement')}"
        yield f"  agreement: {_words(one['agreement'])}{_against(one['agreement'])}"
        yield f"  chose the essay read first: {_words(one['chose_first'])}"
        if one["seconds"]["n"]:
            low, high = one["seconds"]["middle_half"]
            yield f"  time for a decision: {one['seconds']['median']:.0f} s (half of them {low:.0f} to {high:.0f} s)"
    if found["disagreements"]:
        yield ""
        yield f"Disagreements, the largest first ({len(found['disagreements'])} of {found['n_disagreements']:,}):"
    for one in found["disagreements"]:
        side = f", scale with the {one['scale_sides_with']}" if one["scale_sides_with"] else ""
        yield (
            f"  comparison {one['comparison']}: {one['judge']} chose {one['person_chose']}, "
            f"the model {one['model_chose']} (size {one['size']:.2f}{side})"
        )


def _words(share: dict[str, Any]) -> str:
    if share["rate"] is None:
        return "nothing to go by yet"
    low, high = share["interval"]
    return f"{share['rate']:.0%} ({share['hits']:,} of {share['n']:,}; 95 % interval {low:.0%} to {high:.0%})"


def _against(share: dict[str, Any]) -> str:
    if share["expected"] is None:
        return ""
    return f"; two judges who both follow the scale would agree about {share['expected']:.0%} of these pairs"
