"""Files that somebody uploaded -> what was read from them; nothing is kept of the files."""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from batches.admin.told import told
from batches.essays.limits import MAX_TOTAL_BYTES, MB
from batches.essays.nouns import Problem, Reading, shown
from batches.essays.read import read_uploads

MOST_PROBLEMS = 200
FILES = ".csv,.zip,.txt,.docx,.pdf,.png,.jpg,.jpeg"
Read = Callable[[], Reading | None]
FIELDS = ("essays", "folder")  # single files, and the files of a folder with their places in `paths`


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One uploaded file, in a temporary place."""

    field: str
    name: str
    path: Path
    size: int


class IntoFolder(FileUploadHandler):
    """Write each file into a folder as it comes: nothing is held in memory, and no file is kept open."""

    def __init__(self, folder: Path, request: HttpRequest) -> None:
        super().__init__(request)
        self.saved: list[Saved] = []
        self.too_much = False
        self._folder, self._total = folder, 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._path = self._folder / str(len(self.saved))
        self._stream = self._path.open("wb")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self._total += len(raw_data)
        if self._total > MAX_TOTAL_BYTES:
            self.too_much = True
            self._stream.close()
            raise StopUpload(connection_reset=False)
        self._stream.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> UploadedFile:
        self._stream.close()
        name = self.file_name or ""
        self.saved.append(Saved(field=self.field_name or "", name=name, path=self._path, size=file_size))
        return UploadedFile(file=io.BytesIO(), name=name, size=file_size)  # what it holds is in the folder


def receives_files(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view a function that reads what was uploaded: a Reading, or None where nothing was.

    The token against forged requests is checked once the files have a place to go: it comes in the same body.
    """

    @csrf_exempt  # rule csrf: csrf_protect below checks the token, once the files have a place to go
    @wraps(view)
    def received(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return csrf_protect(view)(request, *args, read=lambda: None, **kwargs)
        with tempfile.TemporaryDirectory(prefix="cj-essays-") as folder:
            into = IntoFolder(Path(folder), request)
            request.upload_handlers = [into]
            try:
                return csrf_protect(view)(request, *args, read=lambda: _read(request, into), **kwargs)
            except (TooManyFilesSent, RequestDataTooBig):
                _drain(request)
                sentence = _("There are too many files in it: load them in several parts, or as a zip.")
                messages.error(request, sentence)
                return HttpResponseRedirect(request.path)

    return received


def _drain(request: HttpRequest) -> None:
    """Read the rest of a body: a browser that is still sending would not see the answer."""
    read = 0
    while read <= MAX_TOTAL_BYTES and (some := request.read(MB)):
        read += len(some)


def _refused(sentence: str) -> Reading:
    return Reading(problems=(Problem(where=_("the upload"), sentence=sentence),))


def _read(request: HttpRequest, into: IntoFolder) -> Reading | None:
    if into.too_much:
        return _refused(
            _("The files are larger than {most} MB: load them in parts.").format(most=MAX_TOTAL_BYTES // MB)
        )
    files = _named(into.saved, request.POST.get("paths", ""))
    return read_uploads(files) if files else None


def _named(saved: list[Saved], paths: str) -> list[tuple[str, Path]]:
    """Each file with its name; those of a folder with their places in it, which browsers tell by a script only."""
    of_folder = [one for one in saved if one.field == "folder" and one.name]
    places = _places(paths, of_folder)
    alone = [(one.name, one.path) for one in saved if one.field == "essays" and one.name]
    return alone + [(place, one.path) for place, one in zip(places, of_folder, strict=True)]


def _places(paths: str, of_folder: list[Saved]) -> list[str]:
    """The places that the script wrote down, where they can be those of these files; else the bare names."""
    names = [one.name for one in of_folder]
    try:
        told = json.loads(paths or "[]")
    except ValueError:
        return names
    fits = isinstance(told, list) and len(told) == len(names) and all(isinstance(one, str) for one in told)
    return told if fits else names


def source_of(request: HttpRequest) -> str:
    """What the essays came from, for a person: the file's name, or how many files there were."""
    names = [file.name or "" for field in FIELDS for file in request.FILES.getlist(field)]
    if len(names) == 1:
        return shown(names[0])
    return ngettext("{n} file", "{n} files", len(names)).format(n=f"{len(names):,}")


def problems(reading: Reading) -> list[Problem]:
    """The problems to show, in the viewer's language; of very many, the first and how many more there are."""
    first = [Problem(where=_place(one.where), sentence=told(one.sentence)) for one in reading.problems[:MOST_PROBLEMS]]
    left = len(reading.problems) - MOST_PROBLEMS
    if left <= 0:
        return first
    more = ngettext("And {n} more problem like these.", "And {n} more problems like these.", left).format(n=f"{left:,}")
    return [*first, Problem(where="…", sentence=more)]


def _place(where: str) -> str:
    return where if Path(where).suffix else told(where)  # a file called "essay 1.txt" keeps its name


def whole(sentence: str) -> list[Problem]:
    """A problem of the upload as a whole."""
    return problems(_refused(sentence))


def loaded(n: int, reading: Reading) -> str:
    """What was loaded, and which columns nobody looked at."""
    done = ngettext("Loaded {n} essay.", "Loaded {n} essays.", n).format(n=f"{n:,}")
    if not reading.ignored_columns:
        return done
    columns = ", ".join(told(column) for column in reading.ignored_columns[:10])
    return f"{done} " + _("Columns that were not used: {columns}.").format(columns=columns)
