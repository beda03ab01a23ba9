"""The admin's own URL patterns -> addresses to try."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import NoReverseMatch, URLPattern, reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address, and the model whose screen it belongs to ("" for the site's own)."""

    url: str
    name: str
    model: str
    of_a_row: bool


def addresses(ids: dict[str, int]) -> Iterator[Address]:
    """Every address of the admin site, object pages with the id that `ids` has for their model."""
    for pattern, model in _patterns():
        for arguments in _arguments(pattern, model, ids):
            try:
                url = reverse(f"admin:{pattern.name}", kwargs=arguments)
            except NoReverseMatch:
                url = reverse(f"admin:{pattern.name}", args=list(arguments.values()))
            of_a_row = bool({"object_id", "id"} & set(arguments))
            yield Address(url=url, name=pattern.name or "", model=model, of_a_row=of_a_row)


def _patterns() -> Iterator[tuple[URLPattern, str]]:
    for entry in admin.site.get_urls():
        if isinstance(entry, URLPattern) and entry.name:
            yield entry, ""
    for model, screen in admin.site._registry.items():
        for pattern in screen.get_urls():
            if isinstance(pattern, URLPattern) and pattern.name:
                yield pattern, model._meta.model_name or ""


def _arguments(pattern: URLPattern, model: str, ids: dict[str, int]) -> list[dict[str, Any]]:
    wanted = list(pattern.pattern.regex.groupindex) or list(getattr(pattern.pattern, "converters", {}))
    if not wanted:
        return [{}]
    if set(wanted) & {"object_id", "id"}:
        return [{wanted[0]: ids[model], **dict.fromkeys(wanted[1:], 1)}] if model in ids else []
    return {"app_label": [{"app_label": "batches"}, {"app_label": "auth"}], "url": [{"url": "nothing/here/"}]}.get(
        wanted[0], []
    )
