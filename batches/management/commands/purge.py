"""Assessments whose time is over -> no text left, and a certificate for each."""

import time
from typing import Any

from django.core.management.base import CommandParser

from batches.management.shell import ShellCommand
from batches.models import Assessment, Erasure, Project
from batches.numbers import counted
from batches.pipeline import erase, retention
from batches.pipeline.certificate import document
from batches.pipeline.refused import Refused

NOT_FINISHED = 3


class Command(ShellCommand):
    help = (
        "Remove texts, justifications, answers and raw files for good; scores, counts and money stay. "
        "Without --yes nothing is removed: it says what would be."
    )
    permission = "purge_assessment"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--assessment", metavar="SLUG")
        what.add_argument("--project", metavar="NAME", help="every assessment of this project")
        what.add_argument("--due", action="store_true", help="whatever its project keeps no longer")
        parser.add_argument("--yes", action="store_true", help="remove it")
        parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="for jobs under way to end")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.person(options["user"])
        chosen = self._chosen(user, options)
        if not options["yes"]:
            return self._tell(options, [{"assessment": one.slug, "would_remove": erase.preview(one)} for one in chosen])
        done = [self._purge(one, user, options) for one in chosen]
        self._wait(done, options["wait"])
        self._tell(options, [document(one) for one in done])
        if any(one.completed_at is None for one in done):
            raise SystemExit(NOT_FINISHED)

    def _chosen(self, user: Any, options: dict[str, Any]) -> list[Assessment]:
        if options["assessment"]:
            return [self.assessment(options["assessment"], user)]
        seen = Assessment.objects.for_user(user) if user else Assessment.objects.all()
        if options["due"]:
            own = set(seen.values_list("pk", flat=True))
            return [one for one in retention.due() if one.pk in own]
        project = Project.objects.filter(name=options["project"], assessments__in=seen).distinct().first()
        if project is None:
            raise Refused(f"There is no project called {options['project']!r} with assessments.")
        return list(seen.filter(project=project, purged_at=None).order_by("pk"))

    def _purge(self, assessment: Assessment, user: Any, options: dict[str, Any]) -> Erasure:
        begun = Erasure.objects.filter(kind=Erasure.Kind.PURGE, assessment_id=assessment.pk).first()
        if begun is None:
            return erase.purge(assessment, actor=user, why=_why(assessment) if options["due"] else erase.BY_HAND)
        erase.carry_on(begun)
        return begun

    def _wait(self, erasures: list[Erasure], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not all(erase.carry_on(one) for one in erasures):
            time.sleep(1)

    def _tell(self, options: dict[str, Any], documents: list[dict[str, Any]]) -> None:
        if options["json"]:
            return self.print_json(documents)
        for one in documents:
            what = one.get("would_remove") or one["removed"]
            verb = "would lose" if "would_remove" in one else "has lost"
            figures = ", ".join(f"{n:,} {name}" for name, n in what.items() if n) or "nothing"
            self.stdout.write(f"{one['assessment']} {verb}: {figures}")
            if one.get("waits_for"):
                self.stdout.write(f"  not complete: {one['waits_for']}")
            elif "certificate" in one:
                self.stdout.write(f"  certificate {one['certificate']}")
        if not documents:
            self.stdout.write("Nothing is due.")


def _why(assessment: Assessment) -> str:
    return f"kept for {counted(assessment.project.retention_days or 0, 'day')}, as the project says"
