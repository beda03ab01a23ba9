"""The pages on which people judge: where they may, and one pair at a time. Nothing else of an assessment is here."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from batches.admin.forms import PlainForm
from batches.admin.ids import id_in
from batches.models import AssessmentJudge, Claim
from batches.pipeline import claims
from batches.pipeline.reading import page, reading
from batches.pipeline.refused import Refused

PERMISSION = "batches.judge_comparison"
View = Callable[..., HttpResponse]


def for_judges(view: View) -> View:
    """Only for people who may judge, logged in through the admin's own door."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    guard: View = admin.site.admin_view(guarded)
    return guard


def seat_of(request: HttpRequest, assessment: int) -> AssessmentJudge:
    """Where this person judges; anything else is not there."""
    seat = claims.seats(request.user).filter(assessment=assessment).first()
    if seat is None:
        raise Http404
    return seat


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The assessments in which this person is named as a judge."""
    seats = claims.seats(request.user).order_by("-assessment")
    rows = [{"seat": seat, "progress": claims.progress(seat), "in_hand": claims.in_hand(seat)} for seat in seats]
    return TemplateResponse(request, "cj/judging_mine.html", {"rows": rows, "title": _("Judging")})


@require_http_methods(["GET", "POST"])
def desk(request: HttpRequest, assessment: int) -> HttpResponse:
    """One pair, and what may be done with it."""
    seat = seat_of(request, assessment)
    if request.method == "POST":
        return act(request, seat)
    claim = claims.in_hand(seat)
    context = {
        "title": str(seat.assessment),
        "seat": seat,
        "claim": claim,
        "progress": claims.progress(seat),
        "sides": _sides(claim) if claim else [],
        "read": reading(claim) if claim else None,
        "confidences": range(1, 6),
    }
    return TemplateResponse(request, "cj/judging.html", context)


def _sides(claim: Claim) -> list[dict[str, Any]]:
    read = reading(claim)
    return [
        {
            "place": place,
            "heading": heading,
            "text": essay.text,
            "pages": range(1, len(essay.pages) + 1),
            "chosen": claim.winner == place,
        }
        for place, heading, essay in (("A", _("First essay"), read.a), ("B", _("Second essay"), read.b))
    ]


class AnswerForm(PlainForm):
    """What stands beside the choice; both may be left open."""

    comment = forms.CharField(required=False, max_length=claims.LONGEST_COMMENT)
    confidence = forms.IntegerField(required=False, min_value=1, max_value=5)


def act(request: HttpRequest, seat: AssessmentJudge) -> HttpResponse:
    """Do what was asked, say what stood in the way, and show the page again."""
    try:
        done = ACTS[request.POST["do"]](request, seat)
    except KeyError:
        raise BadRequest(_("There is no such thing to do here.")) from None
    except Refused as no:
        messages.error(request, str(no))
        done = None
    return done or HttpResponseRedirect(reverse("judging:desk", args=[seat.assessment_id]))


def _take(request: HttpRequest, seat: AssessmentJudge) -> None:
    if claims.take(seat) is None:
        messages.info(request, _("Nothing is left for you to judge here at the moment."))


def _choose(request: HttpRequest, seat: AssessmentJudge) -> None:
    comparison, form = _comparison(request), _answer(request)
    claims.answer(seat, comparison, request.POST["do"], **form)


def _take_back(request: HttpRequest, seat: AssessmentJudge) -> None:
    claims.take_back(seat, _comparison(request))


def _move_on(request: HttpRequest, seat: AssessmentJudge) -> None:
    """The comment may have been written after the choice: it is kept with it."""
    comparison, form = _comparison(request), _answer(request)
    claims.remark(seat, comparison, **form)
    claims.move_on(seat, comparison, actor=request.user)
    _take(request, seat)


def _stop(request: HttpRequest, seat: AssessmentJudge) -> HttpResponse:
    claims.put_down(seat)
    return redirect("judging:mine")


ACTS: dict[str, Callable[[HttpRequest, AssessmentJudge], HttpResponse | None]] = {
    "take": _take,
    "A": _choose,
    "B": _choose,
    "take_back": _take_back,
    "move_on": _move_on,
    "stop": _stop,
}


def _comparison(request: HttpRequest) -> int:
    number = id_in(request.POST.get("comparison", ""))
    if number is None:
        raise BadRequest(_("A pair is named by its number."))
    return number


def _answer(request: HttpRequest) -> dict[str, Any]:
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise Refused(" ".join(str(error) for errors in form.errors.values() for error in errors))
    return {"comment": form.cleaned_data["comment"], "confidence": form.cleaned_data["confidence"]}


@require_GET
def page_image(request: HttpRequest, assessment: int, comparison: int, place: str, number: int) -> HttpResponse:
    """A page of an essay that was loaded as images, while its pair is in this person's hands."""
    claim = claims.in_hand(seat_of(request, assessment))
    found = page(claim, place, number) if claim and claim.comparison_id == comparison else None
    if found is None:
        raise Http404
    return HttpResponse(
        found.data,
        content_type=found.media_type,
        headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"},
    )


@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """The admin's front page; for people who do nothing but judge, theirs."""
    if request.user.has_perm(PERMISSION) and not request.user.has_perm("batches.view_assessment"):
        return redirect("judging:mine")
    return admin.site.index(request)


app_name = "judging"
urlpatterns = [
    path("", for_judges(mine), name="mine"),
    path("<int:assessment>/", for_judges(desk), name="desk"),
    path(
        "<int:assessment>/<int:comparison>/<str:place>/<int:number>/",
        for_judges(page_image),
        name="page",
    ),
]
