"""Judges: models with their settings. A judge is made once and never changed, because judgements refer to it."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import dateformat, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from batches.admin.base import Screen
from batches.admin.filters import choice, own
from batches.admin.forms import PlainForm
from batches.admin.labels import labelled
from batches.admin.words import link, moment
from batches.models import Judge
from batches.models.accounts import ProviderAccount
from batches.pipeline import account
from batches.pipeline.fits import usable_model
from batches.pipeline.refused import Refused
from batches.providers import manifest

PROVIDERS = dict(ProviderAccount.Provider.choices)


def model_choices(today: date) -> list[tuple[str, Any]]:
    """Models that may be chosen today, by provider; one that retires soon says so."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for model in sorted({m.id: m for m in manifest.load().values()}.values(), key=lambda m: m.id):
        if model.retires_on is not None and today > model.retires_on:
            continue
        soon = manifest.retirement_warning(model, today)
        words = model.id
        if soon and model.retires_on:
            words = _("%(model)s (retires %(day)s)") % {"model": model.id, "day": day_of(model.retires_on)}
        groups.setdefault(PROVIDERS[model.provider], []).append((f"{model.provider}:{model.id}", words))
    return list(groups.items())


def retirement_of(judge: Judge) -> tuple[str, str]:
    """Whether a judge's model can still be asked: a key, and words."""
    model = manifest.load().get(judge.model_id)
    if model is None:
        if judge.kind == Judge.Kind.PERSON:
            return "person", _("a person")
        return "retired", _("not in the manifest")
    today = timezone.localdate()
    if model.retires_on is not None and today > model.retires_on:
        return "retired", _("retired %(day)s") % {"day": day_of(model.retires_on)}
    if model.retires_on is not None and manifest.retirement_warning(model, today):
        return "retiring", _("retires %(day)s") % {"day": day_of(model.retires_on)}
    return "usable", _("usable")


def day_of(day: date) -> str:
    # Translators: a date, in Django's letters for dates
    return dateformat.format(day, _("j F Y"))


def check_model(name: str) -> str:
    """Refuse a model that is unknown or retired, in the pipeline's own words."""
    provider, _colon, model_id = name.partition(":")
    try:
        usable_model(provider, model_id)
    except Refused as problem:
        raise ValidationError(str(problem)) from None
    return name


class ModelField(forms.ChoiceField):
    """A model of the manifest. A retired one is refused with the name of its successor, not as an unknown choice."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminSelectWidget)
        super().__init__(choices=lambda: [("", _("Choose a model")), *model_choices(timezone.localdate())], **kwargs)

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)
        if value:
            check_model(value)


class NewJudge(PlainForm):
    """A model, how hard it thinks, and how its answer is held to its form."""

    model = ModelField(
        label=gettext_lazy("Model"),
        help_text=gettext_lazy("Prices and retirement dates come from the manifest of models."),
    )
    effort = forms.ChoiceField(
        label=gettext_lazy("Effort"),
        choices=Judge.Effort.choices,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("More effort costs more."),
    )
    answer_by = forms.ChoiceField(
        label=gettext_lazy("Answer by"), choices=Judge.AnswerBy.choices, widget=UnfoldAdminSelectWidget
    )
    max_tokens = forms.IntegerField(
        label=gettext_lazy("Longest answer (tokens)"),
        min_value=100,
        max_value=100_000,
        initial=2000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("The longest answer paid for, thinking included."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("model") and cleaned.get("effort"):
            provider, _colon, model_id = cleaned["model"].partition(":")
            try:
                manifest.check_effort(manifest.find(provider, model_id), cleaned["effort"])
            except manifest.UnsupportedEffort as problem:
                self.add_error("effort", str(problem))
        return cleaned

    def judge(self) -> Judge:
        provider, _colon, model_id = self.cleaned_data["model"].partition(":")
        wanted = {name: self.cleaned_data[name] for name in ("effort", "answer_by", "max_tokens")}
        found, _made = Judge.objects.get_or_create(
            kind=Judge.Kind.MODEL, account=account.account_for(provider), model_id=model_id, **wanted
        )
        return found


@admin.register(Judge)
class JudgeScreen(Screen):
    nothing_yet = gettext_lazy("Judges appear when they are first chosen; one with settings of its own is made here.")
    add_words = gettext_lazy("New judge")
    list_display = ("name", "account_link", "effort", "answer_by", "max_tokens", "retirement", "created")
    list_filter = (choice("kind"), own("account"))
    list_select_related = ("account", "user")
    exact_search = ("pk", "model_id__exact")
    search_help_text = gettext_lazy("Model id")
    ordering = ("-id",)
    fields = ("kind", "account", "model_id", "effort", "answer_by", "max_tokens", "usable")
    readonly_fields = ("usable",)

    @admin.display(description=gettext_lazy("judge"), ordering="model_id")
    def name(self, row: Judge) -> str:
        return str(row)

    @admin.display(description=gettext_lazy("account"))
    def account_link(self, row: Judge) -> Any:
        return link(row.account)

    @labelled(gettext_lazy("model"), {"usable": "success", "retiring": "warning", "retired": "danger", "person": ""})
    def retirement(self, row: Judge) -> tuple[str, str]:
        return retirement_of(row)

    @admin.display(description=gettext_lazy("can it be used"))
    def usable(self, row: Judge) -> str:
        return retirement_of(row)[1]

    @admin.display(description=gettext_lazy("made"), ordering="created_at")
    def created(self, row: Judge) -> Any:
        return moment(row.created_at)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of a person nothing but who it is: models alone have settings."""
        return ("kind", "user") if obj is not None and obj.kind == Judge.Kind.PERSON else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        form = NewJudge(request.POST or None)
        if request.method == "POST" and form.is_valid():
            judge = form.judge()
            self.record(request, "create", judge)
            self.message_user(request, _("%(judge)s can now be chosen for assessments.") % {"judge": judge})
            return HttpResponseRedirect(reverse("admin:batches_judge_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("New judge"),
            "form": form,
            "button": _("Add this judge"),
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "cj/form_page.html", context)
