"""The model manifest -> a list; and, where there is a key, what the providers themselves say of each model."""

from dataclasses import dataclass
from typing import Any, TextIO, cast

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from batches.management.shell import FAILED, ShellCommand
from batches.pipeline import catalogue
from batches.pipeline.catalogue import Checked


@dataclass(frozen=True)
class _Column:
    heading: str
    right: bool = False


COLUMNS = (
    *(_Column("Model"), _Column("Provider"), _Column("Context", True), _Column("Output", True)),
    *(_Column("In", True), _Column("Cached", True), _Column("Out", True), _Column("Batch", True)),
    *(_Column("Can"), _Column("Retires"), _Column("Provider says")),
)


class Command(ShellCommand):
    help = (
        "List the models a judge may be, with prices (USD per million tokens) and dates; check them where a key is set."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--provider", choices=["anthropic", "openai"])
        parser.add_argument("--offline", action="store_true", help="ask nobody, key or not")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, provider: str | None, offline: bool, json: bool, **options: Any) -> None:
        found = catalogue.models(provider, ask=not offline)
        if json:
            self.print_json([one.as_json() for one in found])
        else:
            self._print(found)
        if any(one.differs for one in found):
            raise SystemExit(FAILED)

    def _print(self, found: list[Checked]) -> None:
        console = Console(file=cast(TextIO, self.stdout), width=None if self.stdout.isatty() else 180, highlight=False)
        table = Table(title=f"Models on {timezone.localdate():%-d %B %Y}", title_justify="left")
        for column in COLUMNS:
            table.add_column(column.heading, justify="right" if column.right else "left")
        for one in found:
            table.add_row(*one.row())
        console.print(table)
        for one in found:
            for sentence in filter(None, (one.warning, one.differs)):
                console.print(sentence)
