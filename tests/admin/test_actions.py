"""Buttons and list actions: one permission each, a question before money is spent, one sentence afterwards."""

from functools import partial
from typing import Any

import django_rq
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from batches.models import (
    ApiToken,
    Assessment,
    AuditEntry,
    BatchJob,
    Callback,
    Comparison,
    Essay,
    Flag,
    Project,
    ProviderAccount,
    Round,
    Scale,
    SetAside,
)
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.snapshot import snapshot
from tests.admin.urls import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues", "provider_env")]


@pytest.fixture
def commits(django_capture_on_commit_callbacks: Any) -> Any:
    """`with commits():` what is put on a queue leaves at the end; a test's own transaction never commits."""
    return partial(django_capture_on_commit_callbacks, execute=True)


def page_of(row: Any) -> str:
    return reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk])


def press(client: Client, row: Any, action: str, **more: Any) -> Any:
    """Press a button of a row's page, and follow to where it leads."""
    posted = {"CHANGE_FORM-action": action, "_selected_action": row.pk, **more}
    return client.post(page_of(row), posted, follow=True)


def choose(client: Client, rows: list[Any], action: str, **more: Any) -> Any:
    """Choose rows of a list, and run an action from its menu."""
    posted = {"action": action, "_selected_action": [row.pk for row in rows], "index": "0", **more}
    return client.post(reverse(f"admin:batches_{rows[0]._meta.model_name}_changelist"), posted, follow=True)


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def queued(name: str) -> list[str]:
    return django_rq.get_queue(name).job_ids


@pytest.fixture
def assessment(project: Project) -> Assessment:
    return factories.assessment(project, "Year 9", essays=6)


def test_planning_a_round_makes_comparisons_and_sends_nothing(visit: Visit, assessment: Assessment) -> None:
    response = press(visit("editor"), assessment, "plan", rounds="2")
    assert said(response).startswith("Planned 2 rounds with ")
    assert assessment.rounds.count() == 2
    assert Comparison.objects.filter(round__assessment=assessment).count() >= 6
    assert not BatchJob.objects.exists()
    assert AuditEntry.objects.filter(act="plan", actor_name="editor").exists()


@pytest.mark.parametrize(
    ("rounds", "sentence"),
    [("0", "between 1 and"), ("many", "whole number"), ("-1", "whole number"), ("1000", "between 1 and")],
)
def test_a_number_of_rounds_that_makes_no_sense_is_refused_in_a_sentence(
    visit: Visit, assessment: Assessment, rounds: str, sentence: str
) -> None:
    assert sentence in said(press(visit("editor"), assessment, "plan", rounds=rounds))
    assert assessment.rounds.count() == 0


def test_submitting_asks_first_and_says_what_it_would_cost(visit: Visit, assessment: Assessment) -> None:
    cj_round = factories.cj_round(assessment, pairs=5)
    client = visit("submitter")
    before = snapshot()
    response = press(client, assessment, "submit")
    text = response.content.decode()
    assert response.templates[0].name == "cj/confirm.html"
    for fact in ("Submit 5 comparisons", "claude-haiku-4-5-20251001", "per round", "$5.00 of $5.00", "round 1"):
        assert fact in text, fact
    assert "will say nothing about pupils" in text.replace("&#x27;", "'")
    assert snapshot() == before
    cj_round.refresh_from_db()
    assert cj_round.submitted_at is None


@pytest.mark.parametrize("way", ["assessment page", "round page", "round list"])
def test_a_confirmed_submission_lets_the_comparisons_go_and_wakes_the_workers(
    visit: Visit, assessment: Assessment, commits: Any, way: str
) -> None:
    cj_round = factories.cj_round(assessment, pairs=5)
    client = visit("submitter")
    with commits():
        if way == "round list":
            response = choose(client, [cj_round], "submit", confirmed="yes")
        else:
            response = press(client, assessment if way == "assessment page" else cj_round, "submit", confirmed="yes")
    cj_round.refresh_from_db()
    assert cj_round.submitted_at is not None
    assert said(response) == "Submitted 5 comparisons: they leave as soon as a worker takes them."
    assert [name.partition("-")[0] for name in queued("submit")] == ["sweep"]


