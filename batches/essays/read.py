"""A path (CSV, folder, zip or one document) -> a Reading: every essay in it, and every problem by row or file."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from batches.essays.clean import BadEssay
from batches.essays.documents import read_document
from batches.essays.fields import candidate_code, essay_text
from batches.essays.found import (
    FoundFile,
    ShortReads,
    archive_in,
    check_size,
    file_bytes,
    files_in_archive,
    files_in_folder,
    named_files,
)
from batches.essays.limits import ALL_DOCUMENTS_SECONDS, MAX_SHEET_BYTES, MAX_TOTAL_BYTES
from batches.essays.nouns import Draft, EssayRow, Page, Problem, Reading, shown
from batches.essays.pages import MEDIA_TYPES, add_pages
from batches.essays.sheet import read_sheet

__all__ = ["EssayRow", "Page", "Problem", "Reading", "read_essays"]

DOCUMENTS = frozenset((".txt", ".docx", ".pdf"))
ACCEPTED = ".txt, .docx, .pdf, .png or .jpg"

ARCHIVE_INSIDE = "This is an archive inside another: unpack it and load the essays themselves."
MACROS = "This kind of Word document can run macros: save it as .docx."
SAVE_AS_DOCX = "Documents of this kind are not read: save it as .docx or .pdf."
SAVE_AS_PNG = "Pictures of this kind are not read: save it as .png or .jpg."
SHEET_INSIDE = "A table of essays has to be a .csv that is loaded by itself."
WHY_NOT = {
    **dict.fromkeys((".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz"), ARCHIVE_INSIDE),
    **dict.fromkeys((".docm", ".dotm", ".dotx", ".dot"), MACROS),
    **dict.fromkeys((".doc", ".odt", ".rtf", ".pages", ".md", ".html", ".htm"), SAVE_AS_DOCX),
    **dict.fromkeys((".tif", ".tiff", ".heic", ".gif", ".webp", ".bmp"), SAVE_AS_PNG),
    **dict.fromkeys((".csv", ".tsv", ".xlsx", ".xls", ".ods"), SHEET_INSIDE),
}
NOTHING_HERE = f"There are no essays in it: give a CSV with the columns candidate and text, or files of {ACCEPTED}."


def read_essays(path: Path, *, name: str | None = None) -> Reading:
    """Read everything under `path` and change nothing; never raises for what is in it.

    `name` is what the file was called when it was uploaded, where `path` is only a temporary place.
    """
    called = PurePosixPath(name or path.name)
    draft = Draft()
    with draft.noting(shown(called.name)):
        source(path, called)(path, called, draft)
    if not draft.rows and not draft.problems:
        draft.problems.append(Problem(where=shown(called.name), sentence=NOTHING_HERE))
    return draft.reading()


def read_uploads(files: Sequence[tuple[str, Path]]) -> Reading:
    """Read what was uploaded together: one sheet, archive or document, or the files of a folder.

    Each comes as the name that it had there, folders included, and the temporary place where it is now.
    """
    if len(files) == 1:
        [(name, path)] = files
        return read_essays(path, name=name)
    draft = Draft()
    with draft.noting("the upload"):
        read_files(named_files(files, draft), draft)
    if not draft.rows and not draft.problems:
        draft.problems.append(Problem(where="the upload", sentence=NOTHING_HERE))
    return draft.reading()


def source(path: Path, called: PurePosixPath) -> Callable[[Path, PurePosixPath, Draft], None]:
    """Return the reader for this kind of path."""
    return read_folder if path.is_dir() else SOURCES.get(called.suffix.casefold(), read_single)


def read_csv(path: Path, called: PurePosixPath, draft: Draft) -> None:
    read_sheet(file_bytes(path, MAX_SHEET_BYTES), shown(called.name), draft)


def read_folder(path: Path, called: PurePosixPath, draft: Draft) -> None:
    read_files(files_in_folder(path, draft), draft)


def read_zip(path: Path, called: PurePosixPath, draft: Draft) -> None:
    check_size(path, MAX_TOTAL_BYTES)
    with ShortReads(path) as stream, archive_in(stream) as archive:
        read_files(files_in_archive(archive, draft), draft)


def read_single(path: Path, called: PurePosixPath, draft: Draft) -> None:
    read_files([FoundFile(name=PurePosixPath(called.name), read=lambda: file_bytes(path))], draft)


SOURCES: dict[str, Callable[[Path, PurePosixPath, Draft], None]] = {".csv": read_csv, ".zip": read_zip}


def read_files(files: list[FoundFile], draft: Draft) -> None:
    """Add documents and page images; every other kind of file is a problem with its own sentence."""
    documents = [file for file in files if file.suffix in DOCUMENTS]
    for file in files:
        if file.suffix not in DOCUMENTS and file.suffix not in MEDIA_TYPES:
            refuse_kind(file, draft)
    add_documents(documents, draft)
    add_pages((file for file in files if file.suffix in MEDIA_TYPES), draft)


def refuse_kind(file: FoundFile, draft: Draft) -> None:
    unknown = f"Files of this kind are not read: use {ACCEPTED}, or take the file out."
    draft.problems.append(Problem(where=file.where, sentence=WHY_NOT.get(file.suffix, unknown)))


def add_documents(files: list[FoundFile], draft: Draft) -> None:
    """Add one essay for each document; as many are opened at a time as there are processors."""
    give_up_at = time.monotonic() + ALL_DOCUMENTS_SECONDS
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        texts = pool.map(lambda file: text_or_fault(file, give_up_at), files)
        for file, text in zip(files, texts, strict=True):
            add_document(file, text, draft)


def text_or_fault(file: FoundFile, give_up_at: float) -> str | BadEssay:
    """Return the text, or what is wrong with it: an exception would end the reading of all the others."""
    try:
        if time.monotonic() > give_up_at:
            raise BadEssay("The documents before this one took too long to open: load them in several parts.")
        return essay_text(read_document(file.suffix, file.read()))
    except BadEssay as bad:
        return bad


def add_document(file: FoundFile, text: str | BadEssay, draft: Draft) -> None:
    """Add one document's essay with every problem it has."""
    before = len(draft.problems)
    candidate = ""
    with draft.noting(file.where):
        candidate = candidate_code(file.name.stem)
        draft.claim(candidate, file.where)
    if isinstance(text, BadEssay):
        draft.problems.append(Problem(where=file.where, sentence=str(text)))
    elif len(draft.problems) == before:
        draft.rows.append(EssayRow(candidate=candidate, text=text, source=file.where))
