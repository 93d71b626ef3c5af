"""`harness history` prints runs or slices newest first within 100 columns, and writes what it prints and the board."""

import io
import shutil

import pandas as pd
import pytest

from harness.errors import StorageError, UsageError
from harness.pipelines.history import HistoryJob, history
from harness.report.history import show_history
from harness.results import Run
from harness.results.history import Where
from tests.report.builders import finished_run
from tests.results.histories import night, of_manifest, of_system


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    run = finished_run(tmp_path_factory.mktemp("base"), ("north", "south"), deaf_to=["south"])
    folder = tmp_path_factory.mktemp("nights")
    for day in range(4):
        changed = of_manifest(run, digest="other") if day > 2 else {}
        night(run, folder / f"a{day}", day, facts=of_system("whisper", model="large-v3") | changed, worse=-day / 10)
        night(
            run,
            folder / f"b{day}",
            day,
            facts=of_system("x" * 300 + "\x1b[31m"),
            name=lambda own: f"{own}\x1b[2J\u202e",
        )
    (folder / "torn").mkdir()
    (folder / "torn" / "run.json").write_text("{")
    return folder


def shown(answer):
    out = io.StringIO()
    show_history(answer, out)
    return out.getvalue()


def job(nights, **options):
    return HistoryJob(runs=(nights,), **options)


def test_runs_are_printed_newest_first_and_fit_a_hundred_columns(nights):
    text = shown(history(job(nights)).answer)
    table = text[: text.index("8 runs")]
    assert max(map(len, table.splitlines())) <= 100
    days = [line.split()[1] for line in table.splitlines() if line.startswith("│ 2026-")]
    assert days == sorted(days, reverse=True)
    assert len(days) == 8
    assert "8 runs of 2 systems on 1 manifest" in text
    assert "left out: 1 damaged" in text


def test_a_cell_of_a_night_is_called_as_its_matrix_calls_it(nights, tmp_path):
    copy = tmp_path / "nights" / "edacc_parakeet"
    shutil.copytree(nights / "a0", copy)
    assert set(history(job(tmp_path / "nights")).answer.history.runs["system"]) == {"whisper large-v3"}
    (copy.parent / "edacc_parakeet.cell.json").write_text('{"system": "parakeet", "manifest": ""}')
    assert set(history(job(tmp_path / "nights")).answer.history.runs["system"]) == {"parakeet"}
    (copy.parent / "edacc_parakeet.cell.json").write_text('{"system": 7')
    assert set(history(job(tmp_path / "nights")).answer.history.runs["system"]) == {"whisper large-v3"}


def test_a_break_is_marked_and_told(nights):
    text = shown(history(job(nights, where=Where(system="whisper*"))).answer)
    assert text.count("≠") == 2
    assert "not comparable with the run before (manifest changed)" in text


def test_the_newest_rows_are_kept_and_the_others_counted(nights):
    answer = history(job(nights, last=3)).answer
    assert answer.shown["run"].tolist() == [7, 6, 5]
    assert "… and 5 older; last=8 shows all" in shown(answer)


def test_slices_are_printed_when_they_are_asked_for(nights):
    answer = history(job(nights, where=Where(system="whisper*", slice="south"))).answer
    assert answer.shown["slice"].unique().tolist() == ["south"]
    for _, row in answer.shown.iterrows():
        gaps = pd.read_csv(row["path"] / "disparities.csv").set_index("slice")
        assert row["gap"] == gaps.loc["south", "gap"]
    text = shown(answer)
    assert max(map(len, text[: text.index("4 runs")].splitlines())) <= 100
    assert "disparity" in text


def test_nothing_in_a_name_steers_the_terminal(nights):
    for where in (Where(), Where(dimension="accent")):
        text = shown(history(job(nights, where=where, last=50)).answer)
        assert not {"\x1b", "\u202e"} & set(text)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("where", [pytest.param(Where(), id="runs"), pytest.param(Where(dimension="*"), id="slices")])
def test_what_is_printed_is_written(nights, tmp_path, suffix, where):
    file = tmp_path / f"rows.{suffix}"
    answer = history(job(nights, out=file, last=5, where=where)).answer
    read = pd.read_csv(file) if suffix == "csv" else pd.read_parquet(file)
    assert read["wer"].tolist() == pytest.approx(answer.shown["wer"].tolist())
    assert read["path"].tolist() == [str(path) for path in answer.shown["path"]]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert f"Written: {file}" in shown(answer)


def test_no_text_of_the_csv_is_a_formula(nights, tmp_path):
    run = Run.open(nights / "a0")
    night(run, tmp_path / "nights" / "one", facts=of_manifest(run, name="=1+1"))
    file = tmp_path / "rows.csv"
    history(job(tmp_path / "nights", out=file))
    (row,) = pd.read_csv(file).to_dict("records")
    assert row["manifest"] == "'=1+1"
    assert row["sources"] == "accent: self_reported"


def test_the_board_is_of_everything_whatever_is_printed(nights, tmp_path):
    answer = history(job(nights, board=tmp_path / "board", where=Where(system="whisper*"), last=1)).answer
    assert answer.files == (tmp_path / "board" / "index.html",)
    assert "8 runs of 2 systems" in " ".join(answer.files[0].read_text(encoding="utf-8").split())


def test_an_empty_folder_is_no_error(tmp_path):
    outcome = history(job(tmp_path, board=tmp_path / "board", where=Where(manifest="any")))
    assert outcome.exit_status == 0
    assert f"No finished run in {tmp_path}." in shown(outcome.answer)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"last": 0}, "last=0; expected 1 or more", id="last"),
        pytest.param({"out": "rows.xlsx"}, r"rows\.xlsx: expected a file whose name ends in", id="out"),
        pytest.param({"runs": ()}, "runs is empty", id="no-folder"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(tmp_path, options, said):
    changed = {name: tmp_path / value if name == "out" else value for name, value in options.items()}
    with pytest.raises(UsageError, match=said):
        HistoryJob(**({"runs": (tmp_path,)} | changed))


def test_a_file_that_cannot_be_written_is_an_error_in_words(nights, tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        history(job(nights, out=tmp_path / "nowhere" / "rows.csv"))
