"""Projects and the people in them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, Sum
from django.forms.models import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.base import OwnInline, Screen
from batches.admin.forms import RowForm
from batches.admin.rosters import roster_view
from batches.admin.words import moment, usd
from batches.models import Assessment, Membership, Project


class MemberForm(RowForm):
    """A person is named by their exact user name: a list to choose from would show who works elsewhere."""

    username = forms.CharField(
        label=gettext_lazy("user name"),
        max_length=150,
        widget=UnfoldAdminTextInputWidget(attrs={"aria-label": gettext_lazy("user name")}),
    )

    class Meta:
        model = Membership
        fields: list[str] = []

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        person = User.objects.filter(username=name, is_active=True).first()
        if person is None:
            raise ValidationError(
                _("Nobody here has the user name %(name)s: check the spelling, or add the person first.")
                % {"name": name}
            )
        self.instance.user = person
        return str(name)


class MemberFormSet(PaginationInlineFormSet):
    """Nobody is named twice, and somebody stays: a project without members is seen by no one."""

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form not in self.deleted_forms]
        names = [form.cleaned_data["username"] for form in kept if "username" in getattr(form, "cleaned_data", {})]
        there = (
            {m.user.username for m in self.instance.memberships.select_related("user")} if self.instance.pk else set()
        )
        for name in names:
            if names.count(name) > 1 or name in there:
                raise ValidationError(_("%(name)s is in this project already: leave that line empty.") % {"name": name})
        if self.instance.pk and len(self.deleted_forms) >= len(there) and not names:
            raise ValidationError(_("A project needs at least one member: keep one, or add another first."))


class MemberInline(OwnInline):
    model = Membership
    form = MemberForm
    formset = MemberFormSet
    fields = ("username",)
    extra = 1
    show_title = False
    verbose_name = gettext_lazy("member")
    verbose_name_plural = gettext_lazy("members")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("user name"))
    def username(self, row: Membership) -> str:
        return f"{row.user.get_full_name()} ({row.user.username})" if row.user.get_full_name() else row.user.username

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user").order_by("user__username")


@admin.register(Project)
class ProjectScreen(Screen):
    nothing_yet = gettext_lazy("A project holds assessments and the people who work on them.")
    add_words = gettext_lazy("Make a project")
    list_display = ("name", "members", "n_assessments", "spent", "created")
    fields = ("name", "retention_days")
    inlines = (MemberInline,)
    exact_search = ("name__iexact",)
    search_help_text = gettext_lazy("Project name")

    def get_urls(self) -> list[URLPattern]:
        names = path(
            "<int:object_id>/roster/", self.admin_site.admin_view(self.roster_view), name="batches_project_roster"
        )
        return [names, *super().get_urls()]

    def roster_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return roster_view(self, request, object_id)

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        members = dict(_per_project(Membership, rows, Count("pk")))
        assessments = dict(_per_project(Assessment, rows, Count("pk")))
        spent = dict(_per_project(Assessment, rows, Sum("spent_usd")))
        for row in rows:
            row.members, row.n_assessments = members.get(row.pk, 0), assessments.get(row.pk, 0)
            row.spent = spent.get(row.pk)

    @admin.display(description=gettext_lazy("members"))
    def members(self, row: Any) -> int:
        return int(row.members)

    @admin.display(description=gettext_lazy("assessments"))
    def n_assessments(self, row: Any) -> int:
        return int(row.n_assessments)

    @admin.display(description=gettext_lazy("spent"))
    def spent(self, row: Any) -> str:
        return usd(row.spent)

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created(self, row: Project) -> Any:
        return moment(row.created_at)

    def save_related(self, request: HttpRequest, form: ModelForm[Any], formsets: list[Any], change: bool) -> None:
        """Whoever creates a project belongs to it; who comes and goes is put on record."""
        super().save_related(request, form, formsets, change)
        project = form.instance
        if not change:
            Membership.objects.get_or_create(
                project=project, user=User.objects.get(username=request.user.get_username())
            )
        for formset in formsets:
            self._record_members(request, project, formset)

    def _record_members(
        self, request: HttpRequest, project: Project, formset: BaseInlineFormSet[Any, Any, Any]
    ) -> None:
        for member in formset.new_objects:
            self.record(request, "add member", project, person=member.user.username)
        for member in formset.deleted_objects:
            self.record(request, "remove member", project, person=member.user.username)


def _per_project(model: Any, rows: list[Any], figure: Any) -> Any:
    return model.objects.filter(project__in=rows).order_by().values_list("project").annotate(figure=figure)
