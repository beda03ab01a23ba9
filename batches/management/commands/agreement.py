"""An assessment that people and models have judged -> how far they agree, printed."""

from typing import Any

from django.core.management.base import CommandParser

from batches.management.shell import ShellCommand
from batches.pipeline import agreement


class Command(ShellCommand):
    help = "Compare what people judged with what the model said of the same pairs."
    permission = "view_assessment"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, assessment: str, json: bool, **options: Any) -> None:
        found = agreement.report(self.assessment(assessment, self.person(options["user"])))
        if json:
            return self.print_json(found)
        self.stdout.write("\n".join(agreement.lines(found)))
