import doctest
import importlib
import itertools

import jiwer
import numpy as np
import pandas as pd
import pytest

from harness.corpus.attributes import CONTRACT_COLUMNS, OUTPUT_COLUMNS
from harness.errors import HypothesesError, UsageError
from harness.scoring import ByLanguage, LowercaseNoPunctuation, Verbatim, WhisperEnglish, read_hypotheses, score
from harness.scoring.score import COLUMNS_AFTER_ATTRIBUTES, COLUMNS_BEFORE_ATTRIBUTES, MOST_NAMED
from tests.scoring.builders import hypotheses_of, manifest_of

REFERENCES = {"u1": "Turn off the monitor.", "u2": "Uh.", "u3": "", "u4": "Call the nurse!"}
COUNTS = ["hits", "substitutions", "deletions", "insertions"]
CHARACTER_COUNTS = [f"character_{count}" for count in COUNTS]
TEXTS = {"u1": "turn of the monitor", "u2": "", "u3": "thank you", "u4": None}


@pytest.fixture
def manifest(tmp_path):
    return manifest_of(
        tmp_path, REFERENCES, speaker_id=["s1", "s1", "s2", "s2"], accent=["irish", "irish", "", "scottish"]
    )


def row_of(scores, utterance_id):
    return scores.set_index("utterance_id").loc[utterance_id]


def test_every_row_has_its_counts(manifest):
    scores = score(manifest, hypotheses_of(TEXTS), WhisperEnglish())
    assert scores[["utterance_id", *COUNTS]].to_numpy().tolist() == [
        ["u1", 3, 1, 0, 0],
        ["u2", 0, 0, 0, 0],
        ["u3", 0, 0, 0, 2],
        ["u4", 0, 0, 3, 0],
    ]
    assert scores[["utterance_id", *CHARACTER_COUNTS]].to_numpy().tolist() == [
        ["u1", 19, 0, 1, 0],
        ["u2", 0, 0, 0, 0],
        ["u3", 0, 0, 0, 9],
        ["u4", 0, 0, 14, 0],
    ]
    assert scores["reference"].tolist() == ["turn off the monitor", "", "", "call the nurse"]
    assert scores["hypothesis"].tolist() == ["turn of the monitor", "", "thank you", ""]


def test_columns_stand_in_the_order_and_types_of_the_contract(manifest):
    scores = score(manifest, hypotheses_of(TEXTS, audio_s=[1.0, 2.0, 3.0, np.nan]), WhisperEnglish())
    assert scores.columns.tolist() == [*COLUMNS_BEFORE_ATTRIBUTES, "accent", *COLUMNS_AFTER_ATTRIBUTES]
    assert scores["accent"].tolist() == ["irish", "irish", "undeclared", "scottish"]
    assert (scores[[*COUNTS, *CHARACTER_COUNTS]].dtypes == np.int64).all()
    flags = [name for name in scores if name.startswith(("hallucination", "failed", "empty", "reference_emptied"))]
    assert len(flags) == 8
    assert set(map(str, scores[flags].dtypes)) == {"bool"}
    assert scores["audio_s"].tolist()[:3] == [1.0, 2.0, 3.0]


def test_a_failure_is_failed_and_not_an_empty_output(manifest):
    failed = row_of(score(manifest, hypotheses_of(TEXTS), WhisperEnglish()), "u4")
    empty = row_of(score(manifest, hypotheses_of(TEXTS | {"u4": "!"}), WhisperEnglish()), "u4")
    assert (failed["failed"], failed["empty_output"]) == (True, False)
    assert (empty["failed"], empty["empty_output"]) == (False, True)
    assert failed["deletions"] == empty["deletions"] == 3
    assert failed["hypothesis"] == ""


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=["none", "nan", "na"])
def test_a_missing_text_is_a_failure_however_it_is_written(manifest, missing):
    hypotheses = hypotheses_of(TEXTS | {"u4": missing})
    assert score(manifest, hypotheses, WhisperEnglish())["failed"].tolist() == [False, False, False, True]


def test_a_reference_emptied_by_normalising_stays_and_is_counted(manifest):
    scores = score(manifest, hypotheses_of(TEXTS | {"u2": "hello"}), WhisperEnglish())
    assert scores["reference_emptied"].tolist() == [False, True, False, False]
    emptied = row_of(scores, "u2")
    assert emptied["insertions"] == 1
    assert emptied["hallucination_non_speech_insertion"]
    assert not score(manifest, hypotheses_of(TEXTS), Verbatim())["reference_emptied"].any()


