"""A new assessment in four short steps: what is judged, the essays, who judges at what price, and a look at it all."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from batches import tasks
from batches.admin import live, upload, wizard_forms
from batches.admin.access import visible
from batches.admin.wizard_preview import preview, progress_of
from batches.admin.words import page_of
from batches.models import Project, Sketch
from batches.pipeline import panel, sketches
from batches.pipeline.refused import Refused

STEPS = {
    "basics": gettext_lazy("What is judged"),
    "essays": gettext_lazy("Essays"),
    "judging": gettext_lazy("Judges and money"),
    "check": gettext_lazy("Check and create"),
}


def address(sketch: Sketch, step: str) -> str:
    if step == "essays":
        return reverse("admin:batches_assessment_upload", args=[sketch.pk])
    return reverse("admin:batches_assessment_sketch", args=[sketch.pk, step])


def begin(screen: Any, request: HttpRequest) -> HttpResponse:
    """The first step. Nothing is kept until it is sent; then it takes the place of what was begun before."""
    _check_may_add(screen, request)
    form = wizard_forms.Basics(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        sketch = sketches.begin(request.user, form.cleaned_data["project"], form.given())
        return HttpResponseRedirect(address(sketch, "essays"))
    begun = visible(Sketch, request.user).first()
    return _page(screen, request, begun=begun, step="basics", form=form, reachable=["basics"])


def step(screen: Any, request: HttpRequest, *, sketch_id: int, name: str) -> HttpResponse:
    """A step of a sketch that is the person's own."""
    _check_may_add(screen, request)
    steps = {"basics": _basics, "judging": _judging, "check": _check}
    if name not in steps:
        raise Http404
    sketch = _own(request, sketch_id)
    return _gone(screen, request) if sketch is None else steps[name](screen, request, sketch)


def essays(screen: Any, request: HttpRequest, *, sketch_id: int, read: upload.Read) -> HttpResponse:
    """The step that takes files."""
    _check_may_add(screen, request)
    sketch = _own(request, sketch_id)
    return _gone(screen, request) if sketch is None else _essays(screen, request, sketch, read)


def _own(request: HttpRequest, sketch_id: int) -> Sketch | None:
    found: Sketch | None = visible(Sketch, request.user).filter(pk=sketch_id).select_related("project").first()
    return found


def _gone(screen: Any, request: HttpRequest) -> HttpResponse:
    gone = _("This assessment was created, or discarded, before: look for it in the list.")
    screen.message_user(request, gone, messages.WARNING)
    return HttpResponseRedirect(reverse("admin:batches_assessment_changelist"))


