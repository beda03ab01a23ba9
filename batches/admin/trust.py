"""A scale -> how far it can be trusted, in one sentence and a colour, and its picture."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.chart import chart
from batches.models import Scale
from batches.pipeline.report import red_flag

MOST_DRAWN = 5000
# at least this reliability: (colour, one plain sentence)
TRUST = (
    (
        0.90,
        "success",
        gettext_lazy(
            "The order of the essays can be relied on, also for decisions about single pupils near a boundary."
        ),
    ),
    (
        0.80,
        "success",
        gettext_lazy("The order is dependable for most purposes; look again at essays close to a boundary."),
    ),
    (0.70, "warning", gettext_lazy("Good enough to compare groups; for single pupils, plan another round first.")),
    (0.00, "danger", gettext_lazy("Too uncertain to rank single pupils by it: plan another round.")),
)


def trust(scale: Scale) -> tuple[str, str]:
    """Colour and sentence for a scale's reliability."""
    if scale.connected and (flag := red_flag(scale)):
        return "danger", flag
    if not scale.connected:
        return "danger", _(
            "The essays fall into %(n)s groups that were never compared with one another, "
            "so there is no common order yet: plan another round."
        ) % {"n": scale.components}
    if scale.eb_reliability is None:
        return "warning", _("The reliability cannot be estimated from so few judgements: plan another round.")
    known = max(scale.eb_reliability, 0.0)
    return next((colour, str(sentence)) for least, colour, sentence in TRUST if known >= least)


def picture(scale: Scale) -> Any:
    columns = ("essay__candidate", "logit", "standard_error", "essay__anchor_score")
    rows = list(scale.scores.filter(logit__isnull=False).values_list(*columns)[:MOST_DRAWN])
    anchors = {candidate for candidate, _logit, _error, known in rows if known is not None}
    parts = [(one["name"], one["from"]) for one in scale.grades]
    return chart([row[:3] for row in rows], grades=parts, anchors=anchors)
