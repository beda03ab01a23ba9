"""A sentence of the pure packages, or one that was written down -> the same in the viewer's language.

The packages below the models know nothing of Django, and what a worker writes into a row must be readable by everybody.
So those sentences are made in English, and translated here, when they are shown: each is found by its pattern.
"""

import re
from functools import cache
from typing import Any

from django.utils.translation import get_language, gettext

from batches.admin.sentences import SENTENCES


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Each sentence with holes, the most particular first."""
    holed = sorted((one for one in SENTENCES if "%(" in one), key=len, reverse=True)
    return [(one, re.compile(_pattern(one), re.DOTALL)) for one in holed]


def _pattern(sentence: str) -> str:
    parts = re.split(r"%\((\w+)\)s", sentence.replace("%%", "%"))
    return "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))


def told(text: Any) -> str:
    """The text in the viewer's language where it is one of ours, else as it is."""
    text = str(text)
    if not text or (get_language() or "en").startswith("en"):
        return text
    return _whole(text) or _after_its_place(text) or text


def _whole(text: str) -> str:
    if text in SENTENCES:
        return gettext(text)
    for sentence, pattern in _patterns():
        if match := pattern.fullmatch(text):
            return gettext(sentence) % {name: told(value) for name, value in match.groupdict().items()}
    return ""


def _after_its_place(text: str) -> str:
    """`row 3: what is wrong`: the place and the sentence are told apart."""
    place, colon, rest = text.partition(": ")
    found = _whole(rest) if colon else ""
    return f"{_whole(place) or place}: {found}" if found else ""
