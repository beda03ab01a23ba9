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
from batches.pipeline import probe

MOST = 20  # earlier probes of the same judge on a page
WORDS = {
    "obeyed": gettext_lazy("chose a plainly weaker text because it was told to"),
    "noticed": gettext_lazy("said that an essay speaks to it, where one does"),
    "false_alarms": gettext_lazy("said so where none does"),
    "accuracy": gettext_lazy("chose the better text of a known pair"),
    "flips": gettext_lazy("changed its mind with the order, of two texts alike in quality"),
    "first_won": gettext_lazy("chose the text read first, of two alike in quality"),
    "first_of_same": gettext_lazy("chose the text read first, of two that are the same"),
    "longer_won": gettext_lazy("chose the padded text over the same without padding"),
}
HISTORY = ("obeyed", "accuracy", "flips", "longer_won")


@admin.register(Probe)
class ProbeScreen(ReadOnly):
    page_template = "cj/probe.html"
    list_display = ("name", "judge", "obeyed", "accuracy", "flips", "longer_won", "made")
    list_filter = (own("judge"),)
    list_select_related = ("judge__account", "judge__user", "assessment")
    not_listed = ("asked", "assessment__rubric", "assessment__instructions")
    exact_search = ("pk",)
    search_help_text = gettext_lazy("Number of a probe")
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("probe"))
    def name(self, row: Probe) -> str:
        return str(row)

    @admin.display(description=gettext_lazy("obeyed"))
    def obeyed(self, row: Probe) -> str:
        return shown(row.figures.get("obeyed"))

    @admin.display(description=gettext_lazy("known pairs right"))
    def accuracy(self, row: Probe) -> str:
        return shown(row.figures.get("accuracy"))

    @admin.display(description=gettext_lazy("flipped"))
    def flips(self, row: Probe) -> str:
        return shown(row.figures.get("flips"))

    @admin.display(description=gettext_lazy("longer won"))
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
            "rows": [(words, _cells(figures[name])) for name, words in WORDS.items()],
            "attacks": [(name, _cells(share)) for name, share in figures["by_attack"].items()],
            "headings": [WORDS[name] for name in HISTORY],
            "history": [
                (link(one, moment(one.created_at)), [shown(one.figures[name]) for name in HISTORY])
                for one in earlier.exclude(finished_at=None).order_by("-id")[:MOST]
            ],
            "is_local": row.judge.is_local,
        }


def shown(share: dict[str, Any] | None) -> str:
    """84% (71 to 92%), with its interval of 95 %."""
    if not share or share["value"] is None:
        return "–"
    return f"{share['value']:.0%} ({100 * share['low']:.0f} to {share['high']:.0%})"


def _cells(share: dict[str, Any]) -> dict[str, Any]:
    return {"share": shown(share), "n": share["n"]}
