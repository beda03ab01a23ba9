"""Withdrawal, purge, retention and the export of what is held, as people ask for them."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from batches.models import Assessment, AuditEntry, Comparison, Erasure, Essay, Project
from batches.pipeline import erase, retention
from tests.admin import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def assessment(project: Project) -> Assessment:
    made = factories.assessment(project, "Years", essays=4)
    comparisons = list(factories.cj_round(made, submitted=True).comparisons.order_by("pk"))
    job = factories.job(comparisons[:1])
    factories.judged(job.items.get(), why="Years justification")
    factories.collected(job)
    return made


def url(of, name: str) -> str:
    return reverse(f"admin:batches_{of._meta.model_name}_{name}", args=[of.pk])


def press(client, of, action: str, **more: str):
    posted = {"CHANGE_FORM-action": action, "_selected_action": str(of.pk)}
    return client.post(url(of, "change"), posted | more, follow=True)


def test_an_administrator_withdraws_a_pupil_after_a_question(visit, assessment):
    essay = assessment.essays.order_by("pk").first()
    client = visit("administrator")
    assert "cannot be brought back" in press(client, essay, "withdraw").text
    assert not Erasure.objects.exists()
    assert "Withdrew 1 pupil" in press(client, essay, "withdraw", confirmed="yes").text
    erasure = Erasure.objects.get()
    assert (erasure.actor_name, erasure.candidate) == ("administrator", essay.candidate)
    shown = client.get(url(erasure, "change")).text
    assert essay.text_sha256 in shown
    assert "The essay of" not in shown
    assert client.get(url(erasure, "json")).json()["removed"]["essay texts"] == 1


def test_an_administrator_purges_and_the_pages_show_it(visit, assessment):
    client = visit("administrator")
    asked = press(client, assessment, "purge").context["question"]
    assert (asked.title, asked.for_good) == (f"Purge “{assessment}” for good?", True)
    assert ("Essay texts", "4") in asked.facts
    assert "Purged 1 assessment" in press(client, assessment, "purge", confirmed="yes").text
    assert "scores, counts and money stay" in client.get(url(assessment, "change")).text
    assert "Its text was removed" in client.get(url(assessment.essays.first(), "change")).text
    assert not Essay.objects.filter(assessment=assessment).exclude(text="").exists()


def test_the_question_about_many_names_each_in_the_viewers_language(visit, assessment):
    other = factories.assessment(assessment.project, "Year 10", essays=2)
    client = visit("administrator")
    client.cookies["cj_language"] = "de"
    posted = {"action": "purge", "_selected_action": [assessment.pk, other.pk], "index": "0"}
    asked = client.post(reverse("admin:batches_assessment_changelist"), posted).context["question"]
    assert asked.title == "Texte von 2 Bewertungen endgültig löschen?"
    told = dict(asked.facts)
    assert told[str(other)].startswith("Texte von Aufsätzen: 2, ")
    assert told[str(assessment)].startswith("Texte von Aufsätzen: 4, ")
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "editor", "submitter"])
def test_nobody_else_may(visit, assessment, role):
    client, essay = visit(role), assessment.essays.first()
    press(client, essay, "withdraw", confirmed="yes")
    press(client, assessment, "purge", confirmed="yes")
    assert not Erasure.objects.exists()
    assert client.post(url(essay, "held")).status_code == 403


def test_all_that_is_held_on_a_candidate_is_one_document(visit, assessment):
    essay = Comparison.objects.get(status="JUDGED").essay_a
    client = visit("administrator")
    assert client.get(url(essay, "held")).status_code == 405
    found = client.post(url(essay, "held")).json()
    [one] = found["essays"]
    assert one["text"] == essay.text
    assert any(row["justification"] == "Years justification" for row in one["comparisons"])
    assert AuditEntry.objects.filter(act="export candidate", actor__username="administrator").exists()


def test_the_commands_do_the_same(run, assessment):
    essay = assessment.essays.order_by("pk").first()
    held = run("export_candidate", assessment.slug, essay.candidate)
    assert json.loads(held.out)["essays"][0]["text"] == essay.text
    refused = run("withdraw", assessment.slug, essay.candidate)
    assert (refused.code, "say --yes" in refused.err) == (2, True)
    assert json.loads(run("withdraw", assessment.slug, essay.candidate, "--yes").out)["completed_at"]
    assert run("export_candidate", assessment.slug, "nobody").code == 2


def test_purge_says_what_would_go_and_removes_nothing_without_yes(run, assessment):
    said = run("purge", "--assessment", assessment.slug)
    assert "would lose: 4 essay texts" in said.out
    assert not Erasure.objects.exists()
    [done] = json.loads(run("purge", "--assessment", assessment.slug, "--yes", "--json").out)
    assert done["removed"]["essay texts"] == 4
    assert done["asked_by"] == "command line"


def test_a_roster_is_loaded_from_a_file(run, assessment, tmp_path):
    (tmp_path / "names.txt").write_text("Kwame Adjei\nZoë Ng\n")
    assert run("load_roster", str(tmp_path / "names.txt"), "--project", assessment.project.name).code == 0
    assert assessment.project.roster.count() == 2


def test_what_a_project_keeps_no_longer_is_due_and_nothing_else(assessment, run):
    Project.objects.filter(pk=assessment.project_id).update(retention_days=30)
    assert retention.due() == []
    month = timedelta(days=31)
    Assessment.objects.update(created_at=F("created_at") - month)
    Essay.objects.update(created_at=F("created_at") - month)
    assert retention.due() == []  # its last judgement is of today
    Comparison.objects.update(resolved_at=F("resolved_at") - month)
    assert retention.due() == [assessment]
    [erasure] = retention.purge_due()
    assert erasure.why == "kept for 30 days, as the project says"
    assert erasure.completed_at is not None
    assert retention.due() == []
    assert run("purge", "--due").out == "Nothing is due.\n"


def test_an_erasure_of_one_project_is_seen_by_its_members_only(visit, assessment):
    theirs = factories.assessment(factories.project("Theirs"), "Theirs")
    erasure = erase.purge(theirs, actor=None)
    for name in ("change", "json"):
        assert visit("administrator").get(url(erasure, name)).status_code in (302, 404)
