"""An assessment -> a file of its judgements or scores."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from xlsxwriter.exceptions import FileCreateError

from batches.management.shell import ShellCommand
from batches.models import Assessment, AuditEntry
from batches.pipeline import export, workbook
from batches.pipeline.refused import Refused

WRITERS = {"csv": export.as_csv, "jsonl": export.as_jsonl}
LAYOUTS = {"sirt": export.sirt, "plain": export.plain, "nmm": export.no_more_marking}  # decisions for other engines
ROWS = {"judgements": export.judgements, "scores": export.scores}


class Command(ShellCommand):
    help = (
        "Write the judgements (or the scores) of an assessment; as decisions for other engines: sirt is what R's "
        "sirt::btm reads, nmm what No More Marking gives, plain what scale_csv reads. xlsx is a workbook of both."
    )
    permission = "export_results"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("--format", choices=[*WRITERS, *LAYOUTS, "xlsx"], default="csv")
        parser.add_argument("--what", choices=ROWS, default="judgements")
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    def handle(self, *args: Any, assessment: str, format: str, what: str, **options: Any) -> None:
        user = self.person(options["user"])
        target = self.assessment(assessment, user)
        if what == "scores" and format in LAYOUTS:
            raise Refused(f"{format} holds decisions, not scores: choose csv or jsonl.")
        if format == "xlsx":
            what = "results"
            self.workbook(target, options["output"])
        else:
            self.lines(target, format, what, options["output"])
        AuditEntry.record("export", target, actor=user, project=target.project, what=what, format=format)

    def workbook(self, target: Assessment, output: Path | None) -> None:
        if output is None:
            raise Refused("A workbook is a file: say where to write it with --output FILE.")
        try:
            workbook.write(target, output)
        except FileCreateError as problem:
            raise Refused(f"{output} cannot be written: {problem.args[0].strerror}.") from None

    def lines(self, target: Assessment, format: str, what: str, output: Path | None) -> None:
        rows = LAYOUTS[format](target) if format in LAYOUTS else ROWS[what](target)
        lines = WRITERS.get(format, export.as_csv)(rows)
        if output:
            try:
                with output.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(lines)
            except OSError as problem:
                raise Refused(f"{output} cannot be written: {problem.strerror}.") from None
        else:
            for line in lines:
                self.stdout.write(line, ending="")
