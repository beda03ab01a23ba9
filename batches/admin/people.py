"""People and their roles. Nobody gives away more than they hold, or takes over an account that works elsewhere too."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet, prefetch_related_objects
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from batches.admin.access import own_people, people
from batches.admin.base import Screen
from batches.admin.filters import one_of
from batches.admin.forms import RowForm, StorableText
from batches.admin.labels import labelled
from batches.admin.words import moment

admin.site.unregister(User)
admin.site.unregister(Group)


class NewPersonForm(StorableText, UserCreationForm):
    """A user name and a password."""


class PersonForm(StorableText, UserChangeForm):
    """Name, role and whether they may log in."""


@admin.register(User)
class PersonScreen(Screen, UserAdmin):
    nothing_yet = gettext_lazy("People are added with a user name and a password.")
    add_words = gettext_lazy("Add somebody")
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "roles", "state", "seen")
    list_filter = (
        one_of(
            gettext_lazy("state"),
            "state",
            active=(gettext_lazy("may log in"), Q(is_active=True)),
            out=(gettext_lazy("locked out"), Q(is_active=False)),
        ),
    )
    filter_horizontal = ()
    exact_search = ("username__exact", "email__exact")
    search_help_text = gettext_lazy("User name or e-mail address")
    ordering = ("username",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
        (gettext_lazy("What they may do"), {"fields": ("is_active", "is_staff", "groups", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, row: User) -> str:
        return row.get_full_name() or "–"

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, row: User) -> str:
        return ", ".join(group.name for group in row.groups.all()) or "–"

    @labelled(gettext_lazy("state"), {gettext_noop("may log in"): "success", gettext_noop("locked out"): ""})
    def state(self, row: User) -> str:
        return "may log in" if row.is_active and row.is_staff else "locked out"

    @admin.display(description=gettext_lazy("last seen"), ordering="last_login")
    def seen(self, row: User) -> Any:
        return moment(row.last_login)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if not allowed or obj is None:
            return allowed
        if obj.is_superuser and not request.user.is_superuser:
            return False
        return self._is_own(request, obj)

    def _is_own(self, request: HttpRequest, obj: User) -> bool:
        """Asked for each part of a page, and looked up once for each request."""
        known: dict[int, bool] = request.__dict__.setdefault("own_people", {})
        if obj.pk not in known:
            known[obj.pk] = own_people(request.user).filter(pk=obj.pk).exists()
        return known[obj.pk]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A person is locked out, never deleted: the record names them."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return ()  # Django shows the whole form as text
        return () if request.user.is_superuser else ("is_superuser",)

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_field_queryset(db, db_field, request)
        if db_field.name != "groups" or request.user.is_superuser:
            return rows
        held = request.user.get_all_permissions()
        with_rights = rows.prefetch_related("permissions__content_type")
        return rows.filter(pk__in=[group.pk for group in with_rights if _permissions(group) <= held])

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
            kwargs["help_text"] = _(
                "Viewers read, editors prepare, submitters may spend money, budget managers change budgets, judges "
                "judge, administrators set up."
            )
            kwargs["label"] = _("Roles")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        """A new person may log in here: that is what staff add people for."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302 and (row := self.get_object(request, id)):
            self.record(request, "set password", row)
        return response


@admin.register(Group)
class RoleScreen(Screen, GroupAdmin):
    form = RowForm
    list_display = ("name", "people")
    exact_search = ("name__exact",)
    search_help_text = gettext_lazy("Role")
    ordering = ("name",)
    filter_horizontal = ("permissions",)

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        seen = people(request.user).filter(groups__in=rows).order_by().values_list("groups").annotate(n=Count("pk"))
        counts = dict(seen)
        for row in rows:
            row.people = counts.get(row.pk, 0)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            prefetch_related_objects([row], "permissions__content_type")  # each right is shown with its table
        return row

    @admin.display(description=gettext_lazy("people you can see"))
    def people(self, row: Any) -> int:
        return int(row.people)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _permissions(group: Group) -> set[str]:
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in group.permissions.all()}
