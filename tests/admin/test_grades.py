"""Grades in the admin: the line that staff write, what is refused, and the report's addresses."""

from typing import Any

import pytest
from django.urls import reverse

from batches.admin import grades
from batches.models import Project, Scale
from batches.pipeline import score
from batches.pipeline.refused import Refused
from tests.admin import factories
from tests.simulated import judge_rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def scale(project: Project) -> Scale:
    made = factories.assessment(project, "Year 9", essays=12)
    judge_rounds(made, 5)
    return score.score(made, actor=None)


def act(client: Any, scale: Scale, line: str) -> Any:
    posted = {"CHANGE_FORM-action": "set_grades", "_selected_action": scale.pk, "confirmed": "yes", "grades": line}
    return client.post(reverse("admin:batches_scale_change", args=[scale.pk]), posted, follow=True)


def test_a_line_of_grades_in_scaled_scores_becomes_boundaries_in_logits(scale: Scale) -> None:
    slope, intercept = grades.unit_of(scale)
    read = grades.read("A 60; B+ 55.5, Grade 1", scale)
    assert [name for name, _ in read] == ["Grade 1", "B+", "A"]
    assert read[0][1] is None
    assert [slope * cut + intercept for _, cut in read[1:] if cut is not None] == pytest.approx([55.5, 60])
    for row in scale.scores.all():
        assert slope * row.logit + intercept == pytest.approx(row.scaled_score)  # type: ignore[operator]


@pytest.mark.parametrize("line", ["A; B", "60; B", "A sixty; B", "A nan; B"])
def test_a_line_that_cannot_be_read_says_how_to_write_it(scale: Scale, line: str) -> None:
    with pytest.raises(Refused, match="Write the best grade first"):
        grades.read(line, scale)


def test_a_submitter_sets_grades_and_an_editor_may_not(visit: Any, scale: Scale) -> None:
    act(visit("editor"), scale, "A 50; B")
    scale.refresh_from_db()
    assert scale.grades == []
    page = act(visit("submitter"), scale, "A 50; B").content.decode()
    assert "Grades of scale 1: A 50; B." in page
    scale.refresh_from_db()
    assert grades.written(scale) == "A 50; B"


def test_the_report_is_there_as_json_and_as_text_for_members_only(visit: Any, scale: Scale) -> None:
    for kind, start in (("json", b"{"), ("txt", b"Year 9")):
        address = reverse(f"admin:batches_scale_report_{kind}", args=[scale.pk])
        assert visit("viewer").get(address).content.startswith(start)
        stranger = factories.person(f"stranger-{kind}", factories.project(f"Elsewhere {kind}"), role="viewer")
        client = visit("viewer")
        client.force_login(stranger)
        assert client.get(address).status_code == 404


def test_a_scale_of_essays_that_never_met_is_not_even_asked_about(visit: Any, scale: Scale) -> None:
    Scale.objects.filter(pk=scale.pk).update(connected=False, components=2)
    posted = {"CHANGE_FORM-action": "publish", "_selected_action": scale.pk}
    address = reverse("admin:batches_scale_change", args=[scale.pk])
    page = visit("submitter").post(address, posted, follow=True)
    assert page.redirect_chain == [(address, 302)]
    assert "plan another round, which joins them" in " ".join(map(str, page.context["messages"]))
