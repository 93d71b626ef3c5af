"""Rows of a person leave the files that hold them, and no other byte does."""

import csv
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import RunDirectoryError
from harness.results.forgetting.people import Theirs
from harness.results.forgetting.rows import count_rows, without_rows

THEIRS = Theirs(frozenset({"wanda"}), frozenset({"w-1", "w-2"}))
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


@given(st.lists(st.tuples(st.sampled_from(["w-1", "w-2", "u-1", "w-11", ""]), names), max_size=20))
@settings(max_examples=60)
def test_json_lines_lose_theirs_alone(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "0001.jsonl"
    records = [{"utterance_id": name, "text": text} for name, text in rows]
    path.write_text(lines(records))
    kept = [record for record in records if record["utterance_id"] not in ("w-1", "w-2")]
    assert without_rows(path, THEIRS) == len(records) - len(kept)
    assert path.read_text() == lines(kept)


@given(st.lists(st.tuples(st.sampled_from(["w-1", "u-1", "w-11"]), names, names), max_size=20))
@settings(max_examples=60)
def test_tables_lose_theirs_alone_whatever_their_cells_hold(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "unmatched.csv"
    frame = pd.DataFrame(rows, columns=["utterance_id", "text", "file"], dtype=object)
    frame.to_csv(path, index=False, lineterminator="\n")
    without_rows(path, THEIRS)
    expected = [list(frame.columns), *(list(row) for row in rows if row[0] != "w-1")]
    with path.open(newline="\n", encoding="utf-8") as file:
        found = list(csv.reader(line.replace("\r", "\ue000") for line in file))  # which csv ends a line at
    assert [[cell.replace("\ue000", "\r") for cell in row] for row in found] == expected


def test_a_torn_line_may_be_theirs_and_goes(tmp_path):
    path = tmp_path / "0001.jsonl"
    path.write_text(lines([{"utterance_id": "u-1", "text": "a"}]) + '{"utterance_id": "w-1", "text": "half a wo')
    assert without_rows(path, THEIRS) == 0
    assert path.read_text() == lines([{"utterance_id": "u-1", "text": "a"}])


def test_a_damaged_line_is_named_and_nothing_is_written(tmp_path):
    path = tmp_path / "0001.jsonl"
    path.write_text('{"utterance_id": "w-1"}\nno json\n')
    with pytest.raises(RunDirectoryError, match=r"0001\.jsonl:2"):
        without_rows(path, THEIRS)
    assert "w-1" in path.read_text()


@pytest.mark.parametrize(
    ("table", "n"),
    [
        pytest.param(
            {"dimension": ["speaker_id", "accent"], "slice": ["wanda", "wanda"]}, 1, id="slices-that-are-people"
        ),
        pytest.param(
            {"dimension": ["accent & speaker_id"] * 2, "slice": ["us & wanda", "wanda & us"]}, 1, id="crossed"
        ),
        pytest.param({"speaker_id": ["wanda", "wan"], "attribute": ["a", "b"]}, 1, id="conflicts"),
        pytest.param(
            {
                "kind": ["speaker", "text"],
                "what": ["wanda", "hi"],
                "first_here": ["u-1", "w-2"],
                "first_there": ["a", "b"],
            },
            2,
            id="leaks",
        ),
        pytest.param({"dimension": ["accent"], "slice": ["us"]}, 0, id="nobody"),
    ],
)
def test_tables_of_people_are_read_by_their_columns(tmp_path, table, n):
    path = tmp_path / "table.csv"
    frame = pd.DataFrame(table)
    frame.to_csv(path, index=False)
    assert count_rows(path, THEIRS) == n
    before = path.read_bytes()
    assert without_rows(path, THEIRS) == n
    assert (path.read_bytes() == before) == (n == 0)


def test_parquet_keeps_its_columns_and_types(tmp_path):
    path = tmp_path / "scores.parquet"
    frame = pd.DataFrame(
        {"utterance_id": ["w-1", "u-1"], "speaker_id": ["wanda", None], "device": [["a", "b"], ["c"]], "hits": [1, 2]}
    )
    frame.to_parquet(path, index=False)
    assert without_rows(path, THEIRS) == 1
    kept = pd.read_parquet(path)
    assert kept["utterance_id"].tolist() == ["u-1"]
    assert kept.dtypes.equals(pd.read_parquet(path).dtypes)
    assert [list(each) for each in kept["device"]] == [["c"]]


def test_what_holds_nobody_is_not_written_again(tmp_path):
    path = tmp_path / "0001.jsonl"
    path.write_text(lines([{"utterance_id": "u-1", "text": "a"}]))
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert without_rows(path, THEIRS) == 0
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
