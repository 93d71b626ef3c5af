"""A frame of one's own is scored, sliced and judged in one call, as its file would be by the command."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import HypothesesError, ManifestError, UsageError
from harness.fairness import Policy, disparity_table, slice_table
from harness.results import Run, evaluate_frame
from harness.scoring import Verbatim
from tests.builders import FEW_RESAMPLES, harness

FEW = Policy(n_resamples=200, n_permutations=200)


def frame_of(n_speakers=40):
    """Return two accents of twenty people each, of whom the south is misheard."""
    rng = np.random.default_rng(2)
    said = "open the old gate and let the water in now".split()  # noqa: SIM905
    return pd.DataFrame(
        {
            "reference": " ".join(said),
            "hypothesis": " ".join(w if rng.random() > (0.4 if speaker % 2 else 0.05) else "x" for w in said),
            "speaker_id": f"s{speaker}",
            "accent": "south" if speaker % 2 else "north",
            "gender": ("female", "male", None)[speaker // 2 % 3],
            "age": float("nan") if speaker % 4 == 0 else 20.0 + speaker,
        }
        for speaker in range(n_speakers)
        for _ in range(3)
    )


def test_a_gap_is_found_in_one_call():
    found = evaluate_frame(frame_of(), ["accent", "accent & gender"], FEW)
    verdicts = found.disparities.set_index(["dimension", "slice"])["verdict"]
    assert (verdicts["accent", "south"], verdicts["accent", "north"]) == ("disparity", "advantage")
    assert set(found.slices["dimension"]) == {"overall", "accent", "accent & gender"}
    assert len(found.scores) == 120
    assert found.notes == ("no datasheet: attributes are used as annotated",)


def test_tables_are_those_of_the_functions_one_by_one():
    found = evaluate_frame(frame_of(), "accent", FEW, normalizer=Verbatim(), seed=7)
    slices = slice_table(found.scores, "accent", FEW, np.random.default_rng(7))
    disparities = disparity_table(found.scores, "accent", FEW, np.random.default_rng(7))
    pd.testing.assert_frame_equal(found.slices, slices)
    pd.testing.assert_frame_equal(found.disparities, disparities)


def test_numbers_are_those_of_the_command_on_the_same_rows(tmp_path):
    frame = frame_of().assign(utterance_id=lambda table: [f"u{row}" for row in table.index])
    frame[["utterance_id", "reference", "speaker_id", "accent"]].to_csv(tmp_path / "manifest.csv", index=False)
    frame[["utterance_id", "hypothesis"]].to_csv(tmp_path / "heard.csv", index=False)
    ended = harness(
        "rescore", "manifest.path=manifest.csv", "manifest.columns.text=reference", "hypotheses=heard.csv",
        "columns.text=hypothesis", "manifest.language=en", "run_dir=run", *FEW_RESAMPLES, cwd=tmp_path,
    )  # fmt: skip
    assert ended.exit_status in (0, 3), ended.err
    counts = ["dimension", "slice", "n_utterances", "n_speakers", "reference_words", "hits", "substitutions", "wer"]
    found = evaluate_frame(frame, "accent", FEW, language="en")
    pd.testing.assert_frame_equal(found.slices[counts], Run.open(tmp_path / "run").slices[counts])


def test_columns_can_have_names_of_their_own_and_the_frame_stays_as_it_is():
    frame = frame_of().rename(columns={"reference": "said", "hypothesis": "heard", "speaker_id": "who"})
    before = frame.copy(deep=True)
    names = {"reference": "said", "hypothesis": "heard", "speaker_id": "who"}
    found = evaluate_frame(frame, "accent", FEW, columns=names)
    pd.testing.assert_frame_equal(found.slices, evaluate_frame(frame_of(), "accent", FEW).slices)
    pd.testing.assert_frame_equal(frame, before)


def test_who_stated_nothing_is_undeclared_and_numbers_are_values():
    found = evaluate_frame(frame_of(12), ["gender", "age"], FEW)
    counts = found.slices.set_index(["dimension", "slice"])["n_utterances"]
    assert counts["gender", "undeclared"] == 12
    assert (counts["age", "undeclared"], counts["age", "21"]) == (9, 3)


def test_several_values_at_once_are_several_slices():
    frame = frame_of(12).assign(device=[["phone", "far"], ["phone"], []] * 12)
    counts = evaluate_frame(frame, "device", FEW).slices.set_index(["dimension", "slice"])["n_utterances"]
    assert (counts["device", "phone"], counts["device", "far"], counts["device", "undeclared"]) == (24, 12, 12)


@pytest.mark.parametrize("index", [range(100, 136), ["x"] * 36, pd.MultiIndex.from_product([range(6), range(6)])])
def test_the_index_of_the_frame_means_nothing(index):
    frame = frame_of(12)
    found = evaluate_frame(frame.set_axis(index), "accent", FEW)
    pd.testing.assert_frame_equal(found.scores, evaluate_frame(frame, "accent", FEW).scores)
    assert found.scores["utterance_id"].tolist() == [str(row) for row in range(36)]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_missing_hypothesis_is_a_failure_and_an_empty_one_is_not(missing):
    frame = frame_of(12)
    heard = frame["hypothesis"].astype(object)
    heard.iloc[0], heard.iloc[1] = missing, ""
    scores = evaluate_frame(frame.assign(hypothesis=heard), "accent", FEW).scores
    assert scores["failed"].tolist()[:3] == [True, False, False]
    assert scores["deletions"].tolist()[:2] == [10, 10]


def test_categories_and_texts_of_arrow_are_texts():
    frame = frame_of(12)
    typed = frame.astype({"accent": "category", "hypothesis": "string", "reference": pd.ArrowDtype(_string())})
    pd.testing.assert_frame_equal(
        evaluate_frame(typed, "accent", FEW).slices, evaluate_frame(frame, "accent", FEW).slices
    )


def _string():
    import pyarrow as pa

    return pa.string()


@pytest.mark.parametrize(
    ("change", "by", "message"),
    [
        pytest.param({}, "dialect", r"the frame has no column 'dialect'; found 'reference', ", id="attribute"),
        pytest.param({"drop": ["hypothesis"]}, "accent", "no column 'hypothesis'.*columns={'reference'", id="text"),
        pytest.param({"columns": {"words": "x"}}, "accent", "columns names words; expected some of", id="mapping"),
        pytest.param({"columns": {"speaker_id": "who"}}, "accent", "has no column 'who'", id="mapped"),
    ],
)
def test_columns_that_are_not_there_are_named(change, by, message):
    frame = frame_of(4).drop(columns=change.get("drop", []))
    with pytest.raises(UsageError, match=message):
        evaluate_frame(frame, by, FEW, columns=change.get("columns"))


def test_columns_of_the_same_name_are_refused():
    frame = frame_of(4)
    with pytest.raises(UsageError, match="several columns called 'accent'"):
        evaluate_frame(pd.concat([frame, frame[["accent"]]], axis=1), "accent", FEW)


def test_a_column_of_mixed_types_is_refused_in_words():
    frame = frame_of(4).assign(accent=[1, "x", object()] * 4)
    with pytest.raises(UsageError, match="mixed or unknown types"):
        evaluate_frame(frame, "accent", FEW)


def test_rows_that_cannot_be_used_are_all_named():
    frame = frame_of(4)
    frame.loc[[1, 3], "reference"] = None
    with pytest.raises(ManifestError) as caught:
        evaluate_frame(frame, "accent", FEW)
    assert [problem.split(":")[1] for problem in caught.value.problems] == ["row 2", "row 4"]


def test_a_hypothesis_that_is_no_text_is_refused():
    frame = frame_of(4).assign(hypothesis=list(range(12)))
    with pytest.raises(HypothesesError, match="row 0: hypothesis 0; expected a text"):
        evaluate_frame(frame, "accent", FEW)


def test_ids_that_are_there_twice_are_refused():
    with pytest.raises(ManifestError, match="unique ids"):
        evaluate_frame(frame_of(4).assign(utterance_id="same"), "accent", FEW)


README = """
import pandas as pd
from harness.results import Run, evaluate_frame

run = Run.open("runs/...")  # its tables are frames: run.scores, run.slices, run.disparities
frame = pd.read_csv("transcripts.csv")  # reference, hypothesis, speaker_id and what to slice by
found = evaluate_frame(frame, ["accent", "accent & gender"])  # or with a policy: Policy(margin=0.02)
found.slices, found.disparities, found.scores
"""  # the lines of README.md


def test_the_five_lines_of_a_notebook_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame_of().to_csv("transcripts.csv", index=False)
    pd.DataFrame({"utterance_id": ["u"], "text": ["a b"]}).to_csv("manifest.csv", index=False)
    pd.DataFrame({"utterance_id": ["u"], "text": ["a c"]}).to_csv("heard.csv", index=False)
    ended = harness(
        "rescore", "manifest.path=manifest.csv", "hypotheses=heard.csv", "run_dir=run", *FEW_RESAMPLES, cwd=tmp_path
    )
    assert ended.exit_status in (0, 3), ended.err
    namespace: dict[str, object] = {}
    exec(README.replace("runs/...", "run"), namespace)
    assert namespace["run"].slices["wer"].tolist() == [0.5]
    assert "disparity" in set(namespace["found"].disparities["verdict"])
