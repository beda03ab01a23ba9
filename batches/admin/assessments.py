"""Assessments: the list, making one, adding essays, and the page that says where one stands."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from batches import tasks
from batches.admin.assessment_forms import AssessmentForm, MoreEssays, NewAssessment
from batches.admin.base import Screen
from batches.admin.comparisons import ask_before_retrying
from batches.admin.deeds import Question, counted, deed
from batches.admin.exports import Exporting
from batches.admin.filters import one_of, own
from batches.admin.lab import lab_context
from batches.admin.labels import labelled
from batches.admin.permissions import may
from batches.admin.rosters import roster_view
from batches.admin.spending import question_before_submitting
from batches.admin.standing_page import standing_context
from batches.admin.states import COLOURS, count, state_of
from batches.admin.words import moment, page_of, usd
from batches.models import Assessment, Comparison, Round, Scale
from batches.pipeline import erase, load, retry
from batches.pipeline.plan import plan_rounds
from batches.pipeline.refused import Refused
from batches.pipeline.standing import Standing
from batches.pipeline.submit import force, let_go

Status = Comparison.Status


def waiting_rounds(request: HttpRequest, assessments: QuerySet[Any]) -> QuerySet[Round]:
    """Rounds of these assessments with comparisons that somebody has to let go."""
    held = Comparison.objects.filter(round=OuterRef("pk"), status=Status.PENDING, held=True)
    rounds = Round.objects.for_user(request.user).filter(assessment__in=assessments)
    return rounds.filter(Q(submitted_at=None) | Exists(held))


def failed_in(request: HttpRequest, assessments: QuerySet[Any]) -> QuerySet[Comparison]:
    mine = Comparison.objects.for_user(request.user)
    return mine.filter(round__assessment__in=assessments, status=Status.FAILED)


def ask_submit(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    return question_before_submitting(waiting_rounds(request, rows))


def ask_retry(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    return ask_before_retrying(screen, request, failed_in(request, rows))


def ask_purge(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    chosen = list(rows.filter(purged_at=None)[:20])
    if not chosen:
        raise Refused("These assessments were purged before.")
    facts = [(str(one), ", ".join(f"{n:,} {what}" for what, n in erase.preview(one).items() if n)) for one in chosen]
    return Question(
        title=f"Purge {counted(len(chosen), 'assessment')} for good?",
        facts=facts,
        button="Remove all texts for good",
        warnings=(
            (
                "Texts, justifications, raw answers and files are removed and cannot be brought back; scores, counts "
                "and money stay. Jobs under way are cancelled."
            ),
        ),
    )


def useful_actions(now: Standing) -> set[str]:
    """Actions that can do something with an assessment that stands there."""
    useful = {
        "plan": now.n_essays >= 2,
        "submit": now.unsubmitted + now.held > 0,
        "retry": now.failed > 0,
        "force": now.gathered > 0,
        "score": now.judged > 0,
        "purge": now.n_essays > 0 or now.comparisons > 0,
    }
    return {action for action, holds in useful.items() if holds}


@admin.register(Assessment)
class AssessmentScreen(Exporting, Screen):
    form = AssessmentForm
    deletable = True
    page_template = "cj/assessment.html"
    list_display = ("title", "project", "state", "progress", "essays", "money", "slug", "created")
    list_filter = (
        own("project"),
        one_of(
            "scale",
            "scale",
            published=(
                "published",
                Exists(Scale.objects.filter(assessment=OuterRef("pk"), published_at__isnull=False)),
            ),
            none=("none yet", ~Exists(Scale.objects.filter(assessment=OuterRef("pk")))),
        ),
    )
    list_select_related = ("project",)
    not_listed = ("rubric", "instructions")
    exact_search = ("pk", "slug__exact", "title__iexact")
    search_help_text = "Short name or title"
    ordering = ("-id",)
    actions = ("plan", "submit", "retry", "force", "score", "purge")
    has_purge_assessment_permission = may("purge_assessment")
    fieldsets = (
        (None, {"fields": ("title", "budget", "strategy", "judge")}),
        ("What the judge reads", {"fields": ("instructions", "rubric")}),
        ("Planning", {"fields": ("pairing", "target_reliability", "target_certain_grades", "deadline")}),
        ("Scaled scores", {"fields": ("scaled_mean", "scaled_sd")}),
    )
    has_plan_round_permission = may("plan_round")
    has_submit_round_permission = may("submit_round")
    has_retry_comparison_permission = may("retry_comparison")
    has_score_assessment_permission = may("score_assessment")
    has_load_essays_permission = may("load_essays")

    # List

    def dress(self, request: HttpRequest, rows: list[Any]) -> None:
        count(rows)

    @labelled("state", COLOURS)
    def state(self, row: Any) -> str:
        return state_of(row)

    @admin.display(description="resolved")
    def progress(self, row: Any) -> str:
        return f"{row.resolved:,} of {row.total:,}" if row.total else "–"

    @admin.display(description="essays")
    def essays(self, row: Any) -> str:
        return f"{row.n_essays:,}"

    @admin.display(description="spent of budget", ordering="spent_usd")
    def money(self, row: Assessment) -> str:
        return f"{usd(row.spent_usd)} of {usd(row.budget_usd)}"

    @admin.display(description="created", ordering="created_at")
    def created(self, row: Assessment) -> Any:
        return moment(row.created_at)

    # Actions

    @deed(permission="plan_round", title="Plan a round", icon="shuffle")
    def plan(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        wanted = request.POST.get("rounds") or "1"
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 6):
            raise Refused("Say how many rounds to plan with a whole number, such as 1.")
        planned = [one for row in rows for one in plan_rounds(row, actor=request.user, rounds=int(wanted))]
        n = sum(one.n_comparisons for one in planned)
        made = f"{counted(len(planned), 'round')} with {counted(n, 'comparison')}"
        return f"Planned {made}; nothing is sent until you submit."

    @deed(permission="submit_round", title="Submit", icon="send", confirm=ask_submit)
    def submit(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = let_go(waiting_rounds(request, rows), actor=request.user)
        tasks.ring()
        return f"Submitted {counted(n, 'comparison')}: they leave as soon as a worker takes them."

    @deed(permission="retry_comparison", title="Retry failed", icon="replay", confirm=ask_retry)
    def retry(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = retry.failed(failed_in(request, rows), actor=request.user)
        if not n:
            raise Refused("No comparison has failed here: there is nothing to retry.")
        tasks.ring()
        return f"{counted(n, 'failed comparison').capitalize()} will be asked again."

    @deed(permission="submit_round", title="Send what waits now", icon="bolt")
    def force(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = force(Comparison.objects.for_user(request.user).filter(round__assessment__in=rows), actor=request.user)
        tasks.ring()
        return f"{counted(n, 'comparison').capitalize()} will leave without waiting any longer."

    @deed(permission="score_assessment", title="Compute the scale", icon="leaderboard")
    def score(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        judged = Comparison.objects.filter(round__assessment=OuterRef("pk"), status=Status.JUDGED)
        ready = list(rows.filter(Exists(judged)))
        if not ready:
            raise Refused("Nothing has been judged here yet: a scale needs judgements.")
        asked = [tasks.ask_score(row.pk, request.user.pk) for row in ready]
        if not all(asked):
            raise Refused("The queue cannot be reached at the moment: start the workers, then try again.")
        return f"{counted(len(ready), 'scale').capitalize()} will be ready in a moment: load the page again."

    @deed(permission="purge_assessment", title="Purge texts", icon="delete_forever", confirm=ask_purge)
    def purge(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        done = [erase.purge(row, actor=request.user) for row in rows.filter(purged_at=None)]
        tasks.ring()
        waiting = sum(one.completed_at is None for one in done)
        more = " It is complete when the jobs under way have ended." if waiting else ""
        return f"Purged {counted(len(done), 'assessment')}: the certificate is under Erasures.{more}"

    # One assessment

    def page(self, request: HttpRequest, row: Assessment) -> dict[str, Any]:
        context = {**super().page(request, row), **standing_context(request, row)}
        context |= self.export_context(request, row, context["now"].latest_scale)
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
        return not row.rounds.exists()

    # Making one, and adding essays

    def get_urls(self) -> list[URLPattern]:
        essays = path(
            "<int:object_id>/essays/", self.admin_site.admin_view(self.essays_view), name="batches_assessment_essays"
        )
        laboratory = path(
            "<int:object_id>/lab/", self.admin_site.admin_view(self.lab_view), name="batches_assessment_lab"
        )
        names = path(
            "<int:object_id>/roster/", self.admin_site.admin_view(self.roster_view), name="batches_assessment_roster"
        )
        return [essays, laboratory, names, *self.export_urls(), *super().get_urls()]

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
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewAssessment(request.POST or None, request.FILES or None, request=request)
        if request.method == "POST" and form.is_valid():
            try:
                assessment, n = form.create(request.user)
            except Refused as problem:
                form.add_error(None, str(problem).splitlines())
            else:
                self.message_user(request, f"{assessment} is ready with {counted(n, 'essay')}.")
                return HttpResponseRedirect(page_of(assessment))
        return self._form_page(request, form, title="New assessment", button="Create this assessment")

    def essays_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        assessment = self.get_object(request, str(object_id))
        if assessment is None:
            raise Http404
        if not self.has_load_essays_permission(request):
            raise PermissionDenied
        form = MoreEssays(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            reading = form.cleaned_data["essays"]
            try:
                n = load.load_essays(assessment, reading, actor=request.user)
            except Refused as problem:
                form.add_error("essays", str(problem).splitlines())
            else:
                ignored = ", ".join(reading.ignored_columns[:10])
                left_out = f" Columns that were not used: {ignored}." if ignored else ""
                self.message_user(request, f"Loaded {counted(n, 'essay')}.{left_out}")
                return HttpResponseRedirect(page_of(assessment))
        return self._form_page(
            request, form, title=f"Add essays to {assessment}", button="Load these essays", original=assessment
        )

    def _form_page(self, request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, **context}
        return TemplateResponse(request, "cj/form_page.html", {**context, "media": self.media + form.media})
