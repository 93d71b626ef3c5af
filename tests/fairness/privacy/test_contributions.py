"""Neighbours: whatever one speaker said, in however many slices, no vector of sums changes by more than UNIT."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.fairness import Policy
from harness.fairness.privacy import Caps, PrivacyOptions, ReleaseMethod, Statistic
from harness.fairness.privacy.contributions import full_share, named_speakers, pairs_of
from harness.fairness.privacy.counting import Counted, counted, deviations
from harness.fairness.privacy.declared import cells_of
from harness.fairness.privacy.mechanisms import UNIT
from harness.fairness.speaker_sums import checked_scores

DECLARED = ("a", "b", "c", "nobody")
EXTREME = st.sampled_from([0, 0, 1, 2, 5, 30, 10**5, 10**9, 2**53])
VALUES = st.sampled_from(["a", "b", "c", "undeclared", "declined", "else", None, ["a", "b"], ["a", "else", "more"], []])
UTTERANCES = st.tuples(st.integers(0, 3), VALUES, EXTREME, EXTREME, EXTREME, EXTREME)
CORPORA = st.lists(UTTERANCES, min_size=1, max_size=12)
CAPS = st.builds(
    Caps, words=st.integers(1, 2000), errors=st.integers(1, 2000), rate=st.sampled_from([0.001, 0.3, 0.5, 1.0, 10.0])
)
METHODS = (ReleaseMethod.laplace, ReleaseMethod.gaussian)
ADDED = (Statistic.ratio_of_sums, Statistic.mean_of_speakers)  # neighbours: a speaker more


def frame_of(utterances: list[tuple]) -> pd.DataFrame:
    columns = ["speaker", "accent", "hits", "substitutions", "deletions", "insertions"]
    frame = pd.DataFrame(utterances, columns=columns)
    ids = [f"u{i}" for i in range(len(frame))]
    return frame.assign(utterance_id=ids, speaker_id="s" + frame["speaker"].astype(str), accent=frame["accent"])


def told_of(utterances: list[tuple], options: PrivacyOptions, n_cells: int) -> Counted:
    scores = checked_scores(frame_of(utterances), Policy())
    pairs = pairs_of(scores, cells_of(scores, "accent", DECLARED), named_speakers(scores))
    return counted(pairs, options, n_cells=n_cells)


def vectors(utterances: list[tuple], options: PrivacyOptions, n_cells: int, rates: np.ndarray) -> list[list[int]]:
    """Return every vector of exact sums that noise is added to."""
    told = told_of(utterances, options, n_cells)
    found = deviations(told, rates, options, n_cells=n_cells)
    each = [told.above, found.steps]
    each += [] if options.counted is Statistic.public_words else [told.below]
    return [told.pairs.sums(steps) for steps in each]


def distance(first: list[int], second: list[int], method: ReleaseMethod) -> float:
    apart = [abs(one - other) for one, other in zip(first, second, strict=True)]
    return sum(apart) if method is ReleaseMethod.laplace else sum(each * each for each in apart) ** 0.5


def rates_of(share: float, options: PrivacyOptions) -> np.ndarray:
    highest = options.caps.rate if options.counted is Statistic.mean_of_speakers else 1.0
    return np.linspace(share, 1 - share, 7) * highest  # as many as there are cells


@settings(max_examples=80, deadline=None)
@given(corpus=CORPORA, caps=CAPS, n_cells=st.integers(1, 9), share=st.floats(0, 1))
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("statistic", ADDED)
def test_a_speaker_more_changes_no_vector_of_sums_by_more_than_unit(statistic, method, corpus, caps, n_cells, share):
    options = PrivacyOptions(statistic=statistic, method=method, caps=caps)
    rates = rates_of(share, options)
    fewer = [each for each in corpus if each[0] != corpus[0][0]]
    before = vectors(fewer, options, n_cells, rates) if fewer else [[0] * 7] * 3
    for with_one, without in zip(vectors(corpus, options, n_cells, rates), before, strict=True):
        assert distance(with_one, without, method) <= UNIT


@settings(max_examples=80, deadline=None)
@given(corpus=CORPORA, caps=CAPS, n_cells=st.integers(1, 9), share=st.floats(0, 1), data=st.data())
@pytest.mark.parametrize("method", METHODS)
def test_where_words_are_public_other_errors_of_a_speaker_change_no_vector_of_sums_by_more_than_unit(
    method, corpus, caps, n_cells, share, data
):
    options = PrivacyOptions(words_are_public=True, method=method, caps=caps)
    rates = rates_of(share, options)

    def misheard_anew(utterance: tuple) -> tuple:
        if utterance[0] != corpus[0][0]:
            return utterance
        words = sum(utterance[2:5])
        substitutions = data.draw(st.integers(0, words))
        return (*utterance[:2], words - substitutions, substitutions, 0, data.draw(EXTREME))

    other = [misheard_anew(each) for each in corpus]
    for one, anew in zip(
        vectors(corpus, options, n_cells, rates), vectors(other, options, n_cells, rates), strict=True
    ):
        assert distance(one, anew, method) <= UNIT


@pytest.mark.parametrize("statistic", ADDED)
def test_the_bound_is_reached_so_the_noise_is_no_larger_than_it_must_be(statistic):
    one = told_of([(0, "a", 0, 10**6, 0, 10**6)], PrivacyOptions(statistic=statistic), 1)
    assert (max(one.pairs.sums(one.above)), max(one.pairs.sums(one.below))) == (UNIT, UNIT)


@settings(max_examples=40, deadline=None)
@given(corpus=CORPORA, seed=st.integers(0, 99))
@pytest.mark.parametrize("statistic", ADDED)
def test_the_order_of_rows_and_the_names_of_speakers_change_nothing(statistic, corpus, seed):
    options = PrivacyOptions(statistic=statistic)
    shuffled = [corpus[i] for i in np.random.default_rng(seed).permutation(len(corpus))]
    renamed = [(7 - speaker, *rest) for speaker, *rest in shuffled]
    assert vectors(corpus, options, 2, rates_of(0.2, options)) == vectors(renamed, options, 2, rates_of(0.2, options))


def test_who_read_more_than_the_cap_counts_as_the_cap_at_their_own_wer():
    told = told_of([(0, "a", 900, 100, 0, 0)], PrivacyOptions(statistic=Statistic.ratio_of_sums), 1)
    assert told.pairs.sums(told.below)[0] * 500 / UNIT == 500
    assert told.pairs.sums(told.above)[0] * 250 / UNIT == 50


def test_who_is_in_more_slices_counts_in_each_with_less_weight_unless_the_design_says_so():
    utterances = [(0, "a", 5, 5, 0, 0), (0, "b", 8, 2, 0, 0)]
    options = PrivacyOptions(statistic=Statistic.mean_of_speakers)
    shared, whole = (told_of(utterances, options, n_cells) for n_cells in (1, 2))
    assert shared.pairs.sums(shared.below)[:2] == [UNIT // 2, UNIT // 2]
    assert whole.pairs.sums(whole.below)[:2] == [full_share(2, ReleaseMethod.laplace)] * 2
    rates = np.array(shared.pairs.sums(shared.above)[:2]) / shared.pairs.sums(shared.below)[:2] * options.caps.rate
    assert rates.tolist() == pytest.approx([0.5, 0.2])


def test_the_words_of_an_utterance_do_not_depend_on_how_many_were_misheard_however_many_they_are():
    def words(substitutions: int) -> list[int]:
        utterance = (0, "a", 10**9 - substitutions, substitutions, 0, 0)
        return told_of([utterance, (0, "b", 9, 0, 0, 0)], PrivacyOptions(words_are_public=True), 1).pairs.words.tolist()

    assert words(0) == words(1) == words(10**9)


def test_a_gaussian_share_of_four_slices_is_half_and_not_a_quarter():
    assert full_share(4, ReleaseMethod.gaussian) == UNIT // 2
    assert full_share(4, ReleaseMethod.laplace) == UNIT // 4


def test_empty_references_have_no_rate_but_their_insertions_are_errors():
    silence = [(0, "a", 0, 0, 0, 7)]
    of_speakers = told_of(silence, PrivacyOptions(statistic=Statistic.mean_of_speakers), 1)
    of_sums = told_of(silence, PrivacyOptions(statistic=Statistic.ratio_of_sums), 1)
    assert of_speakers.pairs.sums(of_speakers.below) == [0] * 7
    assert of_sums.pairs.sums(of_sums.above)[0] == 7 * UNIT // 250
    assert of_sums.pairs.sums(of_sums.below) == [0] * 7


@pytest.mark.parametrize("name", ["", None], ids=["blank", "none"])
def test_utterances_without_a_speaker_id_are_refused(name):
    scores = frame_of([(0, "a", 1, 0, 0, 0), (1, "a", 1, 0, 0, 0)])
    scores["speaker_id"] = [name, "s1"]
    with pytest.raises(DataError, match="no speaker id"):
        named_speakers(scores)


def test_exact_sums_are_not_in_what_is_shown_of_them():
    told = told_of([(0, "a", 98765, 4321, 0, 0)], PrivacyOptions(), 1)
    assert not any(number in repr(told) for number in ("98765", "4321", str(UNIT)))
    assert "4321" not in repr(deviations(told, np.full(7, 0.1), replace(PrivacyOptions()), n_cells=1))


@pytest.mark.parametrize("dimension", ["age", "accent & age"])
def test_one_speaker_s_missing_number_leaves_the_cells_of_all_others(dimension):
    """pandas has whole numbers as 25 until one is missing, and then as 25.0."""
    others = pd.DataFrame({"age": [25, 25, 30], "accent": "a"})
    more = pd.DataFrame({"age": [25, 25, 30, None], "accent": "a"})
    names = {"age": ("25", "30"), "accent & age": ("a & 25", "a & 30")}[dimension]
    first, second = (cells_of(each, dimension, names) for each in (others, more))
    assert first.codes.tolist() == second.codes.tolist()[:3] == [0, 0, 1]
    assert second.names[second.codes[3]] == "undeclared"
