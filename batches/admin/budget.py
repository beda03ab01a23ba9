"""The budget of an assessment: a button, a question with what it is now, and one sentence afterwards."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from batches.admin.deeds import Entry, Question, deed
from batches.admin.permissions import may
from batches.admin.words import usd
from batches.models import Assessment
from batches.pipeline.budget import change_budget
from batches.pipeline.refused import Refused

FIELD = "budget"


def the_one(rows: QuerySet[Any]) -> Assessment:
    found = list(rows[:2])
    if len(found) != 1:
        raise Refused(_("Change one budget at a time: choose a single assessment."))
    return found[0]


def ask_budget(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    row = the_one(rows)
    return Question(
        title=_("Change the budget"),
        facts=[
            (_("Assessment"), row),
            (_("Budget now"), usd(row.budget_usd)),
            (_("Spent"), usd(row.spent_usd)),
            (_("Reserved for what is under way"), usd(row.reserved_usd)),
        ],
        button=_("Change the budget"),
        warnings=(_("Nothing is sent by this. Whoever may submit can spend up to the new budget."),),
        entry=Entry(
            name=FIELD,
            label=_("New budget (USD)"),
            help=_("Such as 25 or 25.50. Below what is used already, nothing more is sent."),
            value=f"{row.budget_usd.quantize(Decimal('0.01')):f}",
        ),
    )


def amount_in(text: str) -> Decimal:
    """The amount that a person wrote."""
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise Refused(_("Write the budget as an amount in US dollars, such as 25 or 25.50.")) from None


class BudgetDeed:
    """The button of a screen that shows assessments."""

    has_change_budget_permission = may("change_budget")

    @deed(permission="change_budget", title=gettext_lazy("Change the budget"), icon="savings", confirm=ask_budget)
    def budget(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        row = the_one(rows)
        to = amount_in(request.POST.get(FIELD, ""))
        before = change_budget(row, to, actor=request.user)
        return _("The budget of %(assessment)s is %(to)s now; it was %(before)s.") % {
            "assessment": row,
            "to": usd(to),
            "before": usd(before),
        }
