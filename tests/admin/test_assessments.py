"""Making an assessment, adding essays to it, changing it, and the page that says where it stands."""

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from batches.models import Assessment, AuditEntry, Comparison, Essay, Judge, Project
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.snapshot import snapshot
from tests.admin.steps import HAIKU, errors_of, filled, make, to_the_check
from tests.pipeline.people import person_who_judges

pytestmark = pytest.mark.django_db
SONNET = "anthropic:claude-sonnet-4-5-20250929"
SHEET = "candidate,text,house\nP1,The first essay.,Red\nP2,The second essay.,Blue\n"


@pytest.fixture(autouse=True)
def local(settings: Any) -> None:
    settings.LOCAL_PROVIDER = True


def upload(text: str | bytes, name: str = "essays.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def page(client: Any, assessment: Assessment) -> Any:
    return client.get(reverse("admin:batches_assessment_change", args=[assessment.pk]))


def test_an_assessment_is_made_with_its_essays_judge_and_budget(visit: Visit, project: Project) -> None:
    response = make(visit("editor"), filled(project, strategy="provider_batch", essays=upload(SHEET)))
    made = Assessment.objects.get()
    assert (made.slug, made.budget_usd, str(made.created_by)) == ("year-9-writing", Decimal("7.5"), "editor")
    assert made.overrides == {"llm_batching_strategy": "provider_batch"}
    assert [str(judge) for judge in made.judges.all()] == ["claude-haiku-4-5-20251001 (local)"]
    assert list(made.essays.values_list("candidate", "text")) == [
        ("P1", "The first essay."),
        ("P2", "The second essay."),
    ]
    assert response.redirect_chain[-1][0] == reverse("admin:batches_assessment_change", args=[made.pk])
    assert AuditEntry.objects.filter(act="create", project=project).exists()


def test_every_problem_of_a_file_is_named_by_row_and_nothing_is_saved(visit: Visit, project: Project) -> None:
    client = visit("editor")
    before = snapshot()
    sheet = "candidate,text\n,No code.\nP1,Fine.\nP1,Twice.\nP2,\n"
    response = make(client, filled(project, essays=upload(sheet)))
    assert [problem.where for problem in response.context["problems"]] == ["row 2", "row 4", "row 5"]
    assert snapshot() == before


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "essays.csv", "empty"),
        ("name,words\nP1,Text.\n", "essays.csv", "candidate"),
        (b"candidate,text\nP1,\xff\xfe\n", "essays.csv", "UTF-8"),
        ("candidate,text\nP1,a\x00b\n", "essays.csv", "NUL"),
        (b"PK\x03\x04 not really", "essays.zip", "essays.zip"),
        (b"MZ", "essays.exe", "essays.exe"),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_sentence(
    visit: Visit, project: Project, content: str | bytes, name: str, says: str
) -> None:
    client = visit("editor")
    before = snapshot()
    response = make(client, filled(project, essays=upload(content, name)))
    assert says.lower() in errors_of(response).lower()
    assert snapshot() == before


def test_a_zip_of_documents_is_loaded_under_the_names_of_its_files(visit: Visit, project: Project) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("class/P7.txt", "An essay in a text file.")
        archive.writestr("class/P8.txt", "Another one.")
    assessment = factories.assessment(project, "Empty", essays=0)
    address = reverse("admin:batches_assessment_essays", args=[assessment.pk])
    response = visit("editor").post(address, {"essays": upload(packed.getvalue(), "class.zip")}, follow=True)
    assert [str(message) for message in response.context["messages"]] == ["Loaded 2 essays."]
    assert set(assessment.essays.values_list("candidate", flat=True)) == {"P7", "P8"}


