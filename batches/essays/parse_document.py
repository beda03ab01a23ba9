"""One .docx or .pdf on stdin -> its text on stdout, in a process of its own that may use little memory and time.

    python -m batches.essays.parse_document .docx < K4-07.docx

Exit codes: 0 text on stdout; REFUSED one sentence on stdout; anything else the document broke the reader, which is
why this runs in a child. The XML is read as a stream by expat: no tree is built (a tree of a 200 MB bomb takes four
times that), no entity is fetched, and a document type declaration, which Word never writes, ends the reading.
"""

import io
import posixpath
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from batches.essays.clean import BadEssay
from batches.essays.limits import (
    MAX_DOCUMENT_PAGES,
    MAX_DOCUMENT_XML_BYTES,
    MAX_TEXT_CHARACTERS,
    MB,
    PARSE_CPU_SECONDS,
    PARSE_MEMORY_BYTES,
)

REFUSED = 3
CHUNK = 65_536
MAX_DEPTH = 1_000  # elements within elements; Word stays far below 100
# What a Word document says in words: characters that elements stand for, and elements whose content is not the
# pupil's final text (formatting, deletions, the old place of moved text, the second copy of a text box).
STANDS_FOR = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "p": "\n"}
ENDS_WITH = frozenset(("p",))  # the newline comes after the paragraph, the others where they stand
NOT_TEXT = frozenset(("pPr", "rPr", "del", "moveFrom", "Fallback"))
TEXT = "t"

TOO_LONG = f"The document holds more than {MAX_TEXT_CHARACTERS:,} characters: check that it is one essay."
BOMB = f"The document unpacks to more than {MAX_DOCUMENT_XML_BYTES // MB} MB: save its text as .txt and load that."
NOT_WORD = "The file is not a Word document, or a damaged one: save it again as .docx."
NO_MEMORY = "The document needs too much memory to open: save its text as .txt and load that."
LOCKED = "The document is protected: save a copy without a password or restrictions."


class Gathered:
    """The text so far, which may not grow for ever."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0

    def add(self, part: str) -> None:
        self.parts.append(part)
        self.length += len(part)
        if self.length > MAX_TEXT_CHARACTERS:
            raise BadEssay(TOO_LONG)


def docx_text(content: bytes) -> str:
    """Return every paragraph's text in the order of the document, tables, boxes and insertions included."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if any(name.endswith("vbaProject.bin") for name in package.namelist()):
                raise BadEssay("The document holds macros: save it as .docx without them.")
            return words_of(package, main_part(package))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, expat.ExpatError):
        # zipfile says RuntimeError for a part with a password and KeyError for one that is not there
        raise BadEssay(NOT_WORD) from None


def main_part(package: zipfile.ZipFile) -> str:
    """Return the name of the part that holds the text; Word does not always call it word/document.xml."""
    parts: list[str] = []

    def started(name: str, attributes: dict[str, str]) -> None:
        if attributes.get("Type", "").endswith("/officeDocument"):
            parts.append(posixpath.normpath(attributes.get("Target", "")).lstrip("/"))

    reader = xml_reader()
    reader.StartElementHandler = started
    feed(reader, package, "_rels/.rels")
    return parts[0] if parts else "word/document.xml"


def words_of(package: zipfile.ZipFile, part: str) -> str:
    """Return the text of one WordprocessingML part."""
    gathered, open_elements, hidden = Gathered(), [""], 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal hidden
        element = name.rpartition(" ")[2]
        if len(open_elements) > MAX_DEPTH:
            raise BadEssay(NOT_WORD)
        open_elements.append(element)
        hidden += element in NOT_TEXT
        if not hidden and element in STANDS_FOR and element not in ENDS_WITH:
            gathered.add(STANDS_FOR[element])

    def ended(name: str) -> None:
        nonlocal hidden
        element = open_elements.pop()
        if not hidden and element in ENDS_WITH:
            gathered.add(STANDS_FOR[element])
        hidden -= element in NOT_TEXT

    def characters(data: str) -> None:
        if not hidden and open_elements[-1] == TEXT:
            gathered.add(data)

    reader = xml_reader()
    reader.StartElementHandler, reader.EndElementHandler, reader.CharacterDataHandler = started, ended, characters
    feed(reader, package, part)
    return "".join(gathered.parts)


def xml_reader() -> expat.XMLParserType:
    """Return a parser that names elements "namespace name" and refuses a document type declaration."""
    reader = expat.ParserCreate(namespace_separator=" ")
    reader.buffer_text = True
    reader.StartDoctypeDeclHandler = refuse_doctype
    return reader


def refuse_doctype(*_: object) -> None:
    raise BadEssay("The document declares entities, which Word never does: save it again as .docx.")


def feed(reader: expat.XMLParserType, package: zipfile.ZipFile, part: str) -> None:
    """Push one part through the parser, counting what really comes out of the archive."""
    for chunk in unpacked(package, part):
        reader.Parse(chunk, False)
    reader.Parse(b"", True)


def unpacked(package: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    read = 0
    with package.open(part) as stream:
        while chunk := stream.read(CHUNK):
            read += len(chunk)
            if read > MAX_DOCUMENT_XML_BYTES:
                raise BadEssay(BOMB)
            yield chunk


def pdf_text(content: bytes) -> str:
    """Return the text of each page, with a blank line between pages."""
    from pypdf import PdfReader  # only here: a .docx need not wait for it
    from pypdf.errors import LimitReachedError

    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted:
        raise BadEssay(LOCKED)
    if len(reader.pages) > MAX_DOCUMENT_PAGES:
        raise BadEssay(f"The PDF has {len(reader.pages):,} pages: an essay may have {MAX_DOCUMENT_PAGES}.")
    gathered = Gathered()
    try:
        for page in reader.pages:
            gathered.add(page.extract_text().strip() + "\n\n")
    except LimitReachedError:
        raise BadEssay(BOMB) from None
    text = "".join(gathered.parts)
    if not text.strip():
        raise BadEssay("The PDF holds no text, it is probably a scan: load its pages as .png or .jpg images instead.")
    return text


PARSERS = {".docx": docx_text, ".pdf": pdf_text}


def limit_this_process() -> None:
    """Take away what parsing does not need, before the first byte of the document is looked at."""
    for limit, most in (
        (resource.RLIMIT_CPU, PARSE_CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, PARSE_MEMORY_BYTES),
    ):
        resource.setrlimit(limit, (most, most))


def main(suffix: str) -> int:
    limit_this_process()
    try:
        said, code = PARSERS[suffix](sys.stdin.buffer.read()), 0
    except BadEssay as bad:
        said, code = str(bad), REFUSED
    except MemoryError:
        said, code = NO_MEMORY, REFUSED
    sys.stdout.buffer.write(said.encode("utf-8", "surrogatepass"))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
