"""Every cell of every table is compared, and one that differs is named by file, row and column."""

import json

import pytest

from harness.results.bundles.comparing import BundleError, Difference, compare_tables

SLICES = "dimension,slice,n_utterances,wer,note\noverall,all,40,0.125,\naccent,south,20,0.2,few\n"
SUMMARY = {"wer": 0.125, "verdicts": {"disparity": 1}, "violations": [{"slice": "south"}], "notes": ["x"]}


@pytest.fixture
def folders(tmp_path):
    for name in ("claimed", "found"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, SLICES, SUMMARY)
    return tmp_path / "claimed", tmp_path / "found"


def write(folder, slices, summary):
    (folder / "slices.csv").write_text(slices, encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps(summary))


def differences(folders, tolerance=1e-6):
    return [each for table in compare_tables(*folders, tolerance=tolerance) for each in table.differences]


def test_tables_that_are_the_same_have_all_cells_compared(folders):
    (slices, summary) = compare_tables(*folders, tolerance=0)
    assert (slices.file, slices.n_cells, slices.n_rounded, slices.differences) == ("slices.csv", 10, 0, ())
    assert (summary.file, summary.n_cells, summary.differences) == ("summary.json", 4, ())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("20,0.2", "20,0.3", ("dimension=accent, slice=south", "wer", "0.3", "0.2"), id="rate"),
        pytest.param("south,20", "south,21", ("dimension=accent, slice=south", "n_utterances", "21", "20"), id="count"),
        pytest.param("few", "many", ("dimension=accent, slice=south", "note", "many", "few"), id="words"),
        pytest.param("0.125,", ",", ("dimension=overall, slice=all", "wer", "", "0.125"), id="nothing"),
        pytest.param(
            "accent,south,20,0.2,few\n", "", ("dimension=accent, slice=south", "", "no such row", "a row"), id="row"
        ),
        pytest.param("wer", "cer", ("dimension=overall, slice=all", "cer", "0.125", "no such column"), id="column"),
    ],
)
def test_what_differs_is_named(folders, old, new, expected):
    (folders[0] / "slices.csv").write_text(SLICES.replace(old, new, 1))
    assert Difference("slices.csv", *expected) in differences(folders)


def test_a_row_that_is_claimed_and_not_there_is_named_and_moves_no_other(folders):
    (folders[0] / "slices.csv").write_text(SLICES.replace("accent,south", "accent,north,1,0.1,\naccent,south"))
    assert differences(folders) == [
        Difference("slices.csv", "dimension=accent, slice=north", "", "a row", "no such row")
    ]


def test_rows_in_another_order_are_told(folders):
    header, *rows = SLICES.splitlines(keepends=True)
    (folders[0] / "slices.csv").write_text(header + "".join(reversed(rows)))
    assert differences(folders) == [Difference("slices.csv", "", "", "rows in one order", "rows in another")]


def test_a_table_that_is_not_made_anew_is_told(folders):
    (folders[0] / "placed.csv").write_text("condition,dimension\nclean,accent\n")
    assert differences(folders) == [Difference("placed.csv", "", "", "1 rows", "no such table")]


def test_last_digits_are_told_apart_from_other_numbers_and_from_counts(folders):
    write(folders[0], SLICES.replace("0.2,", "0.20000000000000004,"), SUMMARY | {"wer": 0.12500000000000003})
    (slices, summary) = compare_tables(*folders, tolerance=1e-6)
    assert (slices.n_rounded, slices.differences, summary.n_rounded) == (1, (), 1)
    assert 0 < summary.furthest < 1e-12 or summary.furthest == 0
    assert len(differences(folders, tolerance=0)) == 2


def test_the_headline_is_compared_leaf_by_leaf(folders):
    write(folders[0], SLICES, SUMMARY | {"verdicts": {"disparity": 2}, "violations": [], "failure_reasons": ["x"]})
    assert [(each.row, each.claimed, each.found) for each in differences(folders)] == [
        ("verdicts.disparity", "2", "1"),
        ("violations", "a row", "no such row"),
        ("violations[1].slice", "no such row", "a row"),
    ]


def test_rows_with_one_name_are_told_apart(folders):
    for folder in folders:
        (folder / "slices.csv").write_text("dimension,slice,wer\na,b,1.5\na,b,2.5\n")
    (folders[0] / "slices.csv").write_text("dimension,slice,wer\na,b,1.5\na,b,3.5\n")
    assert [each.row for each in differences(folders)] == ["dimension=a, slice=b (row 2)"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("slices.csv", b"a,b\n1\n", id="ragged"),
        pytest.param("slices.csv", b"a,a\n1,2\n", id="column-twice"),
        pytest.param("slices.csv", b'a,b\n"1,2\n', id="open-quote"),
        pytest.param("slices.csv", b"\xff\xfe\x00", id="no-text"),
        pytest.param("summary.json", b"[1]", id="list"),
        pytest.param("summary.json", b'{"a":' * 100_000, id="nested"),
        pytest.param("summary.json", b"\x00", id="noise"),
    ],
)
def test_a_table_that_is_none_is_told(folders, name, content):
    (folders[0] / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        compare_tables(*folders, tolerance=0)
