"""A scale -> a report for a head of department, to be printed: what was judged, by whom, and what came of it."""

from collections import Counter
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.admin.scale_report import MOST_LOOKED_AT
from batches.admin.trust import picture, trust
from batches.models import Judgement, Scale, Score
from batches.pipeline import report
from batches.scale.look_first import REASONS, SURE_GRADE

MOST_RANKED = 2000  # rows of the ranking: some thirty pages


def print_context(scale: Scale) -> dict[str, Any]:
    """Everything on the paper; it is read without the admin around it."""
    assessment = scale.assessment
    colour, sentence = trust(scale)
    ranked = scale.scores.select_related("essay").defer("essay__text").order_by("rank", "essay__candidate")
    rows = list(ranked[:MOST_RANKED])
    return {
        "scale": scale,
        "assessment": assessment,
        "printed_at": timezone.now(),
        "judges": [str(judge) for judge in assessment.judges.select_related("account", "user")],
        "judged": _judged(scale),
        "words": _words(rows),
        "reliability": reliability_sentence(scale),
        "trust": sentence,
        "trust_colour": colour,
        "chart": picture(scale),
        "grades": _grades(scale, rows),
        "rows": rows,
        "more": max(0, scale.n_essays - len(rows)),
        "scaled": any(row.scaled_score is not None for row in rows),
        "look_first": [
            {"essay": one["essay"], "why": "; ".join(REASONS[reason] for reason in one["reasons"])}
            for one in scale.report.get("look_first", [])[:MOST_LOOKED_AT]
        ],
        "bias": report.bias_words(scale),
        "flips": report.flip_words(scale),
        "each_usd": assessment.spent_usd / scale.n_comparisons if scale.n_comparisons else None,
    }


def _judged(scale: Scale) -> tuple[Any, Any] | None:
    """From when to when its judgements were made: the first and the last that it was made from."""
    ids = scale.judgement_ids
    if not ids:
        return None
    found = Judgement.objects.filter(pk__in=[min(ids), max(ids)]).order_by("created_at")
    times = list(found.values_list("created_at", flat=True))
    return (times[0], times[-1]) if times else None


def _words(rows: list[Score]) -> int | None:
    """About how long an essay is: the median of its words."""
    lengths = sorted(row.essay.n_words for row in rows if row.essay.n_words)
    return lengths[len(lengths) // 2] if lengths else None


def reliability_sentence(scale: Scale) -> str:
    """The reliability as somebody would say it who is asked how sure the order is."""
    known = scale.eb_reliability
    if known is None:
        return _("The reliability cannot be told from these judgements.")
    share = max(0, round(100 * known))
    words = _("Of the differences between the scores about %(share)s in 100 are differences between the essays") % {
        "share": share
    }
    rest = _("; the rest is chance (reliability %(value)s") % {"value": f"{known:.2f}"}
    if scale.eb_reliability_low is not None and scale.eb_reliability_high is not None:
        rest += _(", between %(low)s and %(high)s with 95 %% certainty") % {
            "low": f"{scale.eb_reliability_low:.2f}",
            "high": f"{scale.eb_reliability_high:.2f}",
        }
    return f"{words}{rest})."


def _grades(scale: Scale, rows: list[Score]) -> list[dict[str, Any]]:
    """Each grade, best first: how many essays have it, and how many of those surely."""
    counts = Counter(row.grade for row in rows)
    sure = Counter(row.grade for row in rows if (row.grade_probability or 0) >= SURE_GRADE)
    return [
        {
            "name": one["name"],
            "n": ngettext("%(n)s essay", "%(n)s essays", counts[one["name"]]) % {"n": counts[one["name"]]},
            "share": f"{100 * counts[one['name']] / len(rows):.0f}" if rows else "0",
            "sure": sure[one["name"]],
        }
        for one in reversed(scale.grades)
    ]
