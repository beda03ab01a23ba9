"""A person's own rows, in lists, in forms and in the choices of both."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, ForeignKey, ManyToManyField, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.views import ChangeList

from batches.admin.access import visible
from batches.models import Assessment


class OwnRows:
    """Rows and choices that the viewer may see, and no others."""

    model: Any

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = visible(self.model, request.user)
        ordering = self.get_ordering(request)  # type: ignore[attr-defined]
        return rows.order_by(*ordering) if ordering else rows

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        rows = visible(db_field.remote_field.model, request.user)
        return rows.filter(probe=None) if rows.model is Assessment else rows  # nobody adds to the work of a probe

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Without the little buttons that open other tables' forms in a window."""
        formfield = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if formfield and isinstance(db_field, ForeignKey | ManyToManyField):
            for button in ("can_add_related", "can_change_related", "can_view_related", "can_delete_related"):
                setattr(formfield.widget, button, False)
        return formfield


class OwnList(ChangeList):
    """A list whose screen may leave out long columns and add counts, for the rows on this page only."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.title = capfirst(self.opts.verbose_name_plural)

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        rows = super().get_queryset(request, *args, **kwargs)
        return rows.defer(*self.model_admin.not_listed) if self.model_admin.not_listed else rows

    def get_ordering_field(self, field_name: Any) -> Any:
        """None where the screen cannot be sorted by this column, whatever an address asks for."""
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # what it is for, a count of everything, is never made
        self.result_list: Any = list(self._page() if self.page_num > 1 else self.result_list)
        self.model_admin.dress(request, self.result_list)

    def _page(self) -> QuerySet[Any]:
        """The rows of a later page, by their ids: what stands before them is then passed over without its joins."""
        return self.queryset.filter(pk__in=list(self.result_list.values_list("pk", flat=True)))
