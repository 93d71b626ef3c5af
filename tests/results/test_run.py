"""A run directory belongs to one command and one process, is continued by the same, and is written whole or not."""

import errno
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from harness.errors import RunDirectoryError, StorageError, UsageError
from harness.results import Run, open_run_directory
from harness.results.run import CONFIG, DISPARITIES, FACTS, REPORT, SCORES, SLICES, SUMMARY

FINGERPRINT = {"config": {"seed": 0, "policy": {"margin": 0.03}}, "manifest_digest": "a1", "normalizer": "verbatim@1"}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def opened(run_dir=None, *, fingerprint=None, name="demo_tones"):
    return open_run_directory(
        run_dir, pipeline="benchmark", name=name, config_yaml="seed: 0\n", fingerprint=fingerprint or FINGERPRINT
    )


def changed(**values):
    return FINGERPRINT | {"config": FINGERPRINT["config"] | values}


def made(run_dir=None, **options):
    """Open a run directory and let it go; return its path."""
    with opened(run_dir, **options) as run:
        return run.path


def finish(path):
    (path / SUMMARY).write_text("{}\n")
    (path / REPORT).write_text("# done\n")


def test_a_new_run_has_a_folder_of_its_own_named_by_time_manifest_and_backend():
    path = made()
    assert path.parent.as_posix() == "runs/benchmark"
    assert pd.notna(pd.to_datetime(path.name.removesuffix("_demo_tones"), format="%Y-%m-%d_%H-%M-%S-%f"))
    assert (path / CONFIG).read_text() == "seed: 0\n"
    assert json.loads((path / FACTS).read_text())["fingerprint"]["manifest_digest"] == '"a1"'


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        pytest.param("../../etc_tones", "etc_tones", id="climbing"),
        pytest.param("a/b\\c:d_tones", "a-b-c-d_tones", id="separators"),
        pytest.param("*[a]?_tones", "a--_tones", id="wildcards"),
        pytest.param("", "run", id="empty"),
        pytest.param("x" * 300, "x" * 100, id="too-long"),
        pytest.param("démo_tones", "démo_tones", id="letters"),
    ],
)
def test_a_name_from_data_makes_no_path(name, safe):
    path = made(name=name)
    assert path.parent.as_posix() == "runs/benchmark"
    assert path.name.endswith(f"_{safe}")
    assert made(name=name) == path  # and is found again


def test_an_unfinished_run_of_the_same_command_is_continued_and_a_finished_one_is_not():
    first = made()
    assert made() == first
    finish(first)
    second = made()
    assert second != first
    assert made() == second


def test_the_newest_unfinished_run_is_continued():
    finished = made()
    finish(finished)
    newest = made()
    (finished / REPORT).unlink()
    assert made() == newest


def test_a_run_has_ended_when_its_report_is_there_and_not_before():
    path = made()
    (path / SUMMARY).write_text("{}\n")
    assert not Run(path).finished
    assert made() == path  # killed before its report was written, it is continued
    finish(path)
    assert Run(path).finished


def test_a_run_that_is_opened_again_has_not_ended_and_keeps_the_rest():
    path = made()
    finish(path)
    (path / SCORES).touch()
    Run(path).reopen()
    assert not Run(path).finished
    assert sorted(each.name for each in path.iterdir()) == sorted([CONFIG, FACTS, SCORES])
    Run(path).reopen()  # twice is as once
    assert made() == path


def test_continuing_a_run_is_said_and_making_one_is_not(caplog):
    with caplog.at_level("INFO"):
        path = made()
        assert "continuing" not in caplog.text
        assert made() == path
    assert f"continuing {path}" in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(changed(seed=1), id="config"),
        pytest.param(FINGERPRINT | {"manifest_digest": "b2"}, id="manifest"),
        pytest.param(FINGERPRINT | {"normalizer": "verbatim@2"}, id="normalizer"),
    ],
)
def test_another_command_makes_a_run_of_its_own(other):
    assert made() != made(fingerprint=other)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        pytest.param(changed(seed=1), "config.seed: there 0, here 1", id="a-value"),
        pytest.param(
            changed(policy={"margin": 0.05}), "config.policy.margin: there 0.03, here 0.05", id="a-nested-value"
        ),
        pytest.param(changed(by=["accent"]), 'config.by: there absent, here ["accent"]', id="a-new-value"),
        pytest.param(
            FINGERPRINT | {"manifest_digest": "b2"}, 'manifest_digest: there "a1", here "b2"', id="the-manifest"
        ),
    ],
)
def test_a_given_folder_of_another_command_is_refused_with_what_differs(other, difference):
    made("mine")
    with pytest.raises(RunDirectoryError) as refused, opened("mine", fingerprint=other):
        pass
    assert str(refused.value).splitlines()[1:-1] == [f"  {difference}"]
    assert "Choose another run_dir=" in str(refused.value)


