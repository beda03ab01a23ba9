"""One pupil -> out of an assessment for good, with a certificate."""

from typing import Any

from django.core.management.base import CommandParser

from batches.management.shell import ShellCommand
from batches.pipeline import erase
from batches.pipeline.certificate import document
from batches.pipeline.refused import Refused


class Command(ShellCommand):
    help = "Withdraw one candidate from an assessment for good: without --yes nothing happens."
    permission = "withdraw_essay"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("assessment", metavar="ASSESSMENT")
        parser.add_argument("candidate", metavar="CANDIDATE")
        parser.add_argument("--yes", action="store_true")

    def handle(self, *args: Any, assessment: str, candidate: str, yes: bool, **options: Any) -> None:
        user = self.person(options["user"])
        target = self.assessment(assessment, user)
        essay = target.essays.filter(candidate=candidate).first()
        if essay is None:
            raise Refused(f"There is no candidate called {candidate!r} in {assessment}.")
        if not yes:
            raise Refused(f"This removes the essay of {candidate} for good: say --yes if that is meant.")
        self.print_json(document(erase.withdraw(essay, actor=user)))
