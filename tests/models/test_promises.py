"""What the models promise, tried against the database itself."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.utils import timezone

from batches.models import (
    Assessment,
    AssessmentJudge,
    AuditEntry,
    BatchItem,
    BatchJob,
    Comparison,
    Essay,
    Judgement,
    Membership,
    ProviderAccount,
    Scale,
    Score,
)
from batches.pipeline import money
from tests.making import make_assessment, make_comparison, make_item, make_job, make_judge, make_round

pytestmark = pytest.mark.django_db


def refused(match: str):
    return pytest.raises(IntegrityError, match=match)


def test_the_same_pair_is_planned_once_in_a_round_and_orientation():
    comparison = make_comparison()
    with refused("pair_once_per_round"), transaction.atomic():
        make_comparison(assessment=comparison.round.assessment, round=comparison.round)
    make_comparison(
        assessment=comparison.round.assessment,
        round=comparison.round,
        essay_a=comparison.essay_b,
        essay_b=comparison.essay_a,
    )


def test_an_essay_is_never_compared_with_itself():
    assessment = make_assessment(2)
    essay = assessment.essays.first()
    with refused("two_different_essays"), transaction.atomic():
        make_comparison(assessment=assessment, essay_a=essay, essay_b=essay)


def test_a_comparison_is_in_one_live_job_at_a_time():
    comparison = make_comparison()
    first = make_item(make_job(), comparison)
    with refused("one_live_item_per_comparison"), transaction.atomic():
        make_item(make_job(), comparison)
    BatchItem.objects.filter(pk=first.pk).update(outcome="EXPIRED", reason="expired")
    make_item(make_job(), comparison)


def test_a_custom_id_is_never_used_twice_and_fits_both_providers():
    item = make_item(make_job(), make_comparison())
    with refused("custom_id_unique_for_ever"), transaction.atomic():
        BatchItem.objects.create(job=make_job(), comparison=make_comparison(), custom_id=item.custom_id)
    for bad in ("", "a b", "x" * 65, "café"):
        with pytest.raises(Exception, match=r"custom_id_both_providers_take|too long"), transaction.atomic():
            BatchItem.objects.create(job=make_job(), comparison=make_comparison(), custom_id=bad)


def test_a_provider_batch_belongs_to_one_job():
    first, second = make_job(), make_job()
    assert first.advance(BatchJob.Status.SENDING)
    assert first.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id="msgbatch_1")
    assert second.advance(BatchJob.Status.SENDING)
    with refused("provider_batch_once"), transaction.atomic():
        second.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id="msgbatch_1")


def test_a_job_is_at_the_provider_if_and_only_if_it_has_an_id():
    job = make_job()
    assert job.advance(BatchJob.Status.SENDING)
    with refused("at_the_provider_means_an_id"), transaction.atomic():
        job.advance(BatchJob.Status.IN_PROGRESS)
    with refused("at_the_provider_means_an_id"), transaction.atomic():
        BatchJob.objects.filter(pk=job.pk).update(provider_batch_id="msgbatch_2")


def test_one_anthropic_batch_of_an_account_may_be_in_doubt_and_openai_is_not_held_up():
    first, second = make_job(), make_job()
    assert first.advance(BatchJob.Status.SENDING)
    with refused("one_anthropic_batch_in_doubt"), transaction.atomic():
        second.advance(BatchJob.Status.SENDING)
    openai = make_judge("openai")
    for job in (make_job(judge=openai), make_job(judge=openai)):
        assert job.advance(BatchJob.Status.SENDING)


def test_a_collected_job_balances():
    job = make_job("SINGLE", n_items=3)
    assert job.advance(BatchJob.Status.RUNNING, n_succeeded=1, n_lost=1)
    with refused("the_ledger_balances"), transaction.atomic():
        job.advance(BatchJob.Status.COLLECTED)
    assert job.advance(BatchJob.Status.COLLECTED, n_missing=1)


def test_a_judgement_names_a_winner_and_stays_as_it_is():
    comparison = make_comparison()
    with refused("winner_is_a_or_b"), transaction.atomic():
        Judgement.objects.create(comparison=comparison, winner="C")
    Judgement.objects.create(comparison=comparison, winner="A")
    Comparison.objects.filter(pk=comparison.pk).advance("JUDGED")
    for change in (
        lambda: Judgement.objects.filter(pk=comparison.pk).update(winner="B"),
        lambda: Judgement.objects.filter(pk=comparison.pk)._raw_delete("default"),
    ):
        with refused("written once"), transaction.atomic():
            change()
    with refused("judgement_pkey"), transaction.atomic():
        Judgement.objects.create(comparison=comparison, winner="B")
    assert Judgement.objects.get(pk=comparison.pk).winner == "A"


def test_a_model_states_its_confidence_and_a_person_need_not():
    comparison = make_comparison()
    item = make_item(make_job(), comparison)
    with refused("model_states_its_confidence"), transaction.atomic():
        Judgement.objects.create(comparison=comparison, item=item, winner="A")
    for confidence in (0, 6):
        with refused("confidence_1_to_5"), transaction.atomic():
            Judgement.objects.create(comparison=comparison, item=item, winner="A", confidence=confidence)


def test_the_audit_log_can_only_grow():
    assessment = make_assessment()
    entry = AuditEntry.record("plan", assessment, actor=None, project=assessment.project)
    with refused("written once"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(act="something else")
    with refused("written once"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk)._raw_delete("default")


def test_the_text_of_an_essay_stays_once_it_is_compared():
    comparison = make_comparison()
    with refused("cannot change"), transaction.atomic():
        Essay.objects.filter(pk=comparison.essay_a_id).update(text="A better text.")
    Essay.objects.filter(pk=comparison.essay_a_id).update(
        text="", withdrawn_at=timezone.now(), erased_at=timezone.now()
    )


def test_a_candidate_is_there_once_and_has_something_to_read():
    assessment = make_assessment(1)
    with refused("candidate_once_per_assessment"), transaction.atomic():
        Essay.objects.create(assessment=assessment, candidate="C000", text="Again.")
    with refused("candidate_is_named"), transaction.atomic():
        Essay.objects.create(assessment=assessment, candidate="", text="Nobody's.")
    with refused("essay_has_something_to_read"), transaction.atomic():
        Essay.objects.create(assessment=assessment, candidate="C1", text="")


def test_no_reservation_passes_the_budget_and_every_settlement_is_stored():
    assessment = make_assessment(budget_usd=Decimal(1))
    assert money.reserve(assessment.pk, Decimal("0.6"))
    assert not money.reserve(assessment.pk, Decimal("0.400000000001"))
    with refused("reserving_never_passes_the_budget"), transaction.atomic():
        Assessment.objects.filter(pk=assessment.pk).update(reserved_usd=Decimal("1.000000000001"))
    money.settle(assessment.pk, reserved=Decimal("0.6"), spent=Decimal("1.25"))
    assessment.refresh_from_db()
    assert (assessment.reserved_usd, assessment.spent_usd, assessment.overrun_usd) == (
        0,
        Decimal("1.25"),
        Decimal("0.25"),
    )
    assert not money.reserve(assessment.pk, Decimal("0.000000000001"))
    money.set_budget(assessment.pk, Decimal(2))
    assert money.reserve(assessment.pk, Decimal("0.75"))


def test_local_and_real_judges_never_meet_in_one_assessment():
    assessment = make_assessment()
    real = ProviderAccount.objects.create(alias="anthropic", provider="anthropic")
    with refused("never meet"), transaction.atomic():
        AssessmentJudge.objects.create(assessment=assessment, judge=make_judge(account=real))
    AssessmentJudge.objects.create(assessment=assessment, judge=make_judge("openai"))


def test_a_real_judge_cannot_follow_a_local_one_that_has_judged():
    comparison = make_comparison()
    assessment = comparison.round.assessment
    AssessmentJudge.objects.filter(assessment=assessment).delete()
    real = ProviderAccount.objects.create(alias="anthropic", provider="anthropic")
    with refused("never meet"), transaction.atomic():
        AssessmentJudge.objects.create(assessment=assessment, judge=make_judge(account=real))


def test_an_account_stays_local_or_real():
    make_judge()
    with refused("cannot change"), transaction.atomic():
        ProviderAccount.objects.update(is_local=False)


def test_a_published_scale_is_frozen():
    assessment = make_assessment(1)
    scale = Scale.objects.create(
        assessment=assessment, number=1, judgement_ids=[], judgements_sha256="", n_essays=1, n_comparisons=0,
        connected=True, components=1,
    )  # fmt: skip
    score = Score.objects.create(scale=scale, essay=assessment.essays.get(), component=1, n=0, wins=0, logit=1.0)
    Scale.objects.filter(pk=scale.pk).update(published_at=timezone.now())
    for change in (
        lambda: Scale.objects.filter(pk=scale.pk).update(sigma=1.0),
        lambda: Scale.objects.filter(pk=scale.pk)._raw_delete("default"),
        lambda: Score.objects.filter(pk=score.pk).update(logit=2.0),
        lambda: Score.objects.filter(pk=score.pk)._raw_delete("default"),
    ):
        with refused("published and frozen"), transaction.atomic():
            change()


def test_a_judge_is_a_model_or_a_person_and_a_model_judge_exists_once():
    judge = make_judge()
    user = User.objects.create_user("teacher")
    for wrong in ({"user": user}, {"account": None}, {"kind": "PERSON"}, {"model_id": ""}):
        values = {"account": judge.account, "model_id": "another-model"} | wrong
        with refused("judge_is_a_model_or_a_person"), transaction.atomic():
            type(judge).objects.create(**values)
    with refused("model_judge_once"), transaction.atomic():
        type(judge).objects.create(account=judge.account, model_id=judge.model_id, max_tokens=judge.max_tokens)


def test_due_comparisons_are_submitted_not_held_not_put_off_and_for_a_model():
    assessment = make_assessment(2)
    cj_round = make_round(assessment)
    comparison = make_comparison(assessment=assessment, round=cj_round)
    assert not Comparison.objects.due().exists()
    type(cj_round).objects.filter(pk=cj_round.pk).update(submitted_at=timezone.now())
    assert list(Comparison.objects.due()) == [comparison]
    later = timezone.now() + timedelta(days=3650)
    for change in ({"held": True}, {"held": False, "not_before": later}):
        Comparison.objects.filter(pk=comparison.pk).update(**change)
        assert not Comparison.objects.due().exists()


def test_a_person_sees_the_rows_of_their_projects_only_superusers_included():
    mine, theirs = make_comparison(), make_comparison()
    root = User.objects.create_superuser("root")
    Membership.objects.create(user=root, project=mine.round.assessment.project)
    assert list(Comparison.objects.for_user(root)) == [mine]
    make_item(make_job(), theirs)
    own = make_job()
    make_item(own, mine)
    assert list(BatchJob.objects.for_user(root)) == [own]
    assert list(Essay.objects.for_user(root)) == list(mine.round.assessment.essays.all())


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("viewer", "view_comparison", "plan_round"),
        ("editor", "plan_round", "submit_round"),
        ("submitter", "submit_round", "change_provideraccount"),
        ("administrator", "resume_provideraccount", "delete_comparison"),
    ],
)
def test_a_role_may_what_its_name_says(role, may, may_not):
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    assert user.has_perm(f"batches.{may}")
    assert not user.has_perm(f"batches.{may_not}")
