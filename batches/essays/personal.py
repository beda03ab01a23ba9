"""Text -> the same text with names, e-mail addresses and phone numbers replaced, and how many of each there were.

Names are found word by word: whatever the case, the diacritics and the marks between letters, with a possessive or a
plural s, as a whole name or as a part of one. Everything here is linear in the text.
"""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from batches.essays.common_words import COMMON_WORDS, PARTICLES


class Kind(StrEnum):
    """What is replaced, and by what."""

    NAME = "[name]"
    EMAIL = "[e-mail]"
    PHONE = "[phone]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A text as it may leave, and what was taken out of it."""

    text: str
    names: int = 0
    emails: int = 0
    phones: int = 0


# Marks that may stand within a word without a reader seeing them: accents of their own, soft hyphens, zero widths.
_UNSEEN = "\u0300-\u036f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_WORD = re.compile(rf"[^\W\d_](?:[{_UNSEEN}]*+[^\W\d_])*+[\u0300-\u036f]*+")
_DROPPED = re.compile(f"[{_UNSEEN}]")
_APOSTROPHES = "'’ʼ‘`´＇"
_JOINT = re.compile(rf"[\s{_APOSTROPHES}.,·_{_UNSEEN}‐‑-]{{0,4}}")  # what may stand between two words of one name
_UNLIKE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ŧ": "t"}
)
# Scripts that put no space between words: a name is found wherever its letters stand.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]")

_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%'-]++(?:[@＠]|\s?(?:\(at\)|\[at\])\s?)[\w-]++(?:\.[\w-]++|\s?(?:\(dot\)|\[dot\])\s?[\w-]++)+",
    re.IGNORECASE,
)
_GAP = r"[ \t\u00a0\u2009\u202f.\-‐‑–/]"
_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,5}\d){6}")  # quick to look for, and every phone number has them
_PHONE = re.compile(
    rf"""(?<![\w.,+])(?:
      (?:\+|00){_GAP}?[1-9](?:{_GAP}?\(?\d\)?){{7,14}}      # +44 20 7946 0958, +44 (0)20 7946 0958
    | \(?0\d{{2,5}}\)?(?:{_GAP}?\d){{5,8}}                  # 020 7946 0958, (01632) 960001, 07700 900123
    | 0\d(?:{_GAP}\d\d){{4}}                                # 06 12 34 56 78
    | \(\d{{3}}\){_GAP}?\d{{3}}{_GAP}\d{{4}}                # (202) 555-0143
    | \d{{3}}{_GAP}\d{{3}}{_GAP}\d{{4}}                     # 202-555-0143
    | \d{{3}}-\d{{4}}                                       # 555-0143
    | \d{{4}}[ ]\d{{6}}                                     # 7700 900123
    | (?!\d*0{{6}}\b)\d{{10,15}}                            # 7700900123, but not a round ten thousand million
    )(?![\w]|[.,]\d)""",
    re.VERBOSE,
)


