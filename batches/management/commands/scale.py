"""The judgements of an assessment -> its scale, stored and printed."""

from typing import IO, Any, cast

from django.core.management.base import CommandParser
from rich.console import Console
from rich.table import Table

from batches.management.shell import ShellCommand
from batches.models import Scale
from batches.numbers import counted
from batches.pipeline import report as reports
from batches.pipeline import score


class Command(ShellCommand):
    help = "Compute the scale of an assessment from all judgements so far, and print it ranked."
    permission = "score_assessment"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("--estimator", choices=Scale.Estimator.values, default="map")
        parser.add_argument(
            "--report", action="store_true", help="how far it can be believed, and what to look at first"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, assessment: str, estimator: str, report: bool, json: bool, **options: Any) -> None:
        user = self.person(options["user"])
        scale = score.score(self.assessment(assessment, user), actor=user, estimator=estimator)
        if json:
            extra = {"report": reports.as_report(scale)} if report else {}
            return self.print_json(score.as_json(scale) | extra)
        self._print(scale)
        if report:
            self.stdout.write("\n".join(reports.lines(scale)))

    def _print(self, scale: Scale) -> None:
        console = Console(file=cast(IO[str], self.stdout), width=None if self.stdout.isatty() else 100, highlight=False)
        if scale.is_local:
            console.print(LOCAL_BANNER)
        table = Table(title=f"{scale}", title_justify="left")
        for heading in ("Rank", "Candidate", "Logit", "± SE", "Judgements", "Won"):
            table.add_column(heading, justify="left" if heading == "Candidate" else "right")
        for row in scale.scores.select_related("essay").order_by("component", "rank", "essay__candidate"):
            table.add_row(
                _shown(row.rank, "d"),
                row.essay.candidate,
                _shown(row.logit, "+.2f"),
                _shown(row.standard_error, ".2f"),
                str(row.n),
                str(row.wins),
            )
        console.print(table)
        console.print(_summary(scale))


LOCAL_BANNER = (
    "These judgements come from the local provider's feature judge. It counts errors and words; "
    "it says nothing about how good the writing is."
)


def _summary(scale: Scale) -> str:
    if not scale.connected:
        return f"The essays fall into {scale.components} groups that were never compared: plan another round."
    flag = reports.red_flag(scale)
    bias = f"{_shown(scale.position_bias, '+.2f')} ± {_shown(scale.position_bias_se, '.2f')}"
    return (
        f"{counted(scale.n_comparisons, 'judgement')} of {counted(scale.n_essays, 'essay')} · EB reliability "
        f"{_shown(scale.eb_reliability, '.3f')} · SSR, classic {_shown(scale.scale_separation_reliability, '.3f')} · "
        f"first-place bias {bias} logits" + (f"\n{flag}" if flag else "")
    )


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
