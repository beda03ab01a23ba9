"""People chosen as judges while an assessment is made: their rows, their share, and who cannot be chosen."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from batches.models import Assessment, AssessmentJudge, AuditEntry, Comparison, Project, Sketch
from batches.pipeline import plan
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.snapshot import snapshot
from tests.admin.steps import HAIKU, errors_of, filled, make, to_the_check

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues")]
SHEET = "candidate,text\n" + "".join(f"P{n},The essay of pupil {n} has some words.\n" for n in range(8))


@pytest.fixture(autouse=True)
def local(settings: Any) -> None:
    settings.LOCAL_PROVIDER = True


@pytest.fixture(autouse=True)
def people(project: Project) -> None:
    factories.person("ada", project, role="judge", first_name="Ada", last_name="Byron")
    factories.person("mary", project, role="judge")
    factories.person("reader", project, role="viewer")
    factories.person("stranger", factories.project("Southway"), role="judge")


def given(project: Project, **changes: Any) -> dict[str, Any]:
    essays = SimpleUploadedFile("essays.csv", SHEET.encode())
    return filled(project, **{"essays": essays, "people": ["ada", "mary"], "share": "50", "pairs": "repeat"} | changes)


def text_of(page: Any) -> str:
    return " ".join(page.content.decode().split())


def seats() -> set[tuple[str, int | None]]:
    people = AssessmentJudge.objects.filter(judge__kind="PERSON")
    return set(people.values_list("judge__user__username", "quota"))


def test_people_and_their_share_are_made_with_the_assessment(visit: Visit, project: Project) -> None:
    make(visit("editor"), given(project, quota="30"))
    made = Assessment.objects.get()
    assert seats() == {("ada", 30), ("mary", 30)}
    assert made.judges.filter(kind="MODEL").count() == 1
    assert made.overrides == {"human_share": "0.5", "human_pairs": "repeat"}
    acts = AuditEntry.objects.filter(target_type="assessment", actor_name="editor").values_list("act", flat=True)
    assert set(acts) >= {"create", "name judge", "change human share"}
    [cj_round] = plan.plan_rounds(made, actor=None)
    assert Comparison.objects.filter(round=cj_round, judge__kind="PERSON").count() == 2  # half of four pairs


def test_people_alone_may_judge_and_cost_nothing(visit: Visit, project: Project) -> None:
    client = visit("editor")
    page = to_the_check(client, given(project, judges=None, share=""))
    assert page.context["step"] == "check"
    assert "Nothing: people judge all the pairs." in text_of(page)
    assert "all: no model judges" in text_of(page)
    client.post(page.request["PATH_INFO"])
    made = Assessment.objects.get()
    assert set(made.judges.values_list("kind", flat=True)) == {"PERSON"}
    [cj_round] = plan.plan_rounds(made, actor=None)
    assert set(cj_round.comparisons.values_list("judge__kind", flat=True)) == {"PERSON"}


def test_the_last_step_says_who_judges_what_and_prices_only_the_models_part(visit: Visit, project: Project) -> None:
    page = to_the_check(visit("editor"), given(project, share="25", pairs="instead", quota="1"))
    text = text_of(page)
    for words in ("Ada Byron (ada)", "mary", "at most 1 comparison each", "25%, not judged by the model"):
        assert words in text, words
    assert page.context["price"].forecast.comparisons == 3
    assert seats() == set()


def test_going_back_shows_what_was_chosen_and_can_take_it_back(visit: Visit, project: Project) -> None:
    client = visit("editor")
    to_the_check(client, given(project, share="12.5"))
    address = reverse("admin:batches_assessment_sketch", args=[Sketch.objects.get().pk, "judging"])
    shown = client.get(address)
    form = shown.context["form"]
    assert (form["people"].value(), form["share"].value()) == (["ada", "mary"], "12.5")
    assert [value for value, _words in form.fields["people"].choices] == ["ada", "mary"]
    check = client.post(address, {"judges": [HAIKU], "budget": "5"}, follow=True)
    client.post(check.request["PATH_INFO"])
    assert Assessment.objects.get().overrides == {}
    assert seats() == set()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"judges": None, "people": None, "share": ""}, "Choose at least one judge"),
        ({"share": ""}, "Say what share of the pairs people are given"),
        ({"share": "0"}, "Say what share of the pairs people are given"),
        ({"people": None, "share": "10"}, "Choose the people who are given this share"),
        ({"share": "101"}, "less than or equal to 100"),
        ({"quota": "0"}, "greater than or equal to 1"),
        ({"pairs": "both"}, "both"),
        ({"people": ["reader"]}, "reader cannot judge in this project"),
        ({"people": ["stranger"]}, "stranger cannot judge in this project"),
        ({"people": ["ada", "nobody"]}, "nobody cannot judge in this project"),
    ],
)
def test_what_cannot_be_is_said_and_kept_out(
    visit: Visit, project: Project, changes: dict[str, Any], says: str
) -> None:
    client = visit("editor")
    before = snapshot()
    page = to_the_check(client, given(project, **changes))
    assert page.context["step"] == "judging"
    assert says in errors_of(page)
    assert "people" not in Sketch.objects.get().given
    assert snapshot() == before


def test_who_lost_the_role_meanwhile_is_refused_where_the_rows_are_made(visit: Visit, project: Project) -> None:
    client = visit("editor")
    page = to_the_check(client, given(project))
    project.people.get(username="mary").groups.clear()
    before = snapshot()
    refused = client.post(page.request["PATH_INFO"], follow=True)
    assert "mary may not judge: give them the role judge first" in errors_of(refused)
    assert snapshot() == before
    assert Sketch.objects.exists()


def test_who_may_not_name_judges_is_not_asked_and_not_obeyed(visit: Visit, project: Project) -> None:
    client = visit("editor")
    page = to_the_check(client, given(project))
    [role] = project.people.get(username="editor").groups.all()
    role.permissions.remove(Permission.objects.get(codename="name_judges"))
    before = snapshot()
    refused = client.post(page.request["PATH_INFO"], follow=True)
    assert "You may not say who judges" in errors_of(refused)
    address = reverse("admin:batches_assessment_sketch", args=[Sketch.objects.get().pk, "judging"])
    assert "Ada Byron" not in client.get(address).content.decode()
    chosen = {"judges": [HAIKU], "budget": "5"}
    assert client.post(address, chosen | {"people": ["ada"], "share": "10"}).status_code == 403
    assert snapshot() == before
    check = client.post(address, chosen, follow=True)
    client.post(check.request["PATH_INFO"])
    assert Assessment.objects.get().budget_usd == Decimal(5)
    assert seats() == set()
