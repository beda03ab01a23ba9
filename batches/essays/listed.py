"""Essays that a program sends one by one -> a Reading, by the rules and in the words of a sheet."""

from collections.abc import Iterable
from typing import NamedTuple

from batches.essays.fields import anchor_score, candidate_code, essay_text
from batches.essays.nouns import Draft, EssayRow, Reading


class Written(NamedTuple):
    """One essay as it was sent."""

    candidate: str
    text: str
    anchor_score: str = ""


def read_listed(essays: Iterable[Written]) -> Reading:
    """Every essay, or every problem with its place in the list, counted from 1."""
    draft = Draft()
    for number, written in enumerate(essays, 1):
        add_written(written, draft, where=f"essay {number:,}", source="request", line=None)
    return draft.reading()


def add_written(written: Written, draft: Draft, *, where: str, source: str, line: int | None) -> None:
    """Add one essay, or each problem that it has."""
    before = len(draft.problems)
    candidate, text, score = "", "", None
    with draft.noting(where):
        candidate = candidate_code(written.candidate)
        draft.claim(candidate, where)
    with draft.noting(where):
        text = essay_text(written.text)
    with draft.noting(where):
        score = anchor_score(written.anchor_score)
    if len(draft.problems) == before:
        draft.rows.append(EssayRow(candidate=candidate, text=text, anchor_score=score, source=source, line=line))
