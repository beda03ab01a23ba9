"""A stored scale -> its report, for people as lines of text and for programs as JSON."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.models import Scale
from batches.numbers import counted, percent
from batches.pipeline.outlook import outlook
from batches.scale.look_first import REASONS, SURE_GRADE

WEAK_FLIPS = 0.25  # of swapped pairs: beyond, the place of an essay decides about as much as the essay


def red_flag(scale: Scale) -> str:
    """One sentence where nobody should use the order of this scale, else nothing."""
    if not scale.connected:
        return _("The essays fall into %(components)s groups that were never compared: there is no one order.") % {
            "components": scale.components
        }
    if scale.told_from_noise is False:
        return _(
            "The reliability cannot be told from zero: a judge who tosses coins may leave a scale like this one. "
            "Do not use the order."
        )
    return ""


def as_report(scale: Scale) -> dict[str, Any]:
    """Everything that is known of how far a scale can be believed; null for what is undefined."""
    ahead = outlook(scale.assessment, scale)
    kept = {key: value for key, value in scale.report.items() if key not in ("look_first", "anchors", "anchor_scores")}
    rows = list(scale.scores.select_related("essay").defer("essay__text").order_by("rank", "essay__candidate"))
    names = {row.essay_id: row.essay.candidate for row in rows}
    return {
        "red_flag": red_flag(scale) or None,
        "eb_reliability": scale.eb_reliability,
        "eb_reliability_interval": [scale.eb_reliability_low, scale.eb_reliability_high],
        "scale_separation_reliability": scale.scale_separation_reliability,
        "told_from_noise": scale.told_from_noise,
        "position_bias": scale.position_bias,
        "position_bias_interval": list(bias_interval(scale)),
        "scaled_mean": scale.scaled_mean,
        "scaled_sd": scale.scaled_sd,
        "grades": scale.grades,
        "grades_source": scale.grades_source or None,
        "published_at": scale.published_at.isoformat().replace("+00:00", "Z") if scale.published_at else None,
        **kept,
        "anchors": _named(scale.report.get("anchors"), names),
        "look_first": [
            {"essay": one["essay"], "reasons": one["reasons"]} for one in scale.report.get("look_first", [])
        ],
        "outlook": [
            {
                "goal": goal.name,
                "target": goal.target,
                "now": goal.now,
                "reached": goal.reached,
                "rounds": goal.rounds,
                "comparisons": goal.comparisons,
                "cost_usd": None if goal.cost_usd is None else f"{goal.cost_usd:f}",
            }
            for goal in ahead.goals
        ],
        "essays": [
            {
                "essay": row.essay.candidate,
                "rank": row.rank,
                "rank_interval": [row.rank_low, row.rank_high],
                "scaled_score": row.scaled_score,
                "scaled_error": row.scaled_error,
                "separated_from_next": row.separated,
                "grade": row.grade or None,
                "grade_probabilities": row.grade_probabilities,
                "flips": row.flips,
            }
            for row in rows
        ],
    }


def _named(anchors: dict[str, Any] | None, names: dict[int, str]) -> dict[str, Any] | None:
    if anchors is None:
        return None
    return anchors | {"anchors": [one | {"essay": names.get(one["essay"])} for one in anchors["anchors"]]}


def bias_interval(scale: Scale) -> tuple[float | None, float | None]:
    """95 % interval of the position bias, in logits."""
    if scale.position_bias is None or scale.position_bias_se is None:
        return None, None
    reach = 1.96 * scale.position_bias_se
    return scale.position_bias - reach, scale.position_bias + reach


def bias_words(scale: Scale) -> str:
    """What the position bias means, in one sentence."""
    low, high = bias_interval(scale)
    if low is None or high is None:
        return _("Whether the order of reading matters cannot be told from these judgements.")
    if low <= 0 <= high:
        return _("No sign that the judge favours the essay read first or second.")
    if low > 0:
        return _("The judge favours the essay read first; the scores are corrected for it.")
    return _("The judge favours the essay read second; the scores are corrected for it.")


def flip_words(scale: Scale) -> str:
    found = scale.report.get("flips") or {}
    if not found.get("pairs"):
        return _("No pair was read both ways round, so nothing is known of flips.")
    low, high = found["interval"]
    words = ngettext(
        "Of %(pairs)s pair read both ways round, %(flipped)s flipped (%(rate)s, 95 %% interval %(low)s to %(high)s).",
        "Of %(pairs)s pairs read both ways round, %(flipped)s flipped (%(rate)s, 95 %% interval %(low)s to %(high)s).",
        found["pairs"],
    ) % {
        "pairs": found["pairs"],
        "flipped": found["flipped"],
        "rate": percent(found["rate"]),
        "low": percent(low),
        "high": percent(high),
    }
    return " ".join([words, _("The judge is inconsistent.")]) if low > WEAK_FLIPS else words


def lines(scale: Scale) -> Iterator[str]:
    """The report as text, the gravest first."""
    report = scale.report
    if flag := red_flag(scale):
        yield f"RED FLAG: {flag}"
    # the flag itself stands among the warnings too
    yield from (word for word in report.get("warnings", []) if not flag or "cannot be told from zero" not in word)
    interval = f" (95 % interval {_n(scale.eb_reliability_low)} to {_n(scale.eb_reliability_high)})"
    known = interval if scale.eb_reliability_low is not None else ""
    yield f"EB reliability {_n(scale.eb_reliability)}{known}; SSR, classic {_n(scale.scale_separation_reliability)}."
    if halves := report.get("split_half"):
        yield f"Split-half over judges: {_n(halves['reliability'])} for the whole ({halves['splits']} splits)."
    if held := report.get("held_out"):
        yield (
            f"Held-out accuracy on {counted(held['n'], 'random pair')}: {held['accuracy']:.0%} "
            f"(± {held['standard_error']:.0%}; {held['expected']:.0%} expected)."
        )
    low, high = bias_interval(scale)
    yield f"Position bias {_n(scale.position_bias)} logits, 95 % interval {_n(low)} to {_n(high)}. {bias_words(scale)}"
    yield flip_words(scale)
    yield from _judges(report)
    yield from _grades(scale)
    yield from _anchors(report)
    yield from outlook(scale.assessment, scale).sentences
    yield from _by_round(report)
    yield from _look_first(report)


def _judges(report: dict[str, Any]) -> Iterator[str]:
    for one in report.get("judges", []):
        flag = " MISFIT" if one["misfit"] else ""
        yield (
            f"Judge {one['judge']}: {counted(one['n'], 'judgement')}, {one['agreement']:.0%} for the essay with the "
            f"higher score, infit {_n(one['infit'])}, outfit {_n(one['outfit'])}, "
            f"position bias {_n(one['position_bias'])}{flag}."
        )


def _grades(scale: Scale) -> Iterator[str]:
    """How many essays have each grade, the best first, and how many of the grades are certain."""
    if not scale.grades:
        return
    rows = list(scale.scores.exclude(grade="").values_list("grade", "grade_probability"))
    counts = Counter(grade for grade, _ in rows)
    sure = sum((chance or 0) >= SURE_GRADE for _, chance in rows)
    shown = ", ".join(f"{one['name']}: {counts[one['name']]}" for one in reversed(scale.grades))
    yield (
        f"Grades {scale.get_grades_source_display()}, best first: {shown}; "
        f"{sure} of {len(rows)} are {SURE_GRADE:.0%} certain."
    )


def _anchors(report: dict[str, Any]) -> Iterator[str]:
    found = report.get("anchors")
    if not found:
        return
    drifted = sum(one["drifted"] for one in found["anchors"])
    yield (
        f"{counted(len(found['anchors']), 'anchor')}: known score = {found['slope']:.2f} * logit + "
        f"{found['intercept']:.2f}; {drifted} drifted."
    )


def _by_round(report: dict[str, Any]) -> Iterator[str]:
    rounds = report.get("by_round", [])
    if len(rounds) > 1:
        shown = ", ".join(f"{one['round']}: {_n(one['eb_reliability'])}" for one in rounds)
        yield f"EB reliability after round {shown}."


def _look_first(report: dict[str, Any]) -> Iterator[str]:
    for one in report.get("look_first", [])[:10]:
        yield f"Look at {one['essay']}: {'; '.join(REASONS[reason] for reason in one['reasons'])}."


def _n(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
