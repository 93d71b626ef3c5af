from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.corpus.reading import MAX_COLUMNS, Table, read_table
from harness.errors import ManifestError, UsageError
from tests.corpus.builders import problems_of


def _read(content: str | bytes, suffix: str) -> Table:
    data = content if isinstance(content, bytes) else content.encode()
    return read_table(f"toy{suffix}", suffix, data)


def _read_strictly(content: str | bytes, suffix: str) -> None:
    _read(content, suffix).problems.raise_if_any()


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        pytest.param(".jsonl", '{"a": "1", "b": "x"}\n\n{"a": "2", "b": "NA"}', id="jsonl"),
        pytest.param(
            ".JSON", '\ufeff{"a": "1", "b": "x"}\r\n \r\n{"a": "2", "b": "NA"}\r\n', id="json-with-mark-and-crlf"
        ),
        pytest.param(".csv", "a,b\n1,x\n\n2,NA\n", id="csv"),
        pytest.param(".csv", '\ufeff"a", b\r\n1,x\r\n\r\n2,NA', id="csv-with-mark-and-crlf"),
        pytest.param(".tsv", 'a\tb\n1\tx\n\n2\t"NA"\n', id="tsv"),
    ],
)
def test_rows_keep_their_line_numbers_across_blank_lines(suffix: str, content: str) -> None:
    table = _read(content, suffix)
    assert table.columns == {"a": ["1", "2"], "b": ["x", "NA"]}
    assert table.lines == ([1, 3] if suffix.lower().startswith(".json") else [2, 4])


def test_a_csv_row_is_numbered_by_the_line_it_starts_on() -> None:
    table = _read('id,text\n1,"two\nlines"\n2,"three\r\n\nlines"\n3,one\n', ".csv")
    assert table.lines == [2, 4, 7]
    assert table.columns["text"] == ["two\nlines", "three\r\n\nlines", "one"]


def test_json_keys_may_come_and_go() -> None:
    table = _read('{"a": 1}\n{"b": 2}\n{}\n{"a": 3}\n', ".jsonl")
    assert table.columns == {"a": [1, None, None, 3], "b": [None, 2, None, None]}


def test_line_breaks_that_are_not_newlines_do_not_tear_a_json_line() -> None:
    table = _read('{"a": "x\u2028y\x85z"}\n', ".jsonl")
    assert table.columns == {"a": ["x\u2028y\x85z"]}


