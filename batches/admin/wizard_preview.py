"""A sketch -> what will be made of it, before anything is: essays, what is odd about them, and prices."""

from collections import Counter
from decimal import Decimal
from statistics import median
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.admin.forecasts import Row
from batches.admin.people_forms import PAIRS, members, named
from batches.admin.wizard_forms import judge_choices
from batches.admin.words import usd
from batches.conf import cj_settings
from batches.essays.scan.suspicion import KINDS
from batches.models import Project, Sketch, SketchEssay
from batches.models.judging import Strategy
from batches.models.project import Person
from batches.numbers import exact_percent
from batches.pipeline import trial
from batches.pipeline.refused import Refused

MOST_SHOWN, MOST_FLAGGED, MOST_ALIKE = 25, 20, 10
FIRST_LINE = 90  # characters
FEW_WORDS = 20  # an essay this short is more often a mistake than an essay
USUAL_ROUNDS = 10


def preview(sketch: Sketch, *, actor: Person) -> dict[str, Any]:
    """The context of the last step."""
    words = list(sketch.essays.filter(n_pages=0).values_list("n_words", flat=True))
    return {
        "given": sketch.given,
        "budget": usd(Decimal(sketch.given["budget"])),
        "project": Project.objects.get(pk=sketch.project_id),
        "judge_names": _judge_names(sketch),
        **_people(sketch, actor),
        "strategy_name": Strategy(sketch.given.get("strategy") or cj_settings.llm_batching_strategy).label,
        "n_essays": sketch.essays.count(),
        "n_pages": sketch.essays.aggregate(n=Sum("n_pages"))["n"] or 0,
        "words": {"least": min(words), "most": max(words), "middle": round(median(words))} if words else None,
        "shown": [_row(one) for one in sketch.essays.all()[:MOST_SHOWN]],
        "progress": progress_of(sketch),
        "notes": list(_notes(sketch)),
        "replaced": _replaced(sketch),
        **_prices(sketch, actor),
    }


def progress_of(sketch: Sketch) -> dict[str, Any]:
    """How many essays were looked through for words meant for the judge, and those in which some were found."""
    waiting = sketch.essays.filter(suspicions__isnull=True).count()
    flagged = sketch.essays.exclude(suspicions__isnull=True).exclude(suspicions={})
    return {
        "waiting": waiting,
        "n_flagged": flagged.count(),
        "flagged": [
            {"candidate": candidate, "why": [KINDS.get(kind, kind) for kind in kinds or ()]}
            for candidate, kinds in flagged.values_list("candidate", "suspicions")[:MOST_FLAGGED]
        ],
    }


def _row(essay: SketchEssay) -> dict[str, Any]:
    line = next((line for line in essay.text.splitlines() if line.strip()), "")
    return {
        "essay": essay,
        "first_line": line if len(line) <= FIRST_LINE else f"{line[:FIRST_LINE]}…",
        "replaced": essay.n_names + essay.n_emails + essay.n_phones,
    }


def _judge_names(sketch: Sketch) -> list[str]:
    names = {value: words for _group, models in judge_choices() for value, words in models}
    return [names.get(name, name) for name in sketch.given["judges"]]


def _people(sketch: Sketch, actor: Person) -> dict[str, Any]:
    """Who of the project will judge, and what of it."""
    given = sketch.given
    chosen = given.get("people") or []
    names = {one.username: named(one) for one in members(sketch.project_id, actor)}
    share = Decimal(given["share"]) / 100 if given.get("share") else cj_settings.human_share
    return {
        "people_names": [names.get(username, username) for username in chosen],
        "people_share": exact_percent(share) if given["judges"] else "",
        "people_pairs": PAIRS.get(given.get("pairs") or cj_settings.human_pairs, ""),
    }


def _replaced(sketch: Sketch) -> dict[str, int]:
    some = Q(n_names__gt=0) | Q(n_emails__gt=0) | Q(n_phones__gt=0)
    found = sketch.essays.aggregate(
        names=Sum("n_names"), emails=Sum("n_emails"), phones=Sum("n_phones"), essays=Count("pk", filter=some)
    )
    return {key: value or 0 for key, value in found.items()}


def _notes(sketch: Sketch) -> Any:
    """What a person should have seen before they create it; none of it stops them."""
    if sketch.ignored_columns:
        shown = ", ".join(sketch.ignored_columns[:20])
        yield _("Columns that nobody will read: {columns}.").format(columns=shown)
    short = list(sketch.essays.filter(n_pages=0, n_words__lt=FEW_WORDS).values_list("candidate", flat=True))
    if short:
        words = ngettext(
            "{n} essay has fewer than {least} words: {candidates}.",
            "{n} essays have fewer than {least} words: {candidates}.",
            len(short),
        )
        yield words.format(n=f"{len(short):,}", least=FEW_WORDS, candidates=_some(short))
    for alike in _alike(sketch)[:MOST_ALIKE]:
        yield _("The same text was given for {candidates}.").format(candidates=_some(alike))


def _some(candidates: list[str]) -> str:
    more = len(candidates) - 10
    return ", ".join(candidates[:10]) + (_(" and {n} more").format(n=f"{more:,}") if more > 0 else "")


def _alike(sketch: Sketch) -> list[list[str]]:
    """Candidates with one and the same text."""
    texts = sketch.essays.filter(n_pages=0).values_list("text", "candidate")
    seen: dict[int, list[str]] = {}
    for text, candidate in texts.iterator():
        seen.setdefault(hash(text), []).append(candidate)
    counts = Counter({key: len(some) for key, some in seen.items()})
    return [seen[key] for key, n in counts.most_common(MOST_ALIKE) if n > 1]


def _prices(sketch: Sketch, actor: Person) -> dict[str, Any]:
    """What a round costs by each strategy, and how far the budget goes; or why that cannot be said."""
    if not sketch.given["judges"]:
        return {"prices": [], "only_people": True}
    try:
        found = trial.price_of_a_round(sketch, actor=actor)
    except Refused as problem:
        return {"prices": [], "price_problem": str(problem)}
    chosen = sketch.given.get("strategy") or cj_settings.llm_batching_strategy
    labels = dict(Strategy.choices)
    rows = [Row(forecast=one, name=str(labels[one.strategy]), chosen=one.strategy == chosen) for one in found]
    mine = next((row for row in rows if row.chosen and not row.forecast.problem), None)
    return {
        "prices": rows,
        "price": mine,
        "price_of_usual": usd(mine.forecast.cost_usd * USUAL_ROUNDS) if mine else "",
        "usual_rounds": USUAL_ROUNDS,
        "rounds_paid": _rounds_paid(mine),
    }


def _rounds_paid(row: Row | None) -> int | None:
    """How many rounds the budget pays for; None where that is no question."""
    if row is None or row.forecast.cost_usd <= 0:
        return None
    return int(row.forecast.budget_left_usd / row.forecast.cost_usd)
