"""Strings that want to be markup, formulas, headers or another reading order stay text on every page and export."""

import csv
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from batches.essays.listed import Written, read_listed
from batches.essays.read import read_essays
from batches.pipeline import export, workbook
from tests.admin import factories
from tests.admin.urls import addresses
from tests.hostile import FORMULAS, HOSTILE, UNSTORABLE, every_text_hostile

pytestmark = pytest.mark.django_db
WORD = "zqx"
GOES_SOMEWHERE = {"href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href", "hx-get", "hx-post"}
TAKES_TEXT = {"value", "title", "alt", "placeholder", "aria-label", "content", "data-confirm", "label"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
ISOLATES = {"bdi", "textarea", "option", "title", "pre"}
RUNS = re.compile(r"^[\s]*[=+\-@\t\r\n\x00＝＋－＠]")


class Page(HTMLParser):
    """What came to life on a page, and which texts may turn the reading order of others."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.alive: list[str] = []
        self.turning: list[str] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if WORD in tag or any(_acts(name, value) for name, value in values.items()):
            self.alive.append(self.get_starttag_text() or tag)
        if tag not in VOID:
            self.open.append((tag, values))

    def handle_endtag(self, tag: str) -> None:
        while self.open and tag in {name for name, _ in self.open} and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _ in self.open]
        if inside and inside[-1] in ("script", "style") and WORD in data:
            self.alive.append(f"<{inside[-1]}> {data[:80]}")
        if TURNS.search(data) and not any(tag in ISOLATES or "dir" in values for tag, values in self.open):
            self.turning.append(f"{inside[-3:]}: {data.strip()[:80]!a}")

    def handle_comment(self, data: str) -> None:
        if WORD in data:
            self.alive.append(f"<!--{data[:80]}-->")


def _acts(name: str, value: str) -> bool:
    """Whether an attribute is of a payload's making, or lets its text act or lead elsewhere."""
    if WORD in name:
        return True
    if WORD not in value:
        return False
    if name in GOES_SOMEWHERE:
        return not re.match(r"[/?#](?!/)", value)
    return name not in TAKES_TEXT


@pytest.fixture
def rows(db: None) -> dict[str, Any]:
    return every_text_hostile()


@pytest.fixture
def client(rows: dict[str, Any], client: Client) -> Client:
    user = factories.person("reader", rows["project"], role="everything")
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    client.force_login(User.objects.get(pk=user.pk))
    return client


def pages(rows: dict[str, Any]) -> Iterator[str]:
    """Every address of the admin, with rows that are hostile; the lists also searched and filtered by a string."""
    work, user = rows["hostile"], rows["project"].memberships.first()
    mine = {
        "assessment": work,
        "essay": work.essays.first(),
        "round": work.rounds.get(),
        "comparison": work.rounds.get().comparisons.order_by("pk")[1],
        "batchjob": work.rounds.get().comparisons.first().items.get().job,
        "scale": work.scales.get(),
        "callback": work.callbacks.first(),
        "provideraccount": rows["comparison"].judge.account,
        "judge": rows["comparison"].judge,
        "flag": work.essays.first().flags.first(),
        "user": user.user,
        "membership": user,
    }
    ids = {row._meta.model_name: row.pk for row in rows.values()} | {name: row.pk for name, row in mine.items()}
    for address in addresses(ids):
        yield address.url
    for page in ("comparison", "essay", "assessment"):
        yield reverse(f"admin:batches_{page}_changelist") + "?q=%3Czqx%3E%22%20onfocus%3Dzqx()"
    for essay in work.essays.order_by("pk"):
        yield reverse("admin:batches_essay_change", args=[essay.pk])
    for comparison in work.rounds.get().comparisons.order_by("pk"):
        yield reverse("admin:batches_comparison_change", args=[comparison.pk])


def looked_at(response: Any) -> tuple[Page | None, bytes]:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    html = response.headers.get("Content-Type", "").startswith("text/html")
    return (Page(content.decode()) if html else None), content


def test_there_are_more_than_fifty_strings_and_each_is_known_by_its_word():
    assert len(HOSTILE) >= 50
    assert all(WORD in text or WORD[::-1] in text for text in HOSTILE)


def test_the_search_for_what_is_alive_finds_it():
    """Each script, put on a page as it is, is seen; escaped, it is not."""
    from django.utils.html import escape

    seen = [text for text in HOSTILE if Page(f"<p>{text}</p>").alive]
    assert len(seen) >= 20
    assert Page('<p title="" autofocus onfocus="zqx()">').alive
    assert Page("<a href='javascript:zqx()'>").alive
    assert Page("<p>\u202ex</p>").turning
    assert not Page("<p><bdi>\u202ex</bdi></p>").turning
    for text in HOSTILE:
        assert not Page(f'<p title="{escape(text)}">{escape(text)}</p>').alive


def test_nothing_is_alive_on_any_page_of_the_admin(client: Client, rows: dict[str, Any]) -> None:
    alive, turning, walked, texts = {}, {}, 0, 0
    for url in pages(rows):
        response = client.get(url)
        assert response.status_code < 500, url
        page, content = looked_at(response)
        walked += response.status_code == 200
        texts += content.count(WORD.encode())
        assert response.headers["X-Content-Type-Options"] == "nosniff", url
        assert not any(WORD in value for name, value in response.headers.items() if name != "Location"), url
        assert b"14zqx" not in content, url
        assert b"root:x:0" not in content, url
        if page is None:
            continue
        assert "script-src" in response.headers["Content-Security-Policy"], url
        alive |= {url: page.alive} if page.alive else {}
        turning |= {url: page.turning} if page.turning else {}
    assert alive == {}
    assert turning == {}
    assert walked > 150
    assert texts > 5_000


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_is_alive_where_every_text_is_this_one(db: None, client_of_all: Any, text: str) -> None:
    rows, client = client_of_all(text)
    for url in list(pages(rows))[:-9]:
        page, _ = looked_at(client.get(url))
        assert page is None or page.alive == [], url


@pytest.fixture
def client_of_all() -> Any:
    def login(text: str) -> tuple[dict[str, Any], Client]:
        rows = every_text_hostile([text] * 3)
        user = factories.person("reader", rows["project"], role="everything", is_superuser=True)
        client = Client()
        client.force_login(user)
        return rows, client

    return login


EXPORTS = {
    "judgements": export.judgements,
    "scores": export.scores,
    "sirt": export.sirt,
    "plain": export.plain,
    "nmm": export.no_more_marking,
}


def test_no_cell_of_an_export_is_a_formula(rows: dict[str, Any]) -> None:
    for name, exported in EXPORTS.items():
        lines = "".join(export.as_csv(exported(rows["hostile"])))
        read = list(csv.reader(io.StringIO(lines, newline="")))
        assert len(read) > 30, name
        assert len({len(cells) for cells in read}) == 1, name
        running = [cell for cells in read for cell in cells if RUNS.match(cell) and not export._is_number(cell)]
        assert running == [], name
        assert any(text in cell for cells in read for cell in cells for text in FORMULAS), name


def test_cells_of_a_workbook_are_text_and_never_formulas_or_links(rows: dict[str, Any], tmp_path: Any) -> None:
    workbook.write(rows["hostile"], tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        sheets = {name: package.read(name).decode() for name in package.namelist() if name.endswith((".xml", ".rels"))}
    cells = [sheet for name, sheet in sheets.items() if name.startswith("xl/worksheets/")]
    assert len(cells) >= 2
    for sheet in cells:
        assert "<f>" not in sheet
        assert "<f " not in sheet
        assert "<hyperlink" not in sheet
        assert "<zqx" not in sheet
    assert not any("TargetMode" in text for text in sheets.values())
    assert sum(sheet.count("zqx") for sheet in sheets.values()) > len(HOSTILE)


def test_lines_of_jsonl_are_one_document_each(rows: dict[str, Any]) -> None:
    lines = "".join(export.as_jsonl(export.judgements(rows["hostile"]))).encode().split(b"\n")[:-1]
    said = {json.loads(line)["justification"] for line in lines}
    assert len(lines) == len(HOSTILE)
    assert said - {""} <= set(HOSTILE)


def test_the_status_api_answers_in_json_that_nothing_sniffs(client: Client, rows: dict[str, Any]) -> None:
    slug, work = rows["hostile"].slug, rows["hostile"]
    paths = [f"/assessments/{slug}{part}" for part in ("", "/essays", "/standing", "/rounds", "/comparisons")]
    paths += ["/projects", "/assessments", "/comparisons", "/batch-jobs", "/scales", "/rounds", "/nothing?zqx=<zqx>"]
    paths += [f"/scales/{work.scales.get().pk}", f"/rounds/{work.rounds.get().pk}"]
    paths += [f"/comparisons/{row.pk}" for row in work.rounds.get().comparisons.all()]
    answered = 0
    for path in paths:
        response = client.get(f"/api/v1{path}")
        assert response.status_code < 500, path
        assert "json" in response.headers["Content-Type"], path
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        json.loads(response.content)
        answered += response.status_code == 200
    assert answered > 70


@pytest.mark.parametrize("text", [*HOSTILE, *UNSTORABLE], ids=range(len(HOSTILE) + len(UNSTORABLE)))
def test_a_file_that_holds_it_is_read_as_text_or_refused_in_a_sentence(text: str, tmp_path: Any) -> None:
    reading = read_listed([Written(candidate=text, text=text), Written(candidate="P1", text=text)])
    for row in reading.rows:
        assert "\x00" not in row.candidate + row.text
    for problem in reading.problems:
        assert problem.sentence.endswith(".")
        assert "\n" not in str(problem)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(f"{text.encode('utf-8', 'replace').decode()}.txt", "An essay.")
    reading = read_essays(tmp_path / "a.zip", name=f"{text}.zip")
    assert len(reading.rows) + len(reading.problems) >= 1
    for problem in reading.problems:
        assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", str(problem)), problem


def test_a_line_of_the_log_stays_one_line(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("batches").warning("account paused reason=%s", "zqx\n2026 INFO root: all is well\r\x1b[2J\u2028x")
    assert re.search(r"[\r\n\x1b\u2028]", caplog.records[-1].getMessage()) is None
