"""Places in an essay -> the whole passages around them, and the essay without those passages."""

import re
from collections.abc import Iterable, Sequence

Span = tuple[int, int]
LEFT_OUT = "[passage left out]"
ENDS = re.compile(r"[.!?。！？؟]+[\"'”’)\]]*\s|\n+")
MOST_WORDS = 60  # in one sentence: a text without full stops is not left out as a whole


def passage(text: str, start: int, end: int) -> Span:
    """The sentence or line, or the neighbouring ones, that a finding lies in; without the space around it."""
    first = max((found.end() for found in ENDS.finditer(text, 0, start)), default=0)
    after = ENDS.search(text, max(start, end - 1))
    last = len(text) if after is None else after.end()
    if len(text[first:start].split()) > MOST_WORDS:
        first = start
    if len(text[end:last].split()) > MOST_WORDS:
        last = end
    stretch = text[first:last]
    return first + len(stretch) - len(stretch.lstrip()), first + len(stretch.rstrip())


def together(spans: Iterable[Sequence[int]]) -> list[list[int]]:
    """The same stretches in order, those that touch or overlap as one."""
    found: list[list[int]] = []
    for start, end in sorted((int(one[0]), int(one[1])) for one in spans):
        if found and start <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def without(text: str, spans: Iterable[Sequence[int]]) -> str:
    """The essay as a judge is shown it: each passage replaced by a note, invisible characters simply gone."""
    out, at = [], 0
    for start, end in together(spans):
        gone = text[start:end]
        out += [text[at:start], LEFT_OUT if any(char.isalnum() for char in gone) else ""]
        at = end
    return "".join([*out, text[at:]])
