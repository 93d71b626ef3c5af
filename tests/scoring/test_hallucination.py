import numpy as np
import pytest

from harness.scoring import hallucination_flags, word_counts
from harness.scoring.hallucination import compression_ratio, consecutive_repeats, is_loop

NAMES = ("non_speech_insertion", "insertion_run", "length_ratio", "loop")


def flags_of(reference, hypothesis, failed=False):
    words = word_counts([reference], [hypothesis])
    row = hallucination_flags([reference], [hypothesis], words, np.array([failed])).iloc[0]
    raised = {name for name in NAMES if row[f"hallucination_{name}"]}
    assert row["hallucination"] == bool(raised)
    return raised | ({"empty_output"} if row["empty_output"] else set())


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        pytest.param("", "", set(), id="silence-heard-as-silence"),
        pytest.param("", "thank you", {"non_speech_insertion"}, id="hallucination-on-silence"),
        pytest.param("", "thank you for watching", {"non_speech_insertion", "insertion_run"}, id="a-phrase-on-silence"),
        pytest.param("stop it now", "please stop it now", set(), id="one-insertion"),
        pytest.param("a b c d e f", "a x y z b c d e f", set(), id="three-insertions-together"),
        pytest.param("a b c d e f", "a w x y z b c d e f", {"insertion_run"}, id="four-insertions-together"),
        pytest.param("a b c", "u a v b w c", set(), id="twice-as-long"),
        pytest.param("a b c", "u a v b w c x", {"length_ratio"}, id="more-than-twice-as-long"),
        pytest.param("a b", "u a v b w", set(), id="too-short-for-a-ratio"),
        pytest.param("a b c", "", {"empty_output"}, id="nothing-for-three-words"),
        pytest.param("a b", "", set(), id="nothing-for-two-words"),
        pytest.param("all of it is here", "all of it is here", set(), id="equal"),
    ],
)
def test_each_sign_has_its_threshold(reference, hypothesis, expected):
    assert flags_of(reference, hypothesis) == expected


def test_a_failed_utterance_is_neither_empty_output_nor_hallucination():
    assert flags_of("a b c d", "", failed=True) == set()


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        pytest.param("no", "no " * 6, True, id="one-word-five-more-times"),
        pytest.param("no", "no " * 5, False, id="one-word-four-more-times"),
        pytest.param("thank you", "thank you " * 4, True, id="two-words-three-more-times"),
        pytest.param("thank you", "thank you " * 3, False, id="two-words-two-more-times"),
        pytest.param("", "a b c d e f g h " * 4, True, id="eight-words"),
        pytest.param("no " * 6, "no " * 7, False, id="the-speaker-repeats"),
        pytest.param("row row row your boat", "so " + "row " * 9 + "your boat", True, id="more-than-the-speaker"),
        pytest.param("a mania", "a " + "da" * 60, True, id="inside-one-word"),
        pytest.param("", "", False, id="empty"),
    ],
)
def test_a_loop_repeats_more_than_the_reference(reference, hypothesis, expected):
    assert is_loop(reference.strip(), hypothesis.strip()) is expected


def test_a_long_true_transcript_is_no_loop_however_well_it_compresses():
    said = " ".join(f"and then they said number {i} of the games we used to play" for i in range(60))
    assert compression_ratio(said) > 2.4
    assert not is_loop(said, said.replace("number 7 of", "number seven of"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("thank you " * 20, 9.5238, id="repeated"),
        pytest.param("Thank you for watching.", 0.7419, id="short"),
    ],
)
def test_compression_ratios_of_v10_1(text, expected):
    assert compression_ratio(text) == pytest.approx(expected, abs=5e-5)


def test_v10_1_two_words_on_silence_are_two_insertions():
    assert word_counts([""], ["hello there"]).at(0).insertions == 2


def naive_repeats(words, length):
    best = 0
    for start in range(len(words)):
        phrase, times = words[start : start + length], 0
        while len(phrase) == length and words[start + (times + 1) * length :][:length] == phrase:
            times += 1
        best = max(best, times)
    return best


def test_repeats_are_those_of_a_naive_count():
    rng = np.random.default_rng(5)
    for _ in range(500):
        words = [str(word) for word in rng.integers(0, 2, size=rng.integers(0, 14))]
        assert [consecutive_repeats(words, n) for n in range(1, 9)] == [naive_repeats(words, n) for n in range(1, 9)]
