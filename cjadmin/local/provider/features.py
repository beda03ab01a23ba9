"""An essay's text -> the few numbers a weak judge can see in it. Weights are reasoned, not fitted to any data."""

import re
from collections import Counter
from dataclasses import dataclass
from math import log, sqrt

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
SENTENCE_END = re.compile(r"[.!?]+(?:[\"'”’)\]]*)(?:\s+|$)")

# Words that are slips by themselves.
SLIP_WORDS = {
    "missing apostrophe": """
        dont cant wont isnt arent doesnt didnt wasnt werent couldnt wouldnt shouldnt havent hasnt hadnt im ive
        theyre youre thats theres whats
    """,
    "misspelling": """
        becuase becouse becaus beacuse becase bacause cuz bcuz becuse wich whit wen thier ther teh recieve
        beleive belive definatly definately alot seperate untill tommorow tomorow freind frend frends scool
        shcool schol studens studets studentes diferent diferents differents posible diffrent intresting
        enviroment goverment neccesary necesary ocurr occured begining excelent importan importants confortable
        thay tink becom childrens familys partys everthing somthing somthings someting anothers otherway whith
        wiht wont's lern learing techer teching oppurtunity oportunity opportunitys oportunities benifit
        benifits benefic benefict distrac atention atending attention's knowlege knowladge experince succes
        sucess sucessful succesful faild probaly finaly realy usefull helpfull finnaly exemple exampel problably
        comunicate comunication skoll shool gonna wanna gotta kinda alredy allready allways alway allot tho thru
        ur u r
    """,
}
SLIP_OF_WORD = {word: name for name, words in SLIP_WORDS.items() for word in words.split()}
# Each pattern finds one kind of slip between words. Slips are counted per hundred words.
SLIPS = {
    "lower-case i": re.compile(r"(?<![\w'’.])i(?![\w.])"),
    "no capital after a full stop": re.compile(r"[a-z][.!?]\s+[a-z]"),
    "no space after a stop": re.compile(r"[a-z][,;:!?][A-Za-z]|[a-z]{2}\.[A-Z][a-z]"),
    "space before a stop": re.compile(r"\w\s+[,.;:!?](?=\s|$)"),
    "doubled word": re.compile(r"\b(?!that\b|had\b)([a-z]+)\s+\1\b", re.IGNORECASE),
    "a for an": re.compile(r"\ba\s+(?!uni|use|usu|eu|one\b|once\b|uti)[aeiou]\w+", re.IGNORECASE),
    "an for a": re.compile(r"\ban\s+(?!hou|hon|heir)[bcdfghjklmnpqrstvwxyz]\w{2,}", re.IGNORECASE),
    "verb form": re.compile(
        r"\b(?:he|she|it)\s+(?:have|do|are|were|go|want|need|make|get|help|don't|think|say|like|take|work)\b"
        r"|\b(?:they|we|you|people|students|teachers)\s+(?:was|is|has|does|goes|wants|needs|gets|makes)\b"
        r"|\bto\s+(?:went|was|were|had|has|is|are|did|got|made|doing|having|going|being able|making|getting)\b"
        r"|\b(?:can|could|will|would|should|must|may|might)\s+(?:to|has|had|is|are|was|does|gets|makes|goes|went|\w+ing)\b"
        r"|\b(?:more|most)\s+(?:better|easier|faster|harder|bigger|worse)\b"
        r"|\b(?:did|didn't|didnt|doesn't|doesnt)\s+(?:went|had|was|got|made|has|goes|gets|knew|took|\w+ed)\b",
        re.IGNORECASE,
    ),
    "number": re.compile(
        r"\b(?:many|several|few|these|those|some of the|a lot of|two|three)\s+"
        r"(?:student|teacher|person|reason|thing|kid|parent|school|problem|friend|class|idea|way|job)\b"
        r"|\b(?:this|that|a|an|each|every|another|one)\s+"
        r"(?:students|teachers|people|reasons|things|kids|parents|schools|problems|friends|children)\b"
        r"|\b(?:childrens|peoples|homeworks|informations|advices|mens|womens|childs|persons)\b",
        re.IGNORECASE,
    ),
    "wrong homophone": re.compile(
        r"\b(?:there|their)\s+(?:are|is)n't?\s+able|\bmore\s+then\b|\bbetter\s+then\b|\bother\s+then\b|\brather\s+then\b"
        r"|\bto\s+much\b|\bto\s+many\b|\byour\s+(?:going|not|a|the|able)\b|\bit's\s+own\b|\bshould\s+of\b|\bcould\s+of\b"
        r"|\bwould\s+of\b|\bthere\s+(?:own|house|home|parents|work|homework|friends|teacher|teachers|kids|life)\b"
        r"|\btheir\s+(?:is|are|was|were)\b|\bloose\s+(?:the|their|your)\b",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the judge saw in one essay."""

    words: int
    different_words: int
    slips: float  # per hundred words
    sentence_words: float  # words in the average sentence
    word_letters: float
    paragraphs: int
    quality: float  # about one unit between two ordinary essays
    commonest_slip: str
    page_image: bool = False


def _between(value: float, low: float, high: float) -> float:
    return max(0.0, min(1.0, (value - low) / (high - low)))


def variety(words: list[str]) -> float:
    """Different words over the square root of twice all words (Carroll): nearly free of length."""
    return len(set(words)) / sqrt(2 * len(words)) if words else 0.0


def sentence_shape(average: float) -> float:
    """Best between 12 and 24 words; fragments and run-ons lose."""
    if average < 12:
        return _between(average, 4, 12)
    return 1.0 - _between(average, 24, 60)


def measure(text: str) -> Features:
    """Read one text. The weights say: control of language first, then range, then development."""
    words = [word.lower() for word in WORD.findall(text)]
    n = len(words)
    if n == 0:
        return _nothing_written()
    found = Counter(SLIP_OF_WORD[word] for word in words if word in SLIP_OF_WORD)
    for name, pattern in SLIPS.items():
        found[name] = sum(1 for _ in pattern.finditer(text))
    slips = 100.0 * sum(found.values()) / (n + 20)  # the 20 keep a two-word answer from looking worst of all
    sentences = max(1, sum(1 for _ in SENTENCE_END.finditer(text)))
    letters = sum(map(len, words)) / n
    paragraphs = sum(1 for block in re.split(r"\n\s*\n|\n(?=\s{2,}|\t)", text) if block.strip())
    quality = (
        -1.2 * log(1.0 + slips)
        + 2.2 * _between(variety(words), 3.0, 8.0)
        + 1.2 * _between(log(n), log(60), log(700))
        + 0.8 * _between(letters, 3.6, 5.0)
        + 0.6 * sentence_shape(n / sentences)
        + 0.4 * _between(paragraphs, 1, 5)
    )
    worst = max(found, key=lambda name: found[name])
    return Features(
        words=n,
        different_words=len(set(words)),
        slips=slips,
        sentence_words=n / sentences,
        word_letters=letters,
        paragraphs=paragraphs,
        quality=quality,
        commonest_slip=worst if found[worst] else "",
    )


def _nothing_written() -> Features:
    return Features(
        words=0,
        different_words=0,
        slips=0.0,
        sentence_words=0.0,
        word_letters=0.0,
        paragraphs=0,
        quality=-4.0,
        commonest_slip="",
    )


def of_page(digest: bytes) -> Features:
    """Stand-in for a page that cannot be read here: a quality drawn from the bytes, the same every time."""
    drawn = int.from_bytes(digest[:8], "big") / 2**64
    return Features(
        words=0,
        different_words=0,
        slips=0.0,
        sentence_words=0.0,
        word_letters=0.0,
        paragraphs=0,
        quality=4.0 * drawn,
        commonest_slip="",
        page_image=True,
    )
