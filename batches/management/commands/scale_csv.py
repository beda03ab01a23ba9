"""A CSV of decisions -> its scale, without a database."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from batches.management.shell import BAD_INPUT, PlainCommand
from batches.scale.csv_decisions import NotDecisions, read_decisions
from batches.scale.estimate import fit
from batches.scale.reliability import plain_words
from batches.scale.to_json import fit_to_json


class Command(PlainCommand):
    help = "Fit any CSV of decisions: columns chosen, not_chosen, optional judge, optional left (read first)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--estimator", choices=("map", "mle", "sirt"), default="map")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, file: Path, estimator: str, **options: Any) -> None:
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                decisions = read_decisions(lines)
        except (NotDecisions, UnicodeDecodeError) as problem:
            raise CommandError(f"{file}: {problem}", returncode=BAD_INPUT) from None
        except OSError as problem:
            raise CommandError(f"{file} cannot be read: {problem.strerror}.", returncode=BAD_INPUT) from None
        scale = fit(decisions, estimator)
        document = fit_to_json(scale)
        if options["json"]:
            return self.print_json(document)
        for sentence in plain_words(scale):
            self.stdout.write(sentence)
        for row in document["essays"]:
            logit = "–" if row["logit"] is None else f"{row['logit']:+.3f}"
            self.stdout.write(f"{row['rank'] or '–':>5}  {row['essay']}  {logit}")
