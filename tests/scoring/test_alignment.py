import random
from functools import reduce
from operator import add

import jiwer
import pytest
from rapidfuzz.distance import Levenshtein

from harness.scoring import ErrorCounts, character_counts, word_counts
from tests.scoring.builders import errors_of

# METHODS V1.3: the sentences of appendix A, where jiwer and NIST sclite agree.
REFERENCES = [
    "the patient was given ten milligrams of morphine at noon",
    "please call the nurse to the third floor right away",
    "she said that it was fine and went home",
    "we are going to need a second opinion on this scan",
    "turn off the monitor before you leave the room",
    "he did not take his medicine this morning",
    "it is raining",
    "the quick brown fox jumps over the lazy dog",
]
SYSTEM_A = [
    "the patient was given ten milligrams of morphine at noon",
    "please call the nurse to a third floor right away",
    "she said it was fine and went home",
    "we are going to need a second opinion on this can",
    "turn of the monitor before you leave the room",
    "he did take his medicine this morning",
    "it is raining",
    "the quick brown fox jumps over the lazy dog",
]
SYSTEM_B = [
    "the patient was given two milligrams of more fiend at noon",
    "please call a nurse to a bird floor right way",
    "she said it was fine went home",
    "we are going need a second opinion on this can",
    "turn of the motor before you leave a room",
    "he did take his medicine in the morning",
    "it is raining raining",
    "the quick brown box jumps over lazy dog",
]


def random_pairs(n_pairs):
    rng = random.Random(7)
    vocabulary = ["a", "b", "ab", "ba", "scan", "can", "the", "der", "हि", "0"]
    texts = [" ".join(rng.choices(vocabulary, k=rng.randrange(12))) for _ in range(2 * n_pairs)]
    return texts[:n_pairs], texts[n_pairs:]


@pytest.mark.parametrize(
    ("hypotheses", "errors", "total"),
    [
        pytest.param(SYSTEM_A, [0, 1, 1, 1, 1, 1, 0, 0], ErrorCounts(64, 3, 2, 0), id="system-a"),
        pytest.param(SYSTEM_B, [3, 4, 2, 2, 3, 3, 1, 2], ErrorCounts(52, 12, 5, 3), id="system-b"),
    ],
)
def test_the_sentences_of_v1_3_have_the_errors_that_sclite_finds(hypotheses, errors, total):
    counts = word_counts(REFERENCES, hypotheses)
    assert [counts.at(i).errors for i in range(8)] == errors
    assert counts.total().errors == total.errors
    assert counts.total().reference_length == 69


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "characters"),
    [
        pytest.param("", "", ErrorCounts(0, 0, 0, 0), ErrorCounts(0, 0, 0, 0), id="both-empty"),
        pytest.param("", "hello there", ErrorCounts(0, 0, 0, 2), ErrorCounts(0, 0, 0, 11), id="empty-reference"),
        pytest.param("hello there", "", ErrorCounts(0, 0, 2, 0), ErrorCounts(0, 0, 11, 0), id="empty-hypothesis"),
        pytest.param("a", "a", ErrorCounts(1, 0, 0, 0), ErrorCounts(1, 0, 0, 0), id="one-character"),
        pytest.param("a b", "a c", ErrorCounts(1, 1, 0, 0), ErrorCounts(2, 1, 0, 0), id="substitution"),
        pytest.param("an ice", "a nice", ErrorCounts(0, 2, 0, 0), ErrorCounts(5, 0, 1, 1), id="a-space-is-a-character"),
    ],
)
def test_counts_by_hand(reference, hypothesis, words, characters):
    assert word_counts([reference], [hypothesis]).at(0) == words
    assert character_counts([reference], [hypothesis]).at(0) == characters


@pytest.mark.parametrize(
    ("hypotheses", "percent"),
    [
        pytest.param(SYSTEM_A, [6.9, 10.7, 0.0], id="system-a"),
        pytest.param(SYSTEM_B, [31.0, 28.6, 25.0], id="system-b"),
    ],
)
def test_the_speakers_of_v1_3_have_the_error_rates_that_sclite_prints(hypotheses, percent):
    speakers = [slice(0, 3), slice(3, 6), slice(6, 8)]
    totals = [word_counts(REFERENCES[each], hypotheses[each]).total() for each in speakers]
    assert [total.reference_length for total in totals] == [29, 28, 12]
    assert [round(100 * total.error_rate, 1) for total in totals] == percent


def test_ten_thousand_random_pairs_have_the_edits_of_an_independent_alignment():
    references, hypotheses = random_pairs(10_000)
    words, characters = word_counts(references, hypotheses), character_counts(references, hypotheses)
    for i, (reference, hypothesis) in enumerate(zip(references, hypotheses, strict=True)):
        assert words.at(i).errors == errors_of(reference.split(), hypothesis.split())
        assert characters.at(i).errors == Levenshtein.distance(reference, hypothesis)
    assert words.reference_length.tolist() == [len(text.split()) for text in references]
    assert words.hypothesis_length.tolist() == [len(text.split()) for text in hypotheses]
    assert characters.reference_length.tolist() == [len(text) for text in references]


def test_pooled_counts_are_those_of_jiwer_in_one_call():
    references, hypotheses = random_pairs(2_000)
    for ours, theirs in [
        (word_counts(references, hypotheses), jiwer.process_words(references, hypotheses)),
        (character_counts(references, hypotheses), jiwer.process_characters(references, hypotheses)),
    ]:
        assert ours.total() == ErrorCounts(theirs.hits, theirs.substitutions, theirs.deletions, theirs.insertions)


def test_neither_order_nor_splitting_changes_a_count():
    references, hypotheses = random_pairs(501)
    together = word_counts(references, hypotheses)
    one_by_one = [word_counts([r], [h]).at(0) for r, h in zip(references, hypotheses, strict=True)]
    backwards = word_counts(references[::-1], hypotheses[::-1])
    assert [together.at(i) for i in range(501)] == one_by_one
    assert [backwards.at(i) for i in range(501)] == one_by_one[::-1]
    assert reduce(add, one_by_one) == together.total()


def test_the_longest_insertion_run_is_of_words_that_stand_together():
    counts = word_counts(["a b", "a b", "a b", ""], ["a x y z b", "x a y b z", "a b", "p q"])
    assert counts.longest_insertion_run.tolist() == [3, 1, 0, 2]


def test_texts_that_are_not_one_for_one_are_refused():
    with pytest.raises(ValueError, match="2 references and 1 hypotheses"):
        word_counts(["a", "b"], ["a"])


def test_no_text_at_all_has_no_counts_and_no_rate():
    total = word_counts([], []).total()
    assert total == ErrorCounts(0, 0, 0, 0)
    assert total.error_rate != total.error_rate


def test_an_error_rate_is_a_fraction_and_may_exceed_one():
    assert ErrorCounts(64, 4, 2, 0).error_rate + ErrorCounts(0, 1, 0, 3).error_rate == pytest.approx(6 / 70 + 4)
