"""What staff typed -> clean values, or one sentence that says what to do."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> None:
    """Refuse what PostgreSQL and JSON cannot hold. Django lets a lone surrogate through, and the database fails."""
    if "\x00" in text:
        raise ValidationError(_("This holds a NUL character, which is not text: type it again instead of pasting it."))
    if SURROGATE.search(text):
        raise ValidationError(
            _("This holds half of a character (a lone surrogate): type it again instead of pasting it.")
        )


class StorableText(forms.BaseForm):
    """Check every text of the form before its own rules look at it, whatever kind of field it belongs to."""

    def _clean_fields(self) -> None:
        super()._clean_fields()  # type: ignore[misc]
        for name in self.fields:
            for text in _texts(self.data.get(self.add_prefix(name))):
                try:
                    storable(text)
                except ValidationError as problem:
                    self._errors.pop(name, None)  # type: ignore[attr-defined]
                    self.add_error(name, problem)


class PlainForm(StorableText, forms.Form):
    """A form that is not one table's row."""


class RowForm(StorableText, forms.ModelForm):
    """A form of one table's row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.MultiWidget):  # a label names the first of several boxes at best
                said = field.label or name
                for part in field.widget.widgets:
                    part.attrs["aria-label"] = f"{said}: {part.attrs.get('placeholder', '')}".removesuffix(": ")


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, str)]
