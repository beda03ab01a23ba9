"""Comparisons -> bundles that fit into one prompt; the one answer to a bundle -> the end of each item in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db import connection

from batches.judging.answers import JudgementDraft, Unreadable, read_bundle
from batches.pipeline import money
from batches.pipeline.requests import Call
from batches.pipeline.resolve import Ended
from batches.providers import prices
from batches.providers.base import Outcome, Result, Usage
from batches.providers.manifest import Model

WHOLE = "bundle_failed"  # the reason of every item of a bundle that failed as one: asked again in smaller bundles
TOO_MUCH_AT_ONCE = frozenset({"too_long", "too_large", "invalid_request", "content_filter"})  # errors a part may escape
ESTIMATE_MARGIN = 1.3  # real tokens for one of ours, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One comparison on its way into a bundle."""

    key: int  # only pieces of one key, an assessment, share a bundle
    most: int  # comparisons in the largest bundle it may be in
    tokens: int


def fill(pieces: Sequence[Piece], *, room: int) -> Iterator[range]:
    """Ranges of neighbouring pieces that share a bundle: within each one's `most`, and `room` tokens together."""
    start, tokens = 0, 0
    for i, piece in enumerate(pieces):
        first = pieces[start]
        alike = (piece.key, piece.most) == (first.key, first.most)
        if i > start and not (alike and i - start < first.most and tokens + piece.tokens <= room):
            yield range(start, i)
            start, tokens = i, 0
        tokens += piece.tokens
    if pieces:
        yield range(start, len(pieces))


def most_by_output(model: Model, max_tokens: int) -> int:
    """Comparisons whose answers fit together into the longest answer of the model."""
    return max(1, model.max_output // max_tokens)


def room(model: Model, *, shared_tokens: int, most: int, max_tokens: int) -> int:
    """Tokens of essays that one prompt can take, in our estimate; below the step at which the price rises."""
    answer = min(model.max_output, most * max_tokens)
    context = min(model.context - answer, model.long_context.above if model.long_context else model.context)
    return max(1, int(context / ESTIMATE_MARGIN) - shared_tokens)


SIZES = """
SELECT item.comparison_id, min(shared.n)
FROM batches_batchitem item
JOIN LATERAL (
    SELECT count(*) AS n FROM batches_batchitem other WHERE other.job_id = item.job_id AND other.bundle = item.bundle
) shared ON shared.n > 1
WHERE item.comparison_id = ANY(%s) AND item.bundle IS NOT NULL
  AND (item.outcome = 'INVALID' OR item.reason = %s)
GROUP BY item.comparison_id
"""


def size_limits(comparisons: Iterable[int]) -> dict[int, int]:
    """For comparisons that a bundle has failed: half the size of the smallest such bundle."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [list(comparisons), WHOLE])
        return {pk: max(1, n // 2) for pk, n in cursor.fetchall()}


def unpack(call: Call, result: Result, model: Model) -> list[Ended | Result]:
    """What the answer to one call means for each of its items; tokens and cost are shared out exactly.

    Answers are matched by tag. An entry under a tag nobody gave out comes last, under an id that no item has.
    """
    if not call.tags:
        return [replace(result, custom_id=call.custom_ids[0])]
    read = _read(call, result)
    usages = _usages(result.usage, len(call.tags))
    costs = money.split_usd(prices.cost(model, result.usage, batch=False), [1] * len(call.tags))
    ended: list[Ended | Result] = []
    for i, (custom_id, tag) in enumerate(zip(call.custom_ids, call.tags, strict=True)):
        outcome, reason, error, draft = read[tag]
        own = replace(
            result,
            custom_id=custom_id,
            usage=usages[i],
            answer=result.answer if i == 0 else "",  # the whole answer once, beside the first of the bundle
        )
        ended.append(Ended(result=own, draft=draft, outcome=outcome, reason=reason, error=error, cost_usd=costs[i]))
    foreign = len(read) - len(call.tags)
    return ended + [_stranger(call, number) for number in range(1, foreign + 1)]


_End = tuple[Outcome, str, str, JudgementDraft | None]


def _read(call: Call, result: Result) -> dict[str, _End]:
    """Tag -> how it ended."""
    if result.outcome != Outcome.SUCCEEDED:
        return dict.fromkeys(call.tags, _failed(result))
    found = read_bundle(result.answer, call.tags)
    if not any(isinstance(found[tag], JudgementDraft) for tag in call.tags):
        first = found[call.tags[0]]
        cause = first.reason if isinstance(first, Unreadable) else ""
        return dict.fromkeys(call.tags, (Outcome.INVALID, WHOLE, f"{cause}: none of its answers can be read", None))
    return {tag: _entry(entry) for tag, entry in found.items()}


def _failed(result: Result) -> _End:
    """A refusal, a cut answer or a prompt that is too long says nothing about any one comparison in it."""
    if result.outcome == Outcome.INVALID or result.reason in TOO_MUCH_AT_ONCE:
        return result.outcome, WHOLE, f"{result.reason}: {result.error}", None
    return result.outcome, "account_fault" if result.account_fault else result.reason, result.error, None


def _entry(entry: JudgementDraft | Unreadable) -> _End:
    if isinstance(entry, Unreadable):
        return Outcome.INVALID, entry.reason, entry.detail, None
    return Outcome.SUCCEEDED, "", "", entry


def _usages(usage: Usage, n: int) -> list[Usage]:
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    shares = [money.split(getattr(usage, name), [1] * n) for name in names]
    return [Usage(**dict(zip(names, column, strict=True))) for column in zip(*shares, strict=True)]


def _stranger(call: Call, number: int) -> Result:
    return Result(custom_id=f"{call.request.custom_id}-x{number}", outcome=Outcome.INVALID, reason="foreign_tag")
