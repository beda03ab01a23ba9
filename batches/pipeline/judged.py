"""An assessment's rows -> the decisions that its scale is made from."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from batches.models import Assessment, Comparison, Judge, Judgement, Round
from batches.scale.decisions import Decisions
from batches.scale.estimate import Fit, fit

LEFT_MATTERS = 2  # judgements below which a position term is not worth fitting


class Judged(NamedTuple):
    """One judgement as the fit sees it."""

    comparison: int
    essay_a: int
    essay_b: int
    winner: str
    judge: int
    round: int = 0  # its number
    random: bool = False  # drawn without looking at scores
    replicate: int = 0
    kind: str = Judge.Kind.MODEL


FIELDS = (
    *("comparison_id", "comparison__essay_a_id", "comparison__essay_b_id", "winner", "comparison__judge_id"),
    *("comparison__round__number", "comparison__is_random", "comparison__replicate", "comparison__judge__kind"),
)


def judged(assessment: Assessment) -> list[Judged]:
    """The judgements that a scale is made from: none of the lab, of held rounds, of withdrawn essays, or set aside."""
    rows = Judgement.objects.filter(
        comparison__round__assessment=assessment,
        comparison__round__purpose=Round.Purpose.SCALE,
        comparison__round__trust__in=Round.TRUSTED,
        comparison__status=Comparison.Status.JUDGED,
        comparison__essay_a__withdrawn_at=None,
        comparison__essay_b__withdrawn_at=None,
        comparison__set_aside=None,
    ).order_by("comparison")
    return [Judged(*row) for row in rows.values_list(*FIELDS)]


def essays_of(assessment: Assessment) -> list[int]:
    return list(assessment.essays.filter(withdrawn_at=None).order_by("pk").values_list("pk", flat=True))


def fingerprint(rows: Sequence[Judged]) -> str:
    """A hash over which comparisons went in and who won them."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.comparison}:{row.winner};".encode())
    return digest.hexdigest()


def decisions_of(rows: Iterable[Judged], essays: Sequence[int]) -> Decisions:
    """essay_a was read first; essays nobody has judged are there without a score."""
    told = (
        (row.essay_a, row.essay_b, row.essay_a, row.judge)
        if row.winner == "A"
        else (row.essay_b, row.essay_a, row.essay_a, row.judge)
        for row in rows
    )
    return Decisions.from_rows(told, essays=essays)


def fit_judgements(
    rows: Sequence[Judged], essays: Sequence[int], *, estimator: str = "map", uncertain: bool = True
) -> Fit:
    """Where people have judged, each judge has a position term of their own: places are liked differently."""
    people = any(row.kind == Judge.Kind.PERSON for row in rows)
    return fit(
        decisions_of(rows, essays),
        estimator,
        position=len(rows) >= LEFT_MATTERS,
        judge_position=people,
        uncertain=uncertain,
    )
