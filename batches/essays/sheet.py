"""The bytes of a CSV -> one EssayRow a record; only candidate, text and anchor_score are looked at."""

import csv
import io
from collections.abc import Iterator

from batches.essays.clean import BadEssay, utf8_text
from batches.essays.limits import MAX_ESSAYS, MAX_LINE_CHARACTERS, MAX_SHEET_BYTES
from batches.essays.listed import Written, add_written
from batches.essays.nouns import Draft, shown

NEEDED = ("candidate", "text")
KNOWN = (*NEEDED, "anchor_score")
WRONG_SEPARATORS = {";": "semicolons", "\t": "tabs"}


def read_sheet(content: bytes, source: str, draft: Draft) -> None:
    """Add every record to `draft`; raise BadEssay for what makes the whole file unreadable."""
    records = numbered_records(utf8_text(content))
    header = next((cells for _, cells in records if any(cell.strip() for cell in cells)), [])
    places = column_places(header)
    draft.ignored_columns += ignored(header)
    for number, cells in records:
        if any(cell.strip() for cell in cells):
            add_row(number, cells, header, places, source, draft)
        if number > MAX_ESSAYS:
            raise BadEssay(f"There are more than {MAX_ESSAYS:,} rows: split the file into several.")


def numbered_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its row number, counted as a spreadsheet counts."""
    # The csv module keeps one limit for the whole process; a field can never be longer than its file.
    csv.field_size_limit(MAX_SHEET_BYTES)
    # Strict, because otherwise one forgotten quotation mark would swallow all essays after it into one.
    reader = csv.reader(short_lines(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, cells
    except csv.Error:
        raise BadEssay(
            f"The quotation marks of row {number + 1:,} do not match (read up to line {reader.line_num:,}): put the "
            "whole text in double quotes and write every double quote inside it twice; the rows after it were not read."
        ) from None


def short_lines(text: str) -> Iterator[str]:
    """Yield the lines as they are, refusing one that could be cut into millions of cells."""
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise BadEssay(
                f"Line {number:,} is {len(line):,} characters long: check that this is a CSV with one essay a row."
            )
        yield line


def column_places(header: list[str]) -> dict[str, int]:
    """Return where the known columns are; capitals and blank space around a name do not matter."""
    names = [name.strip().casefold() for name in header]
    for separator, word in WRONG_SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            raise BadEssay(f"The columns are separated by {word}: save the file as CSV with commas.")
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise BadEssay(
            f"The column {' and the column '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: the first "
            f"row must name the columns candidate and text (it names: {shown(', '.join(header)) or 'nothing'})."
        )
    for name in KNOWN:
        if names.count(name) > 1:
            raise BadEssay(f"The column {name} is there {names.count(name)} times: keep one of them.")
    return {name: names.index(name) for name in KNOWN if name in names}


def ignored(header: list[str]) -> list[str]:
    """Return the columns that nobody will read, under names that can be shown."""
    return [
        shown(name.strip()) or f"column {place} (no name)"
        for place, name in enumerate(header, 1)
        if name.strip().casefold() not in KNOWN
    ]


def check_width(cells: list[str], header: list[str]) -> None:
    """Raise BadEssay where a record goes on after the last column: part of a text would be lost without a word."""
    if any(cell.strip() for cell in cells[len(header) :]):
        raise BadEssay(
            f"The row has {len(cells)} cells and the header {len(header)}: put a text with commas in double quotes."
        )


def add_row(
    number: int, cells: list[str], header: list[str], places: dict[str, int], source: str, draft: Draft
) -> None:
    """Add one record with every problem it has."""
    where = f"row {number:,}"
    rows = len(draft.rows)
    written = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
    before = len(draft.problems)
    with draft.noting(where):
        check_width(cells, header)
    add_written(Written(**written), draft, where=where, source=source, line=number)
    if len(draft.problems) > before:
        del draft.rows[rows:]
