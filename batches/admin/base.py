"""A table -> its screen: own rows only, closed filters, capped counts, and buttons instead of links that act."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ActionLocation, ShowFacets, display
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.options import ModelAdmin as DjangoModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin, TabularInline, checkbox
from unfold.views import ChangeList

from batches.admin.changes import changes, is_column, project_of
from batches.admin.filters import parameters
from batches.admin.forms import RowForm
from batches.admin.ids import id_in
from batches.admin.paging import CappedPaginator
from batches.admin.rows import OwnList, OwnRows
from batches.models import AuditEntry

# unfold renders a template for each row's box; this is that box, once
BOX = str(checkbox.render(ACTION_CHECKBOX_NAME, "{}")).replace('"Select record"', '"{}"')


class Screen(OwnRows, ModelAdmin):
    """A table's list and pages."""

    form: Any = RowForm
    paginator: Any = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    list_filter_sheet = False
    list_filter_submit = True
    list_disable_select_all = True
    warn_unsaved_form = True
    deletable = False
    page_template = ""  # shown instead of the form, until somebody asks for the form
    nothing_yet: Any = ""  # how rows come into the list, where it has none
    add_words: Any = gettext_lazy("Add the first")
    exact_search: tuple[str, ...] = ()  # lookups, each of them answered by an index
    linked_by: tuple[str, ...] = ()  # parameters with which our own pages point at this list
    not_listed: tuple[str, ...] = ()  # long columns that a list does not show
    kept_true: tuple[str, ...] = ()  # columns that the model works out from others when it is saved

    # What a viewer may see

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only the filters on show, and the links of our own pages: any other lookup could ask about foreign rows."""
        known = set(self.linked_by)
        for entry in self.get_list_filter(request):
            known |= parameters(entry)
        return lookup in known

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if any("\x00" in value for values in request.GET.lists() for value in values[1]):
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, extra_context)

    @display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: Any) -> Any:
        return format_html(BOX, obj.pk, _("Select %(row)s") % {"row": obj})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OwnList

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        """Give each row of one page what its columns show and its table does not hold."""

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.exact_search

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look for the whole term, exactly: substrings would read every row."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if "\x00" in term:
            return queryset.none(), False
        return self.found(request, queryset, term), False

    def found(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        wanted = Q(pk__in=[])
        for lookup in self.exact_search:
            if lookup not in ("pk", "id"):
                wanted |= Q(**{lookup: term})
            elif (number := id_in(term)) is not None:
                wanted |= Q(pk=number)
        return rows.filter(wanted)

    # One object's page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" and f"{ActionLocation.CHANGE_FORM.value}-action" in request.POST:
            return self.act(request, object_id)
        if not self.page_template or request.method != "GET" or "edit" in request.GET or IS_POPUP_VAR in request.GET:
            return super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return TemplateResponse(request, self.page_template, self.page(request, row))

    def act(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Run a button of an object's page, outside Django's form transaction: a worker sees only what is committed."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.POST.getlist("_selected_action") != [str(row.pk)]:
            raise BadRequest(_("A button acts on the row whose page it is on."))
        done = self.response_action(request, self.get_queryset(request), action_location=ActionLocation.CHANGE_FORM)
        return done or HttpResponseRedirect(request.get_full_path())

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """The context of an object's page; screens add theirs."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            "media": self.media,
            "buttons": self.buttons(request, row),
            "editable": self.has_change_permission(request, row),
            "may_delete": self.has_delete_permission(request, row),
        }

    def buttons(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """What this person may do with this row, as forms that POST."""
        actions = self.get_actions(request, action_location=ActionLocation.CHANGE_FORM)
        useless = self.senseless(row)
        return [
            {
                "name": name,
                "title": action.description,
                "icon": getattr(action.func, "icon", ""),
                "main": getattr(action.func, "main", False),
            }
            for name, action in actions.items()
            if name not in useless
        ]

    def senseless(self, row: Any) -> set[str]:
        """Actions that cannot do anything with this row as it is."""
        return set()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if "\x00" in object_id:
            return None
        return super().get_object(request, object_id, from_field)

    # Actions

    def get_actions(self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST) -> Any:
        actions = super().get_actions(request, action_location=action_location)
        if not self.deletable:
            actions.pop("delete_selected", None)
        return actions

    def get_action_choices(
        self, request: HttpRequest, default_choices: Any = None, action_location: Any = ActionLocation.CHANGE_LIST
    ) -> list[tuple[str, str]]:
        """Django's own: unfold's does not know that actions also stand on object pages."""
        blank = [("", _("Choose an action"))]
        return DjangoModelAdmin.get_action_choices(self, request, blank, action_location=action_location)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], action_location: Any = ActionLocation.CHANGE_LIST
    ) -> Any:
        if any(id_in(chosen) is None for chosen in request.POST.getlist("_selected_action")):
            raise BadRequest(_("A row is chosen by its number."))
        return super().response_action(request, queryset, action_location=action_location)

    # Changes, and the record of them

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj) and (obj is None or self.may_go(obj))

    def may_go(self, row: Any) -> bool:
        """Whether nothing would be lost with this row but the row itself."""
        return True

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().render_change_form(request, context | {"show_save_and_add_another": False}, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        """Write only what the form changed, so that money booked meanwhile stays, and put it on record."""
        changed = changes(form) if change else {}
        if not change:
            super().save_model(request, obj, form, change)
        elif columns := [name for name in form.changed_data if is_column(obj, name)]:
            obj.save(update_fields=[*columns, *self.kept_true])
        self.record(request, "change" if change else "create", obj, **({"changed": changed} if changed else {}))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, "delete", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.record(request, "delete", row)
        super().delete_queryset(request, queryset)

    def record(self, request: HttpRequest, act: str, row: Any, **detail: Any) -> None:
        AuditEntry.record(act, row, actor=request.user, project=project_of(row), **detail)


class ReadOnly(Screen):
    """A table that the pipeline writes and staff read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnInline(OwnRows, TabularInline):
    """Rows within another row's form."""

    form = RowForm
