"""An assessment -> planned, submitted, judged and scored rounds."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from batches import tasks
from batches.conf import STRATEGIES
from batches.management.shell import FAILED, NOT_FINISHED, ShellCommand
from batches.models import Assessment, Round
from batches.models.project import Person
from batches.numbers import counted
from batches.pipeline import plan, score, submit
from batches.pipeline.outlook import outlook
from batches.pipeline.refused import Refused
from batches.pipeline.standing import Standing, standing

LOOK = 0.4  # seconds between two looks
PATIENCE = 30  # seconds that something may be due before the command no longer waits for a worker
MOST_ROUNDS = 40  # towards a reliability, where --rounds does not say


def _goals(options: dict[str, Any]) -> dict[str, float]:
    """What to judge until, as `outlook` takes it."""
    reliability, share = options["until_reliability"], options["until_grades"]
    if reliability is not None and not 0 < reliability < 1:
        raise Refused(f"A reliability lies between 0 and 1, not {reliability}.")
    if share is not None and not 0 < share <= 1:
        raise Refused(f"A share of essays lies between 0 and 1, not {share}.")
    asked = {"reliability": reliability, "certain_grades": share}
    return {name: target for name, target in asked.items() if target is not None}


class Idle:
    """Notices when workers are there and yet nobody takes what is due: then the command does it itself."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = time.monotonic()

    def too_long(self, now: Standing) -> bool:
        due = tasks.due_now()
        seen = (due, now.waiting, now.in_flight)
        if not due or seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return time.monotonic() - self._since > PATIENCE


class Command(ShellCommand):
    help = "Plan rounds, submit them, wait for the judgements and compute the scale."
    permission = "submit_round"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("--rounds", type=int, metavar="N", help="rounds to plan; 0 goes on with what is planned")
        parser.add_argument("--strategy", choices=STRATEGIES)
        parser.add_argument("--seed", type=int, help="of the pairing, to repeat a plan")
        parser.add_argument("--until-reliability", type=float, metavar="R", help="plan rounds until the scale has it")
        parser.add_argument(
            "--until-grades", type=float, metavar="SHARE", help="... until this share of essays has a certain grade"
        )
        parser.add_argument("--wait", action="store_true", help="stay until everything is judged, then score")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, assessment: str, json: bool, wait: bool, **options: Any) -> None:
        self.json = json
        user = self.person(options["user"])
        target = self.assessment(assessment, user)
        rounds = options["rounds"]
        goals = _goals(options)
        if not goals:
            self._judge(target, 1 if rounds is None else rounds, user, options)
            self._finish(target, user, wait=wait)
        else:
            self._judge_until(target, goals, rounds or MOST_ROUNDS, user, options)

    def _judge(self, assessment: Assessment, rounds: int, user: Person | None, options: dict[str, Any]) -> None:
        """Plan so many rounds and let them go, together with what was planned before and never submitted."""
        planned: list[Round] = []
        try:
            if rounds:
                planned = plan.plan_rounds(
                    assessment, actor=user, rounds=rounds, strategy=options["strategy"], seed=options["seed"]
                )
            pending = Q(comparisons__status="PENDING") | Q(canaries__comparisons__status="PENDING")
            waiting = Round.objects.filter(pending, assessment=assessment).distinct()
            n = submit.let_go(Round.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))), actor=user)
        except Refused:
            Round.objects.filter(pk__in=[cj_round.pk for cj_round in planned]).delete()  # nothing was changed
            raise
        tasks.ring()
        self._say(f"{counted(n, 'comparison')} of {assessment.slug} submitted.")

    def _finish(self, assessment: Assessment, user: Person | None, *, wait: bool) -> None:
        if not wait:
            now = standing(assessment)
            if now.moving and not tasks.workers_alive():
                self._say("No worker is running: start one with `manage.py up`, or use --wait.")
            self._report(now)
            if now.moving:
                raise CommandError("Not finished yet.", returncode=NOT_FINISHED)
            return
        self._wait(assessment)
        scale = score.score(assessment, actor=user)
        judgements, essays = counted(scale.n_comparisons, "judgement"), counted(scale.n_essays, "essay")
        self._say(f"Scale {scale.number} from {judgements} of {essays}.")
        self._report(standing(assessment))

    def _judge_until(
        self, assessment: Assessment, goals: dict[str, float], most: int, user: Person | None, options: dict[str, Any]
    ) -> None:
        """Round after round, each planned with what the last one showed, until the scale is what it should be."""
        for _ in range(most):
            self._judge(assessment, 1, user, options)
            self._wait(assessment)
            scale = score.score(assessment, actor=user)
            assessment.refresh_from_db()
            aims = goals.get("reliability"), goals.get("certain_grades")
            ahead = outlook(assessment, scale, reliability=aims[0], certain_grades=aims[1])
            self._say(f"Reliability {scale.eb_reliability or 0:.3f} after {counted(scale.n_comparisons, 'judgement')}.")
            for goal in ahead.goals:
                self._say(f"  {goal.sentence}")
            if ahead.reached:
                return self._report(standing(assessment))
        wanted = " and ".join(f"{target:g}" for target in goals.values())
        raise CommandError(f"Not at {wanted} after {counted(most, 'round')}.", returncode=NOT_FINISHED)

    def _wait(self, assessment: Assessment) -> None:
        """Until nothing moves any more; does the work itself on a machine without workers."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        idle = Idle()
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("judging", total=None)
            while True:
                now = standing(assessment)
                progress.update(bar, total=now.comparisons, completed=now.resolved, description=now.happening)
                if not now.moving:
                    return
                self._check_stuck(now)
                if tasks.workers_alive() and not idle.too_long(now):
                    tasks.ring()
                    time.sleep(LOOK)
                elif not tasks.work_here():
                    time.sleep(LOOK)

    def _check_stuck(self, now: Standing) -> None:
        if now.jobs_needing_attention:
            raise CommandError(f"{now.happening} {now.next_step}", returncode=FAILED)
        if now.account_trouble and not now.in_flight:
            raise CommandError(
                f"{now.account_trouble} Waiting: {counted(now.moving, 'comparison')}; nothing was lost. "
                "Put it right, then go on with `judge --rounds 0 --wait`.",
                returncode=FAILED,
            )

    def _report(self, now: Standing) -> None:
        if self.json:
            return self.print_json(
                {
                    "comparisons": now.comparisons,
                    "judged": now.judged,
                    "failed": now.failed,
                    "waiting": now.waiting,
                    "in_flight": now.in_flight,
                    "fail_reasons": dict(now.fail_reasons),
                    "cost_usd": f"{now.spent_usd:f}",
                    "reserved_usd": f"{now.reserved_usd:f}",
                    "eb_reliability": now.latest_scale.eb_reliability if now.latest_scale else None,
                    "local": now.is_local,
                    "next_step": now.next_step,
                }
            )
        self.stdout.write(
            f"{now.judged} judged, {now.failed} failed, {now.waiting} waiting; {now.spent_usd:.4f} USD spent."
        )
        for reason, n in now.fail_reasons:
            self.stdout.write(f"  {n} failed: {reason}")

    def _say(self, text: str) -> None:
        if not self.json:
            self.stdout.write(text)
