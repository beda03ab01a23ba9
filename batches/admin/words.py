"""States, money and times of the tables -> what a person reads."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import ngettext

# colour names of unfold's labels
COMPARISON_COLOURS = {
    "PENDING": "warning",
    "IN_FLIGHT": "info",
    "JUDGED": "success",
    "FAILED": "danger",
    "WITHDRAWN": "",
}
JOB_COLOURS = {
    "PLANNED": "",
    "SENDING": "info",
    "RUNNING": "info",
    "IN_DOUBT": "warning",
    "IN_PROGRESS": "info",
    "CANCELLING": "warning",
    "COLLECTING": "info",
    "COLLECTED": "success",
    "REFUSED": "danger",
    "ABSENT": "danger",
    "CANCELLED": "",
    "NEEDS_ATTENTION": "danger",
}
JOB_SENTENCES = {
    "PLANNED": "Written down and about to be sent; nothing has left yet.",
    "SENDING": "On its way to the provider.",
    "RUNNING": "The judge is being asked, one call after another.",
    "IN_DOUBT": "It was sent, but no answer came back. It is looked for at the provider before anything is sent again.",
    "IN_PROGRESS": "The provider has it and is working through it.",
    "CANCELLING": "The provider was asked to stop. What it has finished is still collected and paid for.",
    "COLLECTING": "The provider is done; the answers are being read.",
    "COLLECTED": "Finished: every comparison in it has an outcome.",
    "REFUSED": "The provider said no; nothing was billed and the comparisons wait again.",
    "ABSENT": "It never arrived at the provider; nothing was billed and the comparisons wait again.",
    "CANCELLED": "Stopped before anything was sent; the comparisons wait again.",
    "NEEDS_ATTENTION": "It could not be found out whether the provider has it. A person has to decide.",
}
OUTCOME_COLOURS = {
    "SUCCEEDED": "success",
    "INVALID": "danger",
    "ERRORED": "danger",
    "EXPIRED": "warning",
    "CANCELLED": "",
    "MISSING": "warning",
    "LOST": "warning",
}
REASONS = {
    "refused": "the model declined to answer",
    "truncated": "the answer was cut off",
    "unparseable": "the answer was not in the agreed form",
    "unknown_winner": "the answer named neither essay",
    "no_text": "the answer was empty",
    "malformed_line": "a line of the results could not be read",
    "rate_limited": "the provider was too busy",
    "token_limit_exceeded": "the provider's queue was full",
    "over_queue_limit": "this one request is more than the provider's queue takes",
    "never_connected": "the provider could not be reached",
    "account_fault": "the account has a problem",
    "missing": "the results did not mention it",
    "expired": "the provider ran out of time",
    "lost": "the answer was lost on the way",
    "cancelled_by_staff": "cancelled by staff",
}


def reason_words(reason: str) -> str:
    """A short code in words; codes without any are shown as they are."""
    return REASONS.get(reason, reason.replace("_", " "))


def usd(amount: Decimal | None) -> str:
    """Dollars for reading: cents, or as many digits as a small amount needs."""
    if amount is None:
        return "–"
    if amount == 0:
        return "$0.00"
    if abs(amount) < Decimal("0.0001"):
        return "under $0.0001"
    return f"${amount:,.2f}" if abs(amount) >= Decimal("0.1") else f"${amount:.4f}"


def when(moment: datetime | None) -> str:
    """`4 minutes ago` within a day, else the date and time in the installation's zone."""
    if moment is None:
        return "–"
    now = timezone.now()
    gap = abs((now - moment).total_seconds())
    if gap < 60:
        return "just now" if moment <= now else "in a moment"
    if gap < 86_400:
        words = timesince(moment, now, depth=1) if moment < now else timeuntil(moment, now, depth=1)
        return f"{words} ago" if moment < now else f"in {words}"
    return f"{timezone.localtime(moment):%-d %b %Y, %H:%M}"


UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def duration(seconds: float) -> str:
    """`6 hours`: a length of time in one unit."""
    seconds = max(1.0, seconds)
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= size)
    n = round(seconds / size)
    words = {
        "day": ngettext("{n} day", "{n} days", n),
        "hour": ngettext("{n} hour", "{n} hours", n),
        "minute": ngettext("{n} minute", "{n} minutes", n),
        "second": ngettext("{n} second", "{n} seconds", n),
    }
    return words[unit].format(n=n)


def moment(value: datetime | None) -> Any:
    """`when`, with the exact moment for the pointer and for machines."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), f"{local:%-d %B %Y, %H:%M:%S %Z}", when(value)
    )


def clock(value: datetime | None) -> Any:
    """The time to the second, and the day where it is another one than today: for events that follow one another."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    shown = f"{local:%H:%M:%S}" if local.date() == timezone.localdate() else f"{local:%-d %b, %H:%M:%S}"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), when(value), shown)


def page_of(row: Model) -> str:
    """The address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link(row: Model | None, text: Any = None) -> Any:
    """A link to a row's page."""
    if row is None:
        return "–"
    return format_html('<a class="cj-link" href="{}">{}</a>', page_of(row), text if text is not None else str(row))
