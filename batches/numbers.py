"""Numbers -> as the viewer's language writes them; in English as Python would."""

from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy


def grouped(n: int | Decimal) -> str:
    """12,345."""
    return str(formats.number_format(n, force_grouping=True))


def decimal(value: float | Decimal, places: int) -> str:
    """0.87 with two places."""
    return str(formats.number_format(Decimal(f"{value:.{places}f}"), places))


def percent(share: float) -> str:
    """84%."""
    return _("%(number)s%%") % {"number": f"{share:.0%}".removesuffix("%")}


def exact_percent(share: Decimal) -> str:
    """12.5%: a share that somebody typed, as they typed it."""
    return _("%(number)s%%") % {"number": formats.number_format(Decimal(f"{(share * 100).normalize():f}"))}


# a noun -> how it is counted; what is not here is counted in English
NOUNS = {
    "account": ngettext_lazy("%(n)s account", "%(n)s accounts", "n"),
    "assessment": ngettext_lazy("%(n)s assessment", "%(n)s assessments", "n"),
    "batch job": ngettext_lazy("%(n)s batch job", "%(n)s batch jobs", "n"),
    "callback": ngettext_lazy("%(n)s callback", "%(n)s callbacks", "n"),
    "comparison": ngettext_lazy("%(n)s comparison", "%(n)s comparisons", "n"),
    "essay": ngettext_lazy("%(n)s essay", "%(n)s essays", "n"),
    "failed comparison": ngettext_lazy("%(n)s failed comparison", "%(n)s failed comparisons", "n"),
    "flag": ngettext_lazy("%(n)s flag", "%(n)s flags", "n"),
    "judgement": ngettext_lazy("%(n)s judgement", "%(n)s judgements", "n"),
    "name": ngettext_lazy("%(n)s name", "%(n)s names", "n"),
    "planned comparison": ngettext_lazy("%(n)s planned comparison", "%(n)s planned comparisons", "n"),
    "pupil": ngettext_lazy("%(n)s pupil", "%(n)s pupils", "n"),
    "round": ngettext_lazy("%(n)s round", "%(n)s rounds", "n"),
    "scale": ngettext_lazy("%(n)s scale", "%(n)s scales", "n"),
    "token": ngettext_lazy("%(n)s token", "%(n)s tokens", "n"),
    "word": ngettext_lazy("%(n)s word", "%(n)s words", "n"),
}


def counted(n: int, noun: str) -> str:
    """`3 comparisons`, `1 comparison`, `no comparisons`."""
    # the number that chooses the form, written as a reader wants it
    shown = _Number(n)
    shown.words = grouped(n) if n else _("no")
    if noun in NOUNS:
        return str(NOUNS[noun] % {"n": shown})
    return f"{shown} {noun}{'' if n == 1 else 'es' if noun.endswith('ch') else 's'}"


class _Number(int):
    """A number that a sentence shows in its own way, while Django counts with it."""

    words = ""

    def __str__(self) -> str:
        return self.words
