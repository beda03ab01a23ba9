"""Files as pupils, scanners and attackers make them, for the tests beside this module."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import docx

WORD_TEXT = "word/document.xml"


def word_document(*paragraphs: str) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def with_part(package: bytes, name: str, content: bytes) -> bytes:
    """The same package with one part replaced or added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, content)
    return stream.getvalue()


def word_body(body: str, *, before: str = "") -> bytes:
    """A Word document with this WordprocessingML as its body."""
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<w:document '
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<w:body>{body}</w:body></w:document>"
    )
    return with_part(word_document("x"), WORD_TEXT, xml.encode())


def pdf_document(*pages: str, stream: bytes = b"", dictionary: bytes = b"", trailer: bytes = b"") -> bytes:
    """A PDF written by hand: one line of text a page, or `stream` as it is, described by `dictionary`."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, page in enumerate(pages):
        content = stream or b"BT /F1 12 Tf 72 720 Td (%s) Tj ET" % page.encode("latin-1")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        objects.append(b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), dictionary, content))
    return numbered(objects, trailer)


def numbered(objects: list[bytes], trailer: bytes) -> bytes:
    """The objects with the cross-reference table that says where each begins."""
    written, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(written)
    size = len(objects) + 1
    written += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return written + b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)


def png_picture(width: int = 3, height: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\xff" * min(width, 3)) * min(height, 2))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def jpeg_picture(width: int = 3, height: int = 2) -> bytes:
    """A JPEG's beginning: an APP0 segment, then the frame header that gives the size."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + b"\xff\xe0\x00\x10JFIF\x00" + bytes(9) + b"\xff\xc0" + struct.pack(">H", 11) + frame


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path