def test_where_and_how_fast_a_run_is_made_does_not_make_it_another():
    path = made("mine", fingerprint=changed(run_dir="mine", executor={"batch_size": 16}))
    assert made("mine", fingerprint=changed(run_dir="./mine", executor={"batch_size": 1})) == path


def test_the_order_of_options_does_not_make_another_run():
    path = made("mine", fingerprint=changed(a=1, b=2))
    assert made("mine", fingerprint=changed(b=2, a=1)) == path


def test_a_given_folder_is_made_with_those_above_it_and_may_be_there_and_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    assert made("empty").name == "empty"
    assert (made("a/b/c") / FACTS).is_file()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "mine").write_text("a letter")
    with pytest.raises(RunDirectoryError, match=r"mine: cannot make this folder \(File exists\).*another run_dir="):
        made("mine")
    assert (tmp_path / "mine").read_text() == "a letter"


def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_was(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("a letter")
    with pytest.raises(
        RunDirectoryError, match=r"run\.json: absent, and it holds 'letter\.txt': it is not a run directory"
    ):
        made("mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("{", "not JSON", id="cut"),
        pytest.param("[]", "expected a JSON object", id="no-object"),
        pytest.param("{}", "no fingerprint", id="no-fingerprint"),
    ],
)
def test_a_damaged_run_json_is_refused(content, words):
    (made("mine") / FACTS).write_text(content)
    with pytest.raises(RunDirectoryError, match=words):
        made("mine")


def test_a_damaged_run_elsewhere_does_not_stop_a_new_one():
    damaged = made()
    (damaged / FACTS).write_text("{")
    assert made() != damaged


def test_a_kill_while_the_folder_is_being_made_leaves_one_that_can_be_continued(monkeypatch):
    def killed(run, name, text):
        write_text(run, name, text)
        raise KeyboardInterrupt

    write_text = Run.write_text
    monkeypatch.setattr(Run, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        made("mine")
    monkeypatch.setattr(Run, "write_text", write_text)
    assert (made("mine") / CONFIG).is_file()


def test_a_folder_in_use_is_refused_when_given_and_passed_over_when_not():
    with opened() as run:
        with pytest.raises(RunDirectoryError, match="another process works in it"):
            made(str(run.path))
        assert made() != run.path
    assert made(str(run.path)) == run.path


def test_a_killed_process_holds_nothing():
    program = (
        "import os, signal\nfrom harness.results import open_run_directory\n"
        f"fingerprint = {FINGERPRINT!r}\n"
        "with open_run_directory('mine', pipeline='benchmark', name='x', config_yaml='', fingerprint=fingerprint):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    assert made("mine").name == "mine"


def test_a_table_or_text_is_written_whole_or_not_at_all(tmp_path):
    run = Run(tmp_path)
    run.write_text("report.md", "before")
    with pytest.raises(UnicodeEncodeError):
        run.write_text("report.md", "after \ud800")
    assert (tmp_path / "report.md").read_text() == "before"
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_json("summary.json", {"wer": float("nan")})
    assert not (tmp_path / "summary.json").exists()


def test_a_file_that_cannot_be_written_says_what_to_do(tmp_path):
    run = Run(tmp_path)
    (tmp_path / "report.md").mkdir()
    with pytest.raises(
        StorageError, match=r"report\.md: cannot write \(Is a directory\).*same command again"
    ) as refused:
        run.write_text("report.md", "words")
    assert refused.value.exit_status == 1  # could not measure: the command was right
    assert not isinstance(refused.value, UsageError)


def test_a_full_disk_leaves_the_file_that_was_there_and_says_so(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    run = Run(tmp_path)
    run.write_text("summary.json", "before")
    monkeypatch.setattr("harness.results.run.os.fsync", full)
    for write in (
        lambda: run.write_text("summary.json", "after"),
        lambda: run.write_json("summary.json", {}),
        lambda: run.write_table("scores.parquet", pd.DataFrame({"hits": [1]})),
        lambda: run.write_table("slices.csv", pd.DataFrame({"hits": [1]})),
    ):
        with pytest.raises(StorageError, match=r"cannot write \(No space left on device\).*What is written is kept"):
            write()
    assert (tmp_path / "summary.json").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]  # nothing is left to fill the disk


def test_two_writers_of_one_file_leave_the_whole_text_of_the_later(tmp_path):
    one, other = (Run(tmp_path)._whole("report.html") for _ in "ab")
    with one as first:
        first.write_text("the whole first")
        with other as second:
            second.write_text("second")
    assert (tmp_path / "report.html").read_text() == "the whole first"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_what_a_killed_writer_left_is_removed_when_the_run_is_opened_again_and_what_is_being_written_is_not():
    path = made("runs/mine")
    old, new = path / ".report.html.7-ab.part", path / ".report.html.8-cd.part"
    for part in (old, new):
        part.write_text("half")
    os.utime(old, (0, 0))
    assert made("runs/mine") == path
    assert (old.exists(), new.exists()) == (False, True)


def test_json_of_no_depth_that_can_be_read_is_an_error_in_words(tmp_path):
    (tmp_path / FACTS).write_text("[" * 100_000)
    with pytest.raises(RunDirectoryError, match="not JSON"):
        _ = Run(tmp_path).facts


def test_names_are_read_as_they_were_written(tmp_path):
    names = ["NA", "null", "nan", "007", "1e3", "True", " ", 'a "b", c', "é & ü"]
    run = Run(tmp_path)
    table = pd.DataFrame({"dimension": names, "slice": names, "comparator": names, "wer": [0.1] * 8 + [None]})
    run.write_table(SLICES, table)
    run.write_table(DISPARITIES, table[table["slice"] == "007"])
    for column in ("dimension", "slice", "comparator"):
        assert run.slices[column].tolist() == names
        assert run.disparities[column].tolist() == ["007"]
    assert run.slices["wer"].isna().sum() == 1


def test_numbers_survive_the_file_to_the_last_bit(tmp_path):
    run = Run(tmp_path)
    numbers = [1 / 3, 0.1 + 0.2, 5e-324, 12345.678901234567]
    run.write_table(SLICES, pd.DataFrame({"slice": list("abcd"), "wer": numbers}))
    assert run.slices["wer"].tolist() == numbers


def test_scores_come_back_with_their_types(tmp_path):
    run = Run(tmp_path)
    scores = pd.DataFrame({"utterance_id": ["u1"], "hits": [3], "failed": [False], "mood": [("calm", "NA")]})
    run.write_table(SCORES, scores)
    (row,) = run.scores.to_dict("records")
    assert (row["hits"], row["failed"], tuple(row["mood"])) == (3, False, ("calm", "NA"))


def test_only_a_finished_run_can_be_opened(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: not a finished run; config\.yaml, .*summary\.json missing"):
        Run.open("empty")
    path = made("mine")
    for name in (SCORES, SLICES, DISPARITIES):
        (path / name).touch()
    with pytest.raises(UsageError, match=r"not a finished run; summary\.json missing.*giving its command again"):
        Run.open(path)
    finish(path)
    facts = {"manifest": {"attributes": {}}, "sliced_by": [], "normalizer": "verbatim"}
    (path / FACTS).write_text(json.dumps(facts))
    (path / SUMMARY).write_text('{"notes": []}')
    assert Run.open(str(path)).path == tmp_path.joinpath(path).relative_to(tmp_path)


@pytest.mark.parametrize("torn", ["", 'dimension,slice\naccent,"nor'], ids=["empty", "torn-in-a-quoted-cell"])
def test_a_damaged_table_is_named_and_not_a_traceback(tmp_path, torn):
    (tmp_path / "slices.csv").write_text(torn)
    with pytest.raises(RunDirectoryError, match=r"slices\.csv: not a table .*Make the run again"):
        Run(tmp_path).slices  # noqa: B018
