"""Everything that a person reads is there in German, whole and in step with the source, and German pages are German."""

import ast
import html
import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext, override
from django.utils.translation.template import templatize

from batches.admin.base import ReadOnly
from batches.admin.sentences import ESSAYS, SENTENCES
from batches.admin.told import told
from tests.admin import factories
from tests.admin.urls import Address, addresses

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "locale" / "de" / "LC_MESSAGES" / "django.po"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted(path for folder in ("batches", "cjadmin") for path in (ROOT / folder).rglob("*.py"))
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}
CALL = re.compile(r"\b(?:_|gettext|ngettext)\(\s*(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}")
# what a template may say without a translation: names, units, and a command
NOT_WORDS = re.compile(r"&\w+;|\{\{.*?\}\}|SHA-256|Enter|JSON|CSV|JSONL|XLSX|cjadmin|manage\.py[\w \-]*", re.DOTALL)


def catalogue() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="de")


def texts(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def forms(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def in_source() -> Iterator[tuple[str, str]]:
    """Each text that the source gives to be translated, and where."""
    for path in MODULES:
        for _, found, _, _ in extract("python", io.BytesIO(path.read_bytes()), keywords=KEYWORDS):
            if first := found[0] if isinstance(found, tuple) else found:
                yield first, str(path.relative_to(ROOT))
    for path in TEMPLATES:
        for literal in CALL.findall(templatize(path.read_text())):
            yield ast.literal_eval(literal), str(path.relative_to(ROOT))


def test_every_text_has_a_german_one_and_none_is_a_guess() -> None:
    found = texts(catalogue())
    assert len(found) > 900
    assert [message.id for message in found if message.fuzzy] == []
    assert [message.id for message in found if not all(forms(message.string))] == []


def test_the_catalogue_is_in_step_with_the_source() -> None:
    """Run `make messages` where this fails, and translate what is new."""
    known = {forms(message.id)[0] for message in texts(catalogue())}
    assert sorted({f"{where}: {text}" for text, where in in_source() if text not in known}) == []


def test_a_german_text_holds_what_the_english_one_holds() -> None:
    for message in texts(catalogue()):
        wanted = set(PLACEHOLDER.findall(forms(message.id)[-1]))
        assert set(PLACEHOLDER.findall(forms(message.string)[-1])) == wanted, message.id
        assert set(PLACEHOLDER.findall(forms(message.string)[0])) <= wanted, message.id  # `the first essay`, of one


@pytest.mark.parametrize("path", sorted((ROOT / "locale").rglob("django.po")), ids=lambda path: path.parts[-4])
def test_what_django_reads_is_what_was_translated(path: Path) -> None:
    with path.open("rb") as source, path.with_suffix(".mo").open("rb") as made:
        written, compiled = read_po(source, locale="de"), read_mo(made)
    as_pairs = [{forms(m.id)[0]: forms(m.string) for m in texts(one)} for one in (written, compiled)]
    assert as_pairs[0] == as_pairs[1]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_says_anything_in_english_alone(path: Path) -> None:
    source = re.sub(r"\{% (comment|blocktranslate).*?end\1 %\}|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    source = re.sub(r"<(script|style|code)\b.*?</\1>", "", source, flags=re.DOTALL)
    source = re.sub(r'<span class="material-symbols-outlined[^>]*>[^<]*</span>', "", source)
    said = re.split(r"\{%.*?%\}|<[^>]*>", source, flags=re.DOTALL)
    said += re.findall(r'(?:aria-label|placeholder|alt|title)="([^"{]*)', source)
    assert [text.strip() for text in said if re.search(r"[A-Za-z]{2}", NOT_WORDS.sub("", text))] == []


def test_no_function_hides_the_translation_under_its_name() -> None:
    """`name, _, rest = ...` in a function that also says _("...") makes the second a call of a string."""
    functions = (
        (path, node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    )
    assert [f"{path.relative_to(ROOT)}:{node.lineno}" for path, node in functions if _hides(node)] == []


def _hides(function: ast.FunctionDef) -> bool:
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    inner = {id(n) for c in ast.walk(function) if isinstance(c, comprehensions) for n in ast.walk(c)}
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == "_" and id(n) not in inner]
    called = any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "_" for n in ast.walk(function))
    return called and any(isinstance(n.ctx, ast.Store) for n in names)


def test_sentences_of_the_pure_packages_are_found_by_their_pattern() -> None:
    with override("de"):
        assert told("row 3: The text is empty: add the essay, or leave this candidate out.") == (
            "Zeile 3: Der Text ist leer: Fügen Sie den Aufsatz hinzu oder lassen Sie diese Kennung weg."
        )
        assert told("claude-x retires on 2026-11-30 (8 days left). Use claude-y instead.") == (
            "claude-x wird am 2026-11-30 abgeschaltet (noch 8 Tage). Verwenden Sie stattdessen claude-y."
        )
        assert told("Connection reset by peer") == "Connection reset by peer"
    assert told(ESSAYS[4]) == ESSAYS[4]


def raised() -> Iterator[tuple[str, str]]:
    """Each sentence with which the essays' package refuses something, holes filled with an x."""
    for path in sorted((ROOT / "batches" / "essays").glob("*.py")):
        constants = vars(importlib.import_module(f"batches.essays.{path.stem}"))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadEssay" and node.args:
                yield _filled(node.args[0], constants), f"{path.name}:{node.lineno}"


def _filled(node: ast.expr, constants: dict[str, Any]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return str(constants.get(node.id, "x")).replace("{}", "x")
    if isinstance(node, ast.JoinedStr):
        return "".join(_filled(part, constants) for part in node.values)
    return _filled(node.value, constants) if isinstance(node, ast.FormattedValue) else "x"


def test_every_refusal_of_an_essay_has_a_german_one() -> None:
    with override("de"):
        sentences = [(text, where) for text, where in raised() if " " in text and not text.startswith("The column x x")]
        assert len(sentences) > 30
        assert [f"{where}: {text}" for text, where in sentences if told(text) == text] == []


@pytest.fixture
def german(db: None) -> Client:
    rows = factories.whole_project("Southway")
    user = factories.person("root", rows["project"], role="everything")
    client = Client()
    client.force_login(user)
    client.cookies["cj_language"] = "de"
    client.ids = factories.foreign_keys_of(rows)  # type: ignore[attr-defined]
    return client


def test_what_is_wrong_with_an_upload_is_said_in_german(german: Client) -> None:
    address = reverse("admin:batches_assessment_essays", args=[german.ids["assessment"]])  # type: ignore[attr-defined]

    def answer(*files: tuple[str, bytes]) -> list[tuple[str, str]]:
        sent = [SimpleUploadedFile(name, content) for name, content in files]
        problems = german.post(address, {"essays": sent}).context["problems"]
        return [(one.where, one.sentence) for one in problems]

    code = "Die Kennung ist leer: Geben Sie jedem Aufsatz eine Kennung."
    assert answer(("class.csv", b"candidate,text\n,No code.\n")) == [("Zeile 2", code)]
    kinds = ".txt, .docx, .pdf, .png oder .jpg"
    unknown = f"Dateien dieser Art werden nicht gelesen: Verwenden Sie {kinds}, oder nehmen Sie die Datei heraus."
    assert answer(("essay 1.xyz", b"What?")) == [("essay 1.xyz", unknown)]


def english_only() -> list[str]:
    """Texts by which a page gives away that it is English: whole phrases that German has otherwise."""
    found = [forms(message.id)[0] for message in texts(catalogue()) if isinstance(message.string, str)]
    plain = [text for text in found if not PLACEHOLDER.search(text) and " " in text and len(text) > 9]
    with override("de"):
        return [text for text in plain if gettext(text) != text and text not in SENTENCES]


def words_of(page: str) -> str:
    page = re.sub(r"<(script|style|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r'<span class="material-symbols-outlined[^>]*>[^<]*</span>', " ", page)
    labels = " | ".join(re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', page))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " | ", page) + " | " + labels).split())


@pytest.mark.timeout(600)
def test_every_page_is_german_for_whoever_reads_german(german: Client) -> None:
    phrases = english_only()
    wrong: dict[str, str] = {}  # phrase: a page that says it
    seen = 0
    for page in addresses(german.ids):  # type: ignore[attr-defined]
        for url in (page.url, f"{page.url}?edit=1") if page.name.endswith("_change") and changes(page) else (page.url,):
            answer = german.get(url)
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                seen += 1
                said = words_of(answer.content.decode())
                wrong |= {phrase: url for phrase in phrases if phrase in said and _as_words(phrase, said)}
    assert seen > 50
    assert sorted(wrong.items()) == []


def changes(page: Address) -> bool:
    """Whether anybody may change such a row: only then is there a form to read."""
    return not any(
        model._meta.model_name == page.model and isinstance(screen, ReadOnly)
        for model, screen in admin.site._registry.items()
    )


def _as_words(phrase: str, said: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", said) is not None
