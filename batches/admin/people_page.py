"""The people who judge an assessment: who they are, how far they have come, and how they agree with the model."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from batches.admin.deeds import Question, deed
from batches.admin.people_forms import NameForm, ShareForm
from batches.admin.permissions import may
from batches.conf import cj_settings
from batches.models import Assessment
from batches.numbers import exact_percent
from batches.pipeline import agreement, panel
from batches.pipeline.refused import Refused


def people_urls(screen: Any) -> list[URLPattern]:
    """The addresses of these pages, below an assessment's."""

    def at(end: str, view: Any, name: str) -> URLPattern:
        def shown(request: HttpRequest, object_id: int) -> HttpResponse:
            return view(screen, request, _assessment(screen, request, object_id))

        return path(f"<int:object_id>/{end}", screen.admin_site.admin_view(shown), name=f"batches_assessment_{name}")

    return [
        at("people/", people_view, "people"),
        at("agreement/", agreement_view, "agreement"),
        at("agreement.json", agreement_json, "agreement_json"),
        at("agreement.txt", agreement_text, "agreement_text"),
    ]


def _assessment(screen: Any, request: HttpRequest, object_id: int) -> Assessment:
    found = screen.get_object(request, str(object_id))
    if found is None:
        raise Http404
    if not screen.has_view_permission(request, found):
        raise PermissionDenied
    return found


def people_view(screen: Any, request: HttpRequest, assessment: Assessment) -> HttpResponse:
    """Who judges; for those who may, forms that change it."""
    if request.method == "POST":
        if not request.user.has_perm(panel.PERMISSION):
            raise PermissionDenied
        if (done := _do(screen, request, assessment)) is None:
            return HttpResponseRedirect(reverse("admin:batches_assessment_people", args=[assessment.pk]))
        forms_shown = done
    else:
        forms_shown = _forms(request, assessment)
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "original": assessment,
        "title": _("People who judge"),
        "people": panel.people(assessment),
        "left": panel.left(assessment),
        "may_name": request.user.has_perm(panel.PERMISSION) and not assessment.purged_at,
        "share": exact_percent(cj_settings.of(assessment.overrides).human_share),
        **forms_shown,
    }
    media = screen.media + forms_shown["naming"].media
    return TemplateResponse(request, "cj/people_page.html", {**context, "media": media})


def _forms(request: HttpRequest, assessment: Assessment) -> dict[str, Any]:
    return {"naming": NameForm(of=assessment, user=request.user), "sharing": ShareForm(of=assessment)}


def _do(screen: Any, request: HttpRequest, assessment: Assessment) -> dict[str, Any] | None:
    """Do what was asked; the forms to be shown again where something in them is wrong."""
    act = ACTS.get(request.POST.get("do", ""))
    if act is None:
        raise BadRequest(_("There is no such thing to do here."))
    shown = _forms(request, assessment)
    try:
        said = act(request, assessment, shown)
    except Refused as no:
        screen.message_user(request, str(no), messages.ERROR)
        return None
    if said is None:
        return shown
    screen.message_user(request, said, messages.SUCCESS)
    return None


def _name(request: HttpRequest, assessment: Assessment, shown: dict[str, Any]) -> str | None:
    form = shown["naming"] = NameForm(request.POST, of=assessment, user=request.user)
    if not form.is_valid():
        return None
    given = form.cleaned_data
    panel.name_judge(assessment, given["username"], quota=given["quota"], actor=request.user)
    return _("%(person)s judges here.") % {"person": given["username"]}


def _share(request: HttpRequest, assessment: Assessment, shown: dict[str, Any]) -> str | None:
    form = shown["sharing"] = ShareForm(request.POST, of=assessment)
    if not form.is_valid():
        return None
    percent = form.cleaned_data["share"]
    share = None if percent is None else percent / 100
    panel.set_share(assessment, share, form.cleaned_data["pairs"], actor=request.user)
    return _("This holds for the rounds planned from now on.")


def _drop(request: HttpRequest, assessment: Assessment, shown: dict[str, Any]) -> str:
    username = request.POST.get("username", "")
    panel.drop_judge(assessment, username, actor=request.user)
    return _("%(person)s no longer judges here; what they have judged stays.") % {"person": username}


ACTS: dict[str, Any] = {"name": _name, "share": _share, "drop": _drop}


def agreement_view(screen: Any, request: HttpRequest, assessment: Assessment) -> HttpResponse:
    """People against the model, to be read."""
    context = {
        **screen.admin_site.each_context(request),
        "opts": screen.opts,
        "original": assessment,
        "title": _("People and model"),
        "report": agreement.report(assessment),
        "media": screen.media,
    }
    return TemplateResponse(request, "cj/agreement.html", context)


def agreement_json(screen: Any, request: HttpRequest, assessment: Assessment) -> HttpResponse:
    return JsonResponse(agreement.report(assessment), json_dumps_params={"indent": 1, "allow_nan": False})


def agreement_text(screen: Any, request: HttpRequest, assessment: Assessment) -> HttpResponse:
    text = "\n".join(agreement.lines(agreement.report(assessment))) + "\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def ask_call_back(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    n = sum(panel.left(row) for row in rows[:100])
    if not n:
        raise Refused(_("Nothing waits for people here."))
    return Question(
        title=_("Take back what waits for people?"),
        facts=[(_("Comparisons that nobody has judged yet"), f"{n:,}")],
        button=_("Take them back"),
        warnings=(_("They are withdrawn for good, drafts included. What people have judged stays."),),
    )


class PeopleDeeds:
    """The button of a screen that shows assessments."""

    has_name_judges_permission = may("name_judges")

    @deed(
        permission="name_judges", title=gettext_lazy("Take back from people"), icon="person_off", confirm=ask_call_back
    )
    def call_back(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = sum(panel.call_back(row, actor=request.user) for row in rows if panel.left(row))
        if not n:
            raise Refused(_("Nothing waits for people here."))
        return ngettext("%(n)s comparison was withdrawn.", "%(n)s comparisons were withdrawn.", n) % {"n": f"{n:,}"}
