"""A pair in a person's hands -> what they read: the task, the rubric and both essays, as a model would get them."""

from dataclasses import dataclass

from batches.judging.prompts import EssayText, Page
from batches.models import Claim, EssayPage
from batches.pipeline.requests import Desk, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Names are replaced and passages left out as for every judge; nobody's answer and no score is here."""

    instructions: str
    rubric: str
    a: EssayText
    b: EssayText


def reading(claim: Claim) -> Reading:
    """All that a person who judges is shown."""
    pair = claim.comparison
    row = Waiting(pair.pk, pair.round_id, claim.assessment_id, pair.essay_a_id, pair.essay_b_id)
    desk = Desk([row])
    assessment = desk.assessment(row)
    return Reading(
        instructions=assessment.instructions,
        rubric=assessment.rubric,
        a=desk.essay(row.essay_a_id),
        b=desk.essay(row.essay_b_id),
    )


def page(claim: Claim, place: str, number: int) -> Page | None:
    """One page image of the first or the second essay of a pair in hand."""
    essay = claim.comparison.essay_a_id if place == "A" else claim.comparison.essay_b_id
    found = EssayPage.objects.filter(essay=essay, number=number, essay__erased_at=None).first()
    return Page(media_type=found.media_type, data=bytes(found.data)) if found else None
