"""A list of terms is read as spreadsheets write it, and every bad row is named with what to do."""

import random

import pytest

from harness.errors import DataError, UsageError
from harness.scoring.terms import Term, TermList, read_terms
from tests.shared import REPOSITORY

HEADER = "term,forms,variants,kind,weight,language"


def file_of(folder, *lines, encoding="utf-8", name="terms.csv", newline="\n"):
    path = folder / name
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def test_a_row_has_everything_it_may_have(tmp_path):
    path = file_of(tmp_path, HEADER, "scan,scans|the scan,CT| computed tomography |,device,3,en-GB")
    (term,) = read_terms(path).terms
    assert term == Term(
        "scan", ("scans", "the scan"), ("CT", "computed tomography"), "device", 3, "en-GB", where="terms.csv:2"
    )


def test_the_term_alone_is_enough(tmp_path):
    assert read_terms(file_of(tmp_path, "Term", "morphine")).terms == (Term("morphine", where="terms.csv:2"),)


@pytest.mark.parametrize(
    ("separator", "encoding", "newline", "first"),
    [
        pytest.param(",", "utf-8", "\n", [], id="plain"),
        pytest.param(",", "utf-8-sig", "\r\n", [], id="byte-order-mark"),
        pytest.param(";", "utf-8-sig", "\r\n", [], id="semicolons"),
        pytest.param("\t", "utf-8", "\n", [], id="tabs"),
        pytest.param(";", "utf-8", "\r\n", ["sep=;"], id="separator-stated"),
    ],
)
def test_spreadsheets_write_such_files(separator, encoding, newline, first, tmp_path):
    rows = [["term", "variants", "kind"], ["Zürich", "zuerich", "name"], ['"nine, ten"', "", "number"]]
    lines = first + [separator.join(row) for row in rows] + [separator * 2]
    terms = read_terms(file_of(tmp_path, *lines, encoding=encoding, newline=newline)).terms
    assert [(term.term, term.variants, term.kind) for term in terms] == [
        ("Zürich", ("zuerich",), "name"),
        ("nine, ten", (), "number"),
    ]
    assert terms[0].where == f"terms.csv:{2 + len(first)}"


@pytest.mark.parametrize("cell", ["=SUM(A1:A9)", "@cmd", "+1", "-2", "=HYPERLINK(0)"])
def test_a_cell_that_looks_like_a_formula_is_a_text(cell, tmp_path):
    assert read_terms(file_of(tmp_path, "term", cell)).terms[0].term == cell


def test_other_columns_are_not_read_and_the_log_says_so(tmp_path, caplog):
    path = file_of(tmp_path, "term,owner", "scan,ward 3")
    assert read_terms(path).terms[0].term == "scan"
    assert "owner" in caplog.text


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param("word,kind", "no column term among word, kind", id="no-term"),
        pytest.param("term,variant", "'variant' is not read; call it variants", id="nearly-a-name"),
        pytest.param("term,kind,kind", "column kind appears twice", id="twice"),
        pytest.param("", "no column term among none", id="nothing"),
    ],
)
def test_a_header_that_cannot_be_meant_is_refused(header, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        read_terms(file_of(tmp_path, header, "scan,x,y"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(",scans,,,,", "has no term", id="no-term"),
        pytest.param("a|b,,,,,", "holds '|'", id="several-terms"),
        pytest.param("x" * 201 + ",,,,,", "201 characters; expected at most 200", id="too-long"),
        pytest.param("scan,,,,2.5,", "weight '2.5' is no whole number", id="part-of-a-weight"),
        pytest.param("scan,,,,0,", "weight '0' is no whole number", id="no-weight"),
        pytest.param("scan,,,,-1,", "weight '-1'", id="negative"),
        pytest.param("scan,,,,1001,", "from 1 to 1000", id="too-heavy"),
        pytest.param("scan,,,,²,", "weight '²'", id="a-digit-that-is-no-number"),
        pytest.param("scan,,,,,english (uk)", "no BCP 47 tag", id="language"),
        pytest.param("scan,,,,,,seven", "has 7 cells where the first row has 6", id="too-many-cells"),
        pytest.param('"sc\nan",,,,,', "line break", id="line-break"),
        pytest.param("scan," + "|".join(f"f{i}" for i in range(101)) + ",,,,", "101 forms", id="too-many-forms"),
    ],
)
def test_a_bad_row_is_named_by_its_line_with_all_others(row, message, tmp_path):
    path = file_of(tmp_path, HEADER, "nurse,,,,,", row, ",only forms,,,,")
    with pytest.raises(DataError) as raised:
        read_terms(path)
    problems = [line for line in str(raised.value).splitlines() if line.startswith(str(path))]
    assert problems[0].startswith(f"{path}:3: ")
    assert message in str(raised.value)
    assert "has no term" in problems[-1]
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"\xff\xfet\x00", "UTF-16", id="utf-16"),
        pytest.param("term\nZürich\n".encode("latin-1"), "not UTF-8", id="latin-1"),
        pytest.param(b"PK\x03\x04zip", "workbook", id="xlsx"),
        pytest.param(b"", "no column term", id="empty"),
        pytest.param(b"term\n\n \n", "holds no term", id="blank-rows"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(data, message, tmp_path):
    path = tmp_path / "terms.csv"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_terms(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_terms(tmp_path / "terms.csv")


def test_quotation_marks_left_open_are_named(tmp_path):
    with pytest.raises(DataError, match="quotation marks"):
        read_terms(file_of(tmp_path, "term", '"scan'))


def test_the_digest_is_of_what_is_counted():
    terms = [Term("a", ("b", "c"), where="x:1"), Term("d", weight=2)]
    first = TermList(tuple(terms)).digest
    random.Random(0).shuffle(terms)
    assert TermList((*reversed(terms),)).digest == first
    assert TermList((Term("d", weight=2), Term("a", ("c", "b"), where="y:9"))).digest == first
    assert TermList((Term("d", weight=3), Term("a", ("c", "b")))).digest != first


def test_the_example_is_a_list():
    terms = read_terms(REPOSITORY / "examples" / "terms.csv").terms
    assert len(terms) > 15
    assert {term.kind for term in terms} == {"room", "door", "device"}
