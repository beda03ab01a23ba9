"""What every command shares: exit codes, one sentence for a person's error, and whose projects it may see."""

import json
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from redis.exceptions import RedisError

from batches.models import Assessment, Project
from batches.models.project import Person
from batches.pipeline.refused import Refused

FAILED, BAD_INPUT, NOT_FINISHED = 1, 2, 3


class PlainCommand(BaseCommand):
    """A command that ends with 0 done, 1 failed, 2 bad input (one sentence, nothing changed), 3 not finished yet."""

    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Like Django's, but with the bare sentence on stderr."""
        try:
            super().run_from_argv([*argv, "--traceback"] if "--traceback" not in argv else argv)
        except CommandError as problem:
            self.stderr.write(str(problem))
            sys.exit(problem.returncode)

    def print_json(self, document: object) -> None:
        self.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1))


class ShellCommand(PlainCommand):
    """A plain command on the database, for an operator or, with --user, for a person with their rights."""

    permission = ""  # what --user needs for this command

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", help="act as this person: only their projects, only what they may do")

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except Refused as problem:
            raise CommandError(str(problem), returncode=BAD_INPUT) from None
        except OperationalError as problem:
            raise CommandError(
                f"PostgreSQL cannot be reached ({str(problem).splitlines()[0]}): start it with `manage.py up`, "
                "or set DATABASE_URL.",
                returncode=FAILED,
            ) from None
        except RedisError as problem:
            raise CommandError(f"Redis cannot be reached ({problem}).", returncode=FAILED) from None

    def person(self, name: str | None) -> Person | None:
        """The person named with --user, who must have this command's permission; None for the operator."""
        if not name:
            return None
        user = get_user_model().objects.filter(username=name, is_active=True).first()
        if user is None:
            raise Refused(f"There is no active user called {name!r}.")
        if self.permission and not user.has_perm(f"batches.{self.permission}"):
            raise Refused(f"{name} may not do this: it needs the permission {self.permission}.")
        return user

    def assessment(self, slug: str, user: Person | None) -> Assessment:
        """The assessment with this slug, among those the person may see."""
        seen = Assessment.objects.for_user(user) if user else Assessment.objects.all()
        assessment = seen.select_related("project").filter(slug=slug).first()
        if assessment is None:
            raise Refused(f"There is no assessment called {slug!r}.")
        return assessment


def project_called(name: str, user: Person | None) -> Project:
    """The project of this name; a new one has the person who makes it as its member, or else every superuser."""
    project = Project.objects.filter(name=name).first()
    if project is None:
        if user and not user.has_perm("batches.add_project"):
            raise Refused(f"There is no project called {name!r}.")
        project = Project.objects.create(name=name)
        everyone = get_user_model().objects
        people = everyone.filter(pk=user.pk or 0) if user else everyone.filter(is_superuser=True, is_active=True)
        project.people.add(*people)
    elif user and not project.people.filter(pk=user.pk or 0).exists():
        raise Refused(f"There is no project called {name!r}.")
    return project
