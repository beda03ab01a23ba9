"""People who judge: which pairs they are given, that nobody has the same one twice, and what becomes of an answer."""

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connections, transaction

from batches.conf import cj_settings
from batches.models import (
    AssessmentJudge,
    AuditEntry,
    BatchItem,
    Callback,
    Claim,
    Comparison,
    Judge,
    Judgement,
    Membership,
)
from batches.models.fields import DatabaseClock
from batches.pipeline import claims, erase, panel, submit
from batches.pipeline.progress import State, progress
from batches.pipeline.reading import reading
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from tests.admin import factories
from tests.making import make_job
from tests.pipeline.people import judge_one, only_people, person_who_judges, seat, submitted, with_people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env")]


def lapse(**of: Any) -> None:
    Claim.objects.filter(**of).update(lapses_at=DatabaseClock() - timedelta(seconds=1))


def of_people(assessment: Any) -> Any:
    return Comparison.objects.filter(round__assessment=assessment, judge__kind=Judge.Kind.PERSON)


# Planning


@pytest.mark.parametrize(("share", "n"), [("0", 0), ("0.5", 4), ("1", 8)])
def test_people_are_given_their_share_of_the_pairs_that_the_model_judges(share: str, n: int) -> None:
    assessment = with_people("ada", essays=16, share=share)
    cj_round = submitted(assessment)
    mine = list(of_people(assessment))
    assert len(mine) == n
    of_model = cj_round.comparisons.filter(judge__kind=Judge.Kind.MODEL)
    assert of_model.filter(replicate=0).count() == 8
    pairs = {frozenset((c.essay_a_id, c.essay_b_id)) for c in of_model}
    assert all(frozenset((c.essay_a_id, c.essay_b_id)) in pairs for c in mine)
    assert cj_round.n_comparisons == cj_round.comparisons.count()


def test_half_of_what_people_are_given_is_read_the_other_way_round() -> None:
    assessment = with_people("ada", essays=40)
    cj_round = submitted(assessment)
    as_model = set(cj_round.comparisons.filter(judge__kind="MODEL", replicate=0).values_list("essay_a", "essay_b"))
    mine = list(of_people(assessment).values_list("essay_a", "essay_b"))
    assert sum(pair in as_model for pair in mine) == 10 == len(mine) / 2


def test_where_people_judge_instead_the_model_is_not_asked_about_their_pairs() -> None:
    assessment = with_people("ada", essays=16, share="0.5")
    panel.set_share(assessment, Decimal("0.5"), "instead", actor=None)
    cj_round = submitted(assessment)
    mine = {frozenset(c) for c in of_people(assessment).values_list("essay_a", "essay_b")}
    theirs = cj_round.comparisons.filter(judge__kind="MODEL")
    assert len(mine) == 4
    assert mine.isdisjoint(frozenset(c) for c in theirs.values_list("essay_a", "essay_b"))
    assert theirs.filter(replicate=0).count() == 4


def test_an_assessment_may_have_no_judges_but_people_and_no_money() -> None:
    assessment = only_people("ada", "ben", essays=8)
    cj_round = submitted(assessment)
    kinds = set(cj_round.comparisons.values_list("judge__kind", flat=True))
    assert (kinds, cj_round.comparisons.filter(replicate=0).count()) == ({"PERSON"}, 4)
    assert "with the people who judge" in standing(assessment).happening
    assert progress(assessment).state == State.WITH_PEOPLE
    assert submit.waiting_groups() == []


def test_what_waits_for_a_model_is_said_before_what_waits_for_people() -> None:
    assessment = with_people("ada")
    submitted(assessment)
    assert progress(assessment).state == State.WAITING
    of_model = Comparison.objects.filter(judge__kind="MODEL")
    assert progress(assessment).with_people == of_people(assessment).count() > 0
    for item in factories.job(list(of_model)).items.all():
        factories.judged(item)
    assert progress(assessment).state == State.WITH_PEOPLE
    ada = seat(User.objects.get(username="ada"), assessment)
    while judge_one(ada):
        pass
    assert progress(assessment).state == State.RESOLVED


def test_no_pair_is_given_before_the_round_is_submitted() -> None:
    assessment = with_people("ada")
    from batches.pipeline.plan import plan_rounds

    plan_rounds(assessment, actor=None)
    assert claims.take(seat(User.objects.get(username="ada"), assessment)) is None


