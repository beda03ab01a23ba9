"""What reading essays turns a path into: rows that may be loaded, and the problems that stop the load."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from batches.essays.clean import BadEssay


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a handwritten or scanned essay."""

    name: str  # where it was read from
    media_type: str  # image/png or image/jpeg
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EssayRow:
    """One essay as read: its text, or its pages, never both."""

    candidate: str
    text: str = field(default="", repr=False)  # cleaned, without blank space around it
    anchor_score: Decimal | None = None
    source: str  # the file, within its folder or archive
    line: int | None = None  # the row as a spreadsheet counts it, the header being row 1
    pages: tuple[Page, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something cannot be loaded. `where` is a row or a file, safe to print."""

    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that was found. With a single problem nothing of it may be loaded."""

    rows: tuple[EssayRow, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def refusal(self) -> str:
        """The first problem and how many more there are, on one line; "" when all is well."""
        if not self.problems:
            return ""
        more = len(self.problems) - 1
        return f"{self.problems[0]}{f' (And {more:,} more.)' if more else ''}"


@dataclass(slots=True)
class Draft:
    """A Reading while it grows. It keeps every problem, so that a person corrects a file once and not row by row."""

    rows: list[EssayRow] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    first_seen: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def noting(self, where: str) -> Iterator[None]:
        """Turn a BadEssay of the block into a problem at `where`, and go on after the block."""
        try:
            yield
        except BadEssay as bad:
            self.problems.append(Problem(where=where, sentence=str(bad)))

    def claim(self, candidate: str, where: str) -> None:
        """Take the candidate for the essay at `where`; raise BadEssay when another essay has it."""
        if candidate in self.first_seen:
            raise BadEssay(
                f"The candidate {shown(candidate)} is already used by {self.first_seen[candidate]}: "
                "give every essay a code of its own."
            )
        self.first_seen[candidate] = where

    def reading(self) -> Reading:
        return Reading(
            rows=tuple(self.rows), ignored_columns=tuple(self.ignored_columns), problems=tuple(self.problems)
        )


def shown(name: str, *, most: int = 80) -> str:
    """Return a name that a terminal, a log or a page can show: nothing invisible, not too long."""
    visible = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name)
    return visible if len(visible) <= most else f"{visible[:most]}…"
