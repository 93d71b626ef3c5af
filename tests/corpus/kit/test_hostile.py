"""A hostile spreadsheet ends in a message, in seconds and little memory."""

import io
import resource
import time
import zipfile

import pytest

from harness.corpus.kit.workbook import read_workbook
from harness.errors import ManifestError
from tests.corpus.kit.builders import HEADER, ROWS, SHEET, repacked, saved, sheet_xml, with_pool, workbook

GOOD = saved(workbook(HEADER, *ROWS))
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><worksheet>&a;</worksheet>'
MANY_ON_ONE = "".join(f'<mergeCell ref="A1:{"ABCDEFGH"[n % 8]}1048576"/>' for n in range(50_000))
TALL = "".join(f'<row r="{n}"><c r="ZZ{n}"><v>1</v></c></row>' for n in range(1, 8_000))


def part(data, after=""):
    return repacked(GOOD, {SHEET: sheet_xml(data, after=after)})


def lying(data):
    """Return an archive whose directory says that a part is longer than it is."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo(SHEET).file_size
    place = data.rindex(SHEET.encode()) - 22  # the size in the directory's entry
    assert int.from_bytes(data[place : place + 4], "little") == size
    return data[:place] + (300_000_000).to_bytes(4, "little") + data[place + 4 :]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(repacked(GOOD, {SHEET: ENTITIES}), "document type", id="entities-in-entities"),
        pytest.param(with_pool(GOOD, OUTSIDE), "document type", id="entity-of-a-file"),
        pytest.param(repacked(GOOD, {SHEET: OUTSIDE.decode().encode("utf-16")}), "document type", id="in-utf-16"),
        pytest.param(repacked(GOOD, {SHEET: b" " * 250_000_000}), "unpacks to 250,000,000 bytes", id="archive-bomb"),
        pytest.param(lying(GOOD), "unpacks to 300,000,000 bytes", id="lying-directory"),
        pytest.param(part('<row r="1"><c r="XFD1"><v>1</v></c></row>'), "column 16,384", id="far-column"),
        pytest.param(part('<row r="9999999"/>'), "where a number from 1 to 1,048,576", id="far-row"),
        pytest.param(part('<row r="-1"/>'), "where a number from 1", id="negative-row"),
        pytest.param(part('<row r="2"/><row r="2"/>'), "row 2 after row 2", id="row-twice"),
        pytest.param(part('<row><c r="A0"/></row>'), "where a number from 1", id="no-place"),
        pytest.param(part('<row><c r="1A"/></row>'), "is no place", id="no-column"),
        pytest.param(part('<row><c t="s"><v>99999</v></c></row>'), "where a number from 0", id="no-such-text"),
        pytest.param(part("<a>" * 100), "nested too deeply", id="deep"),
        pytest.param(part("<row>"), "is not XML", id="unclosed"),
        pytest.param(part(TALL), "spans more than 3,000,000 cells", id="wide-and-sparse"),
        pytest.param(repacked(GOOD, {"xl/workbook.xml": None}), "is no workbook", id="no-workbook"),
        pytest.param(
            repacked(GOOD, {"_rels/.rels": b"<x/>", "xl/_rels/workbook.xml.rels": b"<x/>"}), "no sheet", id="bare"
        ),
        pytest.param(GOOD[:1_000], "is not a readable XLSX", id="cut"),
        pytest.param(b"PK\x03\x04" + b"x" * 100, "is not a readable XLSX", id="no-archive"),
        pytest.param(b"\xd0\xcf\x11\xe0" + b"x" * 100, "password", id="locked"),
    ],
)
def test_a_hostile_workbook_ends_in_a_message(data, said):
    started = time.process_time()
    with pytest.raises(ManifestError, match=said):
        read_workbook(data, "x.xlsx")
    assert time.process_time() - started < 5


def test_a_block_over_the_whole_sheet_costs_nothing():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    data = part('<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="B2"><v>2</v></c></row>',
                after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>')  # fmt: skip
    sheet = read_workbook(data, "x.xlsx")[0]
    assert [line.cells for line in sheet.lines] == [("1",), ("1", "2")]
    assert time.process_time() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


def test_blocks_on_one_another_are_refused_before_they_take_hours():
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 500))
    with pytest.raises(ManifestError, match="lie on one another"):
        read_workbook(part(rows, after=f"<mergeCells>{MANY_ON_ONE}</mergeCells>"), "x.xlsx")


def test_a_link_to_another_machine_is_not_followed():
    links = b"""<Relationships><Relationship Id="rId1" Type="http://x/worksheet" TargetMode="External"
      Target="http://localhost:1/sheet1.xml"/></Relationships>"""
    with pytest.raises(ManifestError, match="no sheet that is shown"):
        read_workbook(repacked(GOOD, {"xl/_rels/workbook.xml.rels": links}), "x.xlsx")
