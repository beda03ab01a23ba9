"""The names of pupils and what is replaced by placeholders: one form for a project, one for an assessment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from batches.admin.deeds import counted
from batches.admin.forms import PlainForm
from batches.admin.told import told
from batches.admin.words import page_of
from batches.conf import cj_settings
from batches.models import Assessment, Project
from batches.pipeline import roster
from batches.pipeline.refused import Refused

LABELS = {
    "replace_names": gettext_lazy("Replace names of the roster by [name]"),
    "replace_emails": gettext_lazy("Replace e-mail addresses by [e-mail]"),
    "replace_phones": gettext_lazy("Replace phone numbers by [phone]"),
}


class RosterForm(PlainForm):
    """One name a line; what is saved replaces the roster as a whole."""

    names = forms.CharField(
        required=False,
        label=gettext_lazy("Names"),
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 16, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One pupil a line, first and last name. Names are replaced before an essay leaves for a provider, "
            "whatever their case and accents, and parts of them too. They are never sent, exported or shown "
            "elsewhere."
        ),
    )

    def __init__(self, *args: Any, of: Project | Assessment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of = of
        assessment = of if isinstance(of, Assessment) else None
        own = of.roster.filter(assessment=assessment)
        self.initial["names"] = "\n".join(own.values_list("name", flat=True))
        if assessment is not None:
            in_force = cj_settings.of(assessment.overrides)
            for key, label in LABELS.items():
                self.fields[key] = forms.BooleanField(
                    required=False, label=label, initial=getattr(in_force, key), widget=UnfoldBooleanSwitchWidget
                )

    def save(self, actor: Any) -> int:
        """Put it in force; Refused, with nothing changed, where a candidate's code holds a name."""
        given = self.cleaned_data
        n = roster.set_names(self.of, roster.read_names(given["names"]), actor=actor)
        switched = {key: given[key] for key in LABELS if key in self.changed_data}
        if switched and isinstance(self.of, Assessment):
            roster.switch(self.of, actor=actor, **switched)
        return n


def roster_view(screen: Any, request: HttpRequest, object_id: int) -> HttpResponse:
    """The page of one roster, for those who may see names."""
    row = screen.get_object(request, str(object_id))
    if row is None:
        raise Http404
    if not request.user.has_perm("batches.manage_roster"):
        raise PermissionDenied
    form = RosterForm(request.POST or None, of=row)
    if request.method == "POST" and form.is_valid():
        try:
            n = form.save(request.user)
        except Refused as problem:
            form.add_error("names", told(problem))
        else:
            screen.message_user(
                request, _("The roster of %(row)s holds %(names)s.") % {"row": row, "names": counted(n, "name")}
            )
            return HttpResponseRedirect(page_of(row))
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "form": form,
        "title": _("Names of pupils in %(row)s") % {"row": row},
        "button": _("Save this roster"),
        "cancel": page_of(row),
    }
    return TemplateResponse(request, "cj/form_page.html", {**context, "media": screen.media + form.media})
