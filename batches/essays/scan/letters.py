"""A text -> the same text as a reader sees it: look-alikes, spaced letters and invisible characters undone."""

import re
import unicodedata
from dataclasses import dataclass

# Characters that show nothing. U+200C and U+200D also shape Indic and Arabic letters and join emoji: see `hidden`.
INVISIBLE = frozenset(
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u180e\u00ad\u034f\u115f\u1160\u17b4\u17b5"
)
TAGS = range(0xE0001, 0xE0080)  # Unicode's tag block: a second, invisible ASCII
SELECTORS = range(0xE0100, 0xE01F0)
OVERRIDES = frozenset("\u202d\u202e")
EMBEDDINGS = frozenset("\u202a\u202b\u2066\u2067\u2068")

# Cyrillic and Greek letters that are read as Latin ones (after Unicode's table of confusables, UTS #39)
ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅαοενρτυκιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwABEKMHOPCTYXIJSaoevptukiABEZHIKMNOPTYX",
)
DIGITS = str.maketrans("013457@$", "oieastas")
SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ \t.\-_*]{1,3}){4,}[^\W\d_](?![^\W_])")
DIGIT_WORD = re.compile(r"(?<![\w@$])(?=[\w@$]*[^\W\d_])(?=[\w@$]*[013457@$])[\w@$]{3,}(?![\w@$])")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text to search in, and where each of its characters stood in the original."""

    text: str
    at: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The same stretch in the original."""
        return self.at[start], self.at[end - 1] + 1


def plain(text: str) -> Plain:
    """Fold compatibility forms and look-alikes, and drop what shows nothing; tag characters become their ASCII."""
    out: list[str] = []
    at: list[int] = []
    for i, char in enumerate(text):
        for shown in _shown(char):
            out.append(shown)
            at.append(i)
    return Plain(_fold_words("".join(out)), tuple(at))


def _shown(char: str) -> str:
    if char < "\x80":
        return char
    code = ord(char)
    if code in TAGS:
        return chr(code - 0xE0000) if code >= 0xE0020 and code < 0xE007F else ""
    if char in INVISIBLE or char in OVERRIDES or char in EMBEDDINGS or code in SELECTORS:
        return ""
    if unicodedata.combining(char):
        return ""
    return unicodedata.normalize("NFKC", char)


def _fold_words(text: str) -> str:
    """Look-alike letters within words that also hold Latin ones; one character stays one character."""
    return re.sub(r"\w+", lambda word: _latin(word[0]), text)


def _latin(word: str) -> str:
    if word.isascii():
        return word
    folded = word.translate(ALIKE)
    return folded if folded.isascii() else word


def joined(found: Plain) -> Plain:
    """What is spelt out letter by letter, with the spaces between the letters gone; nothing else."""
    out: list[str] = []
    at: list[int] = []
    for run in SPACED.finditer(found.text):
        gap = ""
        for i in range(run.start(), run.end()):
            char = found.text[i]
            if char.isalpha():
                if len(gap) > 1:  # two spaces or more stand between words
                    out.append(" ")
                    at.append(i)
                out.append(char)
                at.append(i)
                gap = ""
            else:
                gap += char
        out.append("\n")
        at.append(run.end() - 1)
    return Plain("".join(out), tuple(found.at[i] for i in at))


def unleet(found: Plain) -> Plain:
    """The words that mix letters and digits, and what stands around them, read as letters."""
    if not DIGIT_WORD.search(found.text):
        return Plain("", ())
    return Plain(DIGIT_WORD.sub(lambda word: word[0].translate(DIGITS), found.text), found.at)
