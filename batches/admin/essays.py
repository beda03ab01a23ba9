"""Essays: the list, one essay with everything it was compared with, and adding or correcting one by hand."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from batches import tasks
from batches.admin.base import Screen
from batches.admin.comparison_page import expected_words
from batches.admin.deeds import Question, counted, deed
from batches.admin.filters import EssaysOfProbes, one_of, own
from batches.admin.flags import PASSAGE, ask_before_judging_again, flagged, flags_of, the_one_essay
from batches.admin.forms import RowForm
from batches.admin.labels import labelled
from batches.admin.page_images import page_addresses, page_view
from batches.admin.permissions import may
from batches.admin.told import told
from batches.admin.words import COMPARISON_COLOURS, link, moment, reason_words
from batches.conf import cj_settings
from batches.essays.clean import BadEssay
from batches.essays.fields import candidate_code, essay_text
from batches.models import AuditEntry, Comparison, Essay, Flag, Score
from batches.numbers import grouped
from batches.pipeline import erase, roster, suspect
from batches.pipeline.expected import of_assessment
from batches.pipeline.fits import check_essays
from batches.pipeline.held import held
from batches.pipeline.refused import Refused

MOST_SHOWN = 100


class EssayForm(RowForm):
    class Meta:
        model = Essay
        fields = ("assessment", "candidate", "text", "anchor_score")

    def clean_candidate(self) -> str:
        return str(_as_loaded(candidate_code, self.cleaned_data["candidate"]))

    def clean_text(self) -> str:
        return str(_as_loaded(essay_text, self.cleaned_data["text"]))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        assessment = cleaned.get("assessment") or getattr(self.instance, "assessment", None)
        if assessment and cleaned.get("text"):
            try:
                check_essays(assessment, [(cleaned.get("candidate", ""), cleaned["text"], 0)])
            except Refused as problem:
                self.add_error("text", told(problem))
        return cleaned


def _as_loaded(rule: Any, written: str) -> Any:
    """The same rule as for essays from a file."""
    try:
        return rule(written)
    except BadEssay as problem:
        raise ValidationError(told(problem)) from None


def ask_withdraw(screen: Any, request: HttpRequest, rows: QuerySet[Any]) -> Question:
    chosen = list(rows.filter(withdrawn_at=None)[:50])
    if not chosen:
        raise Refused(_("These pupils were withdrawn before."))
    met = Comparison.objects.filter(Q(essay_a__in=chosen) | Q(essay_b__in=chosen)).count()
    return Question(
        title=_("Withdraw %(pupils)s for good?") % {"pupils": counted(len(chosen), "pupil")},
        facts=[(_("Candidates"), ", ".join(map(str, chosen))), (_("Comparisons that no longer count"), grouped(met))],
        button=_("Withdraw for good"),
        for_good=True,
        warnings=(
            (
                _(
                    "The text, the justifications and the answers about it are removed at once and cannot be "
                    "brought back. Answers under way are discarded when they arrive; what they cost is paid."
                )
            ),
        ),
    )


@admin.register(Essay)
class EssayScreen(Screen):
    nothing_yet = gettext_lazy("Essays are loaded on the page of their assessment.")
    form = EssayForm
    deletable = True
    page_template = "cj/essay.html"
    list_display = ("candidate", "assessment_link", "n_words", "n_pages", "anchor_score", "state", "created")
    list_filter = (
        own("assessment"),
        one_of(
            gettext_lazy("state"),
            "state",
            live=(gettext_lazy("in use"), Q(erased_at=None)),
            out=(gettext_lazy("withdrawn"), Q(withdrawn_at__isnull=False)),
            purged=(gettext_lazy("purged"), Q(withdrawn_at=None, erased_at__isnull=False)),
        ),
        one_of(gettext_lazy("second look"), "flagged", **flagged()),
        EssaysOfProbes,
    )
    list_select_related = ("assessment",)
    not_listed = ("text", "assessment__rubric", "assessment__instructions")
    kept_true = ("text_sha256", "n_words")
    exact_search = ("pk", "candidate__exact")
    search_help_text = gettext_lazy("Candidate, exactly as loaded")
    ordering = ("-id",)
    fields = ("assessment", "candidate", "text", "anchor_score")
    actions = ("judge_again", "harmless", "put_back", "withdraw")
    has_decide_flag_permission = may("decide_flag")

    @deed(
        permission="decide_flag",
        title=gettext_lazy("Judge again without it"),
        icon="content_cut",
        confirm=ask_before_judging_again,
    )
    def judge_again(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        essay = the_one_essay(rows)
        spans = [*suspect.passages(essay), *suspect.find(essay, request.POST.get(PASSAGE, ""))]
        strategy = cj_settings.of(essay.assessment.overrides).llm_batching_strategy
        cj_round = suspect.judge_again(essay, spans, actor=request.user, strategy=strategy)
        return _("Round %(number)s with %(comparisons)s is planned: submit it next.") % {
            "number": cj_round.number,
            "comparisons": counted(cj_round.n_comparisons, "comparison"),
        }

    @deed(permission="decide_flag", title=gettext_lazy("It is harmless"), icon="thumb_up")
    def harmless(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = suspect.harmless(Flag.objects.filter(essay__in=rows), actor=request.user)
        return _("%(flags)s decided: harmless. The judgements stay as they are.") % {
            "flags": capfirst(counted(n, "flag"))
        }

    @deed(permission="decide_flag", title=gettext_lazy("Use its judgements again"), icon="undo")
    def put_back(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        n = suspect.put_back(the_one_essay(rows), actor=request.user)
        return _("%(judgements)s put back; judges read the whole essay again.") % {
            "judgements": capfirst(counted(n, "judgement"))
        }

    def senseless(self, row: Essay) -> set[str]:
        is_open = any(flag.verdict == "" for flag in row.flags.all())
        useless = set() if is_open else {"harmless"}
        if row.withdrawn_at:
            useless.add("withdraw")
        if not self._compared(row) or row.erased_at:
            useless.add("judge_again")
        return useless if row.left_out or row.set_aside.exists() else useless | {"put_back"}

    has_withdraw_essay_permission = may("withdraw_essay")
    has_export_candidate_permission = may("export_candidate")

    @deed(
        permission="withdraw_essay",
        title=gettext_lazy("Withdraw this pupil"),
        icon="person_remove",
        confirm=ask_withdraw,
    )
    def withdraw(self, request: HttpRequest, rows: QuerySet[Any]) -> str:
        done = [erase.withdraw(essay, actor=request.user) for essay in rows.filter(withdrawn_at=None)]
        for assessment, user in {(one.assessment_id, request.user.pk) for one in done}:
            tasks.ask_score(assessment, user)
        waiting = sum(one.completed_at is None for one in done)
        told = _("Withdrew %(pupils)s: the certificate is under Erasures.") % {"pupils": counted(len(done), "pupil")}
        if not waiting:
            return told
        later = ngettext(
            "%(n)s of them is complete when jobs under way have ended.",
            "%(n)s of them are complete when jobs under way have ended.",
            waiting,
        )
        return " ".join([told, later % {"n": waiting}])

    def get_urls(self) -> list[URLPattern]:
        all_held = path("<int:object_id>/held/", self.admin_site.admin_view(self.held_view), name="batches_essay_held")
        page = path(
            "<int:object_id>/pages/<int:number>/", self.admin_site.admin_view(self.page_view), name="batches_essay_page"
        )
        return [all_held, page, *super().get_urls()]

    def page_view(self, request: HttpRequest, object_id: int, number: int) -> HttpResponse:
        return page_view(self, request, object_id, number)

    def held_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """All that is held on this candidate, as a file; a POST, because it is put on record."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        if not self.has_export_candidate_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        project = row.assessment.project
        found = held(project, row.candidate)
        AuditEntry.record("export candidate", row, actor=request.user, project=project, essays=len(found["essays"]))
        return JsonResponse(found, headers={"Content-Disposition": 'attachment; filename="candidate.json"'})

    @admin.display(description=gettext_lazy("assessment"))
    def assessment_link(self, row: Essay) -> Any:
        return link(row.assessment)

    @labelled(
        gettext_lazy("state"),
        {gettext_noop("in use"): "success", gettext_noop("withdrawn"): "", gettext_noop("purged"): ""},
    )
    def state(self, row: Essay) -> str:
        return "withdrawn" if row.withdrawn_at else "purged" if row.erased_at else "in use"

    @admin.display(description=gettext_lazy("loaded"), ordering="created_at")
    def created(self, row: Essay) -> Any:
        return moment(row.created_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was read to a judge stays as it was read."""
        if obj is None:
            return ()
        return ("assessment", "candidate", "text") if self._compared(obj) else ("assessment",)

    def may_go(self, row: Essay) -> bool:
        return not self._compared(row)

    def save_model(self, request: HttpRequest, obj: Essay, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        roster.recount([obj.assessment], essays=Essay.objects.filter(pk=obj.pk))

    def _compared(self, row: Essay) -> bool:
        known = getattr(row, "is_compared", None)  # by the page that lists what it was compared with
        return Comparison.objects.filter(Q(essay_a=row) | Q(essay_b=row)).exists() if known is None else known

    def page(self, request: HttpRequest, row: Essay) -> dict[str, Any]:
        found = Comparison.objects.filter(Q(essay_a=row) | Q(essay_b=row)).order_by("-id")
        found = found.select_related("round", "essay_a", "essay_b", "judge__account", "judge__user", "judgement")
        found = found.defer("essay_a__text", "essay_b__text", "judgement__justification")
        comparisons = list(found[: MOST_SHOWN + 1])
        row.is_compared = bool(comparisons)  # type: ignore[attr-defined]
        prefetch_related_objects([row], Prefetch("flags", Flag.objects.select_related("decided_by")))
        chances = of_assessment(row.assessment, comparisons)
        met = [_met(comparison, row, chances[comparison.pk]) for comparison in comparisons]
        scores = Score.objects.filter(essay=row).select_related("scale__assessment").defer("scale__judgement_ids")
        return {
            **super().page(request, row),
            "title": row.candidate,
            "may_export": request.user.has_perm("batches.export_candidate"),
            "leaves": roster.as_it_leaves(row),
            "flags": flags_of(row),
            "met": met[:MOST_SHOWN],
            "results": _results(met[:MOST_SHOWN]),
            "pages": page_addresses(row),
            "more": len(met) > MOST_SHOWN,
            "scores": scores.order_by("-scale__number")[:10],
        }


def _results(met: list[dict[str, Any]]) -> dict[str, int]:
    """How often it won of how often it was judged, and how many of these judgements the scores did not expect."""
    judged = [one for one in met if one["result"]]
    surprising = [one for one in judged if one["expected"] and one["expected"]["colour"] == "danger"]
    return {"won": sum(one["won"] for one in judged), "judged": len(judged), "surprising": len(surprising)}


def _met(comparison: Comparison, essay: Essay, chance: float | None) -> dict[str, Any]:
    """One comparison, seen from one of its essays."""
    first = comparison.essay_a_id == essay.pk
    judgement = getattr(comparison, "judgement", None)
    won = judgement is not None and (judgement.winner == "A") == first
    return {
        "comparison": comparison,
        "other": comparison.essay_b if first else comparison.essay_a,
        "read": _("first") if first else _("second"),
        "colour": COMPARISON_COLOURS[comparison.status],
        "won": won,
        "result": (_("won") if won else _("lost")) if judgement else "",
        "expected": expected_words(chance),
        "confidence": judgement.confidence if judgement else None,
        "reason": reason_words(comparison.fail_reason),
    }
