"""Small folders of recordings and spreadsheets, as customers have them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import openpyxl
import soundfile

HEADER = ("File", "Transcript", "Speaker", "Accent")
ROWS = (
    ("a1.wav", "two milligrams of morphine", "p1", "scottish"),
    ("a2.wav", "call the doctor please", "p1", "scottish"),
    ("b1.wav", "the monitor is beeping", "p2", "irish"),
)


def recordings(folder: Path, names: Sequence[str] = tuple(row[0] for row in ROWS)) -> Path:
    """Write a different quarter of a second under each name; return the folder."""
    for number, name in enumerate(names, start=1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.1 * np.sin(np.arange(4_000) * number / 20)
        soundfile.write(path, tone, 16_000, format="FLAC" if path.suffix.lower() == ".flac" else "WAV")
    return folder


def workbook(*rows: Sequence[object], title: str = "Sheet1") -> openpyxl.Workbook:
    """Return a workbook of one sheet."""
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    return book


def saved(book: openpyxl.Workbook, path: Path | None = None) -> bytes:
    """Return a workbook's bytes, written to a file too where one is given."""
    stream = io.BytesIO()
    book.save(stream)
    if path is not None:
        path.write_bytes(stream.getvalue())
    return stream.getvalue()


def csv_kit(folder: Path, rows: Sequence[Sequence[str]] = ROWS, header: Sequence[str] = HEADER) -> Path:
    """Write the recordings that the first column names and a CSV file of these rows; return the folder."""
    recordings(folder, [row[0] for row in rows])
    table(folder / "list.csv", rows, header)
    return folder


def table(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> None:
    """Write a CSV file."""
    path.write_text("".join(",".join(row) + "\n" for row in (header, *rows)), encoding="utf-8")


def repacked(data: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """Return an XLSX file with some of its parts replaced, added, or (None) taken away."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            if name not in parts:
                after.writestr(name, before.read(name))
        for name, content in parts.items():
            if content is not None:
                after.writestr(name, content)
    return stream.getvalue()


SHEET, LINKS = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"


def sheet_xml(data: str, *, after: str = "") -> bytes:
    """Return a worksheet part with these rows."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{data}</sheetData>{after}</worksheet>'.encode()


def with_pool(data: bytes, pool: bytes) -> bytes:
    """Return an XLSX file with a pool of texts, as Excel writes them and openpyxl does not."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        links = archive.read(LINKS).decode()
    link = f'<Relationship Type="{kind}" Target="sharedStrings.xml" Id="rId9"/></Relationships>'
    parts = {LINKS: links.replace("</Relationships>", link).encode(), "xl/sharedStrings.xml": pool}
    return repacked(data, parts)
