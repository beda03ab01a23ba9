"""An assessment -> what submitting would take and cost, under each strategy. Nothing is sent, nothing is changed."""

from typing import Any, TextIO, cast

from django.core.management.base import CommandParser
from rich.console import Console
from rich.table import Table

from batches.conf import STRATEGIES, cj_settings
from batches.management.shell import ShellCommand
from batches.pipeline import fits, forecast
from batches.pipeline.forecast import Forecast

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Command(ShellCommand):
    help = "Forecast what is planned (or the next round): jobs, requests, tokens, cost and time. A dry run."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("--strategy", choices=STRATEGIES)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, assessment: str, strategy: str | None, json: bool, **options: Any) -> None:
        target = self.assessment(assessment, self.person(options["user"]))
        chosen = strategy or cj_settings.of(target.overrides).llm_batching_strategy
        if json:
            return self.print_json(forecast.of_assessment(target, [chosen])[0].as_json())
        found = forecast.of_assessment(target, [strategy] if strategy else STRATEGIES)
        console = Console(file=cast(TextIO, self.stdout), width=None if self.stdout.isatty() else 120, highlight=False)
        console.print(table(found, chosen))
        console.print(f"Tokens are {found[0].tokens_are}. Budget left: {found[0].budget_left_usd:.4f} USD.")
        for warning in fits.retirement_warnings(target.judges.all()):
            console.print(warning)


def table(found: list[Forecast], chosen: str) -> Table:
    """All strategies side by side; an arrow at the one in force."""
    shown = Table(title="What submitting would take", title_justify="left")
    for heading in ("Strategy", "Jobs", "Requests", "Tokens in", "Tokens out", "USD", "Worst case", "Reserved", "Time"):
        shown.add_column(heading, justify="left" if heading == "Strategy" else "right")
    for one in found:
        name = f"→ {one.strategy}" if one.strategy == chosen else f"  {one.strategy}"
        if one.problem:
            shown.add_row(name, one.problem)
            continue
        shown.add_row(
            name,
            f"{one.jobs:,}",
            f"{one.requests:,}",
            f"{one.input_tokens:,}",
            f"{one.output_tokens:,}",
            f"{one.cost_usd:.4f}",
            f"{one.worst_case_usd:.4f}",
            f"{one.reserved_usd:.4f}" + ("" if one.fits_budget else " !"),
            duration(one.seconds),
        )
    return shown


def duration(seconds: float) -> str:
    """One unit and a number: 40 s, 12 min, 3 h."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{max(1, round(seconds / size))} {unit}"
