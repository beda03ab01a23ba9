"""The pages on which people judge, and those on which staff say who does and see how they agree with the model."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from batches.models import (
    Assessment,
    AssessmentJudge,
    AuditEntry,
    Claim,
    Comparison,
    EssayPage,
    Judge,
    Judgement,
    Project,
)
from batches.pipeline import agreement, score
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.snapshot import snapshot
from tests.pipeline.people import judge_one, person_who_judges, seat, submitted, with_people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues", "provider_env")]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16


@pytest.fixture
def assessment() -> Assessment:
    made = with_people("ada", essays=4)
    submitted(made)
    return made


@pytest.fixture
def ada(assessment: Assessment) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    return client


def desk(of: Assessment) -> str:
    return reverse("judging:desk", args=[of.pk])


def do(client: Client, of: Assessment, what: str, **more: Any) -> Any:
    """Press a button of the judging page; where it leads."""
    claim = Claim.objects.filter(assessment=of).first()
    posted = {"do": what, "comparison": claim.comparison_id if claim else "", **more}
    return client.post(desk(of), posted, follow=True)


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_somebody_who_only_judges_is_led_to_their_pairs_and_sees_no_more(ada: Client, assessment: Assessment) -> None:
    first = ada.get(reverse("admin:index"), follow=True)
    assert first.redirect_chain == [(reverse("judging:mine"), 302)]
    assert "Start judging" in first.content.decode()
    for name in ("assessment", "essay", "comparison", "scale", "judge"):
        assert ada.get(reverse(f"admin:batches_{name}_changelist")).status_code == 403
    assert ada.get(reverse("admin:batches_assessment_agreement", args=[assessment.pk])).status_code in (403, 404)


def test_a_person_judges_takes_back_and_goes_on(ada: Client, assessment: Assessment) -> None:
    page = do(ada, assessment, "take").content.decode()
    claim = Claim.objects.get()
    first, second = claim.comparison.essay_a, claim.comparison.essay_b
    assert page.index(first.text.splitlines()[0]) < page.index(second.text.splitlines()[0])
    assert "Next pair" not in page
    page = do(ada, assessment, "A").content.decode()
    assert "You chose the first essay" in page
    assert not Judgement.objects.exists()
    assert "Read both, then choose" in do(ada, assessment, "take_back").content.decode()
    do(ada, assessment, "B", comment="Livelier.", confidence="2")
    after = do(ada, assessment, "move_on", comment="Livelier, and clearer.", confidence="3")
    made = Judgement.objects.get()
    assert (made.winner, made.justification, made.confidence) == ("B", "Livelier, and clearer.", 3)
    assert "1 of 2 judged" in after.content.decode()
    assert Claim.objects.get().comparison_id != made.comparison_id


def test_the_page_shows_neither_scores_nor_names_nor_what_the_model_said(ada: Client, assessment: Assessment) -> None:
    cj_round = assessment.rounds.get()
    of_model = list(cj_round.comparisons.filter(judge__kind="MODEL"))
    for item in factories.job(of_model).items.all():
        factories.judged(item, why="The model says so.")
    factories.scale(assessment)
    page = do(ada, assessment, "take").content.decode()
    for secret in ("The model says so", "claude", "logit", "Year 9 01", "Year 9 02", "Year 9 03", "Year 9 04"):
        assert secret not in page, secret


def test_the_last_pair_ends_with_thanks(ada: Client, assessment: Assessment) -> None:
    do(ada, assessment, "take")
    for _ in range(2):
        do(ada, assessment, "A")
        last = do(ada, assessment, "move_on")
    assert "Nothing is left" in last.content.decode()
    assert Judgement.objects.count() == 2
    assert ada.get(reverse("judging:mine")).status_code == 200


def test_stopping_gives_the_pair_back(ada: Client, assessment: Assessment) -> None:
    do(ada, assessment, "take")
    assert do(ada, assessment, "stop").redirect_chain == [(reverse("judging:mine"), 302)]
    assert not Claim.objects.exists()


@pytest.mark.parametrize(
    ("posted", "status"),
    [
        ({}, 400),
        ({"do": "publish"}, 400),
        ({"do": "A", "comparison": "x"}, 400),
        ({"do": "A", "comparison": "999999999999999999999"}, 400),
        ({"do": "A", "comparison": "1"}, 302),
        ({"do": "move_on", "comparison": "1"}, 302),
    ],
)
def test_what_a_page_never_posts_changes_nothing(
    ada: Client, assessment: Assessment, posted: dict[str, str], status: int
) -> None:
    do(ada, assessment, "take")
    before = snapshot()
    assert ada.post(desk(assessment), posted).status_code == status
    assert snapshot() == before


@pytest.mark.parametrize(("field", "value"), [("confidence", "7"), ("comment", "x" * 5001), ("comment", "a\x00b")])
def test_an_answer_that_does_not_fit_is_refused_in_a_sentence(
    ada: Client, assessment: Assessment, field: str, value: str
) -> None:
    do(ada, assessment, "take")
    response = do(ada, assessment, "A", **{field: value})
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    assert Claim.objects.get().winner == ""


def test_another_assessment_is_not_there(ada: Client, assessment: Assessment) -> None:
    other = with_people("ben", essays=2)
    submitted(other)
    before = snapshot()
    assert ada.get(desk(other)).status_code == 404
    assert ada.post(desk(other), {"do": "take"}).status_code == 404
    assert snapshot() == before


def test_page_images_are_shown_while_the_pair_is_in_hand(ada: Client, assessment: Assessment) -> None:
    for essay in assessment.essays.all():
        EssayPage.objects.create(essay=essay, number=1, media_type="image/png", data=PNG)
    do(ada, assessment, "take")
    held = Claim.objects.get().comparison
    other = Comparison.objects.exclude(pk=held.pk).filter(judge__kind="PERSON").get()
    address = reverse("judging:page", args=[assessment.pk, held.pk, "A", 1])
    assert address in ada.get(desk(assessment)).content.decode()
    image = ada.get(address)
    assert (image.content, image["Content-Type"]) == (PNG, "image/png")
    for gone in ([held.pk, "A", 2], [other.pk, "A", 1]):
        assert ada.get(reverse("judging:page", args=[assessment.pk, *gone])).status_code == 404
    do(ada, assessment, "stop")
    assert ada.get(address).status_code == 404


# Who judges


@pytest.fixture
def work(project: Project) -> Assessment:
    return factories.assessment(project, "Year 7", essays=4)


def people_page(of: Assessment) -> str:
    return reverse("admin:batches_assessment_people", args=[of.pk])


def test_an_editor_names_a_judge_with_a_quota_and_sets_the_share(
    visit: Visit, project: Project, work: Assessment
) -> None:
    factories.person("ada", project, role="judge", first_name="Ada", last_name="Byron")
    client = visit("editor")
    assert "Ada Byron (ada)" in client.get(people_page(work)).content.decode()
    client.post(people_page(work), {"do": "name", "username": "ada", "quota": "30"})
    named = AssessmentJudge.objects.get(judge__kind="PERSON")
    assert (named.judge.user.username, named.quota) == ("ada", 30)  # type: ignore[union-attr]
    client.post(people_page(work), {"do": "name", "username": "ada", "quota": ""})
    named.refresh_from_db()
    assert named.quota is None
    client.post(people_page(work), {"do": "share", "share": "12.5", "pairs": "repeat"})
    work.refresh_from_db()
    assert work.overrides == {"human_share": "0.125", "human_pairs": "repeat"}
    client.post(people_page(work), {"do": "drop", "username": "ada"})
    assert not AssessmentJudge.objects.filter(judge__kind="PERSON").exists()
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", flat=True))
    assert acts == ["name judge", "change quota", "change human share", "drop judge"]


@pytest.mark.parametrize(
    "posted",
    [
        {"do": "name", "username": "nobody", "quota": ""},
        {"do": "name", "username": "editor", "quota": ""},
        {"do": "name", "username": "editor", "quota": "0"},
        {"do": "share", "share": "101", "pairs": "repeat"},
        {"do": "share", "share": "5", "pairs": "both"},
        {"do": "drop", "username": "nobody"},
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(visit: Visit, work: Assessment, posted: dict[str, str]) -> None:
    client = visit("editor")
    before = snapshot()
    response = client.post(people_page(work), posted, follow=True)
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode() or said(response)
    assert snapshot() == before
    assert client.post(people_page(work), {"do": "away"}).status_code == 400


def test_a_viewer_sees_who_judges_and_changes_nothing(visit: Visit, work: Assessment) -> None:
    person_who_judges("ada", work)
    client = visit("viewer")
    page = client.get(people_page(work)).content.decode()
    assert "ada" in page
    assert "Let them judge" not in page
    before = snapshot()
    for posted in ({"do": "drop", "username": "ada"}, {"do": "share", "share": "50", "pairs": "repeat"}):
        assert client.post(people_page(work), posted).status_code == 403
    assert snapshot() == before


# People against the model


@pytest.fixture
def compared(assessment: Assessment) -> Assessment:
    """The model prefers the essay with the lower id, ada always the one read first."""
    of_model = list(assessment.rounds.get().comparisons.filter(judge__kind="MODEL", replicate=0))
    for item in factories.job(of_model).items.select_related("comparison"):
        c = item.comparison
        factories.judged(item, winner="A" if c.essay_a_id < c.essay_b_id else "B")
    ada = seat(User.objects.get(username="ada"), assessment)
    while judge_one(ada, "A", comment="First."):
        pass
    return assessment


def test_the_report_counts_who_agreed_and_names_each_disagreement(compared: Assessment) -> None:
    found = agreement.report(compared)
    mine = list(Comparison.objects.filter(judge__kind="PERSON"))
    agreed = sum(c.essay_a_id < c.essay_b_id for c in mine)
    assert (found["judgements"], found["agreement"]["n"], found["agreement"]["hits"]) == (2, 2, agreed)
    assert found["same_order"]["n"] == found["turned"]["n"] == 1
    [person] = found["people"]
    assert (person["judge"], person["chose_first"]["hits"], person["seconds"]["n"]) == ("ada", 2, 2)
    differing = {c.pk for c in mine if c.essay_a_id > c.essay_b_id}
    assert {one["comparison"] for one in found["disagreements"]} == differing
    for one in found["disagreements"]:
        c = Comparison.objects.get(pk=one["comparison"])
        assert (one["person_chose"], one["model_chose"]) == (c.essay_a.candidate, c.essay_b.candidate)


def test_disagreements_stand_in_the_order_of_the_scales_distance(assessment: Assessment) -> None:
    of_model = list(assessment.rounds.get().comparisons.filter(judge__kind="MODEL", replicate=0))
    for item in factories.job(of_model).items.select_related("comparison"):
        factories.judged(item, winner="A" if item.comparison.essay_a_id < item.comparison.essay_b_id else "B")
    ada = seat(User.objects.get(username="ada"), assessment)
    from batches.pipeline import claims

    while claim := claims.take(ada):
        pair = claim.comparison
        claims.answer(ada, pair.pk, "B" if pair.essay_a_id < pair.essay_b_id else "A")
        claims.move_on(ada, pair.pk, actor=ada.judge.user)  # type: ignore[arg-type]
    scale = factories.scale(assessment)
    places = dict(scale.scores.values_list("essay", "logit"))
    found = agreement.report(assessment)
    apart = [
        abs(places[c.essay_a_id] - places[c.essay_b_id])
        for c in (Comparison.objects.get(pk=one["comparison"]) for one in found["disagreements"])
    ]
    assert len(apart) == 2
    assert apart == sorted(apart, reverse=True)
    assert {one["scale_sides_with"] for one in found["disagreements"]} == {"person"}


def test_the_report_is_a_page_a_text_and_json(visit: Visit, compared: Assessment, capsys: Any) -> None:
    client = visit("viewer")
    factories.Membership.objects.create(project=compared.project, user_id=client.session["_auth_user_id"])
    page = client.get(reverse("admin:batches_assessment_agreement", args=[compared.pk])).content.decode()
    found = client.get(reverse("admin:batches_assessment_agreement_json", args=[compared.pk])).json()
    text = client.get(reverse("admin:batches_assessment_agreement_text", args=[compared.pk])).content.decode()
    assert found == agreement.report(compared)
    for one in found["disagreements"]:
        assert reverse("admin:batches_comparison_change", args=[one["comparison"]]) in page
        assert f"comparison {one['comparison']}: ada chose" in text
    call_command("agreement", compared.slug)
    assert capsys.readouterr().out.strip() == text.strip()


def test_people_and_model_are_scored_together_with_a_position_bias_each(compared: Assessment) -> None:
    scale = score.score(compared, actor=None)
    judged = Judgement.objects.filter(comparison__round__assessment=compared)
    assert scale.n_comparisons == judged.count() == 4
    assert {one["judge"] for one in scale.report["judges"]} == {str(judge) for judge in Judge.objects.all()}
    assert not judged.filter(comparison__judge__kind="PERSON", item__isnull=False).exists()
