"""Reservations and settlements: no reservation passes the budget, and every real cost is stored."""

from collections.abc import Sequence
from decimal import Decimal

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from batches.models import Assessment

ZERO = Value(Decimal(0), output_field=Assessment._meta.get_field("spent_usd"))


def reserve(assessment_id: int, amount: Decimal) -> bool:
    """Hold so much of the budget; False, with nothing held, where it does not fit or is overrun already."""
    fits = Assessment.objects.filter(
        pk=assessment_id, overrun_usd=0, budget_usd__gte=F("reserved_usd") + F("spent_usd") + amount
    )
    return bool(fits.update(reserved_usd=F("reserved_usd") + amount))


def settle(assessment_id: int, *, reserved: Decimal, spent: Decimal) -> None:
    """Give a reservation back and book what was really used, past the budget if need be."""
    used = F("reserved_usd") - reserved + F("spent_usd") + spent
    Assessment.objects.filter(pk=assessment_id).update(
        reserved_usd=F("reserved_usd") - reserved,
        spent_usd=F("spent_usd") + spent,
        overrun_usd=Greatest(used - F("budget_usd"), ZERO),
    )


DAY_COST = """
INSERT INTO batches_daycost AS known (assessment_id, judge_id, day, cost_usd, n_items) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (assessment_id, judge_id, day) DO UPDATE SET
    cost_usd = known.cost_usd + excluded.cost_usd, n_items = known.n_items + excluded.n_items
"""


def book(assessment_id: int, judge_id: int, *, spent: Decimal, items: int) -> None:
    """Add what so many items cost to today's sum; to be called after `settle`, which holds the assessment's row."""
    today = timezone.localdate(timezone=timezone.get_default_timezone())  # whoever's zone is in force just now
    with connection.cursor() as cursor:
        cursor.execute(DAY_COST, [assessment_id, judge_id, today, spent, items])


def set_budget(assessment_id: int, budget: Decimal) -> None:
    """Change the budget; what is used beyond it is the overrun."""
    used = F("reserved_usd") + F("spent_usd")
    Assessment.objects.filter(pk=assessment_id).update(budget_usd=budget, overrun_usd=Greatest(used - budget, ZERO))


def split(whole: int, weights: Sequence[int]) -> list[int]:
    """Share a whole number out by weight so that the shares sum to it exactly: largest remainders get the rest."""
    total = sum(weights)
    shares = [whole * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for i in by_remainder[: whole - sum(shares)]:
        shares[i] += 1
    return shares


def split_usd(amount: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Share an amount out, exactly, in units of 1e-12 USD."""
    return [Decimal(share).scaleb(-12) for share in split(int(amount.scaleb(12)), weights)]
