"""An assessment -> rows for the outside: its judgements, its scores, or what R's sirt::btm reads."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import OuterRef, Subquery

from batches.models import Assessment, BatchItem, Comparison, Round, Scale
from batches.pipeline import standing
from batches.pipeline.refused import Refused

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")  # a spreadsheet would run such a cell


def judgements(assessment: Assessment) -> Iterator[dict[str, Any]]:
    """Every comparison, judged or not: who met whom in the order read, what was said, by whom, and what it cost."""
    items = BatchItem.objects.filter(comparison=OuterRef("pk")).order_by("-pk")
    rows = (
        Comparison.objects.filter(round__assessment=assessment)
        .exclude(round__purpose=Round.Purpose.CANARY)
        .select_related("essay_a", "essay_b", "judge__account", "judge__user", "judgement", "round")
        .defer("essay_a__text", "essay_b__text")
        .annotate(custom_id=Subquery(items.values("custom_id")[:1]), cost=Subquery(items.values("cost_usd")[:1]))
        .order_by("pk")
    )
    local = standing.is_local(assessment)
    for row in rows.iterator(chunk_size=2000):
        judgement = getattr(row, "judgement", None)
        custom_id, cost = getattr(row, "custom_id", None), getattr(row, "cost", None)  # annotated
        yield {
            "assessment": assessment.slug,
            "round": row.round.number,
            "purpose": row.round.purpose,
            "custom_id": custom_id or "",
            "essay_a": row.essay_a.candidate,
            "essay_b": row.essay_b.candidate,
            "winner": judgement.winner if judgement else "",
            "confidence": judgement.confidence if judgement else None,
            "justification": judgement.justification if judgement else "",
            "status": row.status,
            "fail_reason": row.fail_reason,
            "judge": str(row.judge),
            "cost_usd": f"{cost:f}" if cost is not None else "0",
            "local": local,
        }


def newest(assessment: Assessment) -> Scale | None:
    return assessment.scales.order_by("-number").first()


def scores(assessment: Assessment, scale: Scale | None = None) -> Iterator[dict[str, Any]]:
    """A scale (without one, the newest), an essay a row; Refused where there is none."""
    scale = scale or newest(assessment)
    if scale is None:
        raise Refused("There is no scale yet: compute it with `scale`.")
    return _scores(assessment, scale)


def _scores(assessment: Assessment, scale: Scale) -> Iterator[dict[str, Any]]:
    for row in (
        scale.scores.select_related("essay")
        .defer("essay__text")
        .order_by("component", "rank", "essay__candidate")
        .iterator(chunk_size=2000)
    ):
        yield {
            "assessment": assessment.slug,
            "scale": scale.number,
            "candidate": row.essay.candidate,
            "rank": row.rank,
            "logit": row.logit,
            "standard_error": row.standard_error,
            "rank_low": row.rank_low,
            "rank_high": row.rank_high,
            "scaled_score": row.scaled_score,
            "scaled_error": row.scaled_error,
            "grade": row.grade,
            "grade_probability": row.grade_probability,
            "separated_from_next": row.separated,
            "infit": row.infit,
            "outfit": row.outfit,
            "judgements": row.n,
            "won": row.wins,
            "component": row.component,
            "published": scale.published_at is not None,
            "local": scale.is_local,
        }


def sirt(assessment: Assessment) -> Iterator[dict[str, Any]]:
    """The rows of R's sirt::btm: the first-read essay, the second, and 1 where the first won."""
    for a, b, winner, judge in _decisions(assessment):
        yield {"id1": a, "id2": b, "result": 1 if winner == "A" else 0, "judge": judge}


def plain(assessment: Assessment) -> Iterator[dict[str, Any]]:
    """What `scale_csv` reads, with the essay that was read first: the same scale comes out again."""
    for a, b, winner, judge in _decisions(assessment):
        chosen, other = (a, b) if winner == "A" else (b, a)
        yield {"chosen": chosen, "not_chosen": other, "judge": judge, "left": a}


def no_more_marking(assessment: Assessment) -> Iterator[dict[str, Any]]:
    """The columns of a download of decisions from No More Marking: who judged, who was chosen, who was not."""
    for a, b, winner, judge in _decisions(assessment):
        chosen, other = (a, b) if winner == "A" else (b, a)
        yield {"judgeId": judge, "chosen": chosen, "notChosen": other}


def _decisions(assessment: Assessment) -> Iterator[tuple[str, str, str, int]]:
    """Candidates in the order read, the winner's place and the judge, of the judgements that make the scale."""
    rows = Comparison.objects.filter(
        round__assessment=assessment,
        round__purpose=Round.Purpose.SCALE,
        round__trust__in=Round.TRUSTED,
        status=Comparison.Status.JUDGED,
        essay_a__withdrawn_at=None,
        essay_b__withdrawn_at=None,
    ).order_by("pk")
    names = ("essay_a__candidate", "essay_b__candidate", "judgement__winner", "judge_id")
    yield from rows.values_list(*names).iterator(chunk_size=5000)


def as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Lines of a CSV file whose cells no spreadsheet takes for formulas."""
    writer = csv.writer(_Line())
    for number, row in enumerate(rows):
        if number == 0:
            yield writer.writerow(row)
        yield writer.writerow(_cell(value) for value in row.values())


def as_jsonl(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


class _Line:
    """What csv writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _may_run(value) and not _is_number(value):
        return f"'{value}"
    return value


def _may_run(text: str) -> bool:
    """Whether a spreadsheet could take it for a formula; some leave blanks before one out."""
    return text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
