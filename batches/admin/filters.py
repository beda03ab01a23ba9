"""List filters whose choices are fixed or the viewer's own: no filter reads a whole table to find its choices."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter
from unfold.contrib.filters.forms import DropdownForm
from unfold.widgets import UnfoldAdminSelectWidget

from batches.admin.access import visible
from batches.admin.ids import id_in
from batches.models import Assessment, Judge, Probe, Round

MOST_CHOICES = 500


class LongSelect(UnfoldAdminSelectWidget):
    """A select box whose options are written in one go: unfold's renders a template for each of five hundred."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> Any:
        context: dict[str, Any] = self.get_context(name, value, attrs)
        options = [option for _name, some, _place in context["widget"]["optgroups"] for option in some]
        shown = ((option["value"], " selected" if option["selected"] else "", option["label"]) for option in options)
        written = format_html_join("\n", '<option value="{}"{}>{}</option>', shown)
        values = {"name": name, "attributes": flatatt(context["widget"]["attrs"]), "options": written}
        return render_to_string("cj/select.html", values)


class LongDropdown(DropdownForm):
    widget = LongSelect({"data-theme": "admin-autocomplete", "class": "unfold-admin-autocomplete admin-autocomplete"})


class OwnRelated(RelatedDropdownFilter):
    """Filter by a related row, offering only those that the viewer may see."""

    form_class = LongDropdown

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        found = visible(field.remote_field.model, request.user)
        if found.model is Assessment:  # a choice needs neither rubrics nor instructions
            own_work = found.filter(Q(probe=None) | Q(pk=id_in(request.GET.get(self.lookup_kwarg, ""))))
            return list(own_work.values_list("pk", "title")[:MOST_CHOICES])
        rows = found[:MOST_CHOICES]
        return [(row.pk, str(row)) for row in (rows.select_related("account", "user") if rows.model is Judge else rows)]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1


class OfAssessment(OwnRelated):
    """Filter what belongs to a round by its assessment, the rounds named outright.

    From the assessment alone PostgreSQL expects its comparisons everywhere and reads all newer ones on the way to them.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().queryset(request, queryset)
        chosen = self.used_parameters.get(self.lookup_kwarg)
        if not chosen:
            return rows
        rounds = visible(Round, request.user).filter(assessment__in=chosen)
        return rows.filter(round__in=list(rounds.values_list("pk", flat=True)))


class OneOf(DropdownFilter):
    """Filter by fixed choices, each with the condition it stands for."""

    conditions: dict[str, tuple[Any, Any]] = {}  # value: (words, Q)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, words) for value, (words, _condition) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(self.conditions[chosen][1]) if chosen in self.conditions else queryset


def one_of(title: Any, parameter: str, **conditions: tuple[Any, Any]) -> type[OneOf]:
    """A filter class from its title, its parameter in the address, and value=(words, Q)."""
    return type(
        f"{parameter.title()}Filter",
        (OneOf,),
        {"title": title, "parameter_name": parameter, "conditions": conditions},
    )


class OfProbes(OneOf):
    """Filter the work of probes, which stays out of sight until somebody asks for it or names what they look for."""

    title = gettext_lazy("probes")
    parameter_name = "probes"
    all_option = ["", gettext_lazy("Left out")]
    to_assessment = "pk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = id_in(request.GET.get("assessment__id__exact", ""))
        self.is_named = bool(request.GET.get("q")) or named is not None
        return [("shown", _("Shown")), ("only", _("Only these"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        of_probes = Q(**{f"{self.to_assessment}__in": Probe.objects.order_by().values("assessment")})
        if self.value() == "only":
            return queryset.filter(of_probes)
        return queryset if self.value() == "shown" or self.is_named else queryset.exclude(of_probes)


class EssaysOfProbes(OfProbes):
    to_assessment = "assessment"


def own(path: str) -> tuple[str, type[OwnRelated]]:
    return path, OwnRelated


def choice(path: str) -> tuple[str, type[ChoicesDropdownFilter]]:
    """A filter by a column that has `choices`: without them Django would read every row for the values."""
    return path, ChoicesDropdownFilter


def parameters(list_filter: Any) -> set[str]:
    """The address parameters that one entry of `list_filter` reads."""
    if isinstance(list_filter, type) and issubclass(list_filter, SimpleListFilter):
        return {list_filter.parameter_name or ""}
    path = list_filter[0]
    return {f"{path}__exact", f"{path}__id__exact"}
