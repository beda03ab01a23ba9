"""Page images found in a folder or an archive -> the pages of each candidate, in order."""

import re
from collections import defaultdict
from collections.abc import Iterable

from batches.essays.clean import BadEssay
from batches.essays.fields import candidate_code
from batches.essays.found import FoundFile
from batches.essays.limits import MAX_PAGE_PIXELS, MAX_PAGES
from batches.essays.nouns import Draft, EssayRow, Page

MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}

NUMBERED = re.compile(r"(?P<candidate>.+)-(?P<page>[1-9][0-9]?)")
LOOKS_NUMBERED = re.compile(r".+-0[0-9]+")
DIGITS = re.compile(r"([0-9]+)")

PNG_MARK = b"\x89PNG\r\n\x1a\n"
JPEG_MARK = b"\xff\xd8\xff"
# The JPEG segments that give the size of the picture: C0 to CF without DHT, JPG and DAC.
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def add_pages(files: Iterable[FoundFile], draft: Draft) -> None:
    """Add one essay for each candidate who has page images."""
    groups: dict[str, list[tuple[int, FoundFile]]] = defaultdict(list)
    for file in files:
        with draft.noting(file.where):
            candidate, number = owner(file)
            groups[candidate].append((number, file))
    for candidate, numbered in groups.items():
        add_candidate(candidate, numbered, draft)


def owner(file: FoundFile) -> tuple[str, int]:
    """Return whose page this is and its number: 0 in a candidate's own folder, where the names give the order."""
    if len(file.name.parts) > 1:
        return candidate_code(file.name.parent.name), 0
    stem = file.name.stem
    if LOOKS_NUMBERED.fullmatch(stem):
        raise BadEssay(
            "The name may end in a page number or in the candidate's own number: put the pages of each candidate "
            "into a folder named after the candidate."
        )
    match = NUMBERED.fullmatch(stem)
    return (candidate_code(match["candidate"]), int(match["page"])) if match else (candidate_code(stem), 1)


def add_candidate(candidate: str, numbered: list[tuple[int, FoundFile]], draft: Draft) -> None:
    """Add one essay from its pages, with every problem they have."""
    before = len(draft.problems)
    ordered = [file for _, file in sorted(numbered, key=lambda page: (page[0], natural_order(page[1].name.name)))]
    where = ordered[0].where
    with draft.noting(where):
        draft.claim(candidate, where)
    with draft.noting(where):
        check_numbers(candidate, sorted(number for number, _ in numbered))
    pages = []
    for file in ordered:
        with draft.noting(file.where):
            pages.append(page_of(file))
    if len(draft.problems) == before:
        draft.rows.append(EssayRow(candidate=candidate, source=where, pages=tuple(pages)))


def check_numbers(candidate: str, numbers: list[int]) -> None:
    if len(numbers) > MAX_PAGES:
        raise BadEssay(f"There are {len(numbers)} pages of {candidate}: an essay may have {MAX_PAGES}.")
    if any(numbers) and numbers != list(range(1, len(numbers) + 1)):
        raise BadEssay(
            f"The pages of {candidate} are numbered {', '.join(map(str, numbers))} and not 1, 2, 3: name them NAME-1, "
            "NAME-2, or put them into a folder named after the candidate."
        )


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return a sorting key that puts page 2 before page 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in DIGITS.split(name)]


def page_of(file: FoundFile) -> Page:
    """Return the page, once its first bytes show that it is the picture its name says and not too large."""
    content, media_type = file.read(), MEDIA_TYPES[file.suffix]
    sides = png_sides(content) if media_type == "image/png" else jpeg_sides(content)
    if sides is None:
        raise BadEssay("The file is not the picture that its name says, or it is damaged: save it again as .png.")
    if not 0 < max(sides) <= MAX_PAGE_PIXELS:
        raise BadEssay(
            f"The page is {sides[0]:,} by {sides[1]:,} pixels: make no side longer than {MAX_PAGE_PIXELS:,}."
        )
    return Page(name=file.where, media_type=media_type, content=content)


def png_sides(content: bytes) -> tuple[int, int] | None:
    """Return width and height from the header chunk; None if this is no PNG."""
    if not content.startswith(PNG_MARK) or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def jpeg_sides(content: bytes) -> tuple[int, int] | None:
    """Return width and height from the first frame header; None if this is no JPEG."""
    if not content.startswith(JPEG_MARK):
        return None
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        if content[place + 1] in JPEG_FRAMES:
            height, width = content[place + 5 : place + 7], content[place + 7 : place + 9]
            return int.from_bytes(width), int.from_bytes(height)
        place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return None
