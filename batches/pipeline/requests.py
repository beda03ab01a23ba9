"""Comparisons -> the requests that put them before their judge, one by one or several in one prompt."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Min

from batches.conf import cj_settings
from batches.essays.personal import Personal
from batches.essays.scan.passages import without
from batches.judging.prompts import (
    EssayText,
    Page,
    Prompt,
    PromptPart,
    build_bundle,
    build_opening,
    build_prompt,
    second_parts,
)
from batches.models import Assessment, BatchJob, Essay, EssayPage, Judge
from batches.pipeline import arrays, roster
from batches.providers import manifest, prices
from batches.providers.base import AnswerBy, Part, Request
from batches.providers.manifest import Model

SCHEMA_TOKENS = 150  # what the answer's schema adds to the input, roughly
AROUND_TOKENS = 80  # tags, marks and closing lines of one comparison within a bundle


class Waiting(NamedTuple):
    """A comparison as far as its prompt needs it; a hundred bytes, so that a job may hold a hundred thousand."""

    pk: int
    round_id: int
    assessment_id: int
    essay_a_id: int
    essay_b_id: int


FIELDS = ("pk", "round_id", "round__assessment_id", "essay_a_id", "essay_b_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One paid call, and the items whose answers it brings."""

    request: Request
    custom_ids: tuple[str, ...]  # of the items, in the order read
    tags: tuple[str, ...] = ()  # of the comparisons in a bundle; () where the prompt holds one comparison only


class Desk:
    """Everything that many comparisons share: essays, rubrics, and what each judge may write. Read once a job."""

    def __init__(self, comparisons: Sequence[Waiting], *, truncated: Iterable[int] = ()) -> None:
        self._truncated = set(truncated)
        self._assessments: Mapping[int, Assessment] = Assessment.objects.in_bulk({c.assessment_id for c in comparisons})
        personal = roster.rules(self._assessments.values())
        for pk, assessment in self._assessments.items():
            assessment.instructions = personal[pk].replace(assessment.instructions).text
            assessment.rubric = personal[pk].replace(assessment.rubric).text
        self._essays = _essays({c.essay_a_id for c in comparisons} | {c.essay_b_id for c in comparisons}, personal)
        self._tokens: dict[int, int] = {}
        self._told: dict[int, bool] = {}

    @classmethod
    def of_job(cls, job: BatchJob, comparisons: Sequence[Waiting]) -> "Desk":
        """For the open items of a job: what was cut off in items made before its own."""
        first = job.items.filter(outcome=None).aggregate(first=Min("pk"))["first"]
        return cls(comparisons, truncated=truncated_before((c.pk for c in comparisons), before=first))

    def ask(self, comparison: Waiting, judge: Judge, custom_id: str, *, marks: int = 0) -> tuple[Prompt, Request]:
        """The prompt of one comparison, and the request that carries it."""
        prompt = build_prompt(**self._asked(comparison), b=self._essays[comparison.essay_b_id])
        return prompt, self._carry(prompt, comparison, judge, custom_id, marks)

    def open(self, comparison: Waiting, judge: Judge, *, marks: int = 0) -> tuple[Prompt, Request]:
        """The same as far as the first essay: `second` goes on from there."""
        prompt = build_opening(**self._asked(comparison))
        return prompt, self._carry(prompt, comparison, judge, "opening", marks)

    def _asked(self, comparison: Waiting) -> dict[str, Any]:
        assessment = self._assessments[comparison.assessment_id]
        return {
            "instructions": assessment.instructions,
            "rubric": assessment.rubric,
            "a": self._essays[comparison.essay_a_id],
            "ask_told": self._asks_told(assessment),
        }

    def _carry(self, prompt: Prompt, comparison: Waiting, judge: Judge, custom_id: str, marks: int) -> Request:
        longer = 2 if self.was_truncated(comparison) else 1
        return _request(prompt, judge, custom_id, max_tokens=judge.max_tokens * longer, marks=marks)

    def second(self, essay: int) -> tuple[Part, ...]:
        """The parts of an essay that is read second: the same in every request."""
        return tuple(_marked(second_parts(self._essays[essay]), 0))

    def was_truncated(self, comparison: Waiting) -> bool:
        """Whether its last answer was cut off, so that it may write more this time."""
        return comparison.pk in self._truncated

    def ask_bundle(
        self, tagged: Sequence[tuple[str, Waiting]], judge: Judge, custom_id: str, *, marks: int = 0
    ) -> tuple[Prompt, Request]:
        """The prompt of several comparisons of one assessment; the answer may be as long as all of theirs together."""
        assessment = self._assessments[tagged[0][1].assessment_id]
        prompt = build_bundle(
            instructions=assessment.instructions,
            rubric=assessment.rubric,
            comparisons=[(tag, self._essays[c.essay_a_id], self._essays[c.essay_b_id]) for tag, c in tagged],
            ask_told=self._asks_told(assessment),
        )
        return prompt, _request(prompt, judge, custom_id, max_tokens=judge.max_tokens * len(tagged), marks=marks)

    def _asks_told(self, assessment: Assessment) -> bool:
        if assessment.pk not in self._told:
            self._told[assessment.pk] = cj_settings.of(assessment.overrides).ask_instructions
        return self._told[assessment.pk]

    def tokens(self, comparison: Waiting) -> int:
        """An estimate of what the comparison's two essays add to a prompt."""
        return self.essay_tokens(comparison.essay_a_id) + self.essay_tokens(comparison.essay_b_id) + AROUND_TOKENS

    def essay_tokens(self, pk: int) -> int:
        if pk not in self._tokens:
            essay = self._essays[pk]
            self._tokens[pk] = prices.estimate_tokens(essay.text) + len(essay.pages) * prices.IMAGE_TOKENS
        return self._tokens[pk]

    def essay_bytes(self, pk: int) -> int:
        """An estimate of what an essay takes in a line of JSON."""
        essay = self._essays[pk]
        images = sum(len(page.data) for page in essay.pages) * 4 // 3
        return len(essay.text.encode("utf-8", "surrogatepass")) * 21 // 20 + images

    def essay(self, pk: int) -> EssayText:
        """An essay as judges read it."""
        return self._essays[pk]

    def assessment(self, comparison: Waiting) -> Assessment:
        return self._assessments[comparison.assessment_id]


