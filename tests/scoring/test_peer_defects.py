"""Defects found in good projects (numbered as in the survey of peers) that this harness must not have."""

import numpy as np
import pytest

from harness.errors import HypothesesError
from harness.scoring import (
    ByLanguage,
    LowercaseNoPunctuation,
    Verbatim,
    WhisperBasic,
    WhisperEnglish,
    read_hypotheses,
    score,
    word_counts,
)
from tests.scoring.builders import hypotheses_of, manifest_of

COUNTS = ["hits", "substitutions", "deletions", "insertions"]
NORMALIZERS = [WhisperEnglish(), WhisperBasic(), Verbatim(), LowercaseNoPunctuation(), ByLanguage()]
every_normalizer = pytest.mark.parametrize(
    "normalizer", NORMALIZERS, ids=lambda n: n.id.partition("@")[0].partition("(")[0]
)


@every_normalizer
def test_1_an_empty_reference_makes_no_slice_nan(tmp_path, normalizer):
    manifest = manifest_of(tmp_path, {"a": "", "b": "yes"}, mood=["calm", "calm"])
    scores = score(manifest, hypotheses_of({"a": "hm hello", "b": "yes"}), normalizer)
    totals = scores.groupby("mood")[COUNTS].sum().loc["calm"]
    assert totals["hits"] == 1
    assert totals["insertions"] >= 1
    assert not scores[COUNTS].isna().any(axis=None)


def test_2_utterances_without_the_attribute_stay_in_the_scores(tmp_path):
    manifest = manifest_of(tmp_path, {"a": "yes", "b": "no"}, accent=["irish", None])
    scores = score(manifest, hypotheses_of({"a": "yes", "b": "no"}), Verbatim())
    assert scores["accent"].tolist() == ["irish", "undeclared"]


@every_normalizer
@pytest.mark.parametrize("text", ["0", "007", "2024", "wait — what", "It's St. John's"])
def test_3_reference_and_hypothesis_are_read_by_the_same_rules(tmp_path, normalizer, text):
    scores = score(manifest_of(tmp_path, {"a": text}, language=["en"]), hypotheses_of({"a": text}), normalizer)
    assert scores.loc[0, "hits"] > 0
    assert scores.loc[0, COUNTS[1:]].tolist() == [0, 0, 0]


def test_3_a_dash_is_no_word_and_a_zero_is_one():
    rules = LowercaseNoPunctuation()
    assert (rules("wait — what"), rules("0")) == ("wait what", "0")
    assert WhisperEnglish()("0").split() == ["0"]


def test_6_an_empty_hypothesis_is_all_deletions_not_perfect(tmp_path):
    scores = score(manifest_of(tmp_path, {"a": "turn it off"}), hypotheses_of({"a": ""}), Verbatim())
    assert scores.loc[0, COUNTS].tolist() == [0, 0, 3, 0]
    assert scores.loc[0, "empty_output"]


def test_7_fifteen_hundred_wrong_texts_are_fifteen_hundred_errors(tmp_path):
    references = {f"u{i}": f"word{i}" for i in range(1_500)}
    hypotheses = hypotheses_of({name: text if i < 6 else "wrong" for i, (name, text) in enumerate(references.items())})
    scores = score(manifest_of(tmp_path, references), hypotheses, Verbatim())
    assert scores[COUNTS].sum().tolist() == [6, 1_494, 0, 0]
    texts = np.array(list(references.values()))
    assert word_counts(texts, texts[::-1]).total().substitutions == 1_500


def test_8_short_lines_are_not_dropped_and_pairs_do_not_shift(tmp_path):
    texts = {"u1": "a", "u2": "turn it off", "u3": "", "u4": "I", "u5": "call the nurse"}
    path = tmp_path / "heard.tsv"
    path.write_text("utterance_id\ttext\n" + "".join(f"{name}\t{text}\n" for name, text in texts.items()))
    scores = score(manifest_of(tmp_path, texts), read_hypotheses(path), Verbatim())
    assert scores[COUNTS].sum().tolist() == [8, 0, 0, 0]
    assert scores["utterance_id"].tolist() == list(texts)


def test_11_an_utterance_of_fillers_stays_in_the_test_set_and_says_so(tmp_path):
    manifest = manifest_of(tmp_path, {"a": "Um, uh.", "b": "(softly) yes"})
    scores = score(manifest, hypotheses_of({"a": "um", "b": "yes"}), WhisperEnglish())
    assert len(scores) == 2
    assert scores["reference_emptied"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("uh huh", "uh huh", id="backchannel"),
        pytest.param("five o'clock", "five o'clock", id="clock"),
        pytest.param("so (he said) it was", "so he said it was", id="parentheses"),
        pytest.param("St. John St.", "st john st", id="saint-and-street"),
        pytest.param("imma go", "imma go", id="reduction"),
    ],
)
def test_11_the_strict_profile_changes_none_of_these_words(text, words):
    assert LowercaseNoPunctuation()(text) == words


@pytest.mark.parametrize(
    "normalizer", [WhisperBasic(), LowercaseNoPunctuation(), Verbatim()], ids=["basic", "lower", "verbatim"]
)
def test_12_a_wrong_vowel_sign_is_an_error(tmp_path, normalizer):
    manifest = manifest_of(tmp_path, {"a": "की", "b": "हिन्दी"}, language=["hi", "hi"])
    scores = score(manifest, hypotheses_of({"a": "का", "b": "हिन्दी"}), normalizer)
    assert scores[COUNTS].to_numpy().tolist() == [[0, 1, 0, 0], [1, 0, 0, 0]]


def test_13_a_failure_and_an_empty_transcript_are_two_things(tmp_path):
    manifest = manifest_of(tmp_path, {"a": "turn it off", "b": "turn it off"})
    scores = score(manifest, hypotheses_of({"a": None, "b": ""}), Verbatim())
    assert scores["failed"].tolist() == [True, False]
    assert scores["empty_output"].tolist() == [False, True]
    assert scores["deletions"].tolist() == [3, 3]


def test_14_an_utterance_without_a_hypothesis_is_an_error_not_a_smaller_corpus(tmp_path):
    manifest = manifest_of(tmp_path, {"a": "yes", "b": "no"})
    with pytest.raises(HypothesesError, match="utterance 'b' of manifest 'manifest' has no hypothesis"):
        score(manifest, hypotheses_of({"a": "yes"}), Verbatim())
    scores = score(manifest, hypotheses_of({"a": "yes"}), Verbatim(), allow_missing=True)
    assert scores["failed"].tolist() == [False, True]
    assert scores["deletions"].sum() == 1


@pytest.mark.parametrize(
    "reference", [pytest.param("", id="empty"), pytest.param("<LAUGH> um", id="emptied-by-normalising")]
)
def test_15_an_empty_reference_is_never_replaced_by_the_hypothesis(tmp_path, reference):
    scores = score(manifest_of(tmp_path, {"a": reference}), hypotheses_of({"a": "thank you"}), WhisperEnglish())
    assert scores.loc[0, ["reference", *COUNTS]].tolist() == ["", 0, 0, 0, 2]
    assert scores.loc[0, "hallucination_non_speech_insertion"]


def test_16_no_word_stands_in_for_an_empty_text(tmp_path):
    manifest = manifest_of(tmp_path, {"a": "", "b": "empty", "c": ""})
    scores = score(manifest, hypotheses_of({"a": "empty", "b": "", "c": ""}), Verbatim())
    assert scores[COUNTS].to_numpy().tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
