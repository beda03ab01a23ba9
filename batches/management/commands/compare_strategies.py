"""An assessment -> does the way of batching change what the judge says, and what does each way cost?"""

import time
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from batches import tasks
from batches.conf import STRATEGIES
from batches.management.shell import NOT_FINISHED, ShellCommand
from batches.models import Comparison, Round
from batches.numbers import counted
from batches.pipeline import forecast, lab, submit
from batches.pipeline.lab import Report
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from batches.scale.shares import Share

LOOK = 0.4  # seconds between two looks


class Command(ShellCommand):
    help = "Run the same pairs under several strategies and compare verdicts, cost, tokens and time. Enters no scale."
    permission = "submit_round"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("--sample", type=int, default=50, metavar="PAIRS")
        parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
        parser.add_argument("--seed", type=int, help="of the pairs, to repeat an experiment")
        parser.add_argument("--timeout", type=float, default=86_400, metavar="SECONDS")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, assessment: str, sample: int, json: bool, **options: Any) -> None:
        user = self.person(options["user"])
        target = self.assessment(assessment, user)
        rounds = lab.set_up(target, sample=sample, actor=user, strategies=options["strategies"], seed=options["seed"])
        chosen = Round.objects.filter(pk__in=[one.pk for one in rounds])
        try:
            if not json:
                self._announce(rounds)
            submit.let_go(chosen, actor=user)
        except Refused:
            chosen.delete()  # nothing was changed
            raise
        submit.release(Comparison.objects.filter(round__in=rounds))
        self._wait(target, rounds, options["timeout"])
        rounds = list(chosen.select_related("assessment").order_by("pk"))
        self._report(lab.report(rounds), json=json)

    def _announce(self, rounds: list[Round]) -> None:
        """The price, before it is paid."""
        cost = sum(
            forecast.forecasts(forecast.asked(one.comparisons.all()), [one.strategy])[0].cost_usd for one in rounds
        )
        self.stdout.write(f"{counted(sum(one.n_comparisons for one in rounds), 'comparison')}, about {cost:.4f} USD.")

    def _wait(self, assessment: Any, rounds: list[Round], timeout: float) -> None:
        until = time.monotonic() + timeout
        open_ = Comparison.objects.filter(round__in=rounds, held=False, status__in=["PENDING", "IN_FLIGHT"])
        while open_.exists():
            if time.monotonic() > until or standing(assessment).jobs_needing_attention:
                raise CommandError(
                    f"Not finished: waiting for {counted(open_.count(), 'comparison')}.", returncode=NOT_FINISHED
                )
            if tasks.workers_alive():
                tasks.ring()
                time.sleep(LOOK)
            elif not tasks.work_here():
                time.sleep(LOOK)

    def _report(self, report: Report, *, json: bool) -> None:
        if json:
            return self.print_json(report.as_json())
        console = Console(file=cast(TextIO, self.stdout), width=None if self.stdout.isatty() else 120, highlight=False)
        console.print(_table(report))
        for arm in report.arms:
            if arm.places:
                console.print(_places(arm))
        console.print(f"All strategies agree on {shown(report.all_agree)} of the pairs that every one of them judged.")


def _table(report: Report) -> Table:
    table = Table(title=f"The same {counted(report.pairs, 'pair')} under each strategy", title_justify="left")
    headings = ("Strategy", "Judged", "Agrees with the first", "First essay won", "USD", "USD each", "In", "Cached")
    for heading in (*headings, "Out", "Seconds"):
        table.add_column(heading, justify="left" if heading == "Strategy" else "right")
    for arm in report.arms:
        table.add_row(
            arm.strategy,
            f"{arm.judged}/{arm.asked}",
            shown(arm.agreed),
            shown(arm.first_won),
            f"{arm.cost_usd:.6f}",
            "-" if arm.usd_each is None else f"{arm.usd_each:.6f}",
            f"{arm.input_tokens:,}",
            f"{arm.cached_tokens:,}",
            f"{arm.output_tokens:,}",
            "-" if arm.seconds is None else f"{arm.seconds:.1f}",
        )
    return table


def _places(arm: Any) -> Table:
    table = Table(title=f"{arm.strategy}: place in the bundle", title_justify="left")
    for heading in ("Place", "Judged", "First essay won", "Agrees with the first strategy"):
        table.add_column(heading, justify="right")
    for one in arm.places:
        table.add_row(str(one.place), str(one.first_won.n), shown(one.first_won), shown(one.agreed))
    return table


def shown(share: Share) -> str:
    """84 % (71-92)."""
    if share.value is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.0%} ({low:.0%}-{high:.0%})"
