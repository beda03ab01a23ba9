"""The providers' books and our reservations -> what does not agree."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from batches.management.shell import ShellCommand
from batches.models import ProviderAccount
from batches.numbers import counted
from batches.pipeline import account, reconcile
from batches.pipeline.reconcile import Books, ReservationGap
from batches.providers.base import ProviderError


class Command(ShellCommand):
    help = "Compare the providers' batches and counts with ours, and the reservations with the open items."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", help="only this one")
        parser.add_argument("--repair", action="store_true", help="set reservations right, each with an audit entry")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.person(options["user"])
        accounts = [reconcile.account_named(options["account"])] if options["account"] else account.open_accounts()
        books: list[Books] = []
        silent: dict[str, str] = {}
        for one in accounts:
            self._compare(one, actor, books, silent)
        gaps = reconcile.reservation_gaps()
        repaired = reconcile.repair_reservations(actor=actor) if options["repair"] else 0
        if options["json"]:
            self.print_json(_document(books, silent, gaps, repaired))
        else:
            self.stdout.writelines(f"{line}\n" for line in _lines(books, silent, gaps, repaired))

    def _compare(self, one: ProviderAccount, actor: Any, books: list[Books], silent: dict[str, str]) -> None:
        try:
            books.append(reconcile.compare(one, actor=actor))
        except ProviderError as problem:
            silent[one.alias] = str(problem)


def _document(
    books: Sequence[Books], silent: dict[str, str], gaps: Sequence[ReservationGap], repaired: int
) -> dict[str, Any]:
    reservations = [{key: str(value) for key, value in asdict(gap).items()} for gap in gaps]
    accounts = [asdict(one) for one in books]
    return {"accounts": accounts, "silent": silent, "reservations": reservations, "repaired": repaired}


def _lines(
    books: Sequence[Books], silent: dict[str, str], gaps: Sequence[ReservationGap], repaired: int
) -> Iterator[str]:
    for one in books:
        yield (
            f"{one.account}: {counted(one.batches, 'batch')}, {len(one.strangers)} of them no job's, "
            f"{len(one.orphans)} sent by us, {len(one.stopped)} stopped; "
            f"{counted(len(one.usage_gaps), 'job')} with another count of answers."
        )
        for gap in one.usage_gaps:
            yield f"  job {gap.job}: the provider answered {gap.provider_answered}, we have {gap.ours_answered}."
    for alias, problem in silent.items():
        yield f"{alias}: {problem}"
    for held in gaps:
        yield f"{held.assessment}: reserved {held.reserved_usd}, its open items {held.open_items_usd}."
    if repaired:
        yield f"{counted(repaired, 'reservation')} set right."
