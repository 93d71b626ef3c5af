"""The frame of an export, in fairlearn's hands, has the pooled WERs of the run's own slices."""

import runpy

import numpy as np
import pandas as pd
import pytest

from harness.results import Run
from harness.results.exporters.fairlearn import FRAME, PROGRAM, write_fairlearn
from harness.results.exporters.table import export_table
from tests.builders import FEW_RESAMPLES, harness
from tests.corpus.builders import load, row, self_reported, write_datasheet, write_manifest
from tests.results.exporters.test_table import run_of

WORDS = ("the", "gate", "was", "open", "and", "nobody", "came", "to", "close", "it")
ACCENTS = ("us", "scottish", "NA", "prefer not to say")


def corpus(folder, n_rows=60, **attributes):
    """Write a corpus of many people and return its path with what was heard of it."""
    rng = np.random.default_rng(3)
    rows, heard = [], []
    for number in range(n_rows):
        said = [str(word) for word in rng.choice(WORDS, size=int(rng.integers(0, 8)))]
        rows.append(
            row(
                f"u{number}",
                text=" ".join(said),
                speaker_id=f"s{number % 11}",
                accent=ACCENTS[number % 4],
                age=str(20 + number % 50) if number % 5 else "",
                device=["phone", "far"] if number % 3 else "phone",
            )
        )
        mistaken = " ".join(word if rng.random() > 0.3 else "x" for word in said)
        heard.append(f"u{number},{mistaken}{' y' if number % 7 == 0 else ''}," if number % 13 else f"u{number},,lost")
    write_datasheet(
        folder,
        {
            "accent": self_reported("accent"),
            "age": self_reported(bins=[30, 60]),
            "device": self_reported("acoustic", multivalued=True),
            **attributes,
        },
        undeclared=["", "NA"],
        declined=["prefer not to say"],
    )
    return write_manifest(folder, rows), heard


@pytest.fixture
def exported(tmp_path):
    path, heard = corpus(tmp_path)
    run = run_of(tmp_path, heard)
    (tmp_path / "out").mkdir()
    write_fairlearn(export_table(load(path), {}, run=run), tmp_path / "out")
    return run, tmp_path / "out"


def metric_frame(frame, features):
    metrics = pytest.importorskip("fairlearn.metrics")
    return metrics.MetricFrame(
        metrics={"wer": lambda words, errors: errors.sum() / words.sum(), "n": metrics.count},
        y_true=frame["reference_words"],
        y_pred=frame[["substitutions", "deletions", "insertions"]].sum(axis=1),
        sensitive_features=features,
    )


def test_groups_have_the_wer_of_the_runs_slices(exported):
    run, out = exported
    frame = pd.read_parquet(out / FRAME)
    slices = run.slices.set_index(["dimension", "slice"])
    for name in ("accent", "age"):
        groups = metric_frame(frame, frame[name]).by_group
        assert set(groups.index) == set(slices.loc[name].index)
        for value, found in groups.iterrows():
            assert found["wer"] == pytest.approx(slices.loc[(name, value), "wer"], abs=1e-12)
            assert found["n"] == slices.loc[(name, value), "n_utterances"]
    overall = metric_frame(frame, frame["accent"]).overall
    assert overall["wer"] == pytest.approx(slices.loc[("overall", "all"), "wer"], abs=1e-12)


def test_who_said_nothing_and_who_declined_are_groups(exported):
    frame = pd.read_parquet(exported[1] / FRAME)
    assert set(frame["accent"]) == {"us", "scottish", "undeclared", "declined"}
    assert set(frame["age"]) == {"<30", "30-60", ">=60", "undeclared"}
    assert not frame.drop(columns=["speaker_id"]).isna().any().any()


def test_an_attribute_of_several_values_is_a_column_for_each(exported):
    run, out = exported
    frame = pd.read_parquet(out / FRAME)
    slices = run.slices.set_index(["dimension", "slice"])
    for value in ("phone", "far"):
        found = metric_frame(frame, frame[f"device={value}"]).by_group.loc["yes"]
        assert found["wer"] == pytest.approx(slices.loc[("device", value), "wer"], abs=1e-12)
    assert "device" not in frame


def test_rows_are_those_of_the_run_and_the_failed_ones_are_marked(exported):
    frame = pd.read_parquet(exported[1] / FRAME)
    assert len(frame) == 60
    assert frame.loc[frame["failed"], "utterance_id"].tolist() == ["u0", "u13", "u26", "u39", "u52"]


def test_the_program_prints_the_groups(exported, capsys):
    pytest.importorskip("fairlearn")
    runpy.run_path(str(exported[1] / PROGRAM))
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("scottish", "undeclared", ">=60", "device=far", "wer"))
    assert "accent (self-reported)\n" in printed
    assert "device=far (self-reported)\n" in printed


def test_the_name_of_an_attribute_never_becomes_code(tmp_path):
    name = "x'] or __import__('os').abort() or ['{y}"
    rows = [row(f"u{n}", **{name: "a"}) for n in range(2)]
    write_datasheet(tmp_path, {name: self_reported("accent")})
    path = write_manifest(tmp_path, rows)
    run = run_of(tmp_path, ["u0,hello there,", "u1,hello,"])
    (tmp_path / "out").mkdir()
    _, program = write_fairlearn(export_table(load(path), {}, run=run), tmp_path / "out")
    pytest.importorskip("fairlearn")
    runpy.run_path(str(program))


def test_conditions_are_a_group_where_there_are_several(tmp_path):
    path, _ = corpus(tmp_path, n_rows=4)
    heard = [f"u{n},the,{condition}" for condition in ("clean", "noisy") for n in range(4)]
    (tmp_path / "both.csv").write_text("\n".join(["utterance_id,text,condition", *heard]))
    harness("rescore", "manifest.path=toy.jsonl", "hypotheses=both.csv", "run_dir=run", *FEW_RESAMPLES, cwd=tmp_path)
    run = Run.open(tmp_path / "run")
    (tmp_path / "out").mkdir()
    write_fairlearn(export_table(load(path), {}, run=run), tmp_path / "out")
    frame = pd.read_parquet(tmp_path / "out" / FRAME)
    assert frame["condition"].value_counts().to_dict() == {"clean": 4, "noisy": 4}
    assert "'condition'" in (tmp_path / "out" / PROGRAM).read_text()
