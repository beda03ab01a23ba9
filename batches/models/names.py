"""The models' names and their columns', as Django makes them from the code -> in the viewer's language.

Django takes the name of a column without a `verbose_name` from the code, where nobody can translate it. Giving every
column one would be a migration for each table; so the names that people see stand here, and are hung on at the start.
"""

from typing import Any

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _

MODELS = {
    "assessment": (_("assessment"), _("assessments")),
    "batch item": (_("batch item"), _("batch items")),
    "batch job": (_("batch job"), _("batch jobs")),
    "callback": (_("callback"), _("callbacks")),
    "comparison": (_("comparison"), _("comparisons")),
    "erasure": (_("erasure"), _("erasures")),
    "essay": (_("essay"), _("essays")),
    "flag": (_("flag"), _("flags")),
    "judge": (_("judge"), _("judges")),
    "judgement": (_("judgement"), _("judgements")),
    "membership": (_("membership"), _("memberships")),
    "probe": (_("probe"), _("probes")),
    "project": (_("project"), _("projects")),
    "provider account": (_("provider account"), _("provider accounts")),
    "round": (_("round"), _("rounds")),
    "scale": (_("scale"), _("scales")),
    "score": (_("score"), _("scores")),
    "API token": (_("API token"), _("API tokens")),
}
# Django's own tables, as the navigation calls them
PEOPLE = {"user": (_("person"), _("people")), "group": (_("role"), _("roles"))}
COLUMNS = {
    "account": _("account"),
    "act": _("act"),
    "actor": _("actor"),
    "actor name": _("actor name"),
    "alias": _("alias"),
    "anchor score": _("anchor score"),
    "answer by": _("answer by"),
    "asked at": _("asked at"),
    "assessment": _("assessment"),
    "at": _("at"),
    "candidate": _("candidate"),
    "certificate": _("certificate"),
    "comparison": _("comparison"),
    "completed at": _("completed at"),
    "cost usd": _("cost (USD)"),
    "created at": _("created at"),
    "created by": _("created by"),
    "deadline": _("deadline"),
    "delivered at": _("delivered at"),
    "effort": _("effort"),
    "endpoint": _("endpoint"),
    "essay": _("essay"),
    "estimator": _("estimator"),
    "expires at": _("expires at"),
    "failures": _("failures"),
    "instructions": _("instructions"),
    "judge": _("judge"),
    "judges": _("judges"),
    "key": _("key"),
    "kind": _("kind"),
    "max tokens": _("longest answer (tokens)"),
    "name": _("name"),
    "number": _("number"),
    "overrides": _("overrides"),
    "packing": _("packing"),
    "pairing": _("pairing"),
    "project": _("project"),
    "provider": _("provider"),
    "purpose": _("purpose"),
    "reason": _("reason"),
    "revision": _("revision"),
    "round": _("round"),
    "rubric": _("rubric"),
    "scale": _("scale"),
    "scopes": _("scopes"),
    "slug": _("short name"),
    "status": _("state"),
    "strategy": _("strategy"),
    "submitted at": _("submitted at"),
    "target certain grades": _("target for certain grades"),
    "target reliability": _("target reliability"),
    "target type": _("target type"),
    "text": _("text"),
    "title": _("title"),
    "tries": _("tries"),
    "user": _("person"),
    "winner": _("winner"),
}


def hang_on(rows: list[type[models.Model]]) -> None:
    """Give each model and column its translated name, where Django made the one that it has."""
    for model in rows:
        given = model._meta.original_attrs
        name = str(model._meta.verbose_name)
        if name in MODELS:
            one, many = MODELS[name]
            _set(model._meta, given, "verbose_name", one)
            _set(model._meta, given, "verbose_name_plural", many)
        for field in model._meta.get_fields():
            if isinstance(field, models.Field) and field._verbose_name is None:  # type: ignore[attr-defined]
                field.verbose_name = COLUMNS.get(str(field.verbose_name), field.verbose_name)


def hang_on_people() -> None:
    """Let Django's users and groups be called what they are here. Its own app's migrations do not see it."""
    auth = apps.get_app_config("auth")
    auth.verbose_name = _("People and roles")
    for name, (one, many) in PEOPLE.items():
        meta: Any = auth.get_model(name)._meta
        meta.verbose_name, meta.verbose_name_plural = one, many


def _set(meta: Any, given: dict[str, Any], name: str, words: Any) -> None:
    if name not in given:
        setattr(meta, name, words)
