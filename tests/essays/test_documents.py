"""Word, PDF and plain text files -> their text, and bombs -> a sentence."""

import io
import signal
import subprocess
import sys
import zipfile
import zlib

import pytest

from batches.essays import documents
from batches.essays.clean import BadEssay
from batches.essays.documents import ROOT, read_document
from batches.essays.limits import MAX_FILE_BYTES, MAX_TEXT_CHARACTERS
from batches.essays.parse_document import REFUSED
from tests.essays.files import WORD_TEXT, pdf_document, with_part, word_body, word_document


def refusal(suffix: str, content: bytes) -> str:
    with pytest.raises(BadEssay) as bad:
        read_document(suffix, content)
    return str(bad.value)


def test_paragraphs_of_a_word_document_are_lines():
    assert read_document(".docx", word_document("Dear Head,", "", "I beleive “so”.\tYes")) == (
        "Dear Head,\n\nI beleive “so”.\tYes\n"
    )


def test_nothing_that_the_pupil_wrote_in_word_is_lost_and_nothing_deleted_comes_back():
    body = (
        '<w:p><w:pPr><w:tabs><w:tab w:val="left" w:pos="1"/></w:tabs></w:pPr><w:r><w:t>kept </w:t></w:r>'
        '<w:ins w:id="1" w:author="a"><w:r><w:t>inserted</w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del>'
        '<w:moveFrom w:id="3" w:author="a"><w:r><w:t>moved away</w:t></w:r></w:moveFrom></w:p>'
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>in a field</w:t><w:br/><w:t>next</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:tbl><w:tr><w:tc><w:p><w:hyperlink><w:r><w:t>in a table</w:t></w:r></w:hyperlink>"
        "</w:p></w:tc></w:tr></w:tbl>"
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:t>box</w:t></mc:Choice>"
        "<mc:Fallback><w:t>box again</w:t></mc:Fallback></mc:AlternateContent>"
        "<w:t>self</w:t><w:noBreakHyphen/><w:t>made</w:t></w:r></w:p>"
    )
    assert read_document(".docx", word_body(body)) == "kept inserted\nin a field\nnext\nin a table\nboxself-made\n"


def test_the_main_part_is_found_where_the_package_says_it_is():
    package = word_body("<w:p><w:r><w:t>here</w:t></w:r></w:p>")
    with zipfile.ZipFile(io.BytesIO(package)) as old:
        text, relations = old.read(WORD_TEXT), old.read("_rels/.rels")
    moved = with_part(with_part(package, "word/document2.xml", text), WORD_TEXT, b"<not-this/>")
    moved = with_part(moved, "_rels/.rels", relations.replace(b"word/document.xml", b"/word/document2.xml"))
    assert read_document(".docx", moved) == "here\n"


def test_pages_of_a_pdf_are_paragraphs():
    assert read_document(".pdf", pdf_document("I beleive so.", "Page two maybe")) == (
        "I beleive so.\n\nPage two maybe\n\n"
    )


def test_plain_text_is_utf8():
    assert read_document(".txt", "\ufeffnaïve\r\n".encode()) == "naïve\r\n"
    assert "not UTF-8 (line 1)" in refusal(".txt", b"na\xefve")
    assert "UTF-16" in refusal(".txt", "naive".encode("utf-16"))


def fetching_entity() -> bytes:
    return word_body(
        "<w:p><w:r><w:t>&secret;</w:t></w:r></w:p>",
        before='<!DOCTYPE w [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
    )


def billion_laughs() -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return word_body("<w:p><w:r><w:t>&a9;</w:t></w:r></w:p>", before=f"<!DOCTYPE w [{entities}]>")


def packed_text(megabytes: int) -> bytes:
    return word_body(f"<w:p><w:r><w:t>{'a' * (megabytes * 1_000_000)}</w:t></w:r></w:p>")


