"""Action on the admin's lists and object pages -> one pipeline call, and one sentence about what came of it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from batches.admin.access import visible
from batches.admin.labels import Words
from batches.admin.told import told
from batches.numbers import counted as counted
from batches.pipeline.refused import Refused

Act = Callable[[Any, HttpRequest, QuerySet[Any]], str]
Ask = Callable[[Any, HttpRequest, QuerySet[Any]], "Question"]
CONFIRMED = "confirmed"
MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that a person writes before they go on."""

    name: str
    label: str
    help: str
    suggestions: tuple[str, ...] = ()
    value: str = ""
    longest: int = 100  # characters
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked before something happens that costs money or cannot be taken back."""

    title: str
    facts: list[tuple[str, Any]]  # label, value
    button: str
    warnings: tuple[str, ...] = ()
    forecasts: tuple[Any, ...] = ()  # what each strategy would take, the ones in force marked
    entry: Entry | None = None
    headline: str = ""  # the one figure that matters most
    for_good: bool = False  # nothing brings back what the button takes away
    seen: str = ""  # what is acted on, as it was shown: where that has changed, the person is asked again


def deed(
    *, permission: str, title: Words, icon: str = "", confirm: Ask | None = None, main: bool = False
) -> Callable[[Act], Any]:
    """Make an admin action of a function that does one thing and returns one sentence.

    It stands in the list's menu and as a button on the object page, needs `permission`, touches only rows its person
    may see, asks first where `confirm` is given, and turns Refused into an error message.
    """

    def decorate(act: Act) -> Any:
        @admin.action(
            permissions=[permission],
            description=title,
            location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
        )
        @wraps(act)
        def action(screen: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            if not request.user.has_perm(f"batches.{permission}"):
                raise PermissionDenied
            rows = _own(screen, request, queryset)
            try:
                if confirm and CONFIRMED not in request.POST:
                    return _confirmation(screen, request, rows, action.__name__, confirm(screen, request, rows))
                screen.message_user(request, act(screen, request, rows), messages.SUCCESS)
            except Refused as no:
                screen.message_user(request, told(no), messages.ERROR)
            return None

        action.icon, action.main = icon, main  # type: ignore[attr-defined]
        return action

    return decorate


def _own(screen: Any, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The chosen rows, filtered once more and without the list's joins and order."""
    chosen = list(queryset.order_by().values_list("pk", flat=True)[:MOST_AT_ONCE])
    return visible(screen.model, request.user).filter(pk__in=chosen)


def _confirmation(
    screen: Any, request: HttpRequest, rows: QuerySet[Any], action: str, question: Question
) -> HttpResponse:
    """The page that asks. Its form repeats the same POST with `confirmed`."""
    hidden = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "title": question.title,
        "question": question,
        "rows": rows[:20],
        "hidden": [(name, value) for name, value in hidden if name != "csrfmiddlewaretoken"],
        "confirmed": CONFIRMED,
        "once": secrets.token_hex(16),
        "media": screen.media,
    }
    return TemplateResponse(request, "cj/confirm.html", context)