def test_rows_are_the_manifests_for_each_condition_clean_first(manifest):
    clean, noise, babble = (hypotheses_of(TEXTS, condition=name) for name in ("clean", "noise", "babble"))
    scores = score(manifest, pd.concat([noise, clean[::-1], babble]), WhisperEnglish())
    assert scores["condition"].tolist() == ["clean"] * 4 + ["babble"] * 4 + ["noise"] * 4
    assert scores["utterance_id"].tolist() == list(REFERENCES) * 3
    assert scores.index.tolist() == list(range(12))


def test_the_order_of_hypotheses_changes_nothing(manifest):
    hypotheses = hypotheses_of(TEXTS)
    pd.testing.assert_frame_equal(
        score(manifest, hypotheses, WhisperEnglish()), score(manifest, hypotheses.iloc[[3, 1, 0, 2]], WhisperEnglish())
    )


def test_scoring_leaves_manifest_and_hypotheses_as_they_were(manifest):
    hypotheses = hypotheses_of(TEXTS)
    before = manifest.frame.copy(), hypotheses.copy()
    score(manifest, hypotheses, WhisperEnglish())
    pd.testing.assert_frame_equal(manifest.frame, before[0])
    pd.testing.assert_frame_equal(hypotheses, before[1])


def test_splitting_a_corpus_and_adding_its_counts_changes_nothing(tmp_path):
    texts = [" ".join(words) for words in itertools.product(["a", "b", "cd"], repeat=4)]
    references = {f"u{i}": text for i, text in enumerate(texts)}
    heard = {f"u{i}": text for i, text in enumerate(texts[5:] + texts[:5])}
    together = score(manifest_of(tmp_path, references), hypotheses_of(heard), Verbatim())
    halves = [dict(list(references.items())[:40]), dict(list(references.items())[40:])]
    apart = [
        score(manifest_of(tmp_path, half), hypotheses_of({name: heard[name] for name in half}), Verbatim())
        for half in halves
    ]
    assert (sum(half[COUNTS].sum() for half in apart) == together[COUNTS].sum()).all()
    pooled = jiwer.process_words(texts, list(heard.values()))
    assert together[COUNTS].sum().tolist() == [pooled.hits, pooled.substitutions, pooled.deletions, pooled.insertions]


@pytest.mark.parametrize(
    ("texts", "problems"),
    [
        pytest.param({"u1": "a", "u2": "b", "u3": "c"}, ["utterance 'u4' of manifest"], id="missing"),
        pytest.param(dict.fromkeys([*REFERENCES, "u5"], "a"), ["utterance 'u5' is not in manifest"], id="unknown"),
        pytest.param(
            dict.fromkeys(["x1", "x2"], "a"),
            ["no id of the hypotheses ('x1'...) is one of manifest", "utterance 'x1'", "utterance 'x2'"]
            + [f"utterance '{u}' of manifest" for u in REFERENCES],
            id="none-matches",
        ),
        pytest.param({}, [f"utterance '{u}' of manifest" for u in REFERENCES], id="no-hypotheses"),
        pytest.param(TEXTS | {"u2": 42}, ["utterance 'u2' has the text 42; expected a text"], id="no-text"),
    ],
)
def test_ids_that_do_not_match_are_all_named(manifest, texts, problems):
    with pytest.raises(HypothesesError) as raised:
        score(manifest, hypotheses_of(texts), WhisperEnglish())
    assert len(raised.value.problems) == len(problems)
    for problem, expected in zip(raised.value.problems, problems, strict=True):
        assert problem.startswith(expected)


def test_problems_of_a_file_name_its_lines(manifest, tmp_path):
    path = tmp_path / "heard.csv"
    path.write_text("utterance_id,text\nu1,a\nu2,b\nu9,c\nu3,d\nu4,e\nu1,f\n")
    with pytest.raises(HypothesesError) as raised:
        score(manifest, read_hypotheses(path), WhisperEnglish())
    assert raised.value.problems[0].startswith(f"{path}:4: utterance 'u9' is not in manifest 'manifest'")
    assert raised.value.problems[1].startswith(f"{path}:7: utterance 'u1' appears again under condition 'clean'")


def test_a_condition_without_some_utterances_is_incomplete(manifest):
    hypotheses = pd.concat([hypotheses_of(TEXTS, condition="clean"), hypotheses_of({"u1": "a"}, condition="noise")])
    with pytest.raises(HypothesesError, match=r"utterance 'u2' .* has no hypothesis under condition 'noise'"):
        score(manifest, hypotheses, WhisperEnglish())
    scores = score(manifest, hypotheses, WhisperEnglish(), allow_missing=True)
    assert scores["failed"].tolist() == [False, False, False, True, False, True, True, True]


def test_allow_missing_counts_what_is_missing_as_failed_and_nothing_else(manifest):
    scores = score(manifest, hypotheses_of({"u1": "turn off the monitor"}), WhisperEnglish(), allow_missing=True)
    assert scores["failed"].tolist() == [False, True, True, True]
    assert scores["deletions"].sum() == 3
    assert score(manifest, hypotheses_of({}), WhisperEnglish(), allow_missing=True)["failed"].all()
    with pytest.raises(HypothesesError, match="'u5' is not in manifest"):
        score(manifest, hypotheses_of({"u5": "a"}), WhisperEnglish(), allow_missing=True)