def _essays(ids: Iterable[int], personal: Mapping[int, Personal]) -> dict[int, EssayText]:
    """The essays as they leave: the one place where names, addresses and numbers become placeholders."""
    pages: dict[int, list[Page]] = {}
    for page in EssayPage.objects.filter(essay_id__in=ids).order_by("essay_id", "number").iterator():
        pages.setdefault(page.essay_id, []).append(Page(media_type=page.media_type, data=bytes(page.data)))
    rows = Essay.everything.filter(pk__in=ids).values_list("pk", "assessment_id", "text", "left_out")
    return {
        pk: EssayText(text=personal[assessment].replace(without(text, left_out)).text, pages=tuple(pages.get(pk, ())))
        for pk, assessment, text, left_out in rows
    }


def _request(prompt: Prompt, judge: Judge, custom_id: str, *, max_tokens: int, marks: int) -> Request:
    return Request(
        custom_id=custom_id,
        model=judge.model_id,
        system=prompt.system,
        parts=tuple(_marked(prompt.parts, marks)),
        schema=prompt.schema,
        schema_name=prompt.schema_name,
        answer_by=AnswerBy(judge.answer_by),
        max_tokens=min(max_tokens, manifest.find(judge.own_account.provider, judge.model_id).max_output),
        effort=judge.effort,
    )


def _marked(parts: Iterable[PromptPart], marks: int) -> Iterator[Part]:
    """The parts, with the first so many of the shared prefixes marked as worth caching."""
    for part in parts:
        shared = part.shared and marks > 0
        marks -= part.shared
        yield Part(text=part.text, image=part.image, media_type=part.media_type, shared=shared)


def input_tokens(request: Request) -> int:
    """An estimate of a request's input."""
    return prices.estimate_tokens(request.system) + prices.estimate_parts(request.parts) + SCHEMA_TOKENS


def worst_cost(request: Request, model: Model, *, batch: bool) -> Decimal:
    """The most that this request may cost: what is reserved for it."""
    return prices.reservation(model, input_tokens(request), request.max_tokens, batch)


def truncated_before(comparisons: Iterable[int], *, before: int | None = None) -> set[int]:
    """Those whose last answer was cut off (in items made before this one): they may write more this time."""
    with connection.cursor() as cursor:
        cursor.execute(TRUNCATED, [arrays.numbers(comparisons), before])
        return {pk for (pk,) in cursor.fetchall()}


TRUNCATED = """
SELECT DISTINCT comparison_id FROM batches_batchitem
WHERE comparison_id = ANY(%s::bigint[]) AND reason = 'truncated' AND id < coalesce(%s::bigint, 9223372036854775807)
"""


class _Item(NamedTuple):
    """An unresolved item and its comparison."""

    custom_id: str
    bundle: int | None
    tag: str
    marks: int
    comparison: Waiting


def of_job(job: BatchJob) -> Iterator[Request]:
    """The requests of a job's unresolved items, in the order of the items: the same bytes each time."""
    return (call.request for call in calls_of_job(job))


def calls_of_job(job: BatchJob) -> Iterator[Call]:
    """The same requests, each with the items it is about. A bundle is whole or it is not there at all."""
    items = _open_items(job)
    if not items:
        return
    comparisons = [item.comparison for item in items]
    desk = Desk.of_job(job, comparisons)
    for bundle, some in groupby(items, key=lambda item: item.bundle):
        if bundle is None:
            for item in some:
                yield _single(desk, job.judge, item)
        else:
            yield _several(desk, job, bundle, list(some))


def _open_items(job: BatchJob) -> list[_Item]:
    fields = ("custom_id", "bundle", "tag", "cache_marks", *(f"comparison__{name}" for name in FIELDS))
    rows = job.items.filter(outcome=None).order_by("pk").values_list(*fields)
    return [
        _Item(custom_id=row[0], bundle=row[1], tag=row[2], marks=row[3], comparison=Waiting(*row[4:]))
        for row in rows.iterator()
    ]


def _single(desk: Desk, judge: Judge, item: _Item) -> Call:
    _, request = desk.ask(item.comparison, judge, item.custom_id, marks=item.marks)
    return Call(request=request, custom_ids=(item.custom_id,))


def _several(desk: Desk, job: BatchJob, bundle: int, items: Sequence[_Item]) -> Call:
    if len(items) == 1:
        return _single(desk, job.judge, items[0])
    tagged = [(item.tag, item.comparison) for item in items]
    _, request = desk.ask_bundle(tagged, job.judge, bundle_id(job.nonce, bundle), marks=items[0].marks)
    return Call(
        request=request,
        custom_ids=tuple(item.custom_id for item in items),
        tags=tuple(item.tag for item in items),
    )


def bundle_id(nonce: str, bundle: int) -> str:
    """What the call of a bundle is known by: no item has this id."""
    return f"{nonce}-b{bundle:05d}"