@pytest.mark.parametrize(
    ("suffix", "content", "problems"),
    [
        pytest.param(".jsonl", "", ["toy.jsonl: is empty; expected one row"], id="empty"),
        pytest.param(".jsonl", "\n \n", ["toy.jsonl: is empty"], id="only-blank-lines"),
        pytest.param(".csv", "a,b\n", ["toy.csv: has no rows"], id="only-a-header"),
        pytest.param(".parquet", "", ["toy.parquet: is empty"], id="empty-parquet"),
        pytest.param(".parquet", "PAR1 not really", ["toy.parquet: is not a readable Parquet file"], id="not-parquet"),
        pytest.param(".jsonl", "a".encode("utf-16"), ["toy.jsonl: is in UTF-16; expected UTF-8"], id="utf-16"),
        pytest.param(".json", '[\n{"a": 1}\n]', ["toy.json: starts with a JSON array"], id="json-array"),
        pytest.param(
            ".jsonl", '{"a": 1}\n{"a": \n', ["toy.jsonl:2: row is not one JSON object: Expect"], id="torn-json"
        ),
        pytest.param(
            ".jsonl", '{"a": 1} {"a": 2}', ["toy.jsonl:1: row is not one JSON object: Extra"], id="two-on-a-line"
        ),
        pytest.param(
            ".jsonl", '"a"\n7\n', ["toy.jsonl:1: row is not one JSON object: found 'a'", "toy.jsonl:2:"], id="text"
        ),
        pytest.param(".jsonl", "{}\n[1]", ["toy.jsonl:2: row is not one JSON object: found a list"], id="list"),
        pytest.param(
            ".jsonl", '{"a": 1, "a": 2}', ["toy.jsonl:1: row is not one JSON object: a key stands"], id="key-twice"
        ),
        pytest.param(
            ".jsonl", b'{"a": "\xff"}\n{"a": 1}', ["toy.jsonl:1: row is not one JSON object: its bytes"], id="latin-1"
        ),
        pytest.param(".jsonl", '{"a": ' + "[" * 200_000, ["toy.jsonl:1: row is"], id="endless-nesting"),
        pytest.param(".jsonl", '{"a": ' + "9" * 5_000 + "}", ["toy.jsonl:1: row is not one JSON"], id="endless-number"),
        pytest.param(
            ".csv",
            "a,b\n1\n1,2\n1,2,3\n",
            ["toy.csv:2: row has 1 cells; expected 2", "toy.csv:4: row has 3"],
            id="cells",
        ),
        pytest.param(".csv", "a,,b\n1,2,3\n", ["toy.csv: has no name for column 2"], id="unnamed-column"),
        pytest.param(".csv", "a,a \n1,2\n", ["toy.csv: has two columns called 'a'"], id="column-twice"),
        pytest.param(
            ".csv", b"a,\xff\n1,2\n", ["toy.csv: has a header that is not UTF-8, in column 2"], id="header-latin-1"
        ),
        pytest.param(".csv", 'a,"b"x\n1,2\n', ["toy.csv:1: row cannot be split into cells"], id="broken-header"),
        pytest.param(
            ".tsv", 'a\tb\n1\t"x" y\n2\t"z\n', ["toy.tsv:2: row cannot be split", "toy.tsv:3: row cannot"], id="quotes"
        ),
    ],
)
def test_what_cannot_be_read_is_named(suffix: str, content: str | bytes, problems: list[str]) -> None:
    found = problems_of(lambda: _read_strictly(content, suffix))
    assert [line[: len(start)] for line, start in zip(found, problems, strict=True)] == problems


def test_a_stray_quote_does_not_swallow_the_rows_after_it() -> None:
    table = _read('id\ttext\n1\t"Hello\n2\t"good" she said\n3\tbye\n', ".tsv")
    assert table.columns["id"] == ["3"]
    with pytest.raises(ManifestError, match=r"toy\.tsv:2: row cannot be split into cells"):
        table.problems.raise_if_any()


def test_a_file_of_ever_new_columns_is_refused_before_it_fills_the_memory() -> None:
    content = "".join(f'{{"k{n}": 1}}\n' for n in range(MAX_COLUMNS + 2))
    (problem,) = problems_of(lambda: _read(content, ".jsonl"))
    assert f"more than {MAX_COLUMNS} columns" in problem


@pytest.mark.parametrize("suffix", [".xlsx", "", ".jsonl.gz"])
def test_an_unknown_suffix_names_the_known_ones(suffix: str) -> None:
    with pytest.raises(UsageError, match=r"\.jsonl, \.ndjson, \.json, \.csv, \.tsv, \.parquet"):
        _read("x", suffix)


def test_parquet_columns_of_bytes_and_records_stay_unread(tmp_path: Path) -> None:
    path = tmp_path / "toy.parquet"
    columns = {"id": ["u1"], "id.audio": [b"RIFF"], "meta": [{"a": 1}], "tags": [["x", "y"]], "nested": [[{"a": 1}]]}
    pq.write_table(pa.table(columns), path)
    table = _read(path.read_bytes(), ".parquet")
    assert table.columns == {"id": ["u1"], "tags": [["x", "y"]]}
    assert list(table.unreadable) == ["id.audio", "meta", "nested"]


def test_parquet_text_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "toy.parquet"
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"], pa.binary()).buffers())
    pq.write_table(pa.table({"id": broken}), path)
    (problem,) = problems_of(lambda: _read(path.read_bytes(), ".parquet"))
    assert problem.startswith("toy.parquet: is not a readable Parquet file")
