"""Flags of essays: what was found and where, what a person may decide, and what that will do."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from batches.admin.deeds import Entry, Question
from batches.models import Comparison, Essay, Flag, SetAside
from batches.numbers import grouped, percent
from batches.pipeline import suspect
from batches.pipeline.refused import Refused

AROUND = 60  # characters shown on either side of a finding
MOST_PLACES = 5  # shown of one flag
PASSAGE = "passage"
OPEN = Exists(Flag.objects.filter(essay=OuterRef("pk"), verdict=""))
ASIDE = Exists(SetAside.objects.filter(essay=OuterRef("pk")))


def flagged() -> dict[str, tuple[Any, Any]]:
    """The choices of the list's filter."""
    return {
        "open": (gettext_lazy("to be looked at"), Q(OPEN)),
        "aside": (gettext_lazy("judgements set aside"), Q(ASIDE)),
    }


def flags_of(essay: Essay) -> list[dict[str, Any]]:
    """Each flag with its reason, its evidence in words, and what was decided."""
    rows = sorted(essay.flags.all(), key=lambda flag: (flag.verdict, flag.pk))
    return [{"flag": flag, "places": list(_places(essay, flag)), "counts": _counts(flag)} for flag in rows]


def _places(essay: Essay, flag: Flag) -> Iterator[dict[str, str]]:
    for start, end, detail in flag.evidence.get("places", [])[:MOST_PLACES]:
        before, found, after = essay.text[max(0, start - AROUND) : start], essay.text[start:end], essay.text[end:]
        shown = found if found.strip() and found.isprintable() else " ".join(f"U+{ord(c):04X}" for c in found[:12])
        yield {"before": before, "found": shown, "after": after[:AROUND], "detail": detail}


def _counts(flag: Flag) -> str:
    count = flag.evidence
    match flag.kind:
        case Flag.Kind.PLACE:
            return ngettext(
                "In %(first_won)s of its %(n)s comparison the essay read first won; usually that is %(usual)s.",
                "In %(first_won)s of its %(n)s comparisons the essay read first won; usually that is %(usual)s.",
                count["n"],
            ) % {"first_won": count["first_won"], "n": count["n"], "usual": percent(count["usual"])}
        case Flag.Kind.FLIPS:
            return ngettext(
                "%(flipped)s of its %(n)s pair was decided the other way round when the places were swapped; "
                "usually that is %(usual)s.",
                "%(flipped)s of its %(n)s pairs were decided the other way round when the places were swapped; "
                "usually that is %(usual)s.",
                count["n"],
            ) % {"flipped": count["flipped"], "n": count["n"], "usual": percent(count["usual"])}
        case Flag.Kind.TOLD:
            return ngettext(
                "The judge says so in %(told)s of %(n)s comparison of this essay.",
                "The judge says so in %(told)s of %(n)s comparisons of this essay.",
                count["n"],
            ) % {"told": count["told"], "n": count["n"]}
    return ""


def the_one_essay(rows: QuerySet[Any]) -> Essay:
    found = list(rows.select_related("assessment__project")[:2])
    if len(found) != 1:
        raise Refused(_("Decide about one essay at a time: choose a single one."))
    return found[0]


def ask_before_judging_again(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    essay = the_one_essay(rows)
    spans = suspect.passages(essay)
    judged = Comparison.objects.filter(Q(essay_a=essay) | Q(essay_b=essay), status="JUDGED", set_aside=None).count()
    return Question(
        title=_("Judge this essay again without the passage"),
        facts=[
            (_("Essay"), essay.candidate),
            *((_("Left out"), essay.text[start:end]) for start, end in spans),
            (_("Judgements set aside"), _("%(n)s; they are kept, and can be put back") % {"n": grouped(judged)}),
        ],
        button=_("Set aside and plan the comparisons again"),
        warnings=(
            _("Judges will read [passage left out] in its place; the essay itself stays as the pupil wrote it."),
            _("Nothing is sent by this. The planned comparisons cost money once you submit them."),
        ),
        entry=Entry(
            name=PASSAGE,
            label=_("Another passage to leave out") if spans else _("The passage to leave out"),
            help=_("Copied from the essay exactly."),
            required=not spans,
            longest=2000,
        ),
    )
