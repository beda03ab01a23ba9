"""A new budget -> the assessment's, with what it was before on record."""

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.models import Assessment, AuditEntry
from batches.models.project import Person
from batches.numbers import grouped
from batches.pipeline import money
from batches.pipeline.refused import Refused

MOST = Decimal(10_000_000)  # USD
CENT = Decimal("0.01")
PERMISSION = "batches.change_budget"


def change_budget(assessment: Assessment, to: Decimal, *, actor: Person | None) -> Decimal:
    """Change a budget; what it was before. What is used beyond a lower one becomes the overrun.

    Refused for somebody without the permission, and for an amount that is none.
    """
    if actor is not None and not actor.has_perm(PERMISSION):
        raise Refused(_("You may not change budgets: ask a budget manager."))
    amount = checked(to)
    with transaction.atomic():
        mine = Assessment.objects.select_for_update(of=("self",)).select_related("project").get(pk=assessment.pk)
        if mine.budget_usd == amount:
            raise Refused(_("The budget is %(amount)s USD already.") % {"amount": amount})
        _change(mine, amount, actor)
    return mine.budget_usd


def first_budget(assessment: Assessment, amount: Decimal, *, actor: Person | None) -> None:
    """The budget of an assessment that was just made: whoever may not change budgets gives the default at most."""
    most = cj_settings.default_budget_usd
    if amount > most and actor is not None and not actor.has_perm(PERMISSION):
        raise Refused(
            _("You may give a new assessment %(most)s USD at most: a budget manager can raise it afterwards.")
            % {"most": f"{most:f}"}
        )
    if checked(amount) != assessment.budget_usd:
        _change(assessment, checked(amount), actor)


def _change(assessment: Assessment, amount: Decimal, actor: Person | None) -> None:
    money.set_budget(assessment.pk, amount)
    before_after = [_plain(assessment.budget_usd), _plain(amount)]
    AuditEntry.record("change budget", assessment, actor=actor, project=assessment.project, budget_usd=before_after)


def _plain(amount: Decimal) -> str:
    cents = amount.quantize(CENT)
    return f"{cents if cents == amount else amount.normalize():f}"


def checked(amount: Decimal) -> Decimal:
    """The amount itself; Refused where it is none."""
    if not amount.is_finite() or not 0 <= amount <= MOST:
        raise Refused(
            _("A budget lies between 0 and %(most)s USD: write it like 25 or 25.50.") % {"most": grouped(MOST)}
        )
    return amount
