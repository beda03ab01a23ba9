"""Characters that a reader cannot see or that turn the order of reading, and runs that only a machine reads."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from batches.essays.scan.letters import EMBEDDINGS, INVISIBLE, OVERRIDES, SELECTORS, TAGS

Span = tuple[int, int]
BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{20,}={0,2}(?![A-Za-z0-9+/=])")
HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,-]{0,2}){12,}(?![0-9A-Za-z])")
MORSE = re.compile(r"(?:[.\-–·•]{1,6}[ /|]+){7,}[.\-–·•]{1,6}")
STACKED = 3  # marks on one letter: more than any spelling has
PERCENT = re.compile(r"(?:[\w.+-]*%[0-9A-Fa-f]{2}[\w.+-]*){3,}")
ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|&#x?[0-9a-fA-F]+;){4,}")
BINARY = re.compile(r"(?:[01]{8}[\s,]?){5,}")
HEAPED = re.compile(rf"(?:[^\W\d_][\u0300-\u036f\u0488\u0489]{{{STACKED},}}\s*)+")
JOINERS = "\u200c\u200d"
SOFT = "\u00ad"  # Word leaves these where a line could be broken
KEYCAPS_AND_FLAGS = range(0x1F3F4, 0x1F3F5)  # the black flag that a sequence of tags may follow


def hidden(text: str) -> Iterator[Span]:
    """Characters that show nothing, where no script or emoji needs them; marks heaped on letters to disguise them."""
    yield from (heap.span() for heap in HEAPED.finditer(text))
    for i, char in enumerate(text):
        code = ord(char)
        tag = code in TAGS and not _of_a_flag(text, i)
        if tag or code in SELECTORS or (char in INVISIBLE and not _has_its_place(text, i)):
            yield i, i + 1


def _of_a_flag(text: str, at: int) -> bool:
    """England, Scotland and Wales are flags spelt in tag characters: six of them at most, after a black flag."""
    start = at
    while start > 0 and ord(text[start - 1]) in TAGS and at - start < 7:
        start -= 1
    return start > 0 and ord(text[start - 1]) in KEYCAPS_AND_FLAGS


def _has_its_place(text: str, at: int) -> bool:
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if char == SOFT:
        return True
    if char == "\ufeff" and at == 0:
        return True
    if char not in JOINERS:
        return False
    return any(one and (unicodedata.category(one) in ("So", "Sk") or _joins(one)) for one in (before, after))


def _joins(char: str) -> bool:
    """Letters of scripts in which joiners are spelling: Arabic, Syriac, Indic and their neighbours; U+FE0F of emoji."""
    return 0x0600 <= ord(char) <= 0x1FFF or char == "\ufe0f"


def turned(text: str) -> Iterator[Span]:
    """Marks that turn the order of reading, where nothing in the text is written from right to left."""
    right_to_left = any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)
    for i, char in enumerate(text):
        if char in OVERRIDES or (char in EMBEDDINGS and not right_to_left):
            yield i, i + 1


def encoded(text: str) -> Iterator[tuple[Span, str]]:
    """Runs that decode into text, with what they say."""
    for run in BASE64.finditer(text):
        if _mixed(run[0]) and (said := _base64(run[0])):
            yield run.span(), said
    for run in HEX.finditer(text):
        if said := _hex(run[0]):
            yield run.span(), said
    for run in PERCENT.finditer(text):
        yield run.span(), unquote(run[0], errors="replace")
    for pattern in (ESCAPES, BINARY, MORSE):
        for run in pattern.finditer(text):
            yield run.span(), run[0]


def _mixed(run: str) -> bool:
    """Capitals, small letters and digits all over: no word, no web address in lower case."""
    return (
        any(c.isupper() for c in run[1:])
        and any(c.islower() for c in run)
        and (any(c.isdigit() for c in run) or len(run) >= 32)
    )


def _base64(run: str) -> str:
    bare = run.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        said = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return ""
    return _readable(said)


def _hex(run: str) -> str:
    digits = re.sub(r"0x|\\x|[^0-9a-fA-F]", "", run)
    return _readable(bytes.fromhex(digits)) if len(digits) % 2 == 0 else ""


def _readable(said: bytes) -> str:
    try:
        text = said.decode()
    except UnicodeDecodeError:
        return ""
    letters = sum(char.isalpha() or char.isspace() for char in text)
    return text if text.isprintable() and letters >= 0.75 * len(text) else ""
