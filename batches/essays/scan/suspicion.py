"""The kinds of finding, brought together: each with the place in the essay that a person should look at."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from batches.essays.scan import characters, languages, letters, phrases
from batches.essays.scan.letters import Plain

MOST = 20  # findings kept of one essay
MOST_EXCERPT = 160  # characters shown of one finding
KINDS = {
    "instruction": "speaks to the judge",
    "machine": "looks like a part of a prompt or of an answer",
    "rubric_talk": "praises itself in a marker's words",
    "hidden": "holds characters that nobody sees",
    "turned": "turns the order of reading",
    "encoded": "holds encoded text",
    "language": "changes to another language",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """One place in an essay: text[start:end], and why a person should look at it."""

    kind: str  # a key of KINDS
    start: int
    end: int
    detail: str = ""  # what it says when decoded, or which language

    @property
    def words(self) -> str:
        return KINDS[self.kind]


def suspicions(text: str) -> list[Suspicion]:
    """Where an essay may be talking to its judge; in the order of the text, at most MOST, none inside another.

    A person decides what a finding means: pupils do write about judges, rubrics and machines.
    """
    found = sorted(_found(text), key=lambda one: (one.start, -one.end))
    kept: list[Suspicion] = []
    for one in found:
        if kept and one.kind == kept[-1].kind and one.start <= kept[-1].end + 1:
            last = kept.pop()
            one = Suspicion(
                kind=one.kind, start=last.start, end=max(one.end, last.end), detail=last.detail or one.detail
            )
        elif any(one.start >= other.start and one.end <= other.end for other in kept):
            continue
        kept.append(one)
    return kept[:MOST]


def _found(text: str) -> Iterator[Suspicion]:
    for start, end in characters.hidden(text):
        yield Suspicion(kind="hidden", start=start, end=end)
    for start, end in characters.turned(text):
        yield Suspicion(kind="turned", start=start, end=end)
    for (start, end), said in characters.encoded(text):
        yield Suspicion(kind="encoded", start=start, end=end, detail=said[:MOST_EXCERPT])
    for (start, end), name in languages.switched(text):
        yield Suspicion(kind="language", start=start, end=end, detail=name)
    plain = letters.plain(text)
    for form in (plain, letters.joined(plain), letters.unleet(plain)):
        yield from _phrases(form)
    yield from _rotated(plain)


def _phrases(form: Plain) -> Iterator[Suspicion]:
    for span in phrases.pleas(form.text):
        start, end = form.span(*span)
        yield Suspicion(kind="instruction", start=start, end=end)
    for kind, pattern in (
        ("instruction", phrases.INSTRUCTION),
        ("machine", phrases.MACHINE),
        ("rubric_talk", phrases.RUBRIC_TALK),
    ):
        for found in pattern.finditer(form.text):
            if found.end() > found.start():
                start, end = form.span(*found.span())
                yield Suspicion(kind=kind, start=start, end=end)


def _rotated(form: Plain) -> Iterator[Suspicion]:
    """Phrases in ROT13 or written backwards, looked for where a word of them shows that way round."""
    for other in (Plain(codecs.encode(form.text, "rot13"), form.at), Plain(form.text[::-1], form.at[::-1])):
        if not phrases.TELLING.search(other.text):
            continue
        for found in phrases.INSTRUCTION.finditer(other.text):
            ends = (other.at[found.start()], other.at[found.end() - 1])
            yield Suspicion(kind="encoded", start=min(ends), end=max(ends) + 1, detail=found[0][:MOST_EXCERPT])
