"""What a form changed -> what the audit log says about it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, TextField
from django.forms import ModelForm

from batches.models import Project


def project_of(row: Any) -> Project | None:
    """The project a row belongs to; None for what the installation shares."""
    if isinstance(row, Project):
        return row
    if not hasattr(row, "project_path"):
        return None
    for step in row.project_path.split("__"):
        row = getattr(row, step)
    return row if isinstance(row, Project) else None


def changes(form: ModelForm[Any]) -> dict[str, Any]:
    """Field -> [before, after]; of long texts only that they changed."""
    return {
        name: "changed"
        if _is_long(form, name)
        else [_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name))]
        for name in form.changed_data
    }


def is_column(row: Any, name: str) -> bool:
    return any(field.name == name for field in row._meta.concrete_fields)


def _is_long(form: ModelForm[Any], name: str) -> bool:
    return any(isinstance(field, TextField) and field.name == name for field in form.instance._meta.concrete_fields)


def _plain(value: Any) -> Any:
    if isinstance(value, QuerySet | list):
        return [str(one) for one in value]
    return value if isinstance(value, int | bool | None) else str(value)
