"""Files to take away: what is in them to the cell, who may have them, and that each is put on record."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from batches.admin import exports
from batches.models import Assessment, AuditEntry, Essay, Project
from tests.admin import factories
from tests.admin.conftest import Visit
from tests.admin.sheets import sheets, table

pytestmark = pytest.mark.django_db
HOSTILE = [
    '=HYPERLINK("http://a.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "<script>alert(1)</script>",
    "\u202e=1",
]


@pytest.fixture
def assessment(project: Project) -> Assessment:
    """Two judged comparisons, one of which nobody has judged beside them, hostile in every text; and a scale."""
    made = factories.assessment(project, "Year 9", essays=0)
    for hostile in HOSTILE[:4]:
        Essay.objects.create(assessment=made, candidate=hostile[:20], text=hostile)
    job = factories.job(list(factories.cj_round(made, pairs=3, submitted=True).comparisons.order_by("pk")))
    items = list(job.items.order_by("pk"))
    factories.judged(items[0], why=HOSTILE[0], confidence=5)
    factories.judged(items[1], winner="B", why=HOSTILE[5])
    factories.scale(made)
    return made


def take(client: Client, row: Any, file: str) -> Any:
    return client.post(reverse(f"admin:batches_{row._meta.model_name}_export", args=[row.pk]), {"file": file})


def content(response: Any) -> bytes:
    assert response.status_code == 200, response
    assert response.streaming
    return b"".join(response.streaming_content)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_a_workbook_holds_scores_and_judgements_and_what_they_are(visit: Visit, assessment: Assessment) -> None:
    book = sheets(content(take(visit("editor"), assessment, "results.xlsx")))
    assert list(book) == ["Scores", "Judgements", "About"]
    scores, judgements = table(book["Scores"]), table(book["Judgements"])
    best = assessment.scales.get().scores.get(rank=1)
    assert scores[0]["candidate"] == ("text", best.essay.candidate)
    assert scores[0]["rank"] == ("number", "1")
    assert float(scores[0]["logit"][1]) == pytest.approx(best.logit)
    assert [row["status"][1] for row in judgements] == ["JUDGED", "JUDGED", "IN_FLIGHT"]
    assert judgements[0]["winner"] == ("text", "A")
    assert judgements[0]["confidence"] == ("number", "5")
    assert "winner" not in judgements[2]
    about = {row["A"][1]: row["B"][1] for row in book["About"] if "A" in row}
    assert about["Take care"].startswith("Local judge")
    assert about["Estimator"] == "MAP"
    assert about["Judgements"] == "2"
    assert "not published" in about["Scale"]
    assert "EB reliability 0.87" in " ".join(row["B"][1] for row in book["About"])


def test_nothing_that_somebody_wrote_becomes_a_formula_or_a_link(visit: Visit, assessment: Assessment) -> None:
    client = visit("editor")
    book = sheets(content(take(client, assessment, "results.xlsx")))
    cells = [cell for rows in book.values() for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell[0] == "formula"]
    assert ("text", HOSTILE[0]) in cells
    for file in ("scores.csv", "judgements.csv"):
        rows = list(csv.reader(io.StringIO(content(take(client, assessment, file)).decode())))
        assert len(rows) > 1
        assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+@\t-") and not is_number(cell)]


def test_csv_and_jsonl_have_the_rows_of_the_scale_they_were_taken_from(visit: Visit, assessment: Assessment) -> None:
    first = assessment.scales.get()
    factories.scale(assessment)
    client = visit("editor")
    of_first = [json.loads(line) for line in content(take(client, first, "scores.jsonl")).splitlines()]
    newest = [json.loads(line) for line in content(take(client, assessment, "scores.jsonl")).splitlines()]
    assert {row["scale"] for row in of_first} == {1}
    assert {row["scale"] for row in newest} == {2}
    assert [row["candidate"] for row in of_first] == [one.essay.candidate for one in first.scores.order_by("rank")]
    judged = list(csv.DictReader(io.StringIO(content(take(client, first, "judgements.csv")).decode())))
    assert [row["justification"] for row in judged] == [f"'{HOSTILE[0]}", HOSTILE[5], ""]


def test_who_took_what_is_put_on_record(visit: Visit, assessment: Assessment) -> None:
    response = take(visit("editor"), assessment, "judgements.csv")
    assert response["Content-Disposition"] == f'attachment; filename="{assessment.slug}-scale-1-judgements.csv"'
    entry = AuditEntry.objects.get(act="export")
    assert (entry.actor_name, entry.target_id, entry.project) == ("editor", str(assessment.pk), assessment.project)
    assert entry.detail == {"what": "judgements", "format": "csv"}


def test_a_viewer_takes_nothing_away_and_is_shown_no_button(visit: Visit, assessment: Assessment) -> None:
    viewer = visit("viewer")
    for row in (assessment, assessment.scales.get()):
        assert take(viewer, row, "scores.csv").status_code == 403
        page = reverse(f"admin:batches_{row._meta.model_name}_change", args=[row.pk])
        assert "Take it with you" not in viewer.get(page).content.decode()
        assert "Take it with you" in visit("editor").get(page).content.decode()
    assert visit("editor").get(reverse("admin:batches_scale_export", args=[row.pk])).status_code == 405
    assert reverse("admin:batches_scale_print", args=[row.pk]) in viewer.get(page).content.decode()
    assert not AuditEntry.objects.filter(act="export").exists()


@pytest.mark.parametrize("file", ["", "passwords.csv", "scores.exe", "scores.csv\x00"])
def test_a_file_that_somebody_made_up_is_refused_in_a_sentence(visit: Visit, assessment: Assessment, file: str) -> None:
    client = visit("editor")
    assert take(client, assessment, file).status_code == 302
    assert "There is no such file" in client.get(reverse("admin:index")).content.decode()
    assert not AuditEntry.objects.filter(act="export").exists()


def test_too_many_judgements_for_a_workbook_are_refused_before_anything_is_written(
    visit: Visit, assessment: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_IN_A_WORKBOOK", 2)
    client = visit("editor")
    assert take(client, assessment, "results.xlsx").status_code == 302
    assert f"export {assessment.slug} --format xlsx" in client.get(reverse("admin:index")).content.decode()


def test_without_a_scale_a_workbook_says_so_and_scores_are_refused(visit: Visit, project: Project) -> None:
    made = factories.assessment(project, "New")
    client = visit("editor")
    book = sheets(content(take(client, made, "results.xlsx")))
    assert book["Scores"] == [{"A": ("text", "Nothing yet.")}]
    assert ("text", "None has been computed yet.") in [cell for row in book["About"] for cell in row.values()]
    assert take(client, made, "scores.csv").status_code == 302
