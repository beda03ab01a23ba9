"""Two moments -> how long it was between them, in the two units that a person would use."""

from datetime import datetime

from django.utils.translation import gettext as _


def span(since: datetime, until: datetime) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min` or `4 d 3 h`."""
    seconds = max(0.0, (until - since).total_seconds())
    if seconds < 10:
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    whole = round(seconds)
    if whole < 60:
        return _("%(n)s s") % {"n": whole}
    if whole < 3600:
        return _("%(n)s min %(m)s s") % {"n": whole // 60, "m": whole % 60}
    if whole < 86_400:
        return _("%(n)s h %(m)s min") % {"n": whole // 3600, "m": whole % 3600 // 60}
    return _("%(n)s d %(m)s h") % {"n": whole // 86_400, "m": whole % 86_400 // 3600}
