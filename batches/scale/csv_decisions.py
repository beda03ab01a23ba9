"""A CSV of decisions (columns chosen, not_chosen, optional judge and left; or another engine's) -> Decisions."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TextIO

from .decisions import Decision, Decisions

# Each set of columns is one engine's export: ours and No More Marking's (chosen, notChosen, judgeId or judgeName; in R
# also won and lost), sirt's three-column table. Case, blanks and underscores in a column's name make no difference.
LAYOUTS = {
    "plain": ("chosen", "notchosen"),
    "candidates": ("candidatechosen", "candidatenotchosen"),
    "No More Marking": ("won", "lost"),
    "sirt": ("id1", "id2", "result"),
}
JUDGE_COLUMNS = ("judge", "judgeid", "judgename")
KNOWN = {"left", *JUDGE_COLUMNS, *(column for layout in LAYOUTS.values() for column in layout)}
SEPARATORS = ",;\t"  # a spreadsheet writes semicolons where the comma is the decimal point
LIMIT = 1_000_000  # characters in a line


class NotDecisions(ValueError):
    """A file that holds no decisions. Its text says which line or column is at fault."""


def read_decisions(lines: TextIO | Iterable[str]) -> Decisions:
    """Read every line or refuse the file: a decision left out would bend the scale unseen."""
    clean = _without_bom(lines)
    first = next(clean, "")
    rows = csv.reader(chain([first], clean), delimiter=max(SEPARATORS, key=first.count), strict=True)
    try:
        header = [_column(name) for name in next(rows, [])]
        layout = _layout(header)
        judge = next((header.index(name) for name in JUDGE_COLUMNS if name in header), None)
        left = header.index("left") if "left" in header and layout != "sirt" else None
        columns = [header.index(name) for name in LAYOUTS[layout]]
        return Decisions.from_rows(
            _decision(row, len(header), columns, judge, left, rows.line_num, layout == "sirt")
            for row in rows
            if any(cell.strip() for cell in row)
        )
    except csv.Error as error:
        raise NotDecisions(f"line {rows.line_num}: {error}") from None


def _without_bom(lines: TextIO | Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if "\x00" in line:
            raise NotDecisions(f"line {number + 1} holds a NUL character")
        if len(line) > LIMIT:
            raise NotDecisions(f"line {number + 1} is longer than {LIMIT:,} characters")
        yield line.removeprefix("\ufeff") if number == 0 else line


def _column(name: str) -> str:
    """The name as LAYOUTS has it: notChosen, Not Chosen and not_chosen are one column."""
    return name.strip().lower().replace("_", "").replace(" ", "").replace("-", "")


def _layout(header: list[str]) -> str:
    if any(header.count(name) > 1 for name in KNOWN):
        raise NotDecisions("two columns have the same name")
    for name, columns in LAYOUTS.items():
        if set(columns) <= set(header):
            return name
    raise NotDecisions(
        "the first line must name the columns chosen and not_chosen, and optionally judge and left "
        "(or won and lost, or id1, id2 and result)"
    )


def _decision(
    row: list[str], width: int, columns: list[int], judge: int | None, left: int | None, line: int, by_result: bool
) -> Decision:
    if len(row) != width:
        raise NotDecisions(f"line {line} has {len(row)} columns where the first line has {width}")
    first, second, *result = (row[column].strip() for column in columns)
    if not first or not second or first == second:
        raise NotDecisions(f"line {line}: a decision is between two different essays")
    seen_first = row[left].strip() if left is not None else ""
    if by_result:
        # sirt codes the first column's result: 1 won, 0 lost; ties have no place in a forced choice
        if result[0] not in ("0", "1", "0.0", "1.0"):
            raise NotDecisions(f"line {line}: result is 1 or 0, not {result[0]!r}")
        if result[0] in ("0", "0.0"):
            first, second = second, first
    if seen_first not in ("", first, second):
        raise NotDecisions(f"line {line}: left is neither of the two essays")
    return Decision(first, second, seen_first or None, (row[judge].strip() or None) if judge is not None else None)