# Never to a provider


def test_what_people_judge_never_enters_a_batch_job() -> None:
    assessment = with_people("ada")
    submitted(assessment)
    for group in submit.waiting_groups():
        submit.open_jobs(group)
    assert BatchItem.objects.count() == Comparison.objects.filter(judge__kind="MODEL").count() > 0
    assert not BatchItem.objects.filter(comparison__judge__kind="PERSON").exists()


def test_the_database_refuses_a_batch_item_for_a_person() -> None:
    assessment = with_people("ada")
    submitted(assessment)
    comparison = of_people(assessment).first()
    job = make_job()
    with pytest.raises(IntegrityError, match="never submitted to a provider"), transaction.atomic():
        BatchItem.objects.create(job=job, comparison=comparison, custom_id=f"{job.nonce}-1")


def test_no_comparison_passes_from_a_model_to_a_person_or_back() -> None:
    assessment = with_people("ada")
    submitted(assessment)
    ada = Judge.objects.get(kind="PERSON")
    for of, to in (("MODEL", ada), ("PERSON", factories.judge())):
        mine = Comparison.objects.filter(pk=Comparison.objects.filter(judge__kind=of).first().pk)  # type: ignore[union-attr]
        with pytest.raises(IntegrityError, match="its judge stays"), transaction.atomic():
            mine.update(judge=to)


# The queue


def test_two_people_never_have_the_same_pair() -> None:
    assessment = with_people("ada", "ben", essays=8)
    submitted(assessment)
    ada, ben = (seat(User.objects.get(username=name), assessment) for name in ("ada", "ben"))
    first, second = claims.take(ada), claims.take(ben)
    assert first
    assert second
    assert first.comparison_id != second.comparison_id
    assert claims.take(ada) == first  # one pair at a time, however often it is asked for


def test_the_oldest_round_comes_first() -> None:
    assessment = with_people("ada", essays=4)
    first, second = submitted(assessment, 1), submitted(assessment, 2)
    ada = seat(User.objects.get(username="ada"), assessment)
    rounds = [judge_one(ada).round_id for _ in range(4)]  # type: ignore[union-attr]
    assert rounds == [first.pk] * 2 + [second.pk] * 2
    assert claims.take(ada) is None


def test_a_pair_that_lapses_goes_to_somebody_else_and_the_draft_with_it_is_gone() -> None:
    assessment = with_people("ada", "ben", essays=2)
    submitted(assessment)
    ada, ben = (seat(User.objects.get(username=name), assessment) for name in ("ada", "ben"))
    claim = claims.take(ada)
    assert claim
    claims.answer(ada, claim.comparison_id, "A", comment="Mine.")
    assert claims.take(ben) is None
    lapse(judge=ada.judge)
    taken = claims.take(ben)
    assert taken
    assert (taken.comparison_id, taken.winner, taken.comment) == (claim.comparison_id, "", "")
    for act in (
        lambda: claims.move_on(ada, claim.comparison_id, actor=ada.judge.user),
        lambda: claims.answer(ada, claim.comparison_id, "B"),
        lambda: claims.take_back(ada, claim.comparison_id),
    ):
        with pytest.raises(Refused, match="no longer yours"):
            act()
    assert not Judgement.objects.exists()


def test_a_lapsed_pair_that_nobody_took_is_still_mine_with_its_draft() -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    claim = claims.take(ada)
    assert claim
    claims.answer(ada, claim.comparison_id, "B")
    lapse()
    again = claims.take(ada)
    assert again
    assert (again.comparison_id, again.winner) == (claim.comparison_id, "B")
    claims.move_on(ada, claim.comparison_id, actor=ada.judge.user)
    assert Judgement.objects.get().winner == "B"


