"""Essays: what an assessment has, without the texts, and adding more by the rules of a file that is loaded."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from batches.api.address import needs
from batches.api.callers import Caller, caller_of
from batches.api.fields import Given, Moment, RowId, Slug, Usd
from batches.api.once import Key, once
from batches.api.paging import Next, Paged, page
from batches.api.problems import Refusal
from batches.essays.limits import MAX_CANDIDATE_CHARACTERS, MAX_ESSAYS, MAX_TEXT_CHARACTERS
from batches.essays.listed import Written, read_listed
from batches.models import Assessment, Essay
from batches.pipeline import load
from batches.pipeline.refused import Refused

router = Router(tags=["essays"])
MOST_AT_ONCE = 1000


class EssayOut(Schema):
    id: RowId
    candidate: str = Field(description="A pseudonym.", examples=["C-0017"])
    text_sha256: str = Field(examples=["0" * 64])
    n_words: int = Field(examples=[312])
    n_pages: int = Field(description="Page images, where it has no text.", examples=[0])
    anchor_score: Usd | None = Field(description="Its grade, where that is known already.", examples=["3.500"])
    withdrawn_at: Moment | None
    created_at: Moment


class Essays(Schema):
    items: list[EssayOut]
    next: Next


class EssayIn(Given):
    """One essay to be added."""

    candidate: str = Field(
        min_length=1, max_length=MAX_CANDIDATE_CHARACTERS, description="A pseudonym, never a name.", examples=["C-0017"]
    )
    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS, examples=["Dear Ms Turner, I am writing because"])
    anchor_score: str = Field("", max_length=20, description="A number, such as 3.5.", examples=["3.5"])


class MoreEssays(Given):
    essays: list[EssayIn] = Field(min_length=1, max_length=MOST_AT_ONCE)


class Loaded(Schema):
    assessment: Slug
    loaded: int = Field(examples=[40])
    essays: int = Field(description="How many it has now.", examples=[40])


@router.get("/{slug}/essays", response=Essays, operation_id="list_essays", **needs("view_essay"))
def list_essays(request: HttpRequest, slug: Slug, asked: Query[Paged]) -> Essays:
    """The essays of an assessment, newest first. Their texts are not shown."""
    caller = caller_of(request)
    assessment = caller.one(Assessment, slug=slug)
    found, after = page(caller.rows(Essay).filter(assessment=assessment).defer("text"), asked)
    items = [EssayOut(**{name: getattr(row, name) for name in EssayOut.model_fields}) for row in found]
    return Essays(items=items, next=after)


@router.post("/{slug}/essays", response={201: Loaded}, operation_id="add_essays", **needs("load_essays"))
def add_essays(request: HttpRequest, slug: Slug, given: MoreEssays, key: Key) -> HttpResponse:
    """Add essays. With a single one that cannot be taken, none is: the answer says what is wrong with the first."""
    caller = caller_of(request)
    assessment = caller.one(Assessment, "project", slug=slug)

    def act() -> Loaded:
        try:
            n = loaded(caller, assessment, given.essays)
        except Refused as problem:
            raise Refusal(422, str(problem)) from None
        return Loaded(assessment=slug, loaded=n, essays=assessment.essays.filter(withdrawn_at=None).count())

    return once(request, key, act, status=201)


def loaded(caller: Caller, assessment: Assessment, essays: Sequence[EssayIn]) -> int:
    """Load what was sent, or nothing of it."""
    if assessment.essays.count() + len(essays) > MAX_ESSAYS:
        raise Refused(f"An assessment has at most {MAX_ESSAYS:,} essays: make another for the rest.")
    reading = read_listed(Written(one.candidate, one.text, one.anchor_score) for one in essays)
    return load.load_essays(assessment, reading, actor=caller.actor)
