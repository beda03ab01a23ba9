"""Folders, archives and single files -> essays by file, or every problem by file."""

import os
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.essays import found, limits, read
from batches.essays.nouns import Reading
from batches.essays.read import read_essays
from tests.essays.files import folder, jpeg_picture, pdf_document, png_picture, word_document, zipped

ESSAYS = {
    "K1.txt": b"One.\r\n",
    "sub/K2.DOCX": word_document("Two."),
    "K3.pdf": pdf_document("Three."),
    ".DS_Store": b"x",
    "~$K2.docx": b"x",
    "sub/Thumbs.db": b"x",
}


def essays_of(reading: Reading) -> dict[str, str]:
    assert reading.problems == ()
    return {row.candidate: row.text for row in reading.rows}


def pages_of(reading: Reading) -> dict[str, list[str]]:
    assert reading.problems == ()
    assert not any(row.text for row in reading.rows)
    return {row.candidate: [page.name for page in row.pages] for row in reading.rows}


def test_a_folder_holds_an_essay_a_file_named_after_its_candidate(tmp_path):
    reading = read_essays(folder(tmp_path, ESSAYS))
    assert essays_of(reading) == {"K1": "One.", "K2": "Two.", "K3": "Three."}
    assert {row.source for row in reading.rows} == {"K1.txt", "sub/K2.DOCX", "K3.pdf"}
    assert {row.line for row in reading.rows} == {None}


def test_an_archive_holds_the_same_with_or_without_a_folder_around_it(tmp_path):
    bare = zipped(tmp_path / "bare.zip", {**ESSAYS, "__MACOSX/._K1.txt": b"x"})
    wrapped = zipped(tmp_path / "wrapped.ZIP", {f"class 9/{name}": content for name, content in ESSAYS.items()})
    same = {"K1": "One.", "K2": "Two.", "K3": "Three."}
    assert essays_of(read_essays(bare)) == essays_of(read_essays(wrapped)) == same


@pytest.mark.parametrize("name", ["K1.txt", "sub/K2.DOCX", "K3.pdf"])
def test_a_single_document_is_one_essay(tmp_path, name):
    reading = read_essays(folder(tmp_path, ESSAYS) / name)
    assert [row.candidate for row in reading.rows] == [Path(name).stem]


def test_an_upload_is_called_what_the_person_called_it(tmp_path):
    temporary = tmp_path / "tmpx8k2"
    temporary.write_bytes(b"candidate,text\nK1,One.\n")
    reading = read_essays(temporary, name="Year 9.csv")
    assert essays_of(reading) == {"K1": "One."}
    assert reading.rows[0].source == "Year 9.csv"


def test_page_images_are_grouped_by_number_or_by_folder_in_their_order(tmp_path):
    picture, photo = png_picture(), jpeg_picture()
    pages = {f"K1-{number}.png": picture for number in range(1, 12)}
    pages |= {"K2.jpg": photo, "K3-07/scan 10.png": picture, "K3-07/scan 9.JPEG": photo}
    reading = read_essays(zipped(tmp_path / "scans.zip", pages))
    assert pages_of(reading) == {
        "K1": [f"K1-{number}.png" for number in range(1, 12)],
        "K2": ["K2.jpg"],
        "K3-07": ["K3-07/scan 9.JPEG", "K3-07/scan 10.png"],
    }
    assert [page.media_type for page in reading.rows[2].pages] == ["image/jpeg", "image/png"]
    assert reading.rows[2].pages[0].content == photo


def test_every_file_that_cannot_be_an_essay_is_named(tmp_path):
    files = {
        "K1.txt": b"One.",
        "more/K1.txt": b"Again.",
        "empty.txt": b"",
        "blank.txt": b" \n",
        "nul.txt": b"a\x00b",
        "half.txt": b"a\xed\xa0\x80b",
        "latin.txt": b"caf\xe9",
        "large.txt": os.urandom(limits.MAX_FILE_BYTES + 1),
        "bad.docx": b"x",
        "bad.pdf": b"x",
        "macro.docm": b"x",
        "old.doc": b"x",
        "inner.zip": b"x",
        "inner.tar.gz": b"x",
        "class.csv": b"candidate,text\n",
        "photo.heic": b"x",
        "program.exe": b"x",
        "noending": b"x",
        "\u202eevil.txt": b"One.",
        f"{'n' * 101}.txt": b"One.",
        "P1-2.png": png_picture(),
        "P2-01.png": png_picture(),
        "P3.png": b"not a picture",
        "P4.jpg": png_picture(),
        "P5.png": png_picture(9_000, 2),
        "P6.jpg": jpeg_picture(2, 9_000),
        **{f"P7/{number}.png": png_picture() for number in range(21)},
    }
    wanted = {
        "more/K1.txt": "already used by K1.txt",
        "empty.txt": "0 bytes",
        "blank.txt": "text is empty",
        "nul.txt": "NUL",
        "half.txt": "surrogate",
        "latin.txt": "not UTF-8",
        "large.txt": "larger than 5 MB",
        "bad.docx": "not a Word document",
        "bad.pdf": "not a PDF",
        "macro.docm": "macros",
        "old.doc": "save it as .docx",
        "inner.zip": "archive inside another",
        "inner.tar.gz": "archive inside another",
        "class.csv": "loaded by itself",
        "photo.heic": "save it as .png",
        "program.exe": "not read",
        "noending": "not read",
        "\\u202eevil.txt": "invisible",
        f"{'n' * 80}…": "101 characters",
        "P1-2.png": "numbered 2 and not 1, 2, 3",
        "P2-01.png": "folder named after the candidate",
        "P3.png": "not the picture",
        "P4.jpg": "not the picture",
        "P5.png": "9,000 by 2 pixels",
        "P6.jpg": "2 by 9,000 pixels",
        "P7/0.png": "21 pages",
    }
    for reading in (read_essays(folder(tmp_path / "in", files)), read_essays(zipped(tmp_path / "in.zip", files))):
        said = {problem.where: problem.sentence for problem in reading.problems}
        assert said.keys() == wanted.keys()
        assert [where for where, words in wanted.items() if words not in said[where]] == []
        assert [row.candidate for row in reading.rows] == ["K1"]