def test_a_quota_is_not_passed_and_the_rest_waits_for_others() -> None:
    assessment = with_people("ada", essays=12, quota=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    assert [judge_one(ada) is None for _ in range(3)] == [False, False, True]
    found = claims.progress(ada)
    assert (found.done, found.of, found.left, found.is_full) == (2, 2, 4, True)
    ben = seat(person_who_judges("ben", assessment), assessment)
    assert judge_one(ben) is not None


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_each_get_another_pair() -> None:
    names = [f"teacher{i}" for i in range(8)]
    assessment = with_people(essays=8)
    for name in names:
        person_who_judges(name, assessment, role="everything")  # emptying the tables took the roles
    submitted(assessment)
    seats = [seat(User.objects.get(username=name), assessment) for name in names]
    gate, got = threading.Barrier(len(seats)), []

    def ask(at: AssessmentJudge) -> None:
        gate.wait()
        got.extend(claims.take(at) for _ in range(3))
        connections.close_all()

    threads = [threading.Thread(target=ask, args=[at]) for at in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pairs = {claim.comparison_id for claim in got if claim}
    holders = {claim.judge_id for claim in got if claim}
    assert (len(pairs), len(holders), Claim.objects.count()) == (4, 4, 4)


# Answers


def test_an_answer_is_a_draft_until_its_person_moves_on() -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    claim = claims.take(ada)
    assert claim
    with pytest.raises(Refused, match="Choose the first or the second"):
        claims.move_on(ada, claim.comparison_id, actor=ada.judge.user)
    claims.answer(ada, claim.comparison_id, "A", comment="  Clearer.  ", confidence=4)
    assert not Judgement.objects.exists()
    claims.take_back(ada, claim.comparison_id)
    drafted = Claim.objects.get()
    assert (drafted.winner, drafted.answered_at, drafted.comment) == ("", None, "Clearer.")
    claims.answer(ada, claim.comparison_id, "B", comment="Livelier.")
    claims.move_on(ada, claim.comparison_id, actor=ada.judge.user)
    made = Judgement.objects.get()
    assert (made.winner, made.justification, made.confidence, made.item) == ("B", "Livelier.", None, None)
    assert made.seconds is not None
    comparison = Comparison.objects.get(pk=claim.comparison_id)
    assert (comparison.status, comparison.judge, comparison.revision) == ("JUDGED", ada.judge, 1)
    assert comparison.resolved_at is not None
    assert not Claim.objects.exists()
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        Judgement.objects.update(winner="A")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"winner": "C"}, "first or the second"),
        ({"winner": "A", "confidence": 6}, "from 1 to 5"),
        ({"winner": "A", "comment": "x" * 5001}, "at most 5,000"),
    ],
)
def test_an_answer_that_is_none_changes_nothing(given: dict[str, Any], sentence: str) -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    claim = claims.take(ada)
    assert claim
    with pytest.raises(Refused, match=sentence):
        claims.answer(ada, claim.comparison_id, **given)
    assert Claim.objects.get().winner == ""


def test_a_comment_with_a_nul_is_stored_without_it() -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    judge_one(seat(User.objects.get(username="ada"), assessment), comment="a\x00b")
    assert Judgement.objects.get().justification == "ab"


def test_the_time_runs_from_seeing_the_pair_to_the_last_answer() -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    claim = claims.take(ada)
    assert claim
    Claim.objects.update(taken_at=DatabaseClock() - timedelta(seconds=42))
    claims.answer(ada, claim.comparison_id, "A")
    claims.move_on(ada, claim.comparison_id, actor=ada.judge.user)
    assert Judgement.objects.get().seconds in (42, 43)


def test_the_callback_is_written_with_the_judgement_and_names_no_person(cj: Any, settings: Any) -> None:
    settings.WEBHOOK_URL, settings.WEBHOOK_SECRET = "https://example.org/hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    cj(callback_sink="webhook")
    assessment = with_people("zuzanna", essays=2)
    submitted(assessment)
    seated = seat(User.objects.get(username="zuzanna"), assessment)
    comparison = judge_one(seated, "A", comment="Clearer.")
    assert comparison
    told = Callback.objects.get(comparison=comparison)
    payload = told.payload
    assert (payload["custom_id"], payload["batch_job"], payload["status"]) == (None, None, "JUDGED")
    assert payload["judge"] == {"kind": "PERSON", "provider": None, "model": None}
    assert payload["judgement"] == {"winner": "A", "justification": "Clearer.", "confidence": None}
    assert "zuzanna" not in str(payload)
    entry = AuditEntry.objects.get(act="judge")
    assert (entry.actor_name, entry.target_id, entry.detail) == ("zuzanna", str(comparison.pk), {"winner": "A"})


