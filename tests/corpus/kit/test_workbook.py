"""A workbook is read as its program shows it; openpyxl, another reader, wrote the files and agrees on their values."""

import datetime
import io

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment

from harness.corpus.kit.workbook import read_workbook
from tests.corpus.kit.builders import HEADER, ROWS, SHEET, repacked, saved, sheet_xml, with_pool, workbook


def read(book):
    return read_workbook(saved(book), "x.xlsx")


def texts(sheet):
    return {line.number: line.cells for line in sheet.lines}


def test_rows_keep_their_numbers_and_blank_ones_are_left_out():
    assert texts(read(workbook(HEADER, [], *ROWS))[0]) == {1: HEADER, 3: ROWS[0], 4: ROWS[1], 5: ROWS[2]}


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        pytest.param(7, "0000", "0007", id="leading-zeros"),
        pytest.param(7, "General", "7", id="whole"),
        pytest.param(0.1 + 0.2, "General", "0.3", id="fifteen-digits"),
        pytest.param(1e-7, "General", "0.0000001", id="small"),
        pytest.param(491701234567, "General", "491701234567", id="long-id"),
        pytest.param(0.256, "0.0%", "25.6%", id="percent"),
        pytest.param(-1234.5, "#,##0.00", "-1,234.50", id="thousands"),
        pytest.param(-5, "0;(0)", "(5)", id="negatives-in-brackets"),
        pytest.param(3, '0 "dB"', "3 dB", id="unit"),
        pytest.param(3, "[$€-407] 0.00", "€ 3.00", id="currency"),
        pytest.param(datetime.date(2024, 1, 5), "dd.mm.yyyy", "05.01.2024", id="german-date"),
        pytest.param(datetime.date(2024, 1, 5), "mm-dd-yy", "2024-01-05", id="date-of-the-program's-language"),
        pytest.param(datetime.datetime(2024, 1, 5, 14, 3), "d-mmm-yy h:mm AM/PM", "5-Jan-24 2:03 PM", id="half-days"),
        pytest.param(datetime.time(0, 1, 30), "mm:ss", "01:30", id="clock"),
        pytest.param(datetime.timedelta(hours=30, minutes=5), "[h]:mm", "30:05", id="elapsed"),
        pytest.param(True, "General", "TRUE", id="truth"),
        pytest.param("  x \n y ", "General", "x \n y", id="text"),
        pytest.param("007", "@", "007", id="text-of-digits"),
    ],
)
def test_a_cell_is_read_as_it_is_shown(value, code, shown):
    book = workbook(["file", "x"], ["a.wav", value])
    book.active["B2"].number_format = code
    assert texts(read(book)[0])[2][1] == shown


@settings(max_examples=40, deadline=None)
@given(st.datetimes(datetime.datetime(1900, 3, 1), datetime.datetime(2199, 1, 1)), st.booleans())
def test_dates_are_those_of_the_other_reader(moment, from_1904):
    moment = moment.replace(microsecond=0, year=max(moment.year, 1905) if from_1904 else moment.year)
    book = workbook(["file", "x"], ["a.wav", moment])
    book.epoch = (
        openpyxl.utils.datetime.CALENDAR_MAC_1904 if from_1904 else openpyxl.utils.datetime.CALENDAR_WINDOWS_1900
    )
    book.active["B2"].number_format = "yyyy-mm-dd hh:mm:ss"
    assert texts(read(book)[0])[2][1] == moment.isoformat(sep=" ")


def test_a_merged_label_counts_for_the_rows_it_spans():
    book = workbook(HEADER, *ROWS)
    book.active.merge_cells("D2:D3")
    sheet = read(book)[0]
    assert texts(sheet)[3][3] == "scottish"
    assert sheet.merged == {(3, 3)}