def test_what_is_not_there_or_cannot_hold_essays_is_one_problem(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK\x05\x06" + bytes(9))
    (tmp_path / "zero.zip").write_bytes(b"")
    said = {name: read_essays(tmp_path / name).refusal for name in sorted(os.listdir(tmp_path))}
    said["absent.csv"] = read_essays(tmp_path / "absent.csv").refusal
    assert "damaged or not a zip" in said["broken.zip"]
    assert "There are no essays in it" in said["nothing"]
    assert "link or a device" in said["pipe.csv"]
    assert "0 bytes" in said["zero.zip"]
    assert said["absent.csv"].startswith("absent.csv: The file cannot be opened (No such file or directory)")


def test_a_link_in_a_folder_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    essays = folder(tmp_path / "essays", {"K1.txt": b"One."})
    (essays / "K2.txt").symlink_to(tmp_path / "secret")
    reading = read_essays(essays)
    assert [problem.where for problem in reading.problems] == ["K2.txt"]
    assert "link" in reading.problems[0].sentence


@pytest.mark.parametrize("name", ["../K1.txt", "a/../../K1.txt", "/etc/K1.txt", "..\\K1.txt", "C:\\K1.txt", "C:K1.txt"])
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path, name):
    reading = read_essays(zipped(tmp_path / "in.zip", {name: b"One.", "K2.txt": b"Two."}))
    assert [problem.sentence for problem in reading.problems] == [
        "The name leads out of the archive: make the zip again from a plain folder."
    ]


def test_links_passwords_and_unusual_packing_in_an_archive_are_refused(tmp_path):
    path = tmp_path / "in.zip"
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
        archive.writestr("locked.txt", b"One.")
        archive.writestr("slow.txt", b"One.", compress_type=zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02", 0, content.rfind(b"locked.txt"))
    content[place + 8] |= found.ENCRYPTED
    path.write_bytes(content)
    said = {problem.where: problem.sentence for problem in read_essays(path).problems}
    assert "link" in said["link.txt"]
    assert "password" in said["locked.txt"]
    assert "unusual way" in said["slow.txt"]


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path):
    reading = read_essays(zipped(tmp_path / "in.zip", {"K1.txt": bytes(50_000_000)}))
    assert "zip bomb" in reading.problems[0].sentence


def test_many_files_that_are_large_together_are_refused_before_one_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(42):
            archive.writestr(f"K{number}.txt", b"w" * 5_000_000)
    reading = read_essays(tmp_path / "in.zip")
    assert reading.rows == ()
    assert [problem.sentence[:45] for problem in reading.problems] == ["The files are more than 200 MB together: load"]


def test_an_archive_that_lies_about_its_sizes_is_found_out(tmp_path):
    path = zipped(tmp_path / "in.zip", {"K1.txt": b"word " * 40_000, "K2.txt": b"Two."})
    content = bytearray(path.read_bytes())
    place = content.find(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 10)  # the unpacked size in the table of contents
    path.write_bytes(content)
    reading = read_essays(path)
    assert [problem.where for problem in reading.problems] == ["K1.txt"]
    assert "damaged" in reading.problems[0].sentence


def test_what_comes_out_of_an_archive_is_counted_while_reading(tmp_path, monkeypatch):
    path = zipped(tmp_path / "in.zip", {f"K{number}.txt": b"word " * 100 for number in range(4)})
    with found.ShortReads(path) as stream, found.archive_in(stream) as archive:
        files = found.files_in_archive(archive, found.Draft())
        monkeypatch.setattr(found, "MAX_TOTAL_BYTES", 1_200)
        assert [len(file.read()) for file in files[:2]] == [500, 500]
        with pytest.raises(found.BadEssay, match="together"):
            files[2].read()


def test_a_table_of_contents_too_large_to_hold_is_refused_unread(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for number in range(1_500):
            entry = zipfile.ZipInfo(f"K{number}.txt")
            entry.comment = b"c" * 5_000
            archive.writestr(entry, b"One.")
    assert "lists more than 5,000 files" in read_essays(tmp_path / "in.zip").problems[0].sentence


def test_more_files_than_the_limit_are_refused(tmp_path):
    files = {f"K{number}.txt": b"One." for number in range(limits.MAX_ENTRIES + 1)}
    for path in (zipped(tmp_path / "in.zip", files), folder(tmp_path / "in", files)):
        assert "more than 5,000 files" in read_essays(path).refusal


def test_slow_documents_do_not_hold_the_reading_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "ALL_DOCUMENTS_SECONDS", -1)
    assert "load them in several parts" in read_essays(folder(tmp_path, ESSAYS)).refusal


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)


@settings(max_examples=60)
@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=5), st.sampled_from([".txt", ".png", ""]))
def test_no_archive_of_any_names_makes_the_reader_fail(tmp_path_factory, files, suffix):
    path = tmp_path_factory.mktemp("zips") / "in.zip"
    reading = read_essays(zipped(path, {name + suffix: content for name, content in files.items()}))
    assert all(str(problem).isprintable() for problem in reading.problems)
    assert reading.rows or reading.problems
