"""A text table is read in whatever dialect and encoding, with the row numbers that a spreadsheet program shows."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus.kit.separated import read_separated
from harness.errors import ManifestError

ROWS = [["Datei", "Text"], ["a.wav", "Hällo; du, da"], ["b.wav", 'sie sagte "nein"']]


def written(rows, separator=",", encoding="utf-8", end="\r\n"):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, lineterminator=end).writerows(rows)
    return stream.getvalue().encode(encoding)


def cells(sheet):
    return [list(line.cells) for line in sheet.lines]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_dialect_says_the_same(separator, encoding):
    assert cells(read_separated(written(ROWS, separator, encoding), "x.csv")) == ROWS


@pytest.mark.parametrize(
    ("encoding", "said"),
    [pytest.param("cp1252", "Windows-1252", id="windows"), pytest.param("utf-16-le", "UTF-16", id="utf-16-unmarked")],
)
def test_a_guessed_encoding_is_said(encoding, said):
    assert said in read_separated(written(ROWS, encoding=encoding), "x.csv").notes[0]


def test_a_row_has_the_number_that_a_spreadsheet_program_shows():
    data = b'file,text\n\na.wav,"two\nlines"\n,,\nb.wav,one\n'  # a blank row is a row, a break in a cell is not
    assert [line.number for line in read_separated(data, "x.csv").lines] == [1, 3, 5]


def test_the_line_that_names_the_separator_for_excel_is_a_row_and_no_data():
    sheet = read_separated(b"sep=|\nfile|text\na.wav|x,y,z;1;2\n", "x.csv")
    assert [(line.number, line.cells[0]) for line in sheet.lines] == [(2, "file"), (3, "a.wav")]


def test_commas_in_transcripts_do_not_make_a_table_of_semicolons_one_of_commas():
    rows = [["file", "text"], *([f"{n}.wav", "yes, no, well, perhaps"] for n in range(20))]
    assert {len(row) for row in cells(read_separated(written(rows, ";"), "x.csv"))} == {2}


def test_a_formula_in_a_text_table_is_no_value():
    assert list(read_separated(b"file,text\na.wav,=1+1\n", "x.csv").bad_cells) == [(2, 1)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"file\na.wav\n", "has one column", id="one-column"),
        pytest.param(b'file,text\na.wav,"x" y\n', "row 2: cannot be split into cells", id="stray-quote"),
        pytest.param(b'file,text\na.wav,"x\n', "row 2: cannot be split", id="open-quote"),
        pytest.param(b"file,text\na.wav,\x81\xff\xfe\n", "no known encoding", id="no-encoding"),
        pytest.param(b"file,text\na.wav,x\0y\n", "NUL", id="nul"),
        pytest.param(b"," * 2_000 + b"x\n" + b"a," * 2_000 + b"\n", "at most 1,000 columns", id="wide"),
    ],
)
def test_what_is_no_table_says_where_and_why(data, said):
    with pytest.raises(ManifestError, match=said):
        read_separated(data, "x.csv")


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)] * 3),
        min_size=1,
        max_size=8,
    )
)
def test_what_a_program_writes_is_what_is_read(rows):
    rows = [["file", "text", "who"], *([f"x{a}", b, c] for a, b, c in rows)]
    expected = [[cell.strip() for cell in row] for row in rows]
    assert [row[:3] for row in cells(read_separated(written(rows, ";"), "x.csv"))] == expected
