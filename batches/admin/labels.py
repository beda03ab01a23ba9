"""A state -> the small coloured label in which every page shows it."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

type Words = str | _StrPromise  # translated when it is shown
Told = str | tuple[str, Words]  # the words, or what the colour hangs on and the words


def labelled(description: Words, colours: dict[str, str]) -> Callable[[Callable[[Any, Any], Told]], Any]:
    """Make a list column of a method that returns a state, in English; not unfold's, which renders a template a row."""

    def decorate(state: Callable[[Any, Any], Told]) -> Any:
        @admin.display(description=description)
        @wraps(state)
        def column(screen: Any, row: Any) -> Any:
            told = state(screen, row)
            key, words = told if isinstance(told, tuple) else (told, told)
            return label(colours.get(key, ""), gettext(str(words)))

        return column

    return decorate


def label(colour: str, words: str) -> Any:
    return format_html('<span class="cj-label cj-{}">{}</span>', colour or "plain", words)
