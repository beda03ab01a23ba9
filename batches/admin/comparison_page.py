"""One comparison -> its page: both essays as the judge read them, what was said, every attempt, and its repeats."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from batches.admin.page_images import page_addresses
from batches.admin.words import COMPARISON_COLOURS, OUTCOME_COLOURS, reason_words
from batches.judging.prompts import EssayText
from batches.models import BatchItem, Comparison, Essay, Judgement
from batches.pipeline.expected import chance_of, newest_logits
from batches.pipeline.seen import seen

MOST_REPEATS = 20


def comparison_context(row: Comparison) -> dict[str, Any]:
    """Everything that is known of one comparison, in the order in which a reader asks for it."""
    items = list(BatchItem.objects.filter(comparison=row).select_related("job__account").order_by("-id"))
    judgement = getattr(row, "judgement", None)
    read = seen(row, _counted(items, judgement))
    logits = newest_logits(row.round.assessment_id, (row.essay_a_id, row.essay_b_id))
    return {
        "title": _("Comparison %(number)s") % {"number": row.pk},
        "essays": [_side("A", row.essay_a, read.a, judgement), _side("B", row.essay_b, read.b, judgement)],
        "as_sent": read.as_sent,
        "judgement": judgement,
        "winner": _winner(row, judgement),
        "expected": expected_words(chance_of(row, logits)),
        "colour": COMPARISON_COLOURS[row.status],
        "reason": reason_words(row.fail_reason),
        "attempts": [_attempt(item, judgement) for item in items],
        "repeats": _repeats(row, judgement),
        "is_local": row.judge.is_local,
    }


def _counted(items: list[BatchItem], judgement: Judgement | None) -> BatchItem | None:
    """The attempt whose answer became the judgement, else the newest."""
    counted = (item for item in items if judgement is not None and judgement.item_id == item.pk)
    return next(counted, items[0] if items else None)


def _winner(row: Comparison, judgement: Judgement | None) -> Essay | None:
    return None if judgement is None else row.essay_a if judgement.winner == "A" else row.essay_b


def _side(place: str, essay: Essay, read: EssayText, judgement: Judgement | None) -> dict[str, Any]:
    return {
        "place": place,
        "order": _("read first") if place == "A" else _("read second"),
        "essay": essay,
        "text": read.text,
        "replaced": read.text != essay.text,
        "pages": page_addresses(essay),
        "won": judgement is not None and judgement.winner == place,
    }


def _attempt(item: BatchItem, judgement: Judgement | None) -> dict[str, Any]:
    return {
        "item": item,
        "colour": OUTCOME_COLOURS.get(item.outcome or "", "info"),
        "words": item.get_outcome_display() if item.outcome else _("under way"),
        "reason": reason_words(item.reason),
        "input": item.input_tokens + item.cache_read_tokens + item.cache_write_tokens,
        "counted": judgement is not None and judgement.item_id == item.pk,
    }


def _repeats(row: Comparison, judgement: Judgement | None) -> list[dict[str, Any]]:
    """The same two essays before a judge once more: swapped, by another judge, or in another round."""
    same = Q(essay_a=row.essay_a_id, essay_b=row.essay_b_id) | Q(essay_a=row.essay_b_id, essay_b=row.essay_a_id)
    others = Comparison.objects.filter(same).exclude(pk=row.pk).order_by("-id")
    others = others.select_related("round", "judge__account", "judge__user", "judgement").defer(
        "judgement__justification"
    )
    return [_repeat(other, row, judgement) for other in others[:MOST_REPEATS]]


def _repeat(other: Comparison, row: Comparison, judgement: Judgement | None) -> dict[str, Any]:
    swapped = other.essay_a_id != row.essay_a_id
    told = getattr(other, "judgement", None)
    winner = None if told is None else other.essay_a_id if told.winner == "A" else other.essay_b_id
    mine = _winner(row, judgement)
    return {
        "comparison": other,
        "order": _("the other way round") if swapped else _("in the same order"),
        "winner": None if winner is None else row.essay_a if winner == row.essay_a_id else row.essay_b,
        "confidence": told.confidence if told else None,
        "agrees": None if winner is None or mine is None else winner == mine.pk,
        "colour": COMPARISON_COLOURS[other.status],
    }


def expected_words(chance: float | None) -> dict[str, Any] | None:
    """How likely a judgement was by the newest scale: a colour, a word and the chance; None where nothing is known."""
    if chance is None:
        return None
    rows = (
        (0.5, "success", _("as expected")),
        (0.2, "warning", _("against the scores")),
        (0.0, "danger", _("surprising")),
    )
    return next(
        {"colour": colour, "words": words, "chance": chance} for least, colour, words in rows if chance >= least
    )
