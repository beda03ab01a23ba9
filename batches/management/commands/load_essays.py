"""Files -> essays of an assessment."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from batches.essays.clean import BadEssay, check_text
from batches.essays.read import read_essays
from batches.management.shell import ShellCommand, project_called
from batches.models import Assessment
from batches.models.project import Person
from batches.numbers import counted
from batches.pipeline import load
from batches.pipeline.refused import Refused


class Command(ShellCommand):
    help = "Load essays from a CSV file, a folder or a zip; the assessment is made if it is new."
    permission = "load_essays"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path", type=Path)
        parser.add_argument("--assessment", required=True, metavar="SLUG")
        parser.add_argument("--project", metavar="NAME", help="of a new assessment (default: Default)")
        parser.add_argument("--judge", metavar="PROVIDER:MODEL", help="who judges a new assessment")
        parser.add_argument("--rubric", type=Path, help="a text file with the rubric")
        parser.add_argument("--instructions", type=Path, help="a text file with the task the pupils were given")
        parser.add_argument("--title", help="of a new assessment (default: its slug)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, path: Path, assessment: str, json: bool, **options: Any) -> None:
        user = self.person(options["user"])
        reading = read_essays(path)
        with transaction.atomic():
            target, is_new = self._assessment(assessment, user, options)
            n = load.load_essays(target, reading, actor=user)
        if json:
            self.print_json(
                {
                    "assessment": target.slug,
                    "new": is_new,
                    "essays": n,
                    "ignored_columns": list(reading.ignored_columns),
                }
            )
            return
        self.stdout.write(f"{counted(n, 'essay')} loaded into {target.slug}{' (new)' if is_new else ''}.")
        if reading.ignored_columns:
            self.stdout.write(f"Ignored columns: {', '.join(reading.ignored_columns)}.")

    def _assessment(self, slug: str, user: Person | None, options: dict[str, Any]) -> tuple[Assessment, bool]:
        """The assessment to load into: an existing one takes a new judge, but keeps its rubric and project."""
        existing = Assessment.objects.filter(slug=slug).first()
        if existing is None:
            return self._create(slug, user, options), True
        assessment = self.assessment(slug, user)
        for option in ("rubric", "instructions", "title"):
            if options[option]:
                raise Refused(f"{slug} exists already: its {option} is changed in the admin, not by loading essays.")
        if options["project"] and options["project"] != assessment.project.name:
            raise Refused(f"{slug} belongs to another project: choose another slug.")
        if options["judge"]:
            load.add_judge(assessment, load.find_judge(options["judge"]))
        return assessment, False

    def _create(self, slug: str, user: Person | None, options: dict[str, Any]) -> Assessment:
        if user and not user.has_perm("batches.add_assessment"):
            raise Refused(f"{user} may not do this: it needs the permission add_assessment.")
        return load.create_assessment(
            project=project_called(options["project"] or "Default", user),
            slug=slug,
            title=options["title"] or slug,
            rubric=_text(options["rubric"]),
            instructions=_text(options["instructions"]),
            judge=options["judge"],
            actor=user,
        )


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8").strip()
        check_text(text)
    except FileNotFoundError:
        raise Refused(f"There is no file {path}.") from None
    except (UnicodeDecodeError, BadEssay):
        raise Refused(f"{path} is not a plain UTF-8 text file.") from None
    except OSError as problem:
        raise Refused(f"{path} cannot be read: {problem.strerror}.") from None
    return text
