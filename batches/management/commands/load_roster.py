"""A file of names -> the roster of a project or an assessment."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from batches.management.shell import ShellCommand
from batches.models import Assessment, Project
from batches.models.project import Person
from batches.numbers import counted
from batches.pipeline import roster
from batches.pipeline.refused import Refused


class Command(ShellCommand):
    help = "Replace a roster by the names in a UTF-8 file, one a line. They are replaced in all that leaves."
    permission = "manage_roster"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, metavar="FILE")
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--assessment", metavar="SLUG")
        of.add_argument("--project", metavar="NAME")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        user = self.person(options["user"])
        of = self._of(user, options)
        try:
            text = file.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise Refused(f"{file} cannot be read as UTF-8 text: save it again, one name a line.") from None
        n = roster.set_names(of, roster.read_names(text), actor=user)
        self.stdout.write(f"The roster of {of} holds {counted(n, 'name')}.")

    def _of(self, user: Person | None, options: dict[str, Any]) -> Project | Assessment:
        if options["assessment"]:
            return self.assessment(options["assessment"], user)
        seen = Project.objects.filter(people=user.pk) if user else Project.objects.all()
        project = seen.filter(name=options["project"]).first()
        if project is None:
            raise Refused(f"There is no project called {options['project']!r}.")
        return project
