"""One field of an essay as it was written -> the value to store, or a sentence."""

import re
import unicodedata
from decimal import Decimal

from batches.essays.clean import BadEssay, check_text, clean_text
from batches.essays.limits import MAX_CANDIDATE_CHARACTERS, MAX_TEXT_CHARACTERS

# Plain digits only, as many as the column holds without rounding. Decimal would also take NaN, Infinity, 1e400 and
# the digits of other scripts.
ANCHOR_SCORE = re.compile(r"[+-]?[0-9]{1,5}(\.[0-9]{1,3})?")

# Controls, format characters (zero width, bidi), lone surrogates, line and paragraph separators: two codes that
# look the same on a page must be the same.
INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def candidate_code(written: str) -> str:
    """Return the code in one spelling: composed letters, no blank space around it."""
    candidate = unicodedata.normalize("NFC", written.strip(" \t\r\n"))
    if not candidate:
        raise BadEssay("The candidate is empty: give every essay a code.")
    if any(unicodedata.category(c) in INVISIBLE for c in candidate):
        raise BadEssay("The candidate has a control character or an invisible one in it: type the code again.")
    if len(candidate) > MAX_CANDIDATE_CHARACTERS:
        raise BadEssay(
            f"The candidate is {len(candidate):,} characters long: use a code of at most {MAX_CANDIDATE_CHARACTERS}."
        )
    return candidate


def essay_text(written: str) -> str:
    """Return the cleaned text without blank space around it."""
    check_text(written)
    text = clean_text(written).strip()
    if not any(c.isalnum() for c in text):
        raise BadEssay("The text is empty: add the essay, or leave this candidate out.")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadEssay(
            f"The text is {len(text):,} characters long: an essay may have at most {MAX_TEXT_CHARACTERS:,}; "
            "check that several essays have not run into one."
        )
    return text


def anchor_score(written: str) -> Decimal | None:
    """Return the grade already known for this essay, None where the field is blank."""
    score = written.strip(" \t\r\n")
    if not score:
        return None
    if not ANCHOR_SCORE.fullmatch(score):
        raise BadEssay(
            "The anchor_score is not a number that can be used: write at most five digits and three decimals, "
            "such as 3.5, or leave it blank."
        )
    return Decimal(score)
