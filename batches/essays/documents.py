"""The bytes of one .txt, .docx or .pdf -> its text; what could be a bomb is opened in a child process with limits."""

import signal
import subprocess
import sys
from pathlib import Path

from batches.essays.clean import BadEssay, utf8_text
from batches.essays.limits import PARSE_CPU_SECONDS, PARSE_WALL_SECONDS
from batches.essays.parse_document import REFUSED

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "batches.essays.parse_document")

OLE_MARK = b"\xd0\xcf\x11\xe0"  # Word before 2007, and every .docx with a password
PDF_MARK_WITHIN = 1024  # readers accept junk before %PDF

TOO_SLOW = f"The document takes more than {PARSE_CPU_SECONDS} seconds to open: save its text as .txt and load that."
DAMAGED = "The document cannot be read: open it, save it again, and if that does not help save its text as .txt."


def read_document(suffix: str, content: bytes) -> str:
    """Return the text of a document, as yet uncleaned; raise BadEssay."""
    if suffix == ".txt":
        return utf8_text(content)
    check_marks(suffix, content)
    return parsed(suffix, content)


def check_marks(suffix: str, content: bytes) -> None:
    """Raise BadEssay where the first bytes say that this is something else than its name does."""
    if content.startswith(OLE_MARK):
        raise BadEssay("The document has a password or is an old .doc: save it as .docx without a password.")
    if suffix == ".docx" and not content.startswith(b"PK"):
        raise BadEssay("The file is not a Word document, whatever its name says: save it again as .docx.")
    if suffix == ".pdf" and b"%PDF" not in content[:PDF_MARK_WITHIN]:
        raise BadEssay("The file is not a PDF, whatever its name says: save it again as PDF.")


def parsed(suffix: str, content: bytes) -> str:
    """Return what a child process made of the document. The child gets no environment, so no key either."""
    try:
        child = subprocess.run(
            (*COMMAND, suffix),
            input=content,
            capture_output=True,
            timeout=PARSE_WALL_SECONDS,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BadEssay(TOO_SLOW) from None
    if child.returncode == 0:
        return child.stdout.decode("utf-8", "surrogatepass")
    raise BadEssay(why_it_ended(child.returncode, child.stdout))


def why_it_ended(returncode: int, said: bytes) -> str:
    """Return the child's own sentence, or the one that its end stands for."""
    if returncode == REFUSED:
        return said.decode("utf-8")
    return TOO_SLOW if -returncode in (signal.SIGXCPU, signal.SIGKILL) else DAMAGED
