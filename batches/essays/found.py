"""A folder or a zip archive -> the files in it, each with a way to read at most so many bytes of it."""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from batches.essays.clean import BadEssay
from batches.essays.limits import (
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_RATIO,
    MAX_TOTAL_BYTES,
    MB,
    RATIO_FLOOR_BYTES,
)
from batches.essays.nouns import Draft, shown

# What computers leave in folders by themselves; Word's lock files begin with ~$.
LEFTOVERS = re.compile(r"(^|/)(\.|__MACOSX/|~\$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
LEAVES_THE_ARCHIVE = re.compile(r"(^|/)\.\.(/|$)|^/|\\|^[A-Za-z]:")
ENCRYPTED = 0x1
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes before the first byte
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, UnicodeError, struct.error)

CANNOT_OPEN = "The file cannot be opened ({}): check its name and who may read it."
NOT_A_FILE = "This is a link or a device and not a file: copy the file itself into its place."


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file. `read` raises BadEssay."""

    name: PurePosixPath  # within its folder or archive
    read: Callable[[], bytes]

    @property
    def suffix(self) -> str:
        return self.name.suffix.casefold()

    @property
    def where(self) -> str:
        return shown(str(self.name))


def file_bytes(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """Return the content of a plain file that is neither empty nor too large."""
    check_size(path, most)
    try:
        with path.open("rb") as stream:
            return bounded(stream.read(most + 1), most)
    except OSError as wrong:
        raise BadEssay(CANNOT_OPEN.format(wrong.strerror)) from None


def check_size(path: Path, most: int) -> None:
    """Raise BadEssay unless this is a file, neither empty nor too large. A pipe would be waited on for ever."""
    try:
        about = path.stat()
    except (OSError, ValueError) as wrong:  # ValueError: a NUL in the path
        raise BadEssay(CANNOT_OPEN.format(getattr(wrong, "strerror", wrong))) from None
    if not stat.S_ISREG(about.st_mode):
        raise BadEssay(NOT_A_FILE)
    check_length(about.st_size, most)


def check_length(length: int, most: int) -> None:
    if not length:
        raise BadEssay("The file is empty (0 bytes): save it again, or leave it out.")
    if length > most:
        raise BadEssay(f"The file is larger than {most // MB} MB: check that it is the right one, or make it smaller.")


def bounded(content: bytes, most: int = MAX_FILE_BYTES) -> bytes:
    check_length(len(content), most)
    return content


def files_in_folder(folder: Path, draft: Draft) -> list[FoundFile]:
    """Return every plain file below `folder`, in order of name; links are not followed."""
    files, total = [], 0
    for path in walk(folder):
        name = PurePosixPath(path.relative_to(folder).as_posix())
        if LEFTOVERS.search(str(name)):
            continue
        with draft.noting(shown(str(name))):
            total += plain_size(path)
            files.append(FoundFile(name=name, read=partial(file_bytes, path)))
        check_totals(len(files), total)
    return files


def named_files(files: Sequence[tuple[str, Path]], draft: Draft) -> list[FoundFile]:
    """Return files that lie in temporary places under the names they had in their folder, in order of these names."""
    named, total = [], 0
    for name, path in sorted(files):
        if LEFTOVERS.search(name):
            continue
        with draft.noting(shown(name)):
            if LEAVES_THE_ARCHIVE.search(name):
                raise BadEssay("The name leads out of its folder: give the file another name.")
            total += plain_size(path)
            named.append(FoundFile(name=PurePosixPath(name), read=partial(file_bytes, path)))
        check_totals(len(named), total)
    return without_wrapper(named)


def walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names))


def plain_size(path: Path) -> int:
    """Return the size of a plain file. A link could point anywhere."""
    try:
        about = path.lstat()
    except OSError as wrong:
        raise BadEssay(CANNOT_OPEN.format(wrong.strerror)) from None
    if not stat.S_ISREG(about.st_mode):
        raise BadEssay(NOT_A_FILE)
    return about.st_size


def check_totals(count: int, total: int) -> None:
    if count > MAX_ENTRIES:
        raise BadEssay(f"There are more than {MAX_ENTRIES:,} files in it: load them in several parts.")
    if total > MAX_TOTAL_BYTES:
        raise BadEssay(f"The files are more than {MAX_TOTAL_BYTES // MB} MB together: load them in several parts.")


class ShortReads(io.FileIO):
    """A file that refuses to be read in one gulp: the table of contents of a hostile archive can be gigabytes."""

    def read(self, size: int | None = -1, /) -> bytes | None:  # type: ignore[override]
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise BadEssay(f"The archive lists more than {MAX_ENTRIES:,} files: load them in several parts.")
        return super().read(-1 if size is None else size)


def archive_in(stream: io.FileIO) -> zipfile.ZipFile:
    """Return the archive, its table of contents read."""
    try:
        return zipfile.ZipFile(stream)
    except DAMAGE:
        raise BadEssay("The zip archive cannot be read: it is damaged or not a zip; make it again.") from None


def files_in_archive(archive: zipfile.ZipFile, draft: Draft) -> list[FoundFile]:
    """Return every file of the archive that is safe to unpack; the sums are checked before anything is."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    check_totals(len(entries), sum(entry.file_size for entry in entries))
    unpacked = Unpacked()
    files = []
    for entry in entries:
        with draft.noting(shown(entry.filename)):
            check_entry(entry)
            if not LEFTOVERS.search(entry.filename):
                read = unpacked.reader(archive, entry)
                files.append(FoundFile(name=PurePosixPath(entry.filename), read=read))
    return without_wrapper(files)


def check_entry(entry: zipfile.ZipInfo) -> None:
    """Raise BadEssay for an entry that must not be opened."""
    if LEAVES_THE_ARCHIVE.search(entry.filename):
        raise BadEssay("The name leads out of the archive: make the zip again from a plain folder.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadEssay("This is a link and not a file: make the zip again with the file itself.")
    if entry.flag_bits & ENCRYPTED:
        raise BadEssay("The file is protected by a password: make the zip again without one.")
    if entry.compress_type not in PACKINGS:
        raise BadEssay("The file is packed in an unusual way: make the zip again with the usual method (deflate).")
    if entry.file_size > max(RATIO_FLOOR_BYTES, entry.compress_size * MAX_RATIO):
        raise BadEssay(f"The file unpacks to more than {MAX_RATIO} times its size (a zip bomb): leave it out.")


class Unpacked:
    """Counts what really comes out of an archive, whatever its table of contents says."""

    def __init__(self) -> None:
        self.total = 0

    def reader(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            try:
                with archive.open(entry) as stream:
                    content = stream.read(MAX_FILE_BYTES + 1)
            except DAMAGE:
                raise BadEssay("The file cannot be unpacked: it is damaged; make the zip again.") from None
            self.total += len(content)
            check_totals(0, self.total)
            return bounded(content)

        return read


def without_wrapper(files: list[FoundFile]) -> list[FoundFile]:
    """Drop the one folder that most programs put around everything they zip."""
    tops = {file.name.parts[0] for file in files if len(file.name.parts) > 1}
    if len(tops) != 1 or any(len(file.name.parts) == 1 for file in files):
        return files
    return [FoundFile(name=PurePosixPath(*file.name.parts[1:]), read=file.read) for file in files]
