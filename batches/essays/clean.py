"""Text from anywhere -> text that PostgreSQL, JSON, XML and a page can carry, the writer's own words untouched."""

import re

# Word and PDF leave the vertical tab, the form feed and Unicode's separators where a writer pressed Enter. As newlines
# they stay visible, and no line of a JSONL file is cut in two by a reader that takes U+2028 or U+0085 for its end.
NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")

# What remains of C0, and two code points that XML cannot hold. C1 controls and bidi marks stay: they can be stored,
# and taking one out could change what the pupil wrote.
UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff]")

SURROGATES = re.compile("[\ud800-\udfff]")

OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 and UTF-32 files begin
SAVE_AS_UTF8 = 'save it again as UTF-8 (in Excel: "CSV UTF-8").'


class BadEssay(Exception):
    """An essay, or a file of essays, that cannot be taken as it is. Its text is one sentence that says what to do."""


def check_text(text: str) -> None:
    """Raise BadEssay where cleaning would have to guess what the pupil wrote."""
    if "\x00" in text:
        raise BadEssay("The text holds a NUL character: the file is damaged or not plain text; save it again as UTF-8.")
    if SURROGATES.search(text):
        raise BadEssay(
            "The text holds half of a character (a lone surrogate): save the file again as UTF-8 "
            "from the program it was written in."
        )


def clean_text(text: str) -> str:
    """Return `text` with one kind of newline and nothing that cannot be stored; spelling and punctuation stay.

    Never fails: an unpaired surrogate becomes U+FFFD. Cleaning what is clean changes nothing.
    """
    text = NEWLINES.sub("\n", UNSTORABLE.sub("", text))
    return join_surrogates(text) if SURROGATES.search(text) else text


def join_surrogates(text: str) -> str:
    """Join each pair of surrogates into its character and replace those that have no partner."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def utf8_text(content: bytes) -> str:
    """Return the text of UTF-8 bytes, with or without a byte order mark; raise BadEssay for another encoding.

    Lone surrogates pass, so that check_text can be asked row by row which of them has one.
    """
    if content.startswith(OTHER_ENCODINGS):
        raise BadEssay(f"The file is UTF-16 and not UTF-8: {SAVE_AS_UTF8}")
    try:
        return content.decode("utf-8-sig", "surrogatepass")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise BadEssay(f"The file is not UTF-8 (line {line:,}): {SAVE_AS_UTF8}") from None
