"""A file that somebody uploaded -> what was read from it; nothing is kept of the file."""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import UnfoldAdminFileFieldWidget

from batches.essays.limits import MAX_TOTAL_BYTES
from batches.essays.nouns import Reading
from batches.essays.read import read_essays

MOST_PROBLEMS = 200
ACCEPTED = ".csv,.zip,.txt,.docx,.pdf"


class EssaysField(forms.FileField):
    """Essays in one file. Its clean value is a Reading without problems; otherwise every problem is an error."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminFileFieldWidget(attrs={"accept": ACCEPTED}))
        kwargs.setdefault(
            "help_text",
            "A CSV with the columns candidate and text (and, if you like, anchor_score), a zip of .txt, .docx and .pdf "
            "files named after the candidates, or one such document. Use pseudonyms, never names.",
        )
        super().__init__(**kwargs)

    def clean(self, data: object, initial: object = None) -> Reading | None:
        upload = super().clean(data, initial)
        if not isinstance(upload, UploadedFile):
            return None
        reading = read_upload(upload)
        if reading.problems:
            raise ValidationError(problems(reading))
        return reading


def read_upload(upload: UploadedFile) -> Reading:
    """Read an upload through a temporary file, which is gone afterwards."""
    if (upload.size or 0) > MAX_TOTAL_BYTES:
        raise ValidationError(f"The file is larger than {MAX_TOTAL_BYTES // 1_000_000} MB: load it in parts.")
    name = Path(upload.name or "essays").name
    with tempfile.TemporaryDirectory(prefix="cj-essays-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        return read_essays(path, name=name)


def problems(reading: Reading) -> list[str]:
    """One sentence for each problem, the place first; of very many, how many more there are."""
    shown = [str(problem) for problem in reading.problems[:MOST_PROBLEMS]]
    left = len(reading.problems) - MOST_PROBLEMS
    return [*shown, f"And {left:,} more problems like these."] if left > 0 else shown
