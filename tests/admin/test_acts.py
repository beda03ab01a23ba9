"""Everything that changes money or results is put on record: who, what, to what, in the transaction that does it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from batches.models import (
    AuditEntry,
    BatchJob,
    Callback,
    Comparison,
    Flag,
    Judge,
    Project,
    ProviderAccount,
    Round,
    Scale,
)
from batches.pipeline import budget, claims, money, score
from batches.pipeline.refused import Refused
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.snapshot import snapshot
from tests.admin.test_actions import every_button, page_of, press, said
from tests.pipeline.people import judge_one, person_who_judges, seat, submitted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues", "provider_env")]
Rows = dict[str, Any]


@pytest.fixture
def rows(project: Project) -> Rows:
    made = factories.whole_project("Southway")
    for name in ("everybody", "somebody"):
        factories.person(name, made["project"], role="everything")
    return made


@pytest.fixture
def client(rows: Rows) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="everybody"))
    return client


def retriable(rows: Rows) -> Any:
    return rows["failed"]


def at_the_provider(rows: Rows) -> BatchJob:
    job = factories.job(list(rows["planned"].comparisons.all()), packing="PROVIDER_BATCH", strategy="provider_batch")
    job.advance(BatchJob.Status.SENDING)
    job.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id="msgbatch_1")
    return job


def stuck(rows: Rows) -> BatchJob:
    assert money.reserve(rows["assessment"].pk, Decimal("0.02"))
    job = factories.job(list(rows["planned"].comparisons.all()), packing="PROVIDER_BATCH", strategy="provider_batch")
    for status in (BatchJob.Status.SENDING, BatchJob.Status.IN_DOUBT, BatchJob.Status.NEEDS_ATTENTION):
        job.advance(status)
    return job


def gathering(rows: Rows) -> Any:
    Round.objects.filter(pk=rows["planned"].pk).update(strategy="accumulate", submitted_at=timezone.now())
    return rows["assessment"]


def with_waiting_people(rows: Rows) -> Any:
    person_who_judges("everybody", rows["assessment"])
    ours = Judge.objects.get(kind="PERSON")
    essays = list(rows["assessment"].essays.order_by("pk")[:2])
    Comparison.objects.create(round=rows["round"], essay_a=essays[0], essay_b=essays[1], judge=ours)
    return rows["assessment"]


def flagged(rows: Rows) -> Any:
    essay = rows["comparison"].essay_a
    Flag.objects.create(essay=essay, kind="instruction", evidence={"places": [[0, 3, ""]]})
    return essay


def aside(rows: Rows) -> Any:
    essay = flagged(rows)
    essay.left_out = [[0, 3]]
    essay.save()
    return essay


def scaled(rows: Rows) -> Scale:
    made: Scale = score.score(rows["assessment"], actor=None)
    Scale.objects.filter(pk=made.pk).update(connected=True, scaled_mean=50, scaled_sd=10)
    made.refresh_from_db()
    return made


def held(rows: Rows) -> Round:
    Round.objects.filter(pk=rows["round"].pk).update(trust="HELD")
    return Round.objects.get(pk=rows["round"].pk)


def paused(rows: Rows) -> ProviderAccount:
    ProviderAccount.objects.update(paused_at=timezone.now(), paused_reason="no credit")
    return factories.account()


# button: (the row it is pressed on, what is posted with it, the act on record)
BUTTONS: dict[str, tuple[Callable[[Rows], Any], dict[str, str], str]] = {
    "assessment.plan": (lambda rows: rows["assessment"], {"rounds": "1"}, "plan"),
    "assessment.submit": (lambda rows: rows["assessment"], {}, "submit"),
    "assessment.retry": (lambda rows: rows["assessment"], {}, "retry"),
    "assessment.force": (gathering, {}, "force"),
    "assessment.budget": (lambda rows: rows["assessment"], {"budget": "7.5"}, "change budget"),
    "assessment.call_back": (with_waiting_people, {}, "call back"),
    "assessment.purge": (lambda rows: factories.assessment(rows["project"], "To go"), {}, "purge"),
    "round.submit": (lambda rows: rows["planned"], {}, "submit"),
    "comparison.retry": (retriable, {}, "retry"),
    "essay.judge_again": (flagged, {"passage": ""}, "judge again"),
    "essay.harmless": (flagged, {}, "decide flag"),
    "essay.put_back": (aside, {}, "put back"),
    "essay.withdraw": (lambda rows: rows["essay"], {}, "withdraw"),
    "batchjob.poll": (at_the_provider, {}, "poll"),
    "batchjob.cancel": (at_the_provider, {}, "cancel"),
    "batchjob.look_again": (stuck, {}, "carry on"),
    "batchjob.adopt": (stuck, {"provider_batch_id": "msgbatch_7"}, "adopt"),
    "batchjob.never_arrived": (stuck, {}, "declare absent"),
    "round.release": (held, {}, "release"),
    "round.ask_again": (held, {}, "ask again"),
    "scale.publish": (scaled, {}, "publish"),
    "scale.set_grades": (scaled, {"grades": "Pass 50; Fail"}, "set grades"),
    "provideraccount.resume": (paused, {}, "resume"),
    "apitoken.revoke": (lambda rows: rows["apitoken"], {}, "revoke"),
}
# they change neither money nor results: one asks a worker, who puts the scale on record; one sends a message again
NOT_RECORDED = {"assessment.score", "callback.try_now"}


def test_every_button_is_on_record_or_changes_nothing() -> None:
    known = {f"{model._meta.model_name}.{action}" for model, action in every_button()}
    assert known == set(BUTTONS) | NOT_RECORDED


@pytest.mark.parametrize("button", BUTTONS)
def test_what_a_button_does_is_put_on_record_under_the_name_of_who_pressed_it(
    button: str, client: Client, rows: Rows
) -> None:
    prepare, posted, act = BUTTONS[button]
    row = prepare(rows)
    before, entries = snapshot(), set(AuditEntry.objects.values_list("pk", flat=True))
    response = press(client, row, button.partition(".")[2], confirmed="yes", **posted)
    assert snapshot() != before, said(response)
    written = AuditEntry.objects.exclude(pk__in=entries).filter(act=act)
    assert {entry.actor_name for entry in written} == {"everybody"}, said(response)
    assert all(entry.target_id for entry in written)


def test_each_judgement_of_a_person_is_on_record(rows: Rows) -> None:
    work = factories.assessment(rows["project"], "Judged by people", essays=2)
    person_who_judges("somebody", work)
    from batches.pipeline import panel

    panel.set_share(work, Decimal(1), "repeat", actor=None)
    submitted(work)
    judged = judge_one(seat(User.objects.get(username="somebody"), work), "A")
    assert judged
    entry = AuditEntry.objects.get(act="judge")
    assert (entry.actor_name, entry.target_type, entry.target_id) == ("somebody", "comparison", str(judged.pk))
    assert entry.project == rows["project"]


def test_a_budget_is_on_record_with_before_and_after(visit: Visit, project: Project) -> None:
    work = factories.assessment(project, "Year 9")
    response = press(visit("budget manager"), work, "budget", confirmed="yes", budget="12.50")
    assert said(response) == "The budget of Year 9 is $12.50 now; it was $5.00."
    work.refresh_from_db()
    assert work.budget_usd == Decimal("12.5")
    entry = AuditEntry.objects.get(act="change budget")
    assert (entry.actor_name, entry.detail) == ("budget manager", {"budget_usd": ["5.00", "12.50"]})
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        AuditEntry.objects.update(actor_name="nobody")


def test_a_budget_is_asked_about_first(visit: Visit, project: Project) -> None:
    work, client = factories.assessment(project, "Year 9"), visit("budget manager")
    before = snapshot()
    page = press(client, work, "budget").content.decode()
    assert "Budget now" in page
    assert 'value="5.00"' in page
    assert snapshot() == before


@pytest.mark.parametrize("text", ["", "many", "NaN", "Infinity", "-1", "1e9", "5.00"])
def test_a_budget_that_is_none_is_refused_in_a_sentence(visit: Visit, project: Project, text: str) -> None:
    work, client = factories.assessment(project, "Year 9"), visit("budget manager")
    before = snapshot()
    response = press(client, work, "budget", confirmed="yes", budget=text)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert snapshot() == before
    assert not AuditEntry.objects.exists()


def test_a_lower_budget_than_what_is_used_is_stored_as_an_overrun(project: Project) -> None:
    work = factories.assessment(project, "Year 9")
    money.settle(work.pk, reserved=Decimal(0), spent=Decimal(4))
    budget.change_budget(work, Decimal(3), actor=None)
    work.refresh_from_db()
    assert (work.overrun_usd, work.left_usd) == (1, 0)


@pytest.mark.parametrize("role", ["viewer", "editor", "submitter", "judge"])
def test_whoever_may_not_change_budgets_is_refused_where_it_happens(role: str, project: Project) -> None:
    work = factories.assessment(project, "Year 9")
    user = factories.person(role, project, role=role)
    with pytest.raises(Refused, match="may not change budgets"):
        budget.change_budget(work, Decimal(100), actor=user)
    with pytest.raises(Refused, match="20 USD at most"):
        budget.first_budget(work, Decimal("20.01"), actor=user)
    assert not AuditEntry.objects.exists()


def test_a_budget_manager_changes_budgets_and_nothing_else(visit: Visit, project: Project) -> None:
    work = factories.assessment(project, "Year 9", essays=4)
    cj_round = factories.cj_round(work)
    client = visit("budget manager")
    offered = {button["name"] for button in client.get(page_of(work)).context["buttons"]}
    assert offered == {"budget"}
    before = snapshot()
    for row, action in ((work, "submit"), (work, "plan"), (work, "retry"), (cj_round, "submit")):
        press(client, row, action, confirmed="yes")
    assert snapshot() == before


def test_what_a_callback_tells_is_not_lost_with_a_retry(client: Client, rows: Rows) -> None:
    assert Callback.objects.count() == 1
    press(client, rows["callback"], "try_now", confirmed="yes")
    assert Callback.objects.count() == 1


def test_what_people_hold_is_theirs_until_it_is_taken_back(client: Client, rows: Rows) -> None:
    of = with_waiting_people(rows)
    assert claims.take(seat(User.objects.get(username="everybody"), of))
    press(client, of, "call_back", confirmed="yes")
    assert claims.in_hand(seat(User.objects.get(username="everybody"), of)) is None