def test_a_formula_with_its_value_is_its_value_and_is_said():
    data = repacked(saved(workbook(HEADER)), {SHEET: sheet_xml(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>file</t></is></c></row>'
        '<row r="2"><c r="A2" t="str"><f>B2&amp;".wav"</f><v>a.wav</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
    )})  # fmt: skip
    sheet = read_workbook(data, "x.xlsx")[0]
    assert texts(sheet)[2] == ("a.wav", "2")
    assert sheet.notes == ("2 cells are formulas: the values last calculated are used",)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        pytest.param('<c r="B2"><f>1+1</f></c>', "holds a formula and not its value", id="never-calculated"),
        pytest.param('<c r="B2"><f>1+1</f><v></v></c>', "holds a formula and not its value", id="empty-value"),
        pytest.param('<c r="B2" t="inlineStr"><is><t>=cmd|x</t></is></c>', "holds a formula", id="text-like-one"),
        pytest.param('<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "holds the error #DIV/0!", id="error"),
    ],
)
def test_a_cell_without_a_value_is_named_and_not_calculated(cell, said):
    data = repacked(saved(workbook(HEADER)), {SHEET: sheet_xml(f'<row r="2"><c r="A2"><v>1</v></c>{cell}</row>')})
    sheet = read_workbook(data, "x.xlsx")[0]
    assert said in sheet.bad_cells[2, 1]


def test_texts_of_the_pool_are_put_where_cells_refer_to_them():
    pool = b"""<sst><si><t>file</t></si><si><r><t>two </t></r><r><t>parts</t></r><rPh><t>spoken</t></rPh></si>
      <si><t>a_x000D_b</t></si></sst>"""
    cells = "".join(f'<c r="{"ABC"[n]}1" t="s"><v>{n}</v></c>' for n in range(3))
    data = with_pool(repacked(saved(workbook()), {SHEET: sheet_xml(f'<row r="1">{cells}</row>')}), pool)
    assert texts(read_workbook(data, "x.xlsx")[0]) == {1: ("file", "two parts", "a\rb")}


def test_hidden_rows_and_columns_are_read_and_known():
    book = workbook(HEADER, *ROWS)
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["D"].hidden = True
    sheet = read(book)[0]
    assert (len(sheet.lines), sheet.hidden_rows, sheet.hidden_columns) == (4, (3,), (3,))


def test_hidden_sheets_are_named_and_not_read():
    book = workbook(HEADER, *ROWS)
    book.create_sheet("old").append(["x"])
    book["old"].sheet_state = "hidden"
    sheets = read(book)
    assert [sheet.name for sheet in sheets] == ["Sheet1"]
    assert "hidden sheets, not used: 'old'" in sheets[0].notes


def test_comments_and_rich_text_change_no_value():
    book = workbook(HEADER, *ROWS)
    book.active["B2"].comment = Comment("check this", "me")
    cell = "<is><r><t>two </t></r><r><t>parts</t></r><rPh><t>no</t></rPh></is>"
    parts = f'<row r="1"><c r="A1" t="inlineStr">{cell}</c></row>'
    assert texts(read(book)[0])[2] == ROWS[0]
    assert texts(read_workbook(repacked(saved(book), {SHEET: sheet_xml(parts)}), "x")[0]) == {1: ("two parts",)}


PRINTED = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=9)
CELLS = st.one_of(st.none(), st.integers(-(10**9), 10**9), PRINTED)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=6
    ).filter(lambda rows: any(cell not in (None, "") and str(cell).strip() for row in rows for cell in row))
)  # fmt: skip
def test_values_are_those_of_the_other_reader(rows):
    data = saved(workbook(*rows))
    theirs = openpyxl.load_workbook(io.BytesIO(data), data_only=False).active
    ours = read_workbook(data, "x.xlsx")[0]
    for line in ours.lines:
        for position, text in enumerate(line.cells):
            if (line.number, position) in ours.bad_cells:
                continue
            value = theirs.cell(line.number, position + 1).value
            assert text == ("" if value is None else str(value).strip())
