"""A line that staff write, such as "A 60; B 50; C" -> the grade boundaries of a scale."""

import math
import re
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.deeds import Entry, Question
from batches.models import Scale
from batches.numbers import decimal
from batches.pipeline.refused import Refused

FIELD = "grades"
MOST_CHARACTERS = 600
SHAPE = gettext_lazy(
    'Write the best grade first, each with the lowest score it is given for, the last one alone: "A 60; B 50; C".'
)


def ask_for_grades(scale: Scale) -> Question:
    unit = _("scaled score") if scale.scaled_sd else _("logits")
    slope, intercept = unit_of(scale)
    ends = scale.scores.aggregate(low=Min("logit"), high=Max("logit"))
    low, high = (0.0 if end is None else slope * end + intercept for end in (ends["low"], ends["high"]))
    return Question(
        title=_("Set the grade boundaries"),
        facts=[
            (_("Scale"), str(scale)),
            (
                _("Scores"),
                _("%(low)s to %(high)s (%(unit)s)") % {"low": decimal(low, 1), "high": decimal(high, 1), "unit": unit},
            ),
            (_("Grades now"), written(scale) or _("none")),
        ],
        button=_("Set these grades"),
        entry=Entry(
            name=FIELD,
            label=_("Grades, best first"),
            help=_("%(shape)s Leave it empty to take all grades away.") % {"shape": SHAPE},
            value=written(scale),
            longest=MOST_CHARACTERS,
            required=False,
        ),
    )


def unit_of(scale: Scale) -> tuple[float, float]:
    """Slope and intercept from logits to the scaled scores that people see; 1 and 0 where there are none."""
    ends = scale.scores.aggregate(Min("logit"), Max("logit"), Min("scaled_score"), Max("scaled_score"))
    low, high = ends["logit__min"], ends["logit__max"]
    if ends["scaled_score__min"] is None or low is None or not high > low:
        return 1.0, 0.0
    slope = (ends["scaled_score__max"] - ends["scaled_score__min"]) / (high - low)
    return (slope, ends["scaled_score__min"] - slope * low) if slope > 0 else (1.0, 0.0)


def written(scale: Scale) -> str:
    """The grades in force as one would type them."""
    if not scale.grades:
        return ""
    slope, intercept = unit_of(scale)
    best_first = [f"{one['name']} {slope * one['from'] + intercept:.4g}" for one in scale.grades[:0:-1]]
    return "; ".join([*best_first, scale.grades[0]["name"]])


def read(text: str, scale: Scale) -> list[tuple[str, float | None]]:
    """Grades lowest first, boundaries in logits; Refused where the line cannot be read."""
    parts = [part.strip() for part in re.split(r"[;,\n]", text) if part.strip()]
    if not parts:
        return []
    slope, intercept = unit_of(scale)
    grades: list[tuple[str, float | None]] = [(parts[-1], None)]
    for part in reversed(parts[:-1]):
        name, _blank, number = part.rpartition(" ")
        try:
            score = float(number)
        except ValueError:
            score = math.nan
        if not name or not math.isfinite(score):
            raise Refused(_("“%(part)s” is not a grade with a score. %(shape)s") % {"part": part, "shape": SHAPE})
        grades.append((name, (score - intercept) / slope))
    return grades


def asked_for(request: HttpRequest) -> str:
    return request.POST.get(FIELD, "")[: MOST_CHARACTERS + 1]


def the_one(rows: QuerySet[Any]) -> Scale:
    found = list(rows.select_related("assessment__project")[:2])
    if len(found) != 1:
        raise Refused(_("Set the grades of one scale at a time: choose a single one."))
    return found[0]