def test_columns_that_were_not_used_are_named(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Empty", essays=0)
    address = reverse("admin:batches_assessment_essays", args=[assessment.pk])
    response = visit("editor").post(address, {"essays": upload(SHEET)}, follow=True)
    assert "Columns that were not used: house." in str(next(iter(response.context["messages"])))


def test_essays_that_are_there_already_are_refused_and_none_is_added(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Full", essays=0)
    Essay.objects.create(assessment=assessment, candidate="P2", text="Already here.")
    address = reverse("admin:batches_assessment_essays", args=[assessment.pk])
    response = visit("editor").post(address, {"essays": upload(SHEET)})
    assert "P2" in errors_of(response)
    assert assessment.essays.count() == 1


def test_an_upload_leaves_no_file_behind(
    visit: Visit, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    make(visit("editor"), filled(project, essays=upload(SHEET)))
    make(visit("editor"), filled(project, title="Second", essays=upload("nonsense")))
    assert Assessment.objects.count() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_retired_model_is_refused_with_its_successor(visit: Visit, project: Project) -> None:
    client = visit("editor")
    with time_machine.travel("2026-12-01 12:00Z"):
        client.force_login(factories.User.objects.get(username="editor"))
        listed = to_the_check(client, filled(project, judges=[])).content.decode()
        response = make(client, filled(project, judges=[SONNET]))
    assert SONNET not in listed
    assert "was retired on 2026-11-30" in errors_of(response)
    assert "instead" in errors_of(response)
    assert not Assessment.objects.exists()


def test_a_model_that_retires_soon_is_marked_in_the_list(visit: Visit, project: Project) -> None:
    listed = to_the_check(visit("editor"), filled(project, judges=[])).content.decode()
    assert "claude-sonnet-4-5-20250929 (retires 30 November 2026)" in listed


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"title": "a\x00b"}, "NUL"),
        ({"rubric": "a\x00b"}, "NUL"),
        ({"slug": "not a slug"}, "slug"),
        ({"title": "日本語"}, "short name"),
        ({"budget": "-1"}, "greater than or equal to 0"),
        ({"budget": "NaN"}, "number"),
        ({"judges": ["anthropic:no-such-model"]}, "no-such-model"),
        ({"judges": ["elsewhere:model"]}, "model"),
        ({"strategy": "hourly"}, "hourly"),
    ],
)
def test_input_that_cannot_be_used_gets_a_sentence_and_changes_nothing(
    visit: Visit, project: Project, changes: dict[str, Any], says: str
) -> None:
    client = visit("editor")
    before = snapshot()
    response = make(client, filled(project, **changes))
    assert says.lower() in errors_of(response).lower()
    assert snapshot() == before


def test_a_short_name_that_is_taken_is_refused(visit: Visit, project: Project) -> None:
    make(visit("editor"), filled(project))
    response = make(visit("editor"), filled(project))
    assert "choose another short name" in errors_of(response)
    assert Assessment.objects.count() == 1


def edit(client: Any, assessment: Assessment, **changes: Any) -> Any:
    judge = assessment.judges.get()
    given = {"title": assessment.title, "judge": f"judge:{judge.pk}", "pairing": "adaptive"}
    given |= {"scaled_mean": "50", "scaled_sd": "10"}
    address = reverse("admin:batches_assessment_change", args=[assessment.pk]) + "?edit=1"
    return client.post(address, given | {"strategy": "", "_save": "Save"} | changes, follow=True)


