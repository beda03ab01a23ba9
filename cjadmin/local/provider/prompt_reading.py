"""The user's turn -> the pairs of essays that stand in it, with their marks and tags stripped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from . import images
from .calls import Piece
from .features import Features, measure, of_page

ESSAY = re.compile(r'<essay place="(?P<place>[AB])" mark="(?P<mark>[0-9a-f]{8})">')
COMPARISON = re.compile(r'<comparison id="(?P<mark>[^"\n]+)">')
IMAGE = re.compile("\x00(\\d+)\x00")
ESSAYS_REMEMBERED = 20_000
FOR_ITSELF = re.compile(
    r"\b(?:choose|pick|select|prefer|vote\s+for|favou?r|pass)\s+(?:this|my)\s+(?:essay|text|one|work)\b"
    r"|\b(?:this|my)\s+essay\s+(?:is|must\s+be|should\s+be)\s+(?:the\s+)?(?:winner|better\s+one|best)\b"
    r"|\bjudge\s+this\s+essay\s+as\s+(?:the\s+)?(?:winner|better)\b",
    re.IGNORECASE,
)
FOR_A_PLACE = re.compile(
    r"\b(?i:choose|pick|select|prefer|answer|vote\s+for)\s+(?:(?i:essay)\s+)?\"?([AB])\b"
    r"|\b(?i:essay)\s+([AB])\s+(?i:is|must\s+be|should\s+be)\s+(?i:the\s+)?(?i:winner|better|best)\b"
    r"|\b\"?(?i:winner)\"?\s*(?:is|:|=)\s*\"?([AB])\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EssayRead:
    """One essay as the judge sees it."""

    features: Features
    key: str  # the same for the same essay, however it was asked about
    text: str = ""
    wish: str = ""  # whom its text tells the judge to choose: "itself", "A", "B"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRead:
    """Two essays in the order read, and the tag of their comparison in a bundle."""

    tag: str
    a: EssayRead
    b: EssayRead


def pairs(pieces: Iterable[Piece], *, bundled: bool) -> list[PairRead]:
    """Every comparison in the prompt. A single one is not looked for inside tags: a pupil may have typed them."""
    pictures: list[str] = []
    turn = "".join(_flat(piece, pictures) for piece in pieces if piece.user)
    bodies = _enclosed(turn, COMPARISON, "comparison") if bundled else [(None, turn)]
    read = (_pair(opened["mark"] if opened else "", body, pictures) for opened, body in bodies)
    return [pair for pair in read if pair is not None]


def _enclosed(text: str, opening: re.Pattern[str], word: str) -> Iterator[tuple[re.Match[str], str]]:
    """What stands between each opening and the closing that repeats its mark; openings inside are only text.

    Plain searching: a pattern over the whole of it takes five times as long.
    """
    at = 0
    while opened := opening.search(text, at):
        closing = f"</{word} {opened['mark']}>"
        end = text.find(closing, opened.end())
        if end >= 0:
            yield opened, text[opened.end() : end]
        at = end + len(closing) if end >= 0 else opened.end()


def _flat(piece: Piece, pictures: list[str]) -> str:
    if not piece.image:
        return piece.text.replace("\x00", " ") + "\n"
    pictures.append(piece.image)
    return f"\x00{len(pictures) - 1}\x00"


def _pair(tag: str, body: str, pictures: list[str]) -> PairRead | None:
    found: dict[str, EssayRead] = {}
    for opened, inside in _enclosed(body, ESSAY, "essay"):
        found.setdefault(opened["place"], _essay(inside, pictures))
    return PairRead(tag=tag, a=found["A"], b=found["B"]) if len(found) == 2 else None


def _essay(inside: str, pictures: list[str]) -> EssayRead:
    pages = [pictures[int(number)] for number in IMAGE.findall(inside)]
    text = IMAGE.sub("", inside).strip("\n")
    if pages:
        text = "\n".join(filter(None, (text.strip(), *map(images.hidden_text, pages))))
    if pages and not text:
        stamp = b"".join(map(images.digest, pages))
        return EssayRead(features=of_page(stamp), key=stamp.hex())
    return read_text(text)


@lru_cache(maxsize=ESSAYS_REMEMBERED)
def read_text(text: str) -> EssayRead:
    """Measure a text once, though it is met in many comparisons."""
    key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return EssayRead(features=measure(text), key=key, text=text, wish=_wish(text))


def _wish(text: str) -> str:
    if FOR_ITSELF.search(text):
        return "itself"
    named = FOR_A_PLACE.search(text)
    return next(filter(None, named.groups())) if named else ""
