"""A scale's stored report -> what its page shows beside the scores."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.admin.progress_chart import progress
from batches.admin.told import told
from batches.models import Essay, Scale
from batches.numbers import decimal, percent
from batches.pipeline import report
from batches.pipeline.outlook import outlook
from batches.scale.look_first import REASONS

MOST_LOOKED_AT = 12
MOST_ANCHORS = 40


def report_context(scale: Scale) -> dict[str, Any]:
    """Nothing here reads more rows than a page shows."""
    kept = scale.report
    target = scale.assessment.target_reliability
    return {
        "red_flag": report.red_flag(scale),
        "warnings": [word for word in kept.get("warnings", []) if "cannot be told from zero" not in word],
        "look_first": [
            one | {"why": "; ".join(told(REASONS[reason]) for reason in one["reasons"])}
            for one in kept.get("look_first", [])[:MOST_LOOKED_AT]
        ],
        "progress": progress(kept.get("by_round", []), None if target is None else float(target)),
        "checks": list(_checks(scale)),
        "judge_rows": [one | {"agrees": percent(one["agreement"])} for one in kept.get("judges", [])],
        "anchor_rows": _anchors(kept),
        "aims": outlook(scale.assessment, scale).sentences,
    }


def _checks(scale: Scale) -> Any:
    kept = scale.report
    yield _("Reliability (EB), 95 % interval"), _between(scale.eb_reliability_low, scale.eb_reliability_high)
    low, high = report.bias_interval(scale)
    yield _("Position bias, 95 % interval (logits)"), f"{_between(low, high)}. {report.bias_words(scale)}"
    yield _("Flips when a pair is swapped"), report.flip_words(scale)
    if held := kept.get("held_out"):
        yield (
            _("Held-out accuracy on random pairs"),
            _("%(accuracy)s of %(n)s (%(expected)s expected, 50 %% is a coin)")
            % {"accuracy": percent(held["accuracy"]), "n": held["n"], "expected": percent(held["expected"])},
        )
    if halves := kept.get("split_half"):
        yield (
            _("Split-half reliability over judges"),
            ngettext("%(reliability)s (%(splits)s split)", "%(reliability)s (%(splits)s splits)", halves["splits"])
            % {"reliability": decimal(halves["reliability"], 2), "splits": halves["splits"]},
        )
    elif len(kept.get("judges", [])) == 1:
        yield (
            _("One judge judged everything"),
            _("The reliability says how consistent this judge is, not whether teachers would agree."),
        )


def _between(low: float | None, high: float | None) -> str:
    return (
        "–"
        if low is None or high is None
        else _("%(low)s to %(high)s") % {"low": decimal(low, 2), "high": decimal(high, 2)}
    )


def _anchors(kept: dict[str, Any]) -> list[dict[str, Any]]:
    rows = (kept.get("anchors") or {}).get("anchors", [])[:MOST_ANCHORS]
    names = dict(Essay.objects.filter(pk__in=[row["essay"] for row in rows]).values_list("pk", "candidate"))
    return [row | {"candidate": names.get(row["essay"], "–")} for row in rows]


def answer(request: HttpRequest, scale: Scale, kind: str) -> HttpResponse:
    """The report for other programs (json) or to paste into a mail (txt)."""
    if kind == "json":
        return JsonResponse(report.as_report(scale), json_dumps_params={"indent": 1, "ensure_ascii": False})
    text = "\n".join([str(scale), *report.lines(scale), ""])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