class Personal:
    """What is replaced in the texts of one assessment. Equal rules give equal texts, whenever they are asked."""

    def __init__(self, names: Iterable[str] = (), *, emails: bool = True, phones: bool = True) -> None:
        self._emails, self._phones = emails, phones
        self._parts: set[str] = set()
        self._whole: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        unspaced = set()
        for name in names:
            if _UNSPACED.search(name):
                unspaced |= _unspaced_forms(name)
            else:
                self._add(name)
        for forms in self._whole.values():
            forms.sort(key=len, reverse=True)
        longest_first = sorted(unspaced, key=lambda form: (-len(form), form))
        self._unspaced = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._first = self._parts | set(self._whole)
        self._clean: set[int] = set()  # hashes of texts in which there is nothing: most of them, and they come again

    def _add(self, name: str) -> None:
        words = tuple(_fold(word) for word in _WORD.findall(name))
        if not words:
            return
        joined = "".join(words)
        if len(words) > 1:
            self._whole[words[0]].append(words)
            self._whole[words[-1]].append((words[-1], *words[:-1]))  # "Neill, Siobhán"
            self._parts.add(joined)  # siobhanoneill99
        elif words[0] in PARTICLES:
            self._whole[words[0]].append(words)
        self._parts |= {word for word in words if len(word) > 1 and word not in PARTICLES}
        for a, b in itertools.pairwise(words):
            if len(a) == 1 or a in PARTICLES:  # O'Neill, de Souza: also without the first name
                self._whole[a].append((a, b))
                self._parts.add(a + b)

    def replace(self, text: str) -> Replaced:
        """The text as it may leave."""
        key = hash(text)
        if key in self._clean:
            return Replaced(text=text)
        found = self._replace(text)
        if found.text == text and len(self._clean) < MOST_REMEMBERED:
            self._clean.add(key)
        return found

    def _replace(self, text: str) -> Replaced:
        emails = phones = names = 0
        if self._emails and ("@" in text or "＠" in text or "at)" in text.lower() or "at]" in text.lower()):
            text, emails = _EMAIL.subn(Kind.EMAIL, text)
        if self._phones and _SEVEN_DIGITS.search(text):
            text, phones = _PHONE.subn(Kind.PHONE, text)
        if self._first:
            text, names = self._replace_names(text)
        if self._unspaced:
            text, more = self._unspaced.subn(Kind.NAME, text)
            names += more
        return Replaced(text=text, names=names, emails=emails, phones=phones)

    def names_in(self, text: str) -> int:
        """How many names of the roster stand in a text: for codes, which should have none."""
        return self.replace(text).names

    def _replace_names(self, text: str) -> tuple[str, int]:
        if not self._might_hold(text):
            return text, 0
        words = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]
        pieces: list[str] = []
        at = n = i = 0
        while i < len(words):
            taken = self._name_at(text, words, i)
            if not taken:
                i += 1
                continue
            start, end = words[i][0], words[i + taken - 1][1]
            if text[start:end] not in _PLACEHOLDER_WORDS or not _in_brackets(text, start, end):
                pieces += [text[at:start], Kind.NAME]
                at, n = end, n + 1
            i += taken
        return "".join([*pieces, text[at:]]), n

    def _might_hold(self, text: str) -> bool:
        """Whether any first word of a name stands in the text at all: most texts hold none, and this is quick."""
        folded = set(_ANY_WORD.findall(_fold(text)))
        return not self._first.isdisjoint(folded) or not self._first.isdisjoint(
            word[:-1] for word in folded if word.endswith("s")
        )

    def _name_at(self, text: str, words: list[tuple[int, int, str]], i: int) -> int:
        """How many words from the i-th on are a name; 0 where none begins."""
        word = words[i][2]
        folded = _fold(word)
        for form in self._whole.get(folded, ()):
            if self._stands_here(text, words, i, form) and not _are_plain_words(words[i : i + len(form)]):
                return len(form)
        if folded in self._parts:
            return int(not _is_plain_word(word, folded))
        singular = folded[:-1]
        plural = folded.endswith("s") and len(singular) > 2 and singular in self._parts and word[:1].isupper()
        return int(plural and singular not in COMMON_WORDS)

    def _stands_here(self, text: str, words: list[tuple[int, int, str]], i: int, form: tuple[str, ...]) -> bool:
        if i + len(form) > len(words):
            return False
        for k in range(1, len(form)):
            between = text[words[i + k - 1][1] : words[i + k][0]]
            last = k == len(form) - 1
            found = _fold(words[i + k][2])
            if not _JOINT.fullmatch(between) or not (found == form[k] or (last and found == form[k] + "s")):
                return False
        return True


MOST_REMEMBERED = 100_000
_ANY_WORD = re.compile(r"[^\W\d_]+")
_PLACEHOLDER_WORDS = {"name", "phone", "e", "mail", "e-mail"}


def _in_brackets(text: str, start: int, end: int) -> bool:
    """Whether a word is part of a placeholder that is there already: replacing twice changes nothing."""
    return any(
        text.startswith(kind, place)
        for kind in Kind
        for place in range(max(0, start - len(kind)), start + 1)
        if place + len(kind) >= end
    )


def _fold(text: str) -> str:
    """Letters alike where a reader takes them for alike: no case, no accents, nothing unseen."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_UNLIKE))
    return _DROPPED.sub("", decomposed)


def _is_plain_word(word: str, folded: str) -> bool:
    """Whether a part of a name is here a word of the language: "will" and "mark", but not "Will" and "MARK".

    Parts of two letters count as names only where they begin with a capital.
    """
    return (folded in COMMON_WORDS or len(folded) == 2) and word[:1].islower()


def _are_plain_words(words: list[tuple[int, int, str]]) -> bool:
    """Whether a whole name is here a run of plain words: "they will mark it" where somebody is called Will Mark."""
    return all(_is_plain_word(word, _fold(word)) for _, _, word in words)


def _unspaced_forms(name: str) -> set[str]:
    """A name in Chinese, Japanese, Korean or Thai as written, without its spaces, and its parts of two letters on."""
    parts = {part for part in name.split() if len(part) > 1}
    return {name.strip(), "".join(name.split()), *parts}
