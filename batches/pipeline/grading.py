"""Grade boundaries on a scale -> the grade of each essay, with its probability."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from batches.models import AuditEntry, Scale, Score
from batches.models.project import Person
from batches.pipeline.refused import Refused
from batches.scale import Fit, cuts_from_anchors
from batches.scale.look_first import look_first
from batches.scale.standing import grade_chances

MOST_GRADES = 20
LONGEST = 20  # characters of a grade's name
type Grades = list[dict[str, Any]]  # lowest first: {"name", "from"}, from null for the lowest, else in logits
COLUMNS = ["grade", "grade_probability", "grade_probabilities"]


def set_grades(scale: Scale, grades: Sequence[tuple[str, float | None]], *, actor: Person | None) -> Scale:
    """Divide a scale by boundaries in logits, lowest grade first and without one; [] takes all grades away.

    Refused for a published scale, for one without a common order, and for boundaries that do not rise.
    """
    checked = _checked(grades)
    if not scale.connected:
        raise Refused(_("Its essays fall into groups that were never compared: plan another round before any grades."))
    source = Scale.GradesSource.STAFF if checked else Scale.GradesSource.NONE
    with transaction.atomic():
        held = Scale.objects.select_for_update().filter(pk=scale.pk, published_at=None).first()
        if held is None:
            raise Refused(_("This scale is published: its grades stay as they are."))
        _put(held, checked, source)
        AuditEntry.record("set grades", held, actor=actor, project=held.assessment.project, grades=checked)
    scale.refresh_from_db()
    return scale


def _checked(grades: Sequence[tuple[str, float | None]]) -> Grades:
    names = [name.strip() for name, _ in grades]
    cuts = [cut for _, cut in grades[1:]]
    if grades and not 2 <= len(grades) <= MOST_GRADES:
        raise Refused(
            _("Give between 2 and %(most_grades)s grades, not %(grades)s.")
            % {"most_grades": MOST_GRADES, "grades": len(grades)}
        )
    if any(not name or len(name) > LONGEST for name in names) or len(set(names)) < len(names):
        raise Refused(
            _("Give every grade a name of its own, of at most %(longest)s characters.") % {"longest": LONGEST}
        )
    if grades and grades[0][1] is not None:
        raise Refused(_("The lowest grade has no boundary: leave it without a number."))
    known = [cut for cut in cuts if cut is not None and math.isfinite(cut)]
    if len(known) < len(cuts):
        raise Refused(_("Every grade but the lowest needs the score from which it is given."))
    if any(not low < high for low, high in pairwise(known)):
        raise Refused(_("The boundaries must rise from grade to grade: write the best grade first."))
    return [{"name": name, "from": cut} for name, (_, cut) in zip(names, grades, strict=True)]


def _put(scale: Scale, grades: Grades, source: str) -> None:
    """Write the grades on a scale that this transaction has locked, and on its scores."""
    scores = list(scale.scores.select_related("essay").defer("essay__text"))
    grade(scores, grades)
    Score.objects.bulk_update(scores, COLUMNS, batch_size=1000)
    report = scale.report | {"look_first": looks(scores)}
    Scale.objects.filter(pk=scale.pk).update(grades=grades, grades_source=source, report=report)


def grade(scores: Sequence[Score], grades: Grades) -> None:
    """Give each score its likeliest grade and the probability of every grade, lowest first; nothing is saved."""
    logit = _column(scores, "logit")
    error = _column(scores, "standard_error")
    chances = grade_chances(logit, error, cuts_of(grades)) if grades else np.full((len(scores), 1), np.nan)
    for score, row in zip(scores, chances, strict=True):
        known = bool(grades) and bool(np.isfinite(row).all())
        best = int(row.argmax()) if known else 0
        score.grade = grades[best]["name"] if known else ""
        score.grade_probability = float(row[best]) if known else None
        score.grade_probabilities = row.tolist() if known else []


def cuts_of(grades: Grades) -> list[float]:
    return [one["from"] for one in grades[1:]]


def from_anchors(fitted: Fit, anchors: Mapping[int, float]) -> Grades:
    """Grades named after the anchors' known scores, boundaries half way between; none where they do not rise."""
    levels = sorted(set(anchors.values()))
    if not 2 <= len(levels) <= MOST_GRADES or not fitted.connected:
        return []
    try:
        cuts = cuts_from_anchors(fitted, {essay: levels.index(score) for essay, score in anchors.items()})
    except ValueError:
        return []
    names = [f"{level:g}" for level in levels]
    return [{"name": names[0], "from": None}, *({"name": n, "from": c} for n, c in zip(names[1:], cuts, strict=True))]


def looks(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """The essays to look at first, as JSON."""
    found = look_first(
        scores,
        n=np.array([score.n for score in scores]),
        component=np.array([score.component - 1 for score in scores]),
        infit=_column(scores, "infit"),
        outfit=_column(scores, "outfit"),
        flipped=np.array([score.flips for score in scores]),
        grade_probability=_column(scores, "grade_probability"),
    )
    return [
        {"essay_id": look.essay.essay_id, "essay": look.essay.essay.candidate, "reasons": list(look.reasons)}
        for look in found
    ]


def _column(scores: Sequence[Score], name: str) -> Any:
    return np.array([np.nan if (value := getattr(score, name)) is None else value for score in scores], dtype=float)
