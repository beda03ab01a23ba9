"""Single pages and lists: what a reader finds there, and that nothing written in an essay can act on a page."""

import hashlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from batches.admin import paging
from batches.admin.essays import EssayForm
from batches.admin.forms import storable
from batches.models import Comparison, Essay, Project, ProviderAccount
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7|add:7 }}{% now 'Y' %}",
    "</div></pre></textarea><b>bold</b>",
    "\u202egnisrever",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "&lt;b&gt;",
]


def address(row: Any, page: str = "change") -> str:
    return reverse(f"admin:batches_{row._meta.model_name}_{page}", args=[row.pk])


def listed(client: Client, model: str, **query: Any) -> list[Any]:
    response = client.get(reverse(f"admin:batches_{model}_changelist"), query)
    assert response.status_code == 200
    found: list[Any] = response.context["cl"].result_list
    return found


@pytest.fixture
def judged(project: Project) -> Comparison:
    assessment = factories.assessment(project, "Year 9")
    job = factories.job(list(factories.cj_round(assessment, submitted=True).comparisons.all()))
    factories.judged(job.items.all()[0], winner="B", why="Clearer.", confidence=3)
    return Comparison.objects.get(status="JUDGED")


def test_a_comparison_shows_both_essays_in_the_order_read_and_all_that_was_said(
    visit: Visit, judged: Comparison
) -> None:
    text = visit("viewer").get(address(judged)).content.decode()
    first, second = text.index(judged.essay_a.text), text.index(judged.essay_b.text)
    assert first < second
    for words in (
        "is better",
        "confidence 3 of 5",
        "Clearer.",
        "Raw answer",
        "900",
        "60",
        "$0.0012",
        "this one counts",
    ):
        assert words in text, words
    assert "read first" in text
    assert address(judged.items.get().job) in text


def test_line_breaks_and_reading_direction_of_an_essay_are_kept(visit: Visit, judged: Comparison) -> None:
    text = visit("viewer").get(address(judged)).content.decode()
    assert "\n\nIt has two parts.</div>" in text
    assert 'class="cj-text cj-essay" dir="auto"' in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_is_written_in_an_essay_is_only_shown(visit: Visit, project: Project, hostile: str) -> None:
    assessment = factories.assessment(project, f"T {hostile}"[:200], essays=0, instructions=hostile, rubric=hostile)
    for i in range(2):
        Essay.objects.create(assessment=assessment, candidate=f"{hostile}{i}", text=hostile)
    planned = factories.cj_round(assessment, pairs=1, submitted=True)
    job = factories.job(list(planned.comparisons.all()))
    item = job.items.get()
    type(item).objects.filter(pk=item.pk).update(answer=hostile, error=hostile)
    factories.judged(item, why=hostile)
    scale = factories.scale(assessment)
    client = visit("viewer")
    pages = [
        address(row) for row in (assessment, assessment.essays.first(), planned.comparisons.get(), job, scale, planned)
    ]
    pages += [
        reverse(f"admin:batches_{name}_changelist") for name in ("assessment", "essay", "comparison", "round", "scale")
    ]
    for page in [*pages, reverse("admin:index")]:
        text = client.get(page).content.decode()
        if any(sign in hostile for sign in "<>\"'"):
            assert hostile not in text, page
        assert "<b>bold" not in text
        assert "14" + "2026" not in text
        assert "onerror=alert(1)>" not in text


def test_a_failed_comparison_says_why(visit: Visit, judged: Comparison) -> None:
    item = judged.items.get().job.items.filter(outcome=None)[0]
    failed = factories.failed(item, reason="truncated", detail="It stopped at 2,000 tokens.")
    text = visit("viewer").get(address(failed)).content.decode()
    assert "Failed because the answer was cut off. <bdi>It stopped at 2,000 tokens.</bdi>" in text


def test_comparisons_are_found_by_candidate_custom_id_and_number(visit: Visit, judged: Comparison) -> None:
    client = visit("viewer")
    with_a = {c.pk for c in Comparison.objects.all() if judged.essay_a_id in (c.essay_a_id, c.essay_b_id)}
    assert {row.pk for row in listed(client, "comparison", q=judged.essay_a.candidate)} == with_a
    assert [row.pk for row in listed(client, "comparison", q=judged.items.get().custom_id)] == [judged.pk]
    assert judged.pk in {row.pk for row in listed(client, "comparison", q=str(judged.pk))}
    assert listed(client, "comparison", q=judged.essay_a.candidate[:4]) == []
    assert listed(client, "comparison", q="9" * 40) == []


def test_a_candidate_is_found_whole_even_with_blanks_in_it(visit: Visit, judged: Comparison) -> None:
    assert " " in judged.essay_a.candidate
    assert [row.pk for row in listed(visit("viewer"), "essay", q=judged.essay_a.candidate)] == [judged.essay_a_id]


@pytest.mark.parametrize(
    "query", [{"q": "a\x00b"}, {"status__exact": "\x00"}, {"p": "x"}, {"p": "999999"}, {"o": "77"}]
)
def test_an_address_that_somebody_made_up_does_not_break_a_list(visit: Visit, judged: Comparison, query: Any) -> None:
    response = visit("viewer").get(reverse("admin:batches_comparison_changelist"), query, follow=True)
    assert response.status_code == 200


