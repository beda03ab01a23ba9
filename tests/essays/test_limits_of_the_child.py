"""Bombs of every kind: one sentence each, within 512 MB, and the process that asked is none the worse."""

import io
import json
import re
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from batches.essays import documents
from batches.essays.limits import PARSE_MEMORY_BYTES
from batches.essays.read import read_essays
from tests.essays.files import folder, jpeg_picture, pdf_document, png_picture, with_part, word_body, word_document
from tests.essays.files import zipped as zip_at
from tests.essays.test_documents import billion_laughs, fetching_entity, nested_elements, packed_space, pdf_bomb

MOST_GROWTH = 64 * 1024  # KB that this process may gain; a bomb that opens here takes hundreds of thousands


def deflated(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


def many_entries() -> bytes:
    return deflated(**{f"K{number}_txt": b"x" for number in range(5_001)})


def lying_directory() -> bytes:
    """The table of contents says 10 bytes; 8 MB come out."""
    honest = bytearray(deflated(K1_txt=b"a" * 8_000_000))
    start = honest.rindex(b"PK\x01\x02")
    honest[start + 24 : start + 28] = struct.pack("<I", 10)
    return bytes(honest)


def endless_directory() -> bytes:
    """An end record that announces a table of contents of four gigabytes."""
    return deflated(K1_txt=b"x")[:-22] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_535, 65_535, 2**32 - 1, 0, 0)


def overlapping() -> bytes:
    """Hundreds of names for one well packed file (the zip bomb without nesting)."""
    packed = deflated(K1_txt=b"a" * 9_000_000)
    start, end = packed.index(b"PK\x01\x02"), packed.rindex(b"PK\x05\x06")
    entry, names = packed[start:end], range(300)
    copies = b"".join(entry[:46] + b"%05d.x" % n + entry[52:] if len(entry) > 52 else entry for n in names)
    finish = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(names), len(names), len(copies), start, 0)
    return packed[:start] + copies + finish


def leading_out() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("../../K1.txt", "/etc/K2.txt", "C:\\K3.txt", "a/../../K4.txt"):
            archive.writestr(name, b"x")
    return stream.getvalue()


def link_inside() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("K1.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def many_parts() -> bytes:
    """A Word document of thousands of parts, each with a style sheet's worth of nothing."""
    return with_part(packed_space(51), "word/styles.xml", b" " * 10_000_000)


def long_attribute() -> bytes:
    return word_body(f'<w:p w:x="{"a" * 45_000_000}"/>')


def fetching_parameter() -> bytes:
    return word_body("<w:p/>", before='<!DOCTYPE w [<!ENTITY % all SYSTEM "http://127.0.0.1:1/x.dtd"> %all;]>')


def xxe_in_relations() -> bytes:
    evil = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
    return with_part(word_document("x"), "_rels/.rels", evil)


def loop_of_pages() -> bytes:
    """A page tree that contains itself."""
    return pdf_document("x").replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]")


def pdf_of_pictures() -> bytes:
    """500 scanned pages and not a word."""
    return pdf_document(*[""] * 500)


def short_pdf_of_pictures() -> bytes:
    return pdf_document(*[""] * 50, stream=b"q Q")


def deep_pdf() -> bytes:
    return pdf_document("", stream=b"[" * 2_000_000)


def utf16_without_mark() -> bytes:
    return "An essay in the wrong encoding.".encode("utf-16-le")


BOMBS: list[tuple[str, Callable[[], bytes], str]] = [
    ("a.zip", lambda: deflated(K1_txt=bytes(30_000_000)), "a zip bomb"),
    ("a.zip", lambda: deflated(inner_zip=deflated(K1_txt=bytes(30_000_000))), "archive inside another"),
    ("a.zip", many_entries, "more than 5,000 files"),
    ("a.zip", lying_directory, "cannot be unpacked"),
    ("a.zip", endless_directory, "load them in several parts|cannot be read"),
    ("a.zip", overlapping, "zip bomb|more than 200 MB|cannot be (read|unpacked)"),
    ("a.zip", leading_out, "leads out of the archive"),
    ("a.zip", link_inside, "a link and not a file"),
    ("a.zip", lambda: deflated(K1_docm=b"PK"), "can run macros"),
    ("a.zip", lambda: b"PK\x05\x06" + bytes(18), "There are no essays"),
    ("a.docx", billion_laughs, "declares entities"),
    ("a.docx", fetching_entity, "declares entities"),
    ("a.docx", fetching_parameter, "declares entities"),
    ("a.docx", xxe_in_relations, "declares entities"),
    ("a.docx", lambda: packed_space(60), "unpacks to more than 50 MB"),
    ("a.docx", many_parts, "unpacks to more than 50 MB"),
    ("a.docx", long_attribute, "not a Word document|too much memory|no text|The text is empty"),
    ("a.docx", nested_elements, "not a Word document"),
    ("a.docm", lambda: word_document("x"), "can run macros"),
    ("a.pdf", pdf_bomb, "unpacks to more"),
    ("a.pdf", loop_of_pages, "cannot be read|probably a scan"),
    ("a.pdf", pdf_of_pictures, "500 pages"),
    ("a.pdf", short_pdf_of_pictures, "probably a scan"),
    ("a.pdf", deep_pdf, "cannot be read|probably a scan|too much memory|seconds to open"),
    ("a.png", lambda: png_picture(60_000, 60_000), "60,000 by 60,000 pixels"),
    ("a.jpg", lambda: jpeg_picture(65_000, 65_000), "65,000 by 65,000 pixels"),
    ("a.png", lambda: png_picture()[:20], "not the picture"),
    ("a.txt", utf16_without_mark, "NUL character"),
    ("a.txt", lambda: "naïve".encode("utf-16"), "UTF-16"),
    ("a.txt", lambda: "naïve".encode("latin-1"), "not UTF-8 .line 1"),
    ("a.txt", lambda: "naïve\n".encode() + "naïve".encode("latin-1"), "not UTF-8 .line 2"),
    ("a.csv", lambda: "candidate,text\nP1,naïve".encode("utf-16-le"), "NUL|not UTF-8|missing"),
    ("a.csv", lambda: "candidate,text\nP1,naïve".encode("cp1252"), "not UTF-8"),
    ("a.csv", lambda: b'candidate,text\nP1,"' + b"a" * 3_000_000, "characters long"),
    ("a.csv", lambda: b"candidate,text\nP1,x\x00y", "NUL"),
]


