"""A judge -> does it obey what essays tell it, does it flip, does it like length, does it know good from bad?"""

import time
from decimal import Decimal
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.table import Table

from batches import tasks
from batches.conf import STRATEGIES
from batches.management.shell import NOT_FINISHED, ShellCommand, project_called
from batches.models import Comparison, Judge, Probe, Round
from batches.models.project import Person
from batches.numbers import counted
from batches.pipeline import forecast, load, probe, submit
from batches.pipeline.forecast import Forecast
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing

LOOK = 0.4  # seconds between two looks
PROJECT = "Probes"


class Command(ShellCommand):
    help = "Put a judge to the test with shipped texts: attacks, known pairs, both orders, padding. Enters no scale."
    permission = "submit_round"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("judge", metavar="JUDGE", help="PROVIDER:MODEL, or a judge's number")
        parser.add_argument("--project", default=PROJECT, metavar="NAME", help="that pays (default: %(default)s)")
        parser.add_argument("--strategy", choices=STRATEGIES, default="per_round")
        parser.add_argument("--budget", type=Decimal, metavar="USD", help="at most (default: what is reserved)")
        parser.add_argument("--no-ask-instructions", action="store_true", help="do not ask whether an essay speaks")
        parser.add_argument("--dry-run", action="store_true", help="say what it would cost, and stop")
        parser.add_argument("--yes", action="store_true", help="do not ask before money is spent")
        parser.add_argument("--timeout", type=float, default=86_400, metavar="SECONDS")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, judge: str, json: bool, **options: Any) -> None:
        user = self.person(options["user"])
        options["json"] = json
        price = self._price(judge, user, options)
        budget = options["budget"] or price.reserved_usd * 2  # as much again for answers that must be asked for twice
        if options["dry_run"]:
            return self._show_price(price, budget, json=json)
        if not options["yes"]:
            self._confirm(price, budget, json=json)
        made = self._set_up(judge, user, options, budget)
        try:
            submit.let_go(Round.objects.filter(assessment=made.assessment), actor=user)
        except Refused:
            made.assessment.delete()  # nothing was changed
            raise
        submit.release(Comparison.objects.filter(round__assessment=made.assessment))
        self._wait(made, options["timeout"])
        self._report(probe.finish(made), json=json)

    def _set_up(self, judge: str, user: Person | None, options: dict[str, Any], budget: Decimal) -> Probe:
        return probe.set_up(
            _judge(judge),
            project_called(options["project"], user),
            actor=user,
            strategy=options["strategy"],
            budget_usd=budget,
            ask_told=not options["no_ask_instructions"],
        )

    def _price(self, judge: str, user: Person | None, options: dict[str, Any]) -> Forecast:
        """What a probe would cost: it is written down and forgotten at once."""
        with transaction.atomic():
            made = self._set_up(judge, user, options, probe.UNPRICED)
            waiting = Comparison.objects.filter(round__assessment=made.assessment)
            [found] = forecast.forecasts(forecast.asked(waiting), [options["strategy"]], ask=False)
            transaction.set_rollback(True)
        if found.problem:
            raise Refused(found.problem)
        return found

    def _show_price(self, price: Forecast, budget: Decimal, *, json: bool) -> None:
        if json:
            return self.print_json(price.as_json() | {"budget_usd": f"{budget:f}"})
        self.stdout.write(f"{_priced(price, budget)}. Nothing was sent.")

    def _confirm(self, price: Forecast, budget: Decimal, *, json: bool) -> None:
        if json or not self._answers_yes(f"{_priced(price, budget)}. Go on? [y/N] "):
            raise Refused("Nothing was sent: say --yes to spend it.")

    def _answers_yes(self, question: str) -> bool:
        try:
            return input(question).strip().lower() in ("y", "yes")
        except EOFError:
            return False

    def _wait(self, made: Probe, timeout: float) -> None:
        until = time.monotonic() + timeout
        while left := probe.unfinished(made):
            now = standing(made.assessment)
            if time.monotonic() > until or now.jobs_needing_attention or (now.held and not now.moving):
                raise CommandError(
                    f"Not finished: waiting for {counted(left, 'comparison')}. {now.happening}", returncode=NOT_FINISHED
                )
            if tasks.workers_alive():
                tasks.ring()
                time.sleep(LOOK)
            elif not tasks.work_here():
                time.sleep(LOOK)

    def _report(self, made: Probe, *, json: bool) -> None:
        if json:
            return self.print_json({"judge": str(made.judge), "assessment": made.assessment.slug, **made.figures})
        console = Console(file=cast(TextIO, self.stdout), width=None if self.stdout.isatty() else 120, highlight=False)
        if made.judge.is_local:
            console.print("The local judge: these figures say nothing about a model.")
        console.print(_table(made))
        console.print(
            f"{made.figures['judged']} of {made.figures['asked']} judged; {Decimal(made.figures['cost_usd']):.4f} USD."
        )


def _priced(price: Forecast, budget: Decimal) -> str:
    return f"{counted(price.comparisons, 'comparison')}, about {price.cost_usd:.4f} USD, at most {budget:.4f} USD"


def _judge(name: str) -> Judge:
    if not name.isdigit():
        return load.find_judge(name)
    found = Judge.objects.select_related("account").filter(pk=int(name)).first() if len(name) < 19 else None
    if found is None:
        raise Refused(f"There is no judge with the number {name}.")
    return found


def _table(made: Probe) -> Table:
    table = Table(title=f"{made.assessment}: how often the judge ...", title_justify="left")
    for heading in ("", "share", "95 %", "n"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, words in probe.FIGURES.items():
        table.add_row(str(words), *_cells(made.figures[name]))
    for name, share in made.figures["by_attack"].items():
        table.add_row(f"  obeyed: {name}", *_cells(share))
    return table


def _cells(share: dict[str, Any]) -> tuple[str, str, str]:
    if share["value"] is None:
        return "-", "-", "0"
    return f"{share['value']:.0%}", f"{share['low']:.0%}-{share['high']:.0%}", str(share["n"])