def packed_space(megabytes: int) -> bytes:
    return word_body(" " * (megabytes * 1_000_000))


def nested_elements() -> bytes:
    return word_body("<w:r>" * 1_000_000)


def macro_document() -> bytes:
    return with_part(word_document("x"), "word/vbaProject.bin", b"x")


def pdf_bomb() -> bytes:
    """300 MB of nothing, deflated twice."""
    once = zlib.compress(bytes(300_000_000), 9)
    return pdf_document("", stream=zlib.compress(once, 9), dictionary=b"/Filter [/FlateDecode /FlateDecode]")


def locked_pdf() -> bytes:
    locked = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (" + b"o" * 32 + b") /U (" + b"u" * 32 + b") /P -4 >>"
    return pdf_document("x", trailer=locked + b" /ID [(0123456789abcdef) (0123456789abcdef)]")


@pytest.mark.parametrize(
    ("suffix", "make", "words"),
    [
        (".docx", fetching_entity, "declares entities"),
        (".docx", billion_laughs, "declares entities"),
        (".docx", lambda: packed_text(2), f"more than {MAX_TEXT_CHARACTERS:,} characters"),
        (".docx", lambda: packed_space(200), "unpacks to more than 50 MB"),
        (".docx", nested_elements, "not a Word document"),
        (".docx", macro_document, "macros"),
        (".docx", lambda: b"PK\x03\x04" + bytes(300), "not a Word document"),
        (".docx", lambda: word_document("x")[:-200], "not a Word document"),
        (".docx", lambda: word_body("<w:p>"), "not a Word document"),
        (".docx", lambda: b"plain text", "not a Word document"),
        (".docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "has a password or is an old .doc"),
        (".pdf", pdf_bomb, "unpacks to more"),
        (".pdf", locked_pdf, "protected"),
        (".pdf", lambda: pdf_document(*["x"] * 101), "101 pages"),
        (".pdf", lambda: pdf_document("", stream=b"q Q"), "probably a scan"),
        (".pdf", lambda: b"%PDF-1.7\n" + bytes(100), "cannot be read"),
        (".pdf", lambda: b"plain text", "not a PDF"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_bombs_locks_and_damage_end_as_one_sentence(suffix, make, words):
    content = make()
    assert len(content) <= MAX_FILE_BYTES or suffix == ".docx"
    sentence = refusal(suffix, content)
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


SPIN = "import sys; from batches.essays import parse_document as p; p.limit_this_process()\nwhile True: pass"
GREEDY = """
from batches.essays import parse_document as p
p.PARSERS[".pdf"] = lambda content: "x" * 2**30
raise SystemExit(p.main(".pdf"))
"""


def test_a_document_that_never_ends_is_stopped_by_its_processor_time():
    impatient = SPIN.replace("p.limit", "p.PARSE_CPU_SECONDS = 1; p.limit")
    child = subprocess.run([sys.executable, "-c", impatient], cwd=ROOT, check=False, timeout=20)
    assert child.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
    assert "takes more than" in documents.why_it_ended(child.returncode, b"")


def test_a_document_that_only_waits_is_stopped_by_the_clock(monkeypatch):
    monkeypatch.setattr(documents, "COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(documents, "PARSE_WALL_SECONDS", 0.3)
    assert "takes more than" in refusal(".pdf", pdf_document("x"))


def test_a_document_that_wants_a_gigabyte_gets_a_sentence():
    child = subprocess.run([sys.executable, "-c", GREEDY], input=b"%PDF", capture_output=True, cwd=ROOT, check=False)
    assert child.returncode == REFUSED
    assert b"too much memory" in child.stdout


def test_the_child_is_given_no_key(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    show = "import os, sys; sys.stdout.write(repr(sorted(os.environ)))"
    monkeypatch.setattr(documents, "COMMAND", (sys.executable, "-c", show))
    assert "KEY" not in read_document(".pdf", pdf_document("x"))
