"""Runs become baselines: copied whole, checked when they are read, compared on the same test or not at all."""

import json
import shutil
import threading

import numpy as np
import pandas as pd
import pytest

from harness.errors import DataError, RunDirectoryError, StorageError
from harness.fairness.gate import Changed, GateOptions
from harness.results import Run
from harness.results.baselines import (
    BLESSING,
    CURRENT,
    KEPT,
    CellKey,
    bless_run,
    blessed_run,
    other_normalizers,
    shared_test,
)
from harness.results.run import CONFIG, DISPARITIES, FACTS, SCORES, SLICES, SUMMARY
from tests.fairness.builders import scores_of

KEY = CellKey("whisper", "clinic", "clean", "verbatim@1")


def scores(n=6, **columns):
    frame = scores_of([1] * n, [10] * n, accent=["north", "south"] * (n // 2))
    return frame.assign(condition="clean", reference="one two", failed=False, **columns)


def run_of(folder, frame=None):
    folder.mkdir(parents=True)
    run = Run(folder)
    run.write_text(CONFIG, "manifest: {}\n")
    run.write_table(SCORES, scores() if frame is None else frame)
    for name in (SLICES, DISPARITIES):
        run.write_table(name, pd.DataFrame({"dimension": ["overall"], "slice": ["all"]}))
    for name in (FACTS, SUMMARY):
        run.write_json(name, {"name": folder.name})
    (folder / "hypotheses").mkdir()
    return run


def blessed(tmp_path, name="night", key=KEY, **said):
    return bless_run(run_of(tmp_path / name), key, tmp_path / "baselines", **({"by": "ann", "reason": "first"} | said))


def test_a_blessed_run_is_read_back_with_who_when_and_why(tmp_path):
    blessed(tmp_path)
    found = blessed_run(KEY, tmp_path / "baselines")
    assert (found.key, found.by, found.reason) == (KEY, "ann", "first")
    assert found.source == str(tmp_path / "night")
    assert found.blessed[:2] == "20"
    pd.testing.assert_frame_equal(found.run.scores, scores())


def test_a_cell_without_a_baseline_has_none(tmp_path):
    blessed(tmp_path)
    other = CellKey("whisper", "clinic", "clean", "verbatim@2")
    assert blessed_run(other, tmp_path / "baselines") is None
    assert blessed_run(KEY, tmp_path / "nowhere") is None


def test_the_run_itself_may_be_pruned(tmp_path):
    blessed(tmp_path)
    shutil.rmtree(tmp_path / "night")
    assert len(blessed_run(KEY, tmp_path / "baselines").run.scores) == 6


def test_only_what_a_comparison_needs_is_kept(tmp_path):
    kept = {path.name for path in blessed(tmp_path).run.path.iterdir()}
    assert kept == {*KEPT, BLESSING}


def test_what_is_blessed_last_counts_and_what_was_before_stays(tmp_path):
    first, second = blessed(tmp_path, "one"), blessed(tmp_path, "two", reason="a better model")
    found = blessed_run(KEY, tmp_path / "baselines")
    assert (found.run.path, found.reason) == (second.run.path, "a better model")
    assert (first.run.path / SCORES).is_file()


@pytest.mark.parametrize("name", KEPT)
def test_a_file_that_is_not_what_was_blessed_is_named_with_both_digests(tmp_path, name):
    path = blessed(tmp_path).run.path / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(
        RunDirectoryError, match=rf"{name}: its digest is \w{{16}}…, that of what was blessed \w{{16}}…"
    ):
        blessed_run(KEY, tmp_path / "baselines")


def test_every_damaged_file_is_named_at_once(tmp_path):
    folder = blessed(tmp_path).run.path
    (folder / SCORES).unlink()
    (folder / SLICES).write_text("")
    with pytest.raises(
        RunDirectoryError, match=rf"(?s){SCORES}: missing.*{SLICES}: its digest.*bless a run of that cell"
    ):
        blessed_run(KEY, tmp_path / "baselines")


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"key": {}, "digests": {}}', '{"key": 3, "digests": 4}'])
def test_a_damaged_record_is_said_to_be_so(tmp_path, text):
    (blessed(tmp_path).run.path / BLESSING).write_text(text)
    with pytest.raises(RunDirectoryError, match=BLESSING):
        blessed_run(KEY, tmp_path / "baselines")


@pytest.mark.parametrize("name", ["", "../elsewhere", "/etc", ".", "..", "gone", "a\x00b"])
def test_a_pointer_leads_nowhere_but_to_a_folder_beside_it(tmp_path, name):
    blessed(tmp_path)
    (tmp_path / "baselines" / "elsewhere").mkdir()
    (tmp_path / "baselines" / KEY.folder / CURRENT).write_text(name)
    with pytest.raises(RunDirectoryError, match=CURRENT):
        blessed_run(KEY, tmp_path / "baselines")


def test_a_blessing_that_fails_half_way_leaves_the_one_before(tmp_path):
    before = blessed(tmp_path, "one")
    broken = run_of(tmp_path / "two")
    (broken.path / SUMMARY).unlink()
    with pytest.raises(StorageError, match="Nothing was blessed"):
        bless_run(broken, KEY, tmp_path / "baselines", by="bob", reason="")
    assert blessed_run(KEY, tmp_path / "baselines").run.path == before.run.path
    assert not list((tmp_path / "baselines" / KEY.folder).glob(".*.part"))


def test_two_who_bless_at_once_leave_a_whole_baseline(tmp_path):
    runs = [run_of(tmp_path / f"run{number}") for number in range(8)]
    threads = [
        threading.Thread(target=bless_run, args=(run, KEY, tmp_path / "baselines"), kwargs={"by": "a", "reason": "b"})
        for run in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blessed_run(KEY, tmp_path / "baselines").source in {str(run.path) for run in runs}
    assert len([path for path in (tmp_path / "baselines" / KEY.folder).iterdir() if path.is_dir()]) == len(runs)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(CellKey("whisper", "clinic", "clean", "verbatim@2"), id="normaliser"),
        pytest.param(CellKey("whisper_clinic", "", "clean", "verbatim@1"), id="same-letters"),
        pytest.param(CellKey("whis/per", "clinic", "clean", "verbatim@1"), id="letters-of-paths"),
        pytest.param(CellKey("x" * 500, "clinic", "clean", "verbatim@1"), id="long"),
        pytest.param(CellKey("..", "..", "..", ".."), id="dots"),
        pytest.param(CellKey("\ud800\u202e\x00", "clinic", "clean", "verbatim@1"), id="hostile"),
    ],
)
def test_every_key_has_a_folder_of_its_own_with_a_safe_name(other):
    assert other.folder != KEY.folder
    assert set("/\\\x00\n") & set(other.folder) == set()
    assert not other.folder.startswith(".")
    assert len(other.folder.encode()) <= 100