def discard(screen: Any, request: HttpRequest, *, sketch_id: int) -> HttpResponse:
    """Throw a sketch away, with all that was read for it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    _check_may_add(screen, request)
    for sketch in visible(Sketch, request.user).filter(pk=sketch_id):
        sketches.discard(sketch)
        screen.message_user(request, _("Nothing is kept of the assessment that you had begun."))
    return HttpResponseRedirect(reverse("admin:batches_assessment_changelist"))


def _check_may_add(screen: Any, request: HttpRequest) -> None:
    if not screen.has_add_permission(request):
        raise PermissionDenied


def _basics(screen: Any, request: HttpRequest, sketch: Sketch) -> HttpResponse:
    initial = sketch.given | {"project": sketch.project_id}
    form = wizard_forms.Basics(request.POST or None, request=request, initial=initial)
    if request.method == "POST" and form.is_valid():
        project: Project = form.cleaned_data["project"]
        sketches.remember(sketch, form.given(), project=project)
        return HttpResponseRedirect(address(sketch, "essays"))
    return _page(screen, request, sketch=sketch, step="basics", form=form)


def _essays(screen: Any, request: HttpRequest, sketch: Sketch, read: upload.Read) -> HttpResponse:
    """Read an upload, and keep it only where nothing is wrong with it."""
    may_load = screen.has_load_essays_permission(request)
    found = None
    if request.method == "POST":
        if not may_load:
            raise PermissionDenied
        if "forget" in request.POST:
            sketches.forget_essays(sketch)
            return HttpResponseRedirect(request.path)
        found = read()
        if found is None:
            return HttpResponseRedirect(address(sketch, "judging"))
        if not found.problems:
            n = sketches.keep_essays(sketch, found, source=upload.source_of(request))
            tasks.ask_look_through(sketch.pk)
            screen.message_user(request, ngettext("{n} essay was read.", "{n} essays were read.", n).format(n=f"{n:,}"))
            return HttpResponseRedirect(address(sketch, "judging"))
    return _page(
        screen,
        request,
        sketch=sketch,
        step="essays",
        problems=upload.problems(found) if found else [],
        n_problems=len(found.problems) if found else 0,
        n_read=sketch.essays.count(),
        may_load=may_load,
        accepted=upload.FILES,
    )


def _judging(screen: Any, request: HttpRequest, sketch: Sketch) -> HttpResponse:
    if "people" in request.POST and not request.user.has_perm(panel.PERMISSION):
        raise PermissionDenied
    whose = {"project": sketch.project, "user": request.user}
    form = wizard_forms.Judging(request.POST or None, initial=sketch.given, **whose)
    if request.method == "POST" and form.is_valid():
        sketches.remember(sketch, form.given())
        return HttpResponseRedirect(address(sketch, "check"))
    chosen = form.data.get("strategy", "") if form.is_bound else sketch.given.get("strategy", "")
    strategies = [
        {"value": value, "name": label, "why": why, "chosen": value == chosen}
        for value, label, why in wizard_forms.strategy_choices()
    ]
    groups = wizard_forms.judge_groups(form["judges"].value() or [])
    context = {"strategies": strategies, "judges": groups, "media": screen.media + form.media}
    return _page(screen, request, sketch=sketch, step="judging", form=form, **context)


def _check(screen: Any, request: HttpRequest, sketch: Sketch) -> HttpResponse:
    if "judges" not in sketch.given:
        return HttpResponseRedirect(address(sketch, "judging"))
    if request.method == "POST":
        try:
            assessment = sketches.create(sketch, actor=request.user)
        except Refused as problem:
            screen.message_user(request, str(problem), messages.ERROR)
            return HttpResponseRedirect(request.path)
        screen.message_user(request, _("{title} is ready.").format(title=assessment))
        return HttpResponseRedirect(page_of(assessment))
    if "live" in request.GET:
        now = progress_of(sketch)
        page = partial(_page, screen, request, template="cj/wizard_flags.html", sketch=sketch, step="check")
        return live.unchanged(request, now) or live.dress(page(progress=now), live.etag_of(now))
    if progress_of(sketch)["waiting"]:
        tasks.ask_look_through(sketch.pk)
    return _page(screen, request, sketch=sketch, step="check", **preview(sketch, actor=request.user))


def _page(
    screen: Any,
    request: HttpRequest,
    *,
    step: str,
    sketch: Sketch | None = None,
    template: str = "cj/wizard.html",
    reachable: list[str] | None = None,
    **context: Any,
) -> HttpResponse:
    names = list(STEPS)
    open_steps = names[: 4 if sketch and "judges" in sketch.given else 3] if reachable is None else reachable
    steps = [
        {
            "title": title,
            "href": address(sketch, name) if sketch and name in open_steps else "",
            "now": name == step,
            "done": names.index(name) < names.index(step),
        }
        for name, title in STEPS.items()
    ]
    before = names.index(step) - 1
    return TemplateResponse(
        request,
        template,
        {
            **screen.admin_site.each_context(request),
            "opts": screen.opts,
            "media": screen.media,
            "title": _("New assessment"),
            "sketch": sketch,
            "step": step,
            "step_number": names.index(step) + 1,
            "step_title": STEPS[step],
            "steps": steps,
            "back": address(sketch, names[before]) if sketch and before >= 0 else "",
            **context,
        },
    )
