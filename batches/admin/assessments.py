"""Assessments: the list, making one, adding essays, and the page that says where one stands."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from batches import tasks
from batches.admin import live, upload, wizard
from batches.admin.assessment_deeds import (
    ask_purge,
    ask_retry,
    ask_submit,
    failed_in,
    useful_actions,
    waiting_rounds,
)
from batches.admin.assessment_forms import AssessmentForm
from batches.admin.base import Screen
from batches.admin.budget import BudgetDeed
from batches.admin.deeds import deed
from batches.admin.exports import Exporting
from batches.admin.filters import OfProbes, one_of, own
from batches.admin.lab import lab_context
from batches.admin.labels import labelled
from batches.admin.people_page import PeopleDeeds, people_urls
from batches.admin.permissions import may
from batches.admin.rosters import roster_view
from batches.admin.spending import submit_once
from batches.admin.standing_page import live_context, live_state, standing_context
from batches.admin.states import COLOURS, count, state_of
from batches.admin.words import moment, page_of, usd
from batches.models import Assessment, Comparison, Scale
from batches.pipeline import erase, load, retry
from batches.pipeline.plan import plan_rounds
from batches.pipeline.progress import progress
from batches.pipeline.refused import Refused
from batches.pipeline.standing import look
from batches.pipeline.submit import force

Status = Comparison.Status


@admin.register(Assessment)
class AssessmentScreen(PeopleDeeds, BudgetDeed, Exporting, Screen):
    nothing_yet = gettext_lazy("An assessment is a set of essays that are compared with one another.")
    add_words = gettext_lazy("New assessment")
    form = AssessmentForm
    deletable = True
    page_template = "cj/assessment.html"
    list_display = ("title", "project", "state", "progress", "essays", "money", "slug", "created")
    list_filter = (
        own("project"),
        one_of(
            gettext_lazy("scale"),
            "scale",
            published=(
                gettext_lazy("published"),
                Exists(Scale.objects.filter(assessment=OuterRef("pk"), published_at__isnull=False)),
            ),
            none=(gettext_lazy("none yet"), ~Exists(Scale.objects.filter(assessment=OuterRef("pk")))),
        ),
        OfProbes,
    )
    not_listed = ("rubric", "instructions")
    exact_search = ("pk", "slug__exact", "title__iexact")
    search_help_text = gettext_lazy("Short name or title")
    ordering = ("-id",)
    actions = ("plan", "submit", "retry", "force", "score", "budget", "call_back", "purge")
    has_purge_assessment_permission = may("purge_assessment")
    fieldsets = (
        (None, {"fields": ("title", "strategy", "judge")}),
        (gettext_lazy("What the judge reads"), {"fields": ("instructions", "rubric")}),
        (gettext_lazy("Planning"), {"fields": ("pairing", "target_reliability", "target_certain_grades", "deadline")}),
        (gettext_lazy("Scaled scores"), {"fields": ("scaled_mean", "scaled_sd")}),
    )
    has_plan_round_permission = may("plan_round")
    has_submit_round_permission = may("submit_round")
    has_retry_comparison_permission = may("retry_comparison")
    has_score_assessment_permission = may("score_assessment")
    has_load_essays_permission = may("load_essays")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("project")

    # List

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        count(rows)

    @labelled("state", COLOURS)
    def state(self, row: Any) -> str:
        return state_of(row)

    @admin.display(description=gettext_lazy("resolved"))
    def progress(self, row: Any) -> str:
        told = _("{n} of {all}").format(n=f"{row.resolved:,}", all=f"{row.total:,}")
        return told if row.total else "–"

    @admin.display(description=gettext_lazy("essays"))
    def essays(self, row: Any) -> str:
        return f"{row.n_essays:,}"

    @admin.display(description=gettext_lazy("spent of budget"), ordering="spent_usd")
    def money(self, row: Assessment) -> str:
        return _("{n} of {all}").format(n=usd(row.spent_usd), all=usd(row.budget_usd))

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created(self, row: Assessment) -> Any:
        return moment(row.created_at)

    # Actions

    @deed(permission="plan_round", title=gettext_lazy("Plan a round"), icon="shuffle")
    def plan(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        wanted = request.POST.get("rounds") or "1"
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 6):
            raise Refused(_("Say how many rounds to plan with a whole number, such as 1."))
        planned = [one for row in rows for one in plan_rounds(row, actor=request.user, rounds=int(wanted))]
        n = sum(one.n_comparisons for one in planned)
        rounds = ngettext("{n} round", "{n} rounds", len(planned)).format(n=f"{len(planned):,}")
        comparisons = ngettext("{n} comparison", "{n} comparisons", n).format(n=f"{n:,}")
        made = _("Planned {rounds} with {comparisons}; nothing is sent until you submit.")
        return made.format(rounds=rounds, comparisons=comparisons)

    @deed(permission="submit_round", title=gettext_lazy("Submit"), icon="send", confirm=ask_submit)
    def submit(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        return submit_once(request, waiting_rounds(request, rows))

    @deed(permission="retry_comparison", title=gettext_lazy("Retry failed"), icon="replay", confirm=ask_retry)
    def retry(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = retry.failed(failed_in(request, rows), actor=request.user)
        if not n:
            raise Refused(_("No comparison has failed here: there is nothing to retry."))
        tasks.ring()
        told = ngettext("{n} failed comparison will be asked again.", "{n} failed comparisons will be asked again.", n)
        return told.format(n=f"{n:,}")

    @deed(permission="submit_round", title=gettext_lazy("Send what waits now"), icon="bolt")
    def force(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = force(Comparison.objects.for_user(request.user).filter(round__assessment__in=rows), actor=request.user)
        tasks.ring()
        told = ngettext(
            "{n} comparison will leave without waiting any longer.",
            "{n} comparisons will leave without waiting any longer.",
            n,
        )
        return told.format(n=f"{n:,}")

    @deed(permission="score_assessment", title=gettext_lazy("Compute the scale"), icon="leaderboard")
    def score(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        judged = Comparison.objects.filter(round__assessment=OuterRef("pk"), status=Status.JUDGED)
        ready = list(rows.filter(Exists(judged)))
        if not ready:
            raise Refused(_("Nothing has been judged here yet: a scale needs judgements."))
        asked = [tasks.ask_score(row.pk, request.user.pk) for row in ready]
        if not all(asked):
            raise Refused(_("The queue cannot be reached at the moment: start the workers, then try again."))
        told = ngettext("{n} scale will be ready in a moment.", "{n} scales will be ready in a moment.", len(ready))
        return told.format(n=len(ready))

    @deed(permission="purge_assessment", title=gettext_lazy("Purge texts"), icon="delete_forever", confirm=ask_purge)
    def purge(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        done = [erase.purge(row, actor=request.user) for row in rows.filter(purged_at=None)]
        tasks.ring()
        waiting = sum(one.completed_at is None for one in done)
        told = ngettext(
            "Purged {n} assessment: the certificate is under Erasures.",
            "Purged {n} assessments: the certificates are under Erasures.",
            len(done),
        ).format(n=len(done))
        return " ".join([told, _("It is complete when the jobs under way have ended.")]) if waiting else told

    # One assessment

    def page(self, request: HttpRequest, row: Assessment) -> dict[str, Any]:
        standing = standing_context(request, row)
        row.is_planned = bool(standing["now"].n_rounds)  # type: ignore[attr-defined]  # so that nobody asks again
        context = {**super().page(request, row), **standing}
        context |= self.export_context(request, row, context["now"].latest_scale)
        return self._with_useful_buttons(context)

    def live_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What moves on an assessment's page, for a page that asks every few seconds; 304 while nothing has."""
        assessment = self.get_object(request, str(object_id))
        if assessment is None:
            raise Http404
        if not self.has_view_permission(request, assessment):
            raise PermissionDenied
        now = progress(assessment)
        state = now, live_state(now), request.user.pk, get_language()
        if answer := live.unchanged(request, *state):
            return answer
        context = {"opts": self.opts, "original": assessment, "buttons": self.buttons(request, assessment)}
        context = self._with_useful_buttons(context | live_context(request, assessment, look(assessment, now=now)))
        response = TemplateResponse(request, "cj/assessment_live.html", context)
        return live.dress(response, live.etag_of(*state))

    def _with_useful_buttons(self, context: dict[str, Any]) -> dict[str, Any]:
        useful = useful_actions(context["now"])
        return context | {"buttons": [button for button in context["buttons"] if button["name"] in useful]}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What judges have read while judging stays as it was."""
        submitted = obj is not None and obj.rounds.filter(submitted_at__isnull=False).exists()
        return ("instructions", "rubric") if submitted else ()

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if isinstance(form, AssessmentForm):
            form.put_in_force(obj)

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except Refused as problem:  # only from put_in_force: the transaction around it is rolled back
            self.message_user(request, str(problem), "ERROR")
            return HttpResponseRedirect(request.get_full_path())

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(page_of(obj))

    def may_go(self, row: Assessment) -> bool:
        return not (row.is_planned if hasattr(row, "is_planned") else row.rounds.exists())

    # Making one, and adding essays

    def get_urls(self) -> list[URLPattern]:
        ours = {
            "<int:object_id>/essays/": ("essays", upload.receives_files(self.essays_view)),
            "<int:object_id>/live/": ("live", self.live_view),
            "<int:object_id>/lab/": ("lab", self.lab_view),
            "<int:object_id>/roster/": ("roster", self.roster_view),
            "new/<int:sketch_id>/discard/": ("discard", partial(wizard.discard, self)),
            "new/<int:sketch_id>/essays/": ("upload", upload.receives_files(partial(wizard.essays, self))),
            "new/<int:sketch_id>/<slug:name>/": ("sketch", partial(wizard.step, self)),
        }
        return [
            *(
                path(route, self.admin_site.admin_view(view), name=f"batches_assessment_{name}")
                for route, (name, view) in ours.items()
            ),
            *people_urls(self),
            *self.export_urls(),
            *super().get_urls(),
        ]

    def roster_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return roster_view(self, request, object_id)

    def lab_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        assessment = self.get_object(request, str(object_id))
        if assessment is None:
            raise Http404
        if not self.has_view_permission(request, assessment):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "opts": self.opts, "original": assessment}
        return TemplateResponse(request, "cj/lab.html", {**context, **lab_context(assessment), "media": self.media})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return wizard.begin(self, request)

    def essays_view(self, request: HttpRequest, object_id: int, *, read: upload.Read) -> HttpResponse:
        assessment = self.get_object(request, str(object_id))
        if assessment is None:
            raise Http404
        if not self.has_load_essays_permission(request):
            raise PermissionDenied
        reading = read()
        problems = upload.problems(reading) if reading else []
        if reading and not problems:
            try:
                n = load.load_essays(assessment, reading, actor=request.user)
            except Refused as problem:
                problems = upload.whole(str(problem))
            else:
                self.message_user(request, upload.loaded(n, reading))
                return HttpResponseRedirect(page_of(assessment))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": assessment,
            "title": _("Add essays to {title}").format(title=assessment),
            "problems": problems,
            "n_problems": len(reading.problems) or 1 if reading else 0,
            "accepted": upload.FILES,
            "media": self.media,
        }
        return TemplateResponse(request, "cj/add_essays.html", context)