@pytest.mark.parametrize("pk", ["0", "9" * 30, "-1", "x", "1%00", "_00"])
def test_an_object_that_does_not_exist_leads_back(visit: Visit, project: Project, pk: str) -> None:
    response = visit("viewer").get(f"/admin/batches/comparison/{pk}/change/")
    assert response.status_code == 302


def test_a_long_list_is_counted_only_as_far_as_anybody_reads(
    visit: Visit, judged: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_ROWS", 2)
    response = visit("viewer").get(reverse("admin:batches_comparison_changelist"))
    assert "more than 2 comparisons" in " ".join(response.content.decode().split())


def test_a_list_does_not_read_the_texts_of_essays(visit: Visit, judged: Comparison) -> None:
    from django.db import connection

    client = visit("viewer")
    for model in ("comparison", "essay", "scale", "round"):
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse(f"admin:batches_{model}_changelist"))
        for query in asked:
            for column in ('"text"', '"rubric"', '"judgement_ids"', '"justification"'):
                assert column not in query["sql"], (model, column)


def test_a_key_is_named_and_never_shown(visit: Visit, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    with_key, without = factories.account(local=False), factories.account("openai", local=False)
    client = visit("administrator")
    for row in (with_key, without):
        text = client.get(address(row)).content.decode()
        assert "canary" not in text
        assert ("ANTHROPIC_API_KEY: yes" in text) is (row == with_key)
    assert "OPENAI_API_KEY: no" in client.get(reverse("admin:batches_provideraccount_changelist")).content.decode()


def test_the_front_page_shows_what_is_wrong_with_an_account(visit: Visit, project: Project) -> None:
    factories.account()
    ProviderAccount.objects.update(paused_at=timezone.now(), paused_reason="The key was refused.")
    text = visit("viewer").get(reverse("admin:index")).content.decode()
    assert "is paused: <bdi>The key was refused.</bdi>" in text


def test_somebody_without_a_project_is_told_what_to_do(visit: Visit, project: Project) -> None:
    client = visit("editor")
    factories.Membership.objects.all().delete()
    assert "Ask an administrator to add you to one." in client.get(reverse("admin:index")).content.decode()


def test_an_essay_that_was_compared_keeps_its_text_and_its_row(visit: Visit, judged: Comparison) -> None:
    client = visit("editor")
    posted = {"candidate": "other", "text": "Another text.", "anchor_score": "4.5", "_save": "Save"}
    client.post(address(judged.essay_a) + "?edit=1", posted)
    essay = Essay.objects.get(pk=judged.essay_a_id)
    assert (essay.candidate, essay.text) == (judged.essay_a.candidate, judged.essay_a.text)
    assert essay.anchor_score == 4.5
    assert client.post(address(essay, "delete"), {"post": "yes"}).status_code == 403


def test_an_essay_nobody_has_compared_can_be_corrected_and_removed(visit: Visit, project: Project) -> None:
    essay = factories.assessment(project, "Year 9").essays.first()
    assert essay is not None
    client = visit("editor")
    client.post(address(essay) + "?edit=1", {"candidate": "P1", "text": "Corrected  text.", "_save": "Save"})
    essay.refresh_from_db()
    assert (essay.candidate, essay.n_words) == ("P1", 2)
    assert essay.text_sha256 == hashlib.sha256(b"Corrected  text.").hexdigest()
    assert client.post(address(essay, "delete"), {"post": "yes"}).status_code == 302
    assert not Essay.objects.filter(pk=essay.pk).exists()


@pytest.mark.parametrize(
    "model", ["comparison", "batchjob", "scale", "auditentry", "callback", "judge", "provideraccount"]
)
def test_what_is_history_cannot_be_deleted_even_by_a_superuser(client: Client, project: Project, model: str) -> None:
    rows = factories.whole_project("Southway")
    user = factories.person("root", rows["project"], is_superuser=True)
    client.force_login(user)
    found = {row._meta.model_name: row for row in rows.values()}
    row = found.get(model) or (rows["comparison"].judge if model == "judge" else rows["comparison"].judge.account)
    assert client.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    posted = {"action": "delete_selected", "_selected_action": row.pk, "index": "0", "post": "yes"}
    client.post(reverse(f"admin:batches_{model}_changelist"), posted)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_a_planned_round_can_be_thrown_away_and_a_submitted_one_cannot(visit: Visit, project: Project) -> None:
    assessment = factories.assessment(project, "Year 9")
    planned, submitted = factories.cj_round(assessment), factories.cj_round(assessment, submitted=True)
    client = visit("administrator")
    assert "3 planned comparisons" in client.get(address(planned, "delete")).content.decode()
    assert client.post(address(planned, "delete"), {"post": "yes"}).status_code == 302
    assert client.post(address(submitted, "delete"), {"post": "yes"}).status_code == 403
    assert list(assessment.rounds.all()) == [submitted]


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "\udfff"])
def test_text_that_cannot_be_stored_is_refused_in_a_sentence(project: Project, text: str) -> None:
    with pytest.raises(ValidationError):
        storable(text)
    form = EssayForm({"candidate": text, "text": text})
    assert not form.is_valid()
    for field in ("candidate", "text"):
        assert len(form.errors[field]) == 1
        assert "type it again instead of pasting it" in form.errors[field][0]
