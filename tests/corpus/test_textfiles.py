"""Text files are read right, or refused with the file and the line: against Python's own readers, and by hand."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.corpus import textfiles
from harness.corpus.textfiles import csv_rows, json_objects, tab_cells, tab_rows, text_lines
from harness.errors import TextFileError

ODD = "\"'\t,;|\\\0 \u00a0\u0301\u200f\u202e\u2028\u0085\x0b\x0c\ufeffאبéİßａ👩‍🚀𝔘"
TEXT = st.text(st.one_of(st.sampled_from(ODD), st.characters(codec="utf-8")), max_size=20)
LINE = TEXT.map(lambda text: text.replace("\n", "").replace("\r", ""))
CELL = LINE.map(lambda text: text.replace("\t", ""))
READ = "was read"
BOM = "\ufeff".encode()
SEVERAL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(line: int, problem: str) -> None:
    pytest.fail(f"line {line} was refused: {problem}")


def saved(folder: Path, data: bytes, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def lines_of(path: Path) -> list[str]:
    return [text for _, text in text_lines(path)]


def said_of(read: Callable[[], object]) -> str:
    """Returns what a reader refuses a file with, or READ."""
    try:
        read()
    except TextFileError as error:
        return str(error)
    return READ


@SEVERAL
@given(lines=st.lists(LINE), end=st.sampled_from(["\n", "\r\n"]), marked=st.booleans(), packed=st.booleans())
def test_lines_are_those_between_line_ends_and_no_other_sign_ends_one(tmp_path, lines, end, marked, packed):
    data = (BOM if marked else b"") + "".join(line + end for line in lines).encode()
    path = saved(tmp_path, gzip.compress(data) if packed else data)
    expected = data.removeprefix(BOM).decode().replace("\r\n", "\n").split("\n")[:-1]
    assert lines_of(path) == expected
    assert [line for line, _ in text_lines(path)] == list(range(1, len(expected) + 1))


@SEVERAL
@given(rows=st.lists(st.lists(TEXT, min_size=3, max_size=3)), separator=st.sampled_from(",\t;"))
def test_quoted_rows_are_those_that_pythons_csv_reads(tmp_path, rows, separator):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    path = saved(tmp_path, written.getvalue().encode())
    found = list(csv_rows(path, refused, separator=separator))
    expected = list(csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=separator))[1:]
    assert [list(row.cells.values()) for row in found] == expected == rows
    assert [row.line for row in found] == lines_that_rows_start_on(rows)


def lines_that_rows_start_on(rows):
    starts, line = [], 2
    for row in rows:
        starts.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    return starts


@SEVERAL
@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=4)), end=st.sampled_from(["\n", "\r\n"]))
def test_rows_with_tabs_are_split_at_tabs_alone(tmp_path, rows, end):
    path = saved(tmp_path, "".join("\t".join(row) + end for row in [["a", "b", "c"], *rows]).encode())
    bad = []
    found = list(tab_rows(path, lambda line, _: bad.append(line)))
    assert [(row.line, list(row.cells.values())) for row in found] == [
        (line, row) for line, row in enumerate(rows, start=2) if len(row) == 3
    ]
    assert bad == [line for line, row in enumerate(rows, start=2) if len(row) != 3]
    assert [(row.line, list(row.cells.values())) for row in found] == list(tab_cells(path, lambda *_: None))[1:]


@SEVERAL
@given(objects=st.lists(st.dictionaries(TEXT, TEXT | st.integers() | st.none() | st.lists(TEXT))), ascii_=st.booleans())
def test_json_objects_are_those_that_were_written(tmp_path, objects, ascii_):
    path = saved(tmp_path, "".join(json.dumps(each, ensure_ascii=ascii_) + "\n" for each in objects).encode())
    assert [found for _, found in json_objects(path, refused)] == objects


@SEVERAL
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_the_name_of_the_file(tmp_path, data):
    path = saved(tmp_path, data)
    for read in (
        lambda: list(text_lines(path)),
        lambda: list(csv_rows(path, lambda *_: None)),
        lambda: list(tab_rows(path, lambda *_: None)),
        lambda: list(json_objects(path, lambda *_: None)),
    ):
        assert said_of(read).startswith(("a.txt", READ))


ROWS = "a\tb\n" + "".join(f"{number}\tword {number * 7919}\n" for number in range(3_000))


@pytest.mark.parametrize("length", [0, 1, 2, 5, 9, 10, 11, 20, 100, 5_000, -9, -8, -7, -4, -1])
def test_a_gzip_that_is_cut_off_is_refused_where_the_lines_end_that_are_whole(tmp_path, length):
    whole = gzip.compress(ROWS.encode())
    path = saved(tmp_path, whole[:length], "a.tsv.gz")
    rows = []
    with pytest.raises(TextFileError) as caught:
        rows.extend(row for row in tab_rows(path, refused))
    assert str(caught.value).startswith("a.tsv.gz")
    if length not in (0, 1):
        n_whole = 0 if not (found := whole_part(whole[:length])) else found.count("\n")
        line = int(str(caught.value).split(":")[1])
        assert 1 <= line <= n_whole + 1


def whole_part(data: bytes) -> str:
    return zlib.decompressobj(31).decompress(data).decode()


@pytest.mark.parametrize("length", range(1, len(gzip.compress(b"one\ntwo\nthree\n"))))
def test_a_small_gzip_is_refused_wherever_it_is_cut(tmp_path, length):
    path = saved(tmp_path, gzip.compress(b"one\ntwo\nthree\n")[:length], "a.gz")
    with pytest.raises(TextFileError, match=r"a\.gz"):
        lines_of(path)


def test_every_bit_that_flips_in_a_gzip_is_noticed_or_changes_no_line(tmp_path):
    whole = gzip.compress(b"one\ntwo\nthree\n" * 5, mtime=0)
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 0x10
        path, found = saved(tmp_path, bytes(data), "a.gz"), []
        said = said_of(lambda path=path, found=found: found.extend(lines_of(path)))
        assert said.startswith(("a.gz", READ))
        assert said != READ or found == ["one", "two", "three"] * 5, place


@pytest.mark.parametrize("garbage", [b"x", b"garbage", b"\x1f\x8b", b"\x00\x00x"])
def test_what_is_no_gzip_after_a_gzip_is_refused(tmp_path, garbage):
    with pytest.raises(TextFileError, match=r"a\.gz:3: the packed file is cut off or damaged there"):
        lines_of(saved(tmp_path, gzip.compress(b"one\ntwo\n") + garbage, "a.gz"))


def test_gzips_that_were_joined_are_one_file_and_zeros_at_the_end_are_nothing(tmp_path):
    joined = gzip.compress(b"one\ntw") + gzip.compress(b"") + gzip.compress(b"o\nthree") + b"\x00" * 512
    assert lines_of(saved(tmp_path, joined)) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(bz2.compress(b"one\n"), "packed with bzip2", id="bzip2"),
        pytest.param(lzma.compress(b"one\n"), "packed with xz", id="xz"),
        pytest.param(b"\x28\xb5\x2f\xfd\x04\x00", "packed with zstandard", id="zstandard"),
        pytest.param("one\n".encode("utf-16"), "UTF-16", id="utf-16 with its mark"),
        pytest.param("one\n".encode("utf-16-be"), "control characters", id="utf-16 without its mark"),
        pytest.param("one\n".encode("utf-32"), "UTF-32", id="utf-32 with its mark"),
        pytest.param(b"\x00\x00\xfe\xff\x00\x00\x00o", "UTF-32", id="utf-32, big end first"),
        pytest.param(gzip.compress(gzip.compress(b"one\n")), "not UTF-8", id="packed twice"),
        pytest.param(b"caf\xe9\n", "a.txt:1: its bytes are not UTF-8", id="latin-1"),
        pytest.param(b"a\nb\nc\xff\n", "a.txt:3: its bytes are not UTF-8", id="in the third line"),
        pytest.param(b"a\n\xed\xa0\x80\n", "a.txt:2: its bytes are not UTF-8", id="a surrogate"),
        pytest.param(b"a\rb\rc\r", "control characters", id="lines that end in CR alone"),
        pytest.param(b"a\x00\tb\n", "control characters", id="NUL in the header"),
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(BOM, "is empty", id="a mark and nothing"),
        pytest.param(b"\n\r\n", "is empty", id="blank lines"),
        pytest.param(b"a\ta\n", "column 'a' twice", id="a column twice"),
        pytest.param("\t".join(map(str, range(1_001))).encode(), "has 1001 columns", id="too many columns"),
    ],
)
def test_what_is_no_table_in_utf_8_is_refused_and_said_what_it_is(tmp_path, data, said):
    with pytest.raises(TextFileError, match=r"^a\.txt") as caught:
        list(tab_rows(saved(tmp_path, data), refused))
    assert said in str(caught.value)


def test_a_zip_archive_is_refused(tmp_path):
    for members in ([], ["../../etc/passwd"]):
        with zipfile.ZipFile(tmp_path / "a.txt", "w") as archive:
            for member in members:
                archive.writestr(member, "x")
        with pytest.raises(TextFileError, match="a zip archive"):
            lines_of(tmp_path / "a.txt")


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("absent", "folder"):
        with pytest.raises(TextFileError, match=f"{name}: (cannot be read|is a folder)"):
            lines_of(tmp_path / name)


def test_lines_of_a_hundred_thousand_characters_are_read_and_endless_ones_refused(tmp_path, monkeypatch):
    long = "ש́👩‍🚀\u2028" * 25_000
    path = saved(tmp_path, f'a\tb\n{long}\t{long}\n"{long}"\tb\n'.encode())
    assert [len(row.cells["a"]) for row in tab_rows(path, refused)] == [len(long), len(long) + 2]
    assert [row.cells["a"] for row in csv_rows(path, refused, separator="\t")] == [long, long]
    monkeypatch.setattr(textfiles, "LONGEST_LINE", 1_000)
    with pytest.raises(TextFileError, match=r"a\.txt:2: is longer than 1,000 characters"):
        lines_of(path)


def test_a_header_alone_has_no_rows_and_its_names_can_be_told(tmp_path):
    path = saved(tmp_path, BOM + b"\r\na\t b \tc\r\n")
    assert list(tab_rows(path, refused)) == list(csv_rows(path, refused, separator="\t")) == []
    assert next(tab_cells(path, refused)) == (2, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        pytest.param('a,b\n1,2\n"x,y\n3,4\n', 3, "unexpected end of data", id="a quote that never closes"),
        pytest.param('a,b\n"x"y,2\n', 2, "cannot be split", id="text after a closing quote"),
        pytest.param("a,b\n1\n", 2, "has 1 cells; expected 2", id="too few cells"),
        pytest.param('a,b\n"x\ny",2\n1,2,3\n', 4, "has 3 cells; expected 2", id="too many, after a cell of two lines"),
        pytest.param("a,b\n1,2\n3,4\r5,6\n", 3, "cannot be split", id="a CR between rows"),
    ],
)
def test_a_row_that_cannot_be_split_is_refused_with_its_line(tmp_path, data, line, said):
    refusals = []
    list(csv_rows(saved(tmp_path, data.encode()), lambda *refusal: refusals.append(refusal)))
    assert [(place, said in problem) for place, problem in refusals] == [(line, True)]


def test_rows_after_a_bad_one_are_read(tmp_path):
    path = saved(tmp_path, b'a,b\n1,2\n"x"y,2\n3,4\n')
    assert [row.cells["a"] for row in csv_rows(path, lambda *_: None)] == ["1", "3"]


def test_quotation_marks_are_letters_in_rows_with_tabs(tmp_path):
    path = saved(tmp_path, b'a\tb\n"He said\tno\n""\t"\n')
    assert [list(row.cells.values()) for row in tab_rows(path, refused)] == [['"He said', "no"], ['""', '"']]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="nested deeply"),
        pytest.param('{"a": ' * 100_000, id="objects nested deeply"),
        pytest.param("[1]", id="an array"),
        pytest.param("1", id="a number"),
        pytest.param('{"a": 1', id="cut off"),
        pytest.param('{"a": ' + "9" * 5_000 + "}", id="a number of five thousand digits"),
    ],
)
def test_a_line_that_is_no_json_object_is_refused_with_its_line(tmp_path, text):
    refusals = []
    found = list(
        json_objects(saved(tmp_path, f'{{}}\n\n{text}\n{{"b": 2}}\n'.encode()), lambda *it: refusals.append(it))
    )
    assert found == [(1, {}), (4, {"b": 2})]
    assert [line for line, _ in refusals] == [3]


def test_a_reader_that_is_left_early_leaves_no_file_open(tmp_path):
    for packed in (False, True):
        data = b"a\tb\n1\t2\n" * 10
        path = saved(tmp_path, gzip.compress(data) if packed else data)
        rows = tab_rows(path, lambda *_: None)
        next(rows)
        rows.close()
        path.unlink()


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(TextFileError, match=r"pipe\.txt: is a folder, a pipe or a device"):
        list(text_lines(tmp_path / "pipe.txt"))