# Reads in a process of its own: what a child is said to have needed counts what its parent had when it was started.
READER = """
import json, pathlib, resource, sys
from batches.essays.read import read_essays
from tests.essays.memory import peak
before = peak()
reading = read_essays(pathlib.Path(sys.argv[1]))
gained, child = peak() - before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([gained, child, len(reading.rows), [problem.sentence for problem in reading.problems]]))
"""


@pytest.mark.parametrize(("name", "make", "words"), BOMBS, ids=[f"{n}-{w[:24]}" for n, _, w in BOMBS])
def test_a_bomb_is_refused_in_a_sentence_and_within_512_mb(name, make, words, tmp_path):
    (tmp_path / name).write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", READER, tmp_path / name], cwd=documents.ROOT, capture_output=True, check=True
    )
    gained, child, rows, sentences = json.loads(done.stdout)
    assert gained < MOST_GROWTH
    assert child * 1024 < PARSE_MEMORY_BYTES
    assert rows == 0
    for sentence in sentences:
        assert re.search(words, sentence), sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence
    assert sentences


def test_five_hundred_scanned_pages_are_refused_by_candidate_and_twenty_are_read(tmp_path):
    pages = {f"K1/{number}.png": png_picture(1_000, 1_400) for number in range(1, 501)}
    reading = read_essays(folder(tmp_path / "many", pages))
    assert [p.sentence for p in reading.problems] == ["There are 500 pages of K1: an essay may have 20."]
    twenty = {f"K1/{number}.png": png_picture(1_000, 1_400) for number in range(1, 21)}
    both = read_essays(zip_at(tmp_path / "few.zip", twenty | {"K2/1.png": png_picture()}))
    assert {row.candidate: len(row.pages) for row in both.rows} == {"K1": 20, "K2": 1}


def test_a_bomb_beside_good_essays_names_itself_alone(tmp_path):
    (tmp_path / "K2.docx").write_bytes(billion_laughs())
    (tmp_path / "K1.docx").write_bytes(word_document("Sound."))
    reading = read_essays(tmp_path)
    assert [(p.where, p.sentence[:12]) for p in reading.problems] == [("K2.docx", "The document")]
    assert [row.candidate for row in reading.rows] == ["K1"]


GREEDY = """
import sys
from batches.essays import parse_document as p
from tests.essays.memory import peak
p.limit_this_process()
try:
    kept = [bytearray(2**20) for _ in range(4096)]
except MemoryError:
    kept = None
    print(peak())
    sys.exit(p.REFUSED)
"""


def test_the_child_cannot_have_more_than_512_mb_whatever_the_reader_does():
    child = subprocess.run([sys.executable, "-c", GREEDY], cwd=documents.ROOT, capture_output=True, check=False)
    assert child.returncode == 3
    assert 300 * 2**20 < int(child.stdout) * 1024 < PARSE_MEMORY_BYTES


def test_a_name_that_leads_out_is_never_written_anywhere(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.zip").write_bytes(leading_out())
    before = sorted(Path(tmp_path).rglob("*"))
    read_essays(inside / "a.zip")
    assert sorted(Path(tmp_path).rglob("*")) == before


def test_what_is_deflated_twice_is_counted_as_it_comes_out():
    once = zlib.compress(bytes(400_000_000), 9)
    content = pdf_document("", stream=zlib.compress(once, 9), dictionary=b"/Filter [/FlateDecode /FlateDecode]")
    assert len(content) < 10_000
    with pytest.raises(documents.BadEssay, match="unpacks to more"):
        documents.read_document(".pdf", content)
