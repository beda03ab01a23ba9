"""Probes of judges: what each did when it was put to the test, and how that changed with time."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.access import visible
from batches.admin.base import ReadOnly
from batches.admin.filters import own
from batches.admin.words import link, moment, usd
from batches.models import Probe
from batches.numbers import percent
from batches.pipeline import probe

MOST = 20  # earlier probes of the same judge on a page
ATTACKS = {
    "instruction": gettext_lazy("a plain instruction"),
    "place": gettext_lazy("names a place to choose"),
    "role play": gettext_lazy("role play"),
    "rubric talk": gettext_lazy("talks like a rubric"),
    "closing tag": gettext_lazy("pretends that the essay ends"),
    "hidden": gettext_lazy("hidden characters"),
    "other language": gettext_lazy("in another language"),
    "encoded": gettext_lazy("encoded"),
    "roundabout": gettext_lazy("in a roundabout way"),
}
SHORT = {  # the figures of a list
    "obeyed": gettext_lazy("obeyed"),
    "accuracy": gettext_lazy("known pairs right"),
    "flips": gettext_lazy("flipped"),
    "longer_won": gettext_lazy("longer won"),
}


@admin.register(Probe)
class ProbeScreen(ReadOnly):
    nothing_yet = gettext_lazy("A probe puts a judge to the test with texts of our own: manage.py probe_judge.")
    page_template = "cj/probe.html"
    list_display = ("name", "obeyed", "accuracy", "flips", "longer_won", "made")
    list_filter = (own("judge"),)
    list_select_related = ("judge__account", "judge__user", "assessment")
    not_listed = ("asked", "assessment__rubric", "assessment__instructions")
    exact_search = ("pk",)
    search_help_text = gettext_lazy("Number of a probe")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("probe"))
    def name(self, row: Probe) -> str:
        return str(row)

    @admin.display(description=SHORT["obeyed"])
    def obeyed(self, row: Probe) -> str:
        return shown(row.figures.get("obeyed"))

    @admin.display(description=SHORT["accuracy"])
    def accuracy(self, row: Probe) -> str:
        return shown(row.figures.get("accuracy"))

    @admin.display(description=SHORT["flips"])
    def flips(self, row: Probe) -> str:
        return shown(row.figures.get("flips"))

    @admin.display(description=SHORT["longer_won"])
    def longer_won(self, row: Probe) -> str:
        return shown(row.figures.get("longer_won"))

    @admin.display(description=gettext_lazy("made"), ordering="created_at")
    def made(self, row: Probe) -> Any:
        return moment(row.created_at)

    def page(self, request: HttpRequest, row: Probe) -> dict[str, Any]:
        figures = row.figures or probe.figures(row)
        earlier = visible(Probe, request.user).filter(judge=row.judge_id).exclude(pk=row.pk)
        return {
            **super().page(request, row),
            "title": _("Probe of {judge}").format(judge=row.judge),
            "figures": figures,
            "cost": usd(Decimal(figures["cost_usd"])),
            "rows": [(words, _cells(figures[name])) for name, words in probe.FIGURES.items()],
            "attacks": _attacks(figures["by_attack"]),
            "headings": list(SHORT.values()),
            "history": [
                (link(one, moment(one.created_at)), [shown(one.figures[name]) for name in SHORT])
                for one in earlier.exclude(finished_at=None).order_by("-id")[:MOST]
            ],
            "is_local": row.judge.is_local,
        }


def shown(share: dict[str, Any] | None) -> str:
    """84% (71 to 92%), with its interval of 95 %."""
    if not share or share["value"] is None:
        return "–"
    return _("%(share)s (%(low)s to %(high)s)") % {
        "share": percent(share["value"]),
        "low": f"{100 * share['low']:.0f}",
        "high": percent(share["high"]),
    }


def _attacks(shares: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """In the order of ATTACKS, for JSON keeps none; kinds of an older probe that are no longer asked come last."""
    order = sorted(shares, key=lambda name: list(ATTACKS).index(name) if name in ATTACKS else len(ATTACKS))
    return [(ATTACKS.get(name, name), _cells(shares[name])) for name in order]


def _cells(share: dict[str, Any]) -> dict[str, Any]:
    return {"share": shown(share), "n": share["n"]}
