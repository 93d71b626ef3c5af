"""The table of an export has every row and cell of the manifest, and of a run what was heard and counted."""

import pytest

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.results import Run
from harness.results.exporters.table import CONTRACT, OF_A_RUN, export_table
from tests.builders import FEW_RESAMPLES, harness
from tests.corpus.builders import load, row, self_reported, write_datasheet, write_manifest

ROWS = [
    row("a/u1.wav", age="34", accent="NA", offset=1.5, duration=2.0, text="open the gate"),
    row("a/u2.wav", age="", accent="scottish", text=""),
    row("a/u3.wav", age="61", accent="prefer not to say", text="close it"),
]


@pytest.fixture
def path(tmp_path):
    write_datasheet(
        tmp_path, {"age": self_reported(bins=[30, 60]), "accent": self_reported("accent")}, undeclared=["NA"]
    )
    return write_manifest(tmp_path, ROWS)


def run_of(folder, heard, *options):
    lines = ["utterance_id,text,error", *heard]
    (folder / "heard.csv").write_text("\n".join(lines) + "\n")
    ended = harness(
        "rescore",
        "manifest.path=toy.jsonl",
        "hypotheses=heard.csv",
        "run_dir=run",
        *options,
        *FEW_RESAMPLES,
        cwd=folder,
    )
    assert ended.exit_status in (0, 3, 4), ended.err
    return Run.open(folder / "run")


def test_attributes_have_the_cells_of_the_file_and_not_what_was_made_of_them(path):
    frame = export_table(load(path), {}).frame
    assert list(frame) == [*CONTRACT, "accent", "age"]
    assert frame["age"].tolist() == ["34", "", "61"]
    assert frame["accent"].tolist() == ["NA", "scottish", "prefer not to say"]
    assert frame["offset"].tolist() == [1.5, 0.0, 0.0]


def test_a_run_adds_what_was_heard_and_counted(path):
    run = run_of(path.parent, ["a/u1.wav,Open a gate,", "a/u2.wav,hello,", "a/u3.wav,,out of memory"])
    table = export_table(load(path), {}, run=run)
    frame = table.frame
    assert table.has_run
    assert list(frame) == [*CONTRACT, "accent", "age", *OF_A_RUN]
    assert frame["pred_text"].tolist() == ["Open a gate", "hello", None]
    assert frame["error"].tolist() == [None, None, "out of memory"]
    assert frame["hypothesis"].tolist() == ["open a gate", "hello", ""]
    assert frame[["hits", "substitutions", "deletions", "insertions"]].values.tolist() == [
        [2, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 2, 0],
    ]
    assert frame["wer"].tolist()[::2] == [pytest.approx(1 / 3), 1.0]
    assert frame["wer"].isna().tolist() == [False, True, False]


def test_a_run_that_compared_ids_by_stem_still_finds_its_rows(path):
    run = run_of(path.parent, ["u1,open the gate,", "u2,,", "u3,close it,"], "stem_ids=true")
    frame = export_table(load(path), {}, run=run).frame
    assert frame["utterance_id"].tolist() == ["a/u1.wav", "a/u2.wav", "a/u3.wav"]
    assert frame["hits"].tolist() == [3, 0, 2]


def test_a_run_of_another_manifest_is_refused(path):
    run = run_of(path.parent, ["a/u1.wav,x,", "a/u2.wav,x,", "a/u3.wav,x,"])
    other = write_manifest(path.parent / "..", ROWS[:2])
    with pytest.raises(UsageError, match="is a run of another manifest"):
        export_table(Manifest.load(other, require_audio=False), {}, run=run)
