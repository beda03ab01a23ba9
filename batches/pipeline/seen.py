"""A comparison -> what its judge read, and whether that is to the letter what was sent."""

from dataclasses import dataclass

from batches.judging.prompts import EssayText
from batches.models import BatchItem, Comparison, Judge
from batches.pipeline.requests import Desk, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Both essays as they leave today; `as_sent` is None where the hash of what was sent cannot tell."""

    a: EssayText
    b: EssayText
    as_sent: bool | None


def seen(comparison: Comparison, item: BatchItem | None) -> Seen:
    """What the judge of this comparison read in this attempt: names replaced, passages left out, in reading order."""
    row = Waiting(
        comparison.pk,
        comparison.round_id,
        comparison.round.assessment_id,
        comparison.essay_a_id,
        comparison.essay_b_id,
    )
    desk = Desk([row])
    return Seen(
        a=desk.essay(row.essay_a_id), b=desk.essay(row.essay_b_id), as_sent=_as_sent(desk, row, comparison, item)
    )


def _as_sent(desk: Desk, row: Waiting, comparison: Comparison, item: BatchItem | None) -> bool | None:
    """Whether the same prompt would come out today; a bundle's hash covers other comparisons as well."""
    if item is None or not item.prompt_sha256 or item.bundle is not None or comparison.judge.kind != Judge.Kind.MODEL:
        return None
    if any(essay.erased_at for essay in (comparison.essay_a, comparison.essay_b)):
        return None
    prompt, _ = desk.ask(row, comparison.judge, item.custom_id)
    return prompt.sha256 == item.prompt_sha256
