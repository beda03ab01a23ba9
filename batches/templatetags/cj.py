"""Numbers, money and times in templates, as people read them.

The words are imported when they are used: importing the admin's package puts screens on the site, and Django reads
template libraries long before that.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

from batches import numbers

register = template.Library()


@register.filter
def usd(amount: Decimal | None) -> str:
    from batches.admin import words

    return words.usd(amount)


@register.filter
def moment(value: datetime | None) -> Any:
    from batches.admin import words

    return words.moment(value)


@register.filter
def exactly(value: datetime) -> str:
    from batches.admin import words

    return words.exactly(value)


@register.simple_tag
def zone_name() -> str:
    """The name of the time zone that this page's times are in."""
    return timezone.get_current_timezone_name()


@register.filter
def told(text: object) -> str:
    from batches.admin import told

    return told.told(text)


@register.filter
def reason(code: str) -> str:
    from batches.admin import words

    return words.reason_words(code) if code else "–"


@register.filter
def thousands(number: int | None) -> str:
    return "–" if number is None else numbers.grouped(number)


@register.filter
def percent(share: float | None) -> str:
    return "–" if share is None else numbers.percent(share)


@register.filter
def clock(value: datetime | None) -> Any:
    from batches.admin import words

    return words.clock(value)
