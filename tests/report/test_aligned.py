"""What a page shows of an alignment is jiwer's, loses no word, and is cut where a text is longer than anybody reads."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.aligned import LONGEST_TEXT, LONGEST_WORD, aligned_texts
from harness.scoring.alignment import word_runs
from tests.report.explorer_builders import runs_of, texts_of

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "naïve", "ok"]), max_size=12).map(" ".join)


def decoded(shown):
    return texts_of({"references": [shown.reference], "heard": [shown.heard], "edits": [shown.edits]}, 0)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_both_texts_can_be_read_again_from_what_is_shown(pairs):
    references, hypotheses = zip(*pairs, strict=True)
    assert [decoded(shown) for shown in aligned_texts(references, hypotheses)] == pairs


@given(TEXTS, TEXTS)
def test_the_runs_have_the_counts_of_jiwer(reference, hypothesis):
    runs = word_runs([reference], [hypothesis])[0]
    expected = jiwer.process_words(
        reference,
        hypothesis,
        reference_transform=jiwer.ReduceToListOfListOfWords(),
        hypothesis_transform=jiwer.ReduceToListOfListOfWords(),
    )
    counts = [sum(n for kind, n in runs if kind == each) for each in "esdi"]
    assert counts == [expected.hits, expected.substitutions, expected.deletions, expected.insertions]


def test_pairs_beyond_one_call_keep_their_order():
    texts = [f"word{number}" for number in range(250)]
    assert [shown.reference for shown in aligned_texts(texts, [""] * 250)] == texts


@pytest.mark.parametrize(
    ("reference", "hypothesis", "edits", "heard"),
    [
        pytest.param("turn it off", "turn it off", "", "", id="equal"),
        pytest.param("turn it off", "turn that off please", "esei", "that please", id="mixed"),
        pytest.param("turn it off", "", "d3", "", id="nothing-heard"),
        pytest.param("", "thank you", "i2", "thank you", id="nothing-said"),
        pytest.param("", "", "", "", id="neither"),
        pytest.param("a  b\tc", "a b c", "", "", id="other-spaces"),
    ],
)
def test_only_what_differs_is_written_twice(reference, hypothesis, edits, heard):
    (shown,) = aligned_texts([reference], [hypothesis])
    assert (shown.edits, shown.heard) == (edits, heard)


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [
        pytest.param("word " * 20_000, "word " * 20_000, id="equal"),
        pytest.param("word " * 20_000, "other " * 3, id="long-reference"),
        pytest.param("one", "word " * 20_000, id="long-hypothesis"),
        pytest.param("word " * 20_000, "word other " * 10_000, id="errors-everywhere"),
        pytest.param("one two " * 10_000, "one two " * 9_000 + "three", id="errors-at-the-end"),
    ],
)
def test_a_long_text_is_shortened_and_what_is_missing_is_counted(reference, hypothesis):
    (shown,) = aligned_texts([reference], [hypothesis])
    assert len(shown.reference) + len(shown.heard) < 2 * (LONGEST_TEXT + LONGEST_WORD)
    said, heard = (text.split() for text in decoded(shown))
    assert len(said) + shown.n_reference_cut == len(reference.split())
    assert len(heard) + shown.n_hypothesis_cut == len(hypothesis.split())
    for words, text in ((said, reference), (heard, hypothesis)):
        assert all(word in ("…", whole) for word, whole in zip(words, text.split(), strict=False))
    assert shown.is_shortened


def test_of_a_long_text_the_errors_are_kept_with_the_words_around_them():
    words = [f"word{number}" for number in range(5_000)]
    heard = [*words[:4_000], "other", *words[4_001:]]
    (shown,) = aligned_texts([" ".join(words)], [" ".join(heard)])
    assert shown.heard == "other"
    assert shown.reference.split() == [*words[:5], *words[3_995:4_006], *words[-5:]]
    assert (shown.n_reference_cut, shown.n_hypothesis_cut) == (0, 0)


def test_a_text_that_is_not_long_is_whole():
    words = " ".join(["ab"] * 300)
    (shown,) = aligned_texts([words], [f"{words} more"])
    assert not shown.is_shortened
    assert decoded(shown) == (words, f"{words} more")


def test_a_word_of_100_000_letters_is_cut_and_says_so():
    (shown,) = aligned_texts(["a" * 100_000], ["b" * 100_000])
    assert runs_of(shown.edits) == [("s", 1)]
    assert shown.reference == "a" * (LONGEST_WORD - 1) + "…"
    assert (shown.n_reference_cut, shown.n_hypothesis_cut) == (0, 0)


def test_characters_that_turn_text_round_or_are_none_are_seen():
    (shown,) = aligned_texts(["a\u202eb x\x00y \ud800"], ["z"])
    assert shown.reference == "a\ufffdb x␀y \ufffd"
