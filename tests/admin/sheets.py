"""The bytes of an XLSX workbook -> its sheets as rows of (kind, text): read with zipfile and XML alone."""

import io
import re
import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cell = tuple[str, str]  # "text", "number" or "formula", and what stands there


def sheets(content: bytes) -> dict[str, list[dict[str, Cell]]]:
    """Sheet -> its rows, each a column letter -> cell."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = [
            one.attrib["name"] for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]
        assert not [name for name in book.namelist() if "hyperlink" in name or "external" in name.lower()]
        return {name: _rows(book.read(f"xl/worksheets/sheet{i}.xml")) for i, name in enumerate(names, start=1)}


def _rows(xml: bytes) -> list[dict[str, Cell]]:
    return [
        {re.sub(r"\d", "", cell.attrib["r"]): _cell(cell) for cell in row.iter(f"{MAIN}c")}
        for row in ElementTree.fromstring(xml).iter(f"{MAIN}row")
    ]


def _cell(cell: ElementTree.Element) -> Cell:
    if cell.find(f"{MAIN}f") is not None:
        return "formula", cell.findtext(f"{MAIN}f") or ""
    if cell.attrib.get("t") == "inlineStr":
        return "text", "".join(part.text or "" for part in cell.iter(f"{MAIN}t"))
    return "number", cell.findtext(f"{MAIN}v") or ""


def table(rows: list[dict[str, Cell]]) -> list[dict[str, Cell]]:
    """The rows below the header, each heading -> cell; a cell that is empty is not there."""
    header = {column: text for column, (_kind, text) in rows[0].items()}
    return [{header[column]: cell for column, cell in row.items()} for row in rows[1:]]