def test_a_reference_pattern_takes_events_out_of_references_only(tmp_path):
    manifest = manifest_of(tmp_path, {"u1": "yes{laugh}indeed", "u2": "{cough}"})
    hypotheses = hypotheses_of({"u1": "yes {laugh} indeed", "u2": ""})
    scores = score(manifest, hypotheses, LowercaseNoPunctuation(), reference_pattern=r"\{[a-z]*\}")
    assert scores["reference"].tolist() == ["yes indeed", ""]
    assert scores["hypothesis"].tolist() == ["yes laugh indeed", ""]
    assert not scores["reference_emptied"].any()


def test_a_reference_pattern_that_also_matches_nothing_does_not_split_words(tmp_path):
    scores = score(
        manifest_of(tmp_path, {"u1": "yes"}), hypotheses_of({"u1": "yes"}), Verbatim(), reference_pattern="x*"
    )
    assert scores["hits"].tolist() == [1]


def test_a_bad_reference_pattern_is_wrong_usage(manifest):
    with pytest.raises(UsageError, match=r"reference_pattern='<\[' is no regular expression: .*; correct it"):
        score(manifest, hypotheses_of(TEXTS), WhisperEnglish(), reference_pattern="<[")


def test_each_utterance_is_read_by_the_rules_of_its_language(tmp_path):
    manifest = manifest_of(
        tmp_path, {"u1": "Um, colour", "u2": "Um, हिन्दी", "u3": "um"}, language=["en-GB", "hi", None]
    )
    scores = score(manifest, hypotheses_of({"u1": "color", "u2": "um हिन्दी", "u3": "um"}), ByLanguage())
    assert scores["reference"].tolist() == ["color", "um हिन्दी", "um"]
    assert scores["hits"].tolist() == [1, 2, 1]


def test_a_text_is_normalised_once_however_often_it_is_said(tmp_path):
    read = []

    class Counting:
        id = "counting@1"

        def __call__(self, text):
            read.append(text)
            return f"  {text}\n\tend "

    manifest = manifest_of(tmp_path, {f"u{i}": "yes" if i % 2 else "no" for i in range(10)})
    scores = score(manifest, hypotheses_of(dict.fromkeys(manifest.frame["utterance_id"], "yes")), Counting())
    assert sorted(read) == ["no", "yes", "yes"]  # references, then hypotheses
    assert set(scores["reference"]) == {"yes end", "no end"}


def test_hypotheses_without_a_text_column_are_wrong_usage(manifest):
    with pytest.raises(UsageError, match="hypotheses have no column text; found utterance_id, prediction"):
        score(manifest, pd.DataFrame({"utterance_id": ["u1"], "prediction": ["a"]}), WhisperEnglish())


def test_no_attribute_can_have_the_name_of_a_column_of_the_scores():
    taken = {*COLUMNS_BEFORE_ATTRIBUTES, *COLUMNS_AFTER_ATTRIBUTES}
    assert taken <= {*OUTPUT_COLUMNS, *CONTRACT_COLUMNS}  # which manifest and datasheet refuse


def test_hypotheses_come_from_a_file_and_carry_their_seconds(manifest, tmp_path):
    path = tmp_path / "heard.csv"
    path.write_text("id,text,audio_s,processing_s\nu1,,1.5,0.5\nu2,,,\nu3,,2,1\nu4,,2,1\n")
    scores = score(manifest, read_hypotheses(path, columns={"utterance_id": "id"}), WhisperEnglish())
    assert scores["audio_s"].sum() == 5.5
    assert scores["processing_s"].isna().tolist() == [False, True, False, False]
    assert scores["empty_output"].tolist() == [True, False, False, True]


@pytest.mark.parametrize("module", ["normalization", "alignment", "hallucination", "score"])
def test_the_examples_in_docstrings_are_true(module):
    assert doctest.testmod(importlib.import_module(f"harness.scoring.{module}")).failed == 0


def test_of_many_problems_of_a_kind_the_first_thousand_are_named_and_all_are_counted(manifest):
    known = manifest.frame["utterance_id"].tolist()
    rows = pd.DataFrame({"utterance_id": [*known, *(f"x{n}" for n in range(5_000))], "text": "a"})
    with pytest.raises(HypothesesError) as caught:
        score(manifest, rows, Verbatim())
    assert len(caught.value.problems) == MOST_NAMED + 1
    assert caught.value.problems[0].startswith("5000 transcripts are of no utterance")
    assert "and more of that kind" in caught.value.problems[-1]