def test_the_normalisers_that_a_cell_has_other_baselines_under_are_named(tmp_path):
    blessed(tmp_path, "one")
    blessed(tmp_path, "two", CellKey("whisper", "clinic", "clean", "verbatim@2"))
    blessed(tmp_path, "three", CellKey("parakeet", "clinic", "clean", "verbatim@3"))
    assert other_normalizers(KEY, tmp_path / "baselines") == ["verbatim@2"]
    assert other_normalizers(CellKey("none", "clinic", "clean", "x"), tmp_path / "baselines") == []


def test_utterances_of_one_night_only_are_left_out_and_counted():
    before, after = scores(10), scores(12).iloc[4:].iloc[::-1]
    shared = shared_test(before, after, ["accent"], GateOptions())
    assert (shared.n_only_baseline, shared.n_only_tonight, shared.n_changed) == (4, 2, 0)
    assert shared.baseline["utterance_id"].tolist() == [f"u{i}" for i in range(4, 10)]
    assert shared.tonight["utterance_id"].tolist() == shared.baseline["utterance_id"].tolist()


def test_an_utterance_is_the_same_under_the_same_condition_only():
    before = pd.concat([scores(4), scores(4).assign(condition="babble")], ignore_index=True)
    shared = shared_test(before, scores(4).assign(condition="babble"), ["accent"], GateOptions())
    assert shared.baseline["condition"].tolist() == ["babble"] * 4
    assert shared.n_only_baseline == 4


CHANGED = [
    pytest.param("reference", "one three", id="reference"),
    pytest.param("speaker_id", "somebody", id="speaker"),
    pytest.param("accent", "west", id="attribute"),
]


@pytest.mark.parametrize(("column", "value"), CHANGED)
def test_another_test_is_refused_and_what_differs_is_named(column, value):
    after = scores()
    after[column] = after[column].astype(object)
    after.loc[[1, 2, 3, 5], column] = value
    with pytest.raises(DataError, match=rf"4 utterances with another {column}: 'u1', 'u2', 'u3' and 1 more"):
        shared_test(scores(), after, ["accent"], GateOptions())


@pytest.mark.parametrize(("column", "value"), CHANGED)
def test_what_changed_is_left_out_when_that_is_asked_for(column, value):
    after = scores()
    after[column] = after[column].astype(object)
    after.loc[1, column] = value
    shared = shared_test(scores(), after, ["accent"], GateOptions(changed=Changed.leave_out))
    assert (len(shared.baseline), shared.n_changed) == (5, 1)
    assert "u1" not in set(shared.tonight["utterance_id"])


def test_an_attribute_that_nothing_is_sliced_by_may_change():
    after = scores(gender="female")
    assert shared_test(scores(gender="male"), after, ["accent"], GateOptions()).n_changed == 0
    with pytest.raises(DataError, match="another gender"):
        shared_test(scores(gender="male"), after, ["accent & gender"], GateOptions())


def test_several_values_are_the_same_in_any_order_and_missing_is_empty():
    before = scores().assign(accent=[("north", "south"), None, "", np.nan, "x", np.array(["a", "b"])])
    after = scores().assign(accent=[["south", "north"], "", np.nan, None, "x", ("b", "a")])
    assert len(shared_test(before, after, ["accent"], GateOptions()).baseline) == 6


@pytest.mark.parametrize("n_left", [0, 2])
def test_too_little_that_is_shared_is_another_test(n_left):
    after = scores(6).assign(utterance_id=[f"u{i}" if i < n_left else f"new{i}" for i in range(6)])
    with pytest.raises(DataError, match=rf"only {n_left} of the baseline's 6 utterances"):
        shared_test(scores(6), after, ["accent"], GateOptions())
    if n_left:
        assert len(shared_test(scores(6), after, ["accent"], GateOptions(min_shared=0.3)).baseline) == n_left


def test_a_dimension_that_one_run_does_not_have_is_named():
    with pytest.raises(DataError, match="no gender"):
        shared_test(scores(gender="x"), scores(), ["gender"], GateOptions())


def test_the_record_is_plain_json(tmp_path):
    told = json.loads((blessed(tmp_path, reason='<b>"why"</b>\n').run.path / BLESSING).read_text(encoding="utf-8"))
    assert told["reason"] == '<b>"why"</b>\n'
    assert set(told["digests"]) == set(KEPT)