def test_what_the_pipeline_refuses_is_shown_as_an_error_and_nothing_is_released(
    visit: Visit, assessment: Assessment
) -> None:
    cj_round = factories.cj_round(assessment)
    ProviderAccount.objects.update(paused_at=timezone.now(), paused_reason="the key was refused")
    response = press(visit("submitter"), cj_round, "submit", confirmed="yes")
    assert "is paused (the key was refused)" in said(response)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    cj_round.refresh_from_db()
    assert cj_round.submitted_at is None


def test_retrying_asks_first_and_lets_failed_comparisons_wait_again(visit: Visit, assessment: Assessment) -> None:
    cj_round = factories.cj_round(assessment, submitted=True)
    job = factories.job(list(cj_round.comparisons.all()))
    items = list(job.items.all())
    factories.judged(items[0])
    comparison = factories.failed(items[1])
    client = visit("submitter")
    assert "Retry 1 comparison" in press(client, assessment, "retry").content.decode()
    assert Comparison.objects.filter(status="FAILED").count() == 1
    response = press(client, comparison, "retry", confirmed="yes")
    assert said(response) == "1 failed comparison will be asked again."
    comparison.refresh_from_db()
    assert (comparison.status, comparison.fail_reason) == ("PENDING", "")
    assert Comparison.objects.filter(status="JUDGED").count() == 1


def test_a_job_at_the_provider_can_be_polled_and_cancelled(visit: Visit, assessment: Assessment) -> None:
    cj_round = factories.cj_round(assessment, submitted=True, strategy="provider_batch")
    job = factories.job(list(cj_round.comparisons.all()), packing="PROVIDER_BATCH")
    job.advance(BatchJob.Status.SENDING)
    job.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id="msgbatch_1")
    client = visit("submitter")
    assert said(press(client, job, "poll")) == "The provider is asked about 1 batch job now."
    question = press(client, job, "cancel").content.decode()
    assert "Comparisons without an answer yet" in question
    asked = BatchJob.objects.get()
    assert (asked.next_poll_at is not None, asked.cancel_asked_at) == (True, None)
    assert said(press(client, job, "cancel", confirmed="yes")).startswith("1 batch job will stop")
    assert BatchJob.objects.get().cancel_asked_at is not None
    assert "nothing to cancel" in said(choose(client, [job], "cancel", confirmed="yes"))


def test_scoring_is_left_to_a_worker(visit: Visit, assessment: Assessment, commits: Any) -> None:
    client = visit("editor")
    assert "Nothing has been judged here yet" in said(press(client, assessment, "score"))
    job = factories.job(list(factories.cj_round(assessment, submitted=True).comparisons.all()))
    factories.judged(job.items.all()[0])
    with commits():
        response = press(client, assessment, "score")
    assert said(response) == "1 scale will be ready in a moment."
    assert [name for name in queued("poll") if name.startswith(f"score-{assessment.pk}")] == queued("poll") != []
    assert not Scale.objects.exists()


def test_publishing_asks_first_and_freezes_the_scale(visit: Visit, assessment: Assessment) -> None:
    scale = factories.scale(assessment)
    client = visit("submitter")
    question = press(client, scale, "publish").content.decode()
    assert "frozen" in question
    assert "local provider" in question
    assert Scale.objects.get().published_at is None
    assert "is published and frozen" in said(press(client, scale, "publish", confirmed="yes"))
    assert Scale.objects.get().published_at is not None
    assert "publish" not in [button["name"] for button in client.get(page_of(scale)).context["buttons"]]


def test_a_paused_account_is_resumed(visit: Visit, project: Project) -> None:
    account = factories.account()
    ProviderAccount.objects.update(paused_at=timezone.now(), paused_reason="no credit")
    assert said(press(visit("administrator"), account, "resume")) == "1 account can be used again."
    account.refresh_from_db()
    assert account.paused_at is None


def every_button() -> list[tuple[Any, Any]]:
    return [
        (m, name) for m, s in admin.site._registry.items() if m._meta.app_label == "batches" for name in s.actions or ()
    ]


