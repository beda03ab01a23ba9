"""What judges made of a round's known pairs -> a card on its page, and the questions before a person decides."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from batches.admin.deeds import Question
from batches.conf import cj_settings
from batches.models import Comparison, Round
from batches.pipeline import canaries
from batches.pipeline.refused import Refused

COLOURS = {"": "success", "HELD": "danger", "RELEASED": "warning", "ASKED_AGAIN": "warning"}


def known_pairs(cj_round: Round) -> dict[str, Any]:
    """The known pairs that watch a round, and what was said of them; {} where there are none."""
    watching = Round.everything.filter(watches=cj_round).first()
    if watching is None:
        return {}
    found = canaries.weights([cj_round.pk])[cj_round.pk]
    return {
        "pk": watching.pk,
        "n": watching.n_comparisons,
        "limit": cj_settings.of(cj_round.assessment.overrides).canary_miss_limit,
        "state": cj_round.get_trust_display(),
        "colour": COLOURS[cj_round.trust],
        "sentences": canaries.sentences(found),
    }


def the_held_round(rows: QuerySet[Round]) -> Round:
    found = list(rows.select_related("assessment__project")[:2])
    if len(found) != 1:
        raise Refused(_("Decide about one round at a time: choose a single one."))
    if found[0].trust != Round.Trust.HELD:
        raise Refused(_("This round is not held: there is nothing to decide."))
    return found[0]


def ask_before_releasing(rows: QuerySet[Round]) -> Question:
    cj_round = the_held_round(rows)
    return Question(
        title=_("Use the judgements of a held round"),
        facts=_facts(cj_round),
        button=_("Use them all the same"),
        warnings=(_("A judge that misses plain cases may be wrong about the others too. This cannot be taken back."),),
    )


def ask_before_asking_again(rows: QuerySet[Round]) -> Question:
    cj_round = the_held_round(rows)
    return Question(
        title=_("Ask all of a held round again"),
        facts=_facts(cj_round),
        button=_("Plan it again"),
        warnings=(
            _("No scale will ever use the judgements of the held round; they are kept. This cannot be taken back."),
            _("Nothing is sent by this. The planned comparisons cost money once you submit them."),
        ),
    )


def _facts(cj_round: Round) -> list[tuple[str, Any]]:
    judged = Comparison.objects.filter(round=cj_round, status=Comparison.Status.JUDGED).count()
    return [
        (_("Round"), str(cj_round)),
        *((_("Known pairs"), one) for one in canaries.sentences(canaries.weights([cj_round.pk])[cj_round.pk])),
        (_("Judgements in it"), f"{judged:,}"),
    ]