def test_a_judgement_whose_callback_cannot_be_written_does_not_happen(cj: Any, settings: Any, monkeypatch: Any) -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    claim = claims.take(ada)
    assert claim
    claims.answer(ada, claim.comparison_id, "A")

    def fails(ids: Any) -> None:
        raise RuntimeError("no outbox")

    monkeypatch.setattr("batches.pipeline.callbacks.write", fails)
    with pytest.raises(RuntimeError):
        claims.move_on(ada, claim.comparison_id, actor=ada.judge.user)
    assert not Judgement.objects.exists()
    assert Claim.objects.get().winner == "A"
    assert Comparison.objects.get(pk=claim.comparison_id).status == "PENDING"


# Who may


def test_whoever_leaves_the_project_the_role_or_the_judges_has_no_seat() -> None:
    assessment = with_people("ada", essays=4)
    submitted(assessment)
    ada = User.objects.get(username="ada")

    def seats() -> int:
        return claims.seats(User.objects.get(pk=ada.pk)).count()

    assert seats() == 1
    Membership.objects.filter(user=ada).delete()
    assert seats() == 0
    Membership.objects.create(user=ada, project=assessment.project)
    ada.groups.clear()
    assert seats() == 0
    ada.groups.add(factories.Group.objects.get(name="judge"))
    assert seats() == 1
    panel.drop_judge(assessment, "ada", actor=None)
    assert seats() == 0


def test_only_members_with_the_role_can_be_named() -> None:
    assessment = with_people(essays=2)
    factories.person("stranger", role="judge")
    factories.person("reader", assessment.project, role="viewer")
    for name, sentence in (("stranger", "add them to the project"), ("reader", "role judge"), ("nobody", "user name")):
        with pytest.raises(Refused, match=sentence):
            panel.name_judge(assessment, name, quota=None, actor=None)
    with pytest.raises(Refused, match="may not say who judges"):
        panel.name_judge(assessment, "reader", quota=None, actor=User.objects.get(username="reader"))
    assert not Judge.objects.filter(kind="PERSON").exists()


def test_what_a_person_has_in_hand_goes_back_when_they_are_dropped() -> None:
    assessment = with_people("ada", "ben", essays=2)
    submitted(assessment)
    ada, ben = (seat(User.objects.get(username=name), assessment) for name in ("ada", "ben"))
    assert claims.take(ada)
    panel.drop_judge(assessment, "ada", actor=None)
    assert claims.take(ben)


def test_what_waits_for_people_can_be_called_back() -> None:
    assessment = with_people("ada", essays=4)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    judge_one(ada)
    claims.take(ada)
    assert panel.call_back(assessment, actor=None) == 1
    assert not Claim.objects.exists()
    assert sorted(of_people(assessment).values_list("status", flat=True)) == ["JUDGED", "WITHDRAWN"]
    assert claims.take(ada) is None


# What they read, and erasing


def test_people_read_what_models_would_be_sent() -> None:
    from batches.pipeline import roster

    assessment = with_people("ada", essays=2)
    assessment.essays.update(text="Jane Roe wrote this. Mail jane@example.org.")
    roster.set_names(assessment, ["Jane Roe"], actor=None)
    submitted(assessment)
    claim = claims.take(seat(User.objects.get(username="ada"), assessment))
    assert claim
    assert reading(claim).a.text == "[name] wrote this. Mail [e-mail]."


def test_withdrawing_an_essay_takes_its_drafts_and_comments_with_it() -> None:
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    ada = seat(User.objects.get(username="ada"), assessment)
    claim = claims.take(ada)
    assert claim
    claims.answer(ada, claim.comparison_id, "A", comment="Words about a pupil.")
    erase.withdraw(assessment.essays.get(candidate="Year 9 01"), actor=None)
    assert not Claim.objects.exists()
    with pytest.raises(Refused, match="no longer yours"):
        claims.move_on(ada, claim.comparison_id, actor=ada.judge.user)
    assert Comparison.objects.get(pk=claim.comparison_id).status == "WITHDRAWN"


def test_a_claim_lasts_as_long_as_the_setting_says(cj: Any) -> None:
    cj(human_claim="2 min")
    assert cj_settings.human_claim == 120
    assessment = with_people("ada", essays=2)
    submitted(assessment)
    claim = claims.take(seat(User.objects.get(username="ada"), assessment))
    assert claim
    assert timedelta(seconds=119) < claim.lapses_at - claim.taken_at < timedelta(seconds=121)