def test_the_settings_form_leaves_the_budget_alone(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9")
    edit(visit("administrator"), assessment, budget="2.00", title="New title")
    assessment.refresh_from_db()
    assert (assessment.budget_usd, assessment.title) == (5, "New title")


def test_another_model_leaves_the_people_who_judge(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9")
    person_who_judges("ada", assessment)
    given = {"title": "Year 9", "judge": SONNET, "pairing": "adaptive", "strategy": "", "_save": "Save"}
    given |= {"scaled_mean": "50", "scaled_sd": "10"}
    address = reverse("admin:batches_assessment_change", args=[assessment.pk]) + "?edit=1"
    visit("editor").post(address, given)
    assert {str(one) for one in assessment.judges.all()} == {"claude-sonnet-4-5-20250929 (local)", "ada"}


def test_the_strategy_is_overridden_and_taken_back(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", overrides={"max_attempts": 2})
    edit(visit("editor"), assessment, strategy="provider_batch")
    assessment.refresh_from_db()
    assert assessment.overrides == {"max_attempts": 2, "llm_batching_strategy": "provider_batch"}
    edit(visit("editor"), assessment, strategy="")
    assessment.refresh_from_db()
    assert assessment.overrides == {"max_attempts": 2}


def test_the_judge_is_changed_until_the_first_round(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9")
    edit(visit("editor"), assessment, judge=SONNET)
    assert assessment.judges.get().model_id == "claude-sonnet-4-5-20250929"
    factories.cj_round(assessment)
    edit(visit("editor"), assessment, judge=HAIKU)
    assert assessment.judges.get().model_id == "claude-sonnet-4-5-20250929"


def test_what_the_judge_has_read_cannot_change_any_more(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", rubric="As it was.")
    factories.cj_round(assessment, submitted=True)
    edit(visit("editor"), assessment, rubric="Another one.", title="New title")
    assessment.refresh_from_db()
    assert (assessment.rubric, assessment.title) == ("As it was.", "New title")


def test_an_assessment_with_a_round_cannot_be_deleted(visit: Visit, project: Project) -> None:
    kept, gone = factories.assessment(project, "Kept"), factories.assessment(project, "Gone")
    factories.cj_round(kept)
    for assessment, status in ((kept, 403), (gone, 302)):
        address = reverse("admin:batches_assessment_delete", args=[assessment.pk])
        assert visit("administrator").post(address, {"post": "yes"}).status_code == status
    assert list(Assessment.objects.all()) == [kept]
    assert AuditEntry.objects.filter(act="delete", target_name="Gone").exists()


def test_the_page_says_what_is_happening_what_it_cost_and_what_to_do_next(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", essays=6)
    job = factories.job(list(factories.cj_round(assessment, pairs=4, submitted=True).comparisons.all()))
    items = list(job.items.all())
    factories.judged(items[0])
    factories.failed(items[1], reason="truncated")
    Assessment.objects.update(spent_usd=Decimal("1.25"), reserved_usd=Decimal("0.5"))
    response = page(visit("viewer"), assessment)
    text = response.content.decode()
    now = response.context["now"]
    assert (now.judged, now.failed, now.in_flight) == (1, 1, 2)
    for words in (now.happening, now.next_step, "$3.25", "left of $5.00", "$1.25", "$0.50", "the default"):
        assert words in text, words
    assert 'aria-valuenow="2"' in text
    assert "1 comparison because the answer was cut off" in text
    link = re.search(r'href="(/admin/batches/comparison/\?[^"]*fail_reason=truncated)"', text)
    assert link is not None
    listed = visit("viewer").get(link[1].replace("&amp;", "&"))
    assert [row.status for row in listed.context["cl"].result_list] == ["FAILED"]


@pytest.mark.parametrize(("local", "shown"), [(True, True), (False, False)])
def test_results_of_the_local_judge_carry_a_banner_on_every_page(
    visit: Visit, project: Project, local: bool, shown: bool
) -> None:
    assessment = factories.assessment(project, "Year 9", by=factories.judge(local=local))
    job = factories.job(list(factories.cj_round(assessment, submitted=True).comparisons.all()))
    factories.judged(job.items.all()[0])
    for row in (assessment, job, factories.scale(assessment), Comparison.objects.filter(status="JUDGED").get()):
        address = reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk])
        text = visit("viewer").get(address).content.decode()
        assert ("say nothing about pupils" in text) is shown, address


def test_the_scale_is_drawn_and_its_reliability_put_in_a_sentence(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9", essays=5)
    factories.scale(assessment, reliability=0.55)
    text = page(visit("viewer"), assessment).content.decode()
    assert "0.55" in text
    assert "Too uncertain to rank single pupils" in text
    assert text.count("<title>Year 9 0") == 5  # a tip for each dot
    assert 'role="img"' in text


def test_a_judge_is_made_once_with_its_settings(visit: Visit, project: Project) -> None:
    posted = {"model": HAIKU, "effort": "", "answer_by": "TOOL", "max_tokens": "900"}
    for _ in range(2):
        visit("administrator").post(reverse("admin:batches_judge_add"), posted)
    judge = Judge.objects.get()
    assert (judge.answer_by, judge.max_tokens, judge.is_local) == ("TOOL", 900, True)
    wrong = visit("administrator").post(reverse("admin:batches_judge_add"), posted | {"max_tokens": "5"})
    assert "max_tokens" in wrong.context["form"].errors
