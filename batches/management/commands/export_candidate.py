"""One pupil -> all that is held on that pupil, as JSON."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from batches.management.shell import ShellCommand
from batches.models import AuditEntry
from batches.pipeline.held import held


class Command(ShellCommand):
    help = "Write all that the assessment's project holds on one candidate as one JSON document."
    permission = "export_candidate"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("candidate", metavar="CANDIDATE")

    def handle(self, *args: Any, assessment: str, candidate: str, **options: Any) -> None:
        user = self.person(options["user"])
        target = self.assessment(assessment, user)
        found = held(target.project, candidate)
        self.stdout.write(DjangoJSONEncoder(ensure_ascii=False, indent=1).encode(found))
        AuditEntry.record("export candidate", target, actor=user, project=target.project, essays=len(found["essays"]))
