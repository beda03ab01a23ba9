"""`1 comparisons` is nowhere: what is counted is counted by ngettext or `{% blocktranslate count %}`."""

import ast
import re
from collections.abc import Iterator

import pytest

from batches.numbers import NOUNS, counted
from tests.test_german import MODULES, ROOT, TEMPLATES

THINGS = "|".join(
    [
        *(
            "anchors",
            "callbacks",
            "comparisons",
            "days",
            "disagreements",
            "essays",
            "files",
            "images",
            "jobs",
            "judges",
        ),
        *("judgements", "lines", "members", "names", "pages", "pairs", "problems", "pupils", "rounds", "scales"),
        *("seconds", "splits", "times", "tokens", "words"),
    ]
)
IN_TEMPLATE = re.compile(rf"\}}\}} (?:\w+ )?(?:{THINGS})\b")
IN_CODE = re.compile(rf"(?:%\(\w+\)s|\{{\w*\}}) (?:more |page |random )?(?:{THINGS})\b")
BLOCK = re.compile(r"\{% blocktranslate(?P<head>[^%]*)%\}(?P<text>.*?)\{% endblocktranslate %\}", re.DOTALL)
# figures that are never one: settings, limits that begin above it, and what is only said of several
NEVER_ONE = (
    "{{ rounds }} rounds, which is usual",
    "{{ not_all }} comparisons that are not resolved",
    "last {{ n }} days",
    "in %(n)s days, most on",
    "%(n)s essays from the lowest to the highest score",
    "more than %(n)s comparisons, too many for a workbook",
    "between 1 and %(most_rounds)s rounds",
    "a sample of 1 to %(most_pairs)s pairs",
    "at most %(most_names)s names",
    "fall into",
    "%(person)s judges here",
    "about %(tokens)s tokens, and two of that length",
)


def once_only(text: str) -> bool:
    return not any(known in text for known in NEVER_ONE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_counts_without_a_singular(path: object) -> None:
    blocks = BLOCK.finditer(path.read_text())  # type: ignore[attr-defined]
    uncounted = [found["text"] for found in blocks if " count " not in found["head"]]
    assert [text for text in uncounted if IN_TEMPLATE.search(text) and once_only(text)] == []


def in_code() -> Iterator[tuple[str, str]]:
    """Each text that the code gives to be translated without a plural, and where."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if getattr(getattr(node, "func", None), "id", "") in ("_", "gettext", "gettext_lazy"):
                [text, *_rest] = node.args  # type: ignore[attr-defined]
                if isinstance(text, ast.Constant):
                    yield str(text.value), path.name


def test_no_sentence_of_the_code_counts_without_a_singular() -> None:
    assert [(text, where) for text, where in in_code() if IN_CODE.search(text) and once_only(text)] == []


@pytest.mark.parametrize("noun", [*NOUNS, "batch", "anchor"])
def test_one_is_one(noun: str) -> None:
    assert counted(1, noun) == f"1 {noun}"
    assert counted(2, noun) in (f"2 {noun}s", f"2 {noun}es")
    assert counted(1200, noun).startswith("1,200 ")