@pytest.mark.parametrize("model", dict(every_button()), ids=lambda model: model.__name__)
def test_a_viewer_is_offered_no_action_and_can_force_none(
    visit: Visit, project: Project, commits: Any, model: type[Any]
) -> None:
    rows = factories.whole_project("Southway")
    client = visit("viewer")
    factories.Membership.objects.create(project=rows["project"], user_id=client.session["_auth_user_id"])
    row = next(row for row in [*rows.values(), factories.account()] if isinstance(row, model))
    before = snapshot()
    page = client.get(page_of(row))
    if model in (ApiToken, Callback):  # not for viewers to see at all
        assert page.status_code == 403
    else:
        assert page.context["buttons"] == []
    for action in admin.site._registry[model].actions:
        with commits():
            press(client, row, action, confirmed="yes")
            choose(client, [row], action, confirmed="yes")
        assert snapshot() == before, action
        assert queued("submit") == [], action
        assert queued("poll") == [], action


def test_every_action_hangs_on_exactly_one_permission() -> None:
    for model, name in every_button():
        action = getattr(type(admin.site._registry[model]), name)
        assert len(action.allowed_permissions) == 1, (model, name)


@pytest.mark.parametrize("role", ["viewer", "administrator"])
def test_getting_a_page_changes_nothing(visit: Visit, project: Project, role: str) -> None:
    rows = factories.whole_project("Southway")
    client = visit(role)
    factories.Membership.objects.create(project=rows["project"], user_id=client.session["_auth_user_id"])
    ids = {row._meta.model_name: row.pk for row in rows.values()}
    ids |= {"judge": rows["comparison"].judge_id, "provideraccount": factories.account().pk}
    before = snapshot()
    for address in addresses(ids):
        forced = "confirmed=yes&action=submit&_selected_action=1"
        for query in ("", f"?edit=1&{forced}") if address.of_a_row else (f"?{forced}",):
            if address.name != "logout":
                assert client.get(address.url + query).status_code < 500, address.url + query
    assert snapshot() == before


def test_a_round_is_submitted_only_once_however_often_the_button_is_pressed(
    visit: Visit, assessment: Assessment
) -> None:
    cj_round = factories.cj_round(assessment)
    client = visit("submitter")
    press(client, cj_round, "submit", confirmed="yes")
    first = Round.objects.get().submitted_at
    press(client, cj_round, "submit", confirmed="yes")
    assert Round.objects.get().submitted_at == first


@pytest.fixture
def flagged(assessment: Assessment) -> Essay:
    """An essay that speaks to its judge, judged once."""
    cj_round = factories.cj_round(assessment, pairs=1, submitted=True)
    items = factories.job(list(cj_round.comparisons.all())).items
    essay = factories.judged(items.get()).comparison.essay_a
    Essay.objects.filter(pk=essay.pk).update(scanned_at=timezone.now())
    places = [[essay.text.index(" "), essay.text.index(" ") + 4, ""]]
    Flag.objects.create(essay=essay, kind="instruction", evidence={"places": places})
    return essay


def test_an_essay_that_speaks_to_the_judge_is_named_on_the_page_and_judged_again(visit: Visit, flagged: Essay) -> None:
    client = visit("editor")
    overview = client.get(page_of(flagged.assessment)).content.decode()
    assert "1 essay may be speaking to the judge" in overview
    listed = client.get(reverse("admin:batches_essay_changelist"), {"flagged": "open"})
    assert [row.pk for row in listed.context["cl"].result_list] == [flagged.pk]
    page = client.get(page_of(flagged)).content.decode()
    assert "<mark>" in page
    assert "Judge again without it" in page
    question = press(client, flagged, "judge_again")
    assert "Left out" in question.content.decode()
    response = press(client, flagged, "judge_again", confirmed="yes", passage="")
    assert said(response).endswith("is planned: submit it next.")
    flagged.refresh_from_db()
    assert flagged.left_out
    assert SetAside.objects.count() == 1
    assert said(press(client, flagged, "put_back")).startswith("1 judgement put back")


def test_a_viewer_sees_flags_and_cannot_decide_about_them(visit: Visit, flagged: Essay) -> None:
    client = visit("viewer")
    page = client.get(page_of(flagged)).content.decode()
    assert "Worth a second look" in page
    assert "It is harmless" not in page
    press(client, flagged, "harmless")
    assert Flag.objects.get().verdict == ""
    press(visit("editor"), flagged, "harmless")
    assert Flag.objects.get().verdict == "harmless"
