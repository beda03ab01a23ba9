"""States, money and times of the tables -> what a person reads."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import dateformat, formats, timezone
from django.utils.html import format_html
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

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
    "PLANNED": gettext_lazy("Written down and about to be sent; nothing has left yet."),
    "SENDING": gettext_lazy("On its way to the provider."),
    "RUNNING": gettext_lazy("The judge is being asked, one call after another."),
    "IN_DOUBT": gettext_lazy(
        "It was sent, but no answer came back. It is looked for at the provider before anything is sent again."
    ),
    "IN_PROGRESS": gettext_lazy("The provider has it and is working through it."),
    "CANCELLING": gettext_lazy("The provider was asked to stop. What it has finished is still collected and paid for."),
    "COLLECTING": gettext_lazy("The provider is done; the answers are being read."),
    "COLLECTED": gettext_lazy("Finished: every comparison in it has an outcome."),
    "REFUSED": gettext_lazy("The provider said no; nothing was billed and the comparisons wait again."),
    "ABSENT": gettext_lazy("It never arrived at the provider; nothing was billed and the comparisons wait again."),
    "CANCELLED": gettext_lazy("Stopped before anything was sent; the comparisons wait again."),
    "NEEDS_ATTENTION": gettext_lazy("It could not be found out whether the provider has it. A person has to decide."),
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
    "refused": gettext_lazy("the model declined to answer"),
    "truncated": gettext_lazy("the answer was cut off"),
    "unparseable": gettext_lazy("the answer was not in the agreed form"),
    "unknown_winner": gettext_lazy("the answer named neither essay"),
    "no_text": gettext_lazy("the answer was empty"),
    "malformed_line": gettext_lazy("a line of the results could not be read"),
    "rate_limited": gettext_lazy("the provider was too busy"),
    "token_limit_exceeded": gettext_lazy("the provider's queue was full"),
    "over_queue_limit": gettext_lazy("this one request is more than the provider's queue takes"),
    "never_connected": gettext_lazy("the provider could not be reached"),
    "account_fault": gettext_lazy("the account has a problem"),
    "missing": gettext_lazy("the results did not mention it"),
    "expired": gettext_lazy("the provider ran out of time"),
    "lost": gettext_lazy("the answer was lost on the way"),
    "cancelled_by_staff": gettext_lazy("cancelled by staff"),
}


def reason_words(reason: str) -> str:
    """A short code in words; codes without any are shown as they are."""
    return str(REASONS.get(reason, reason.replace("_", " ")))


def usd(amount: Decimal | None) -> str:
    """Dollars for reading: cents, or as many digits as a small amount needs."""
    if amount is None:
        return "–"
    if 0 < abs(amount) < Decimal("0.0001"):
        return _("under %(amount)s") % {"amount": _dollars(Decimal("0.0001"), 4)}
    in_cents = abs(amount) >= Decimal("0.1") or 100 * amount == int(100 * amount)
    return _dollars(amount, 2 if in_cents else 4)


def _dollars(amount: Decimal, places: int) -> str:
    number = formats.number_format(Decimal(amount).quantize(Decimal(1).scaleb(-places)), places, force_grouping=True)
    # Translators: dollars, the sign where the language has it
    return _("$%(number)s") % {"number": number}


def when(moment: datetime | None) -> str:
    """`4 minutes ago` within a day, else the date and time in the viewer's zone."""
    if moment is None:
        return "–"
    now = timezone.now()
    gap = abs((now - moment).total_seconds())
    if gap < 60:
        return _("just now") if moment <= now else _("in a moment")
    if gap < 86_400:
        words = timesince(moment, now, depth=1) if moment < now else timeuntil(moment, now, depth=1)
        return (_("%(time)s ago") if moment < now else _("in %(time)s")) % {"time": words}
    # Translators: a date and a time, in Django's letters for dates
    return dateformat.format(timezone.localtime(moment), _("j M Y, H:i"))


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
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), exactly(value), when(value))


def exactly(value: datetime) -> str:
    """`26 November 2026, 20:20:11 GMT`."""
    # Translators: a date, a time and a time zone, in Django's letters for dates
    return dateformat.format(timezone.localtime(value), _("j F Y, H:i:s T"))


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
