import numpy as np
import pytest

from harness.errors import UsageError
from harness.fairness import speaker_sums as module
from harness.fairness.comparisons import comparisons
from harness.fairness.membership import membership
from harness.fairness.speaker_sums import (
    checked_scores,
    slice_sums,
    speaker_codes,
    sums_of_speakers,
)
from tests.fairness.builders import policy_of, simulated


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    scores = simulated(rng, [0.2, 0.3], n_speakers=(4, 6), n_utterances=5).assign(deletions=0)
    return checked_scores(
        scores.assign(
            room=rng.choice(["x", "y", "declined"], len(scores)),
            speaker_id=scores["speaker_id"].where(~scores.index.isin([3, 30]), None),
        ),
        policy_of(),
    )


def test_sums_are_those_of_a_loop_over_utterances(scores):
    part, speakers = membership(scores, "room"), speaker_codes(scores)
    found = slice_sums(scores, part, speakers)
    table = found.slices.dense()
    assert part.slices == ("x", "y", "declined")
    for speaker in range(11):
        for column, name in enumerate(part.slices):
            here = scores[(np.where(speakers < 0, 10, speakers) == speaker) & (scores["room"] == name)]
            errors = int(here[["substitutions", "deletions", "insertions"]].to_numpy().sum())
            words = int(here[["hits", "substitutions", "deletions"]].to_numpy().sum())
            assert table[:, speaker, column].tolist() == [errors, words, errors + words > 0]
    np.testing.assert_array_equal(found.declared[:2], table[:2, :, :2].sum(axis=2))
    assert (found.n_ids, found.n_named.tolist()) == (10, (table[1, :10] > 0).sum(axis=0).tolist())


def test_counting_and_sorting_sum_alike(scores):
    part, speakers = membership(scores, "accent & room"), speaker_codes(scores)
    counted = slice_sums(scores, part, speakers)
    keys = np.array([7, 3, 7, 10_000, 3, 7])
    values = np.arange(12.0).reshape(2, 6)
    few = module._summed(keys % 1_000, values)
    many = module._summed(keys, values)
    assert (few[0].tolist(), many[0].tolist()) == ([0, 3, 7], [3, 7, 10_000])
    np.testing.assert_array_equal(few[1][:, [1, 2, 0]], many[1])
    np.testing.assert_array_equal(
        counted.slices.totals()[1], np.bincount(part.codes, weights=_words(scores)[part.rows])
    )


def _words(scores):
    return scores[["hits", "substitutions", "deletions"]].to_numpy().sum(axis=1).astype(float)


def test_sums_of_speakers_leave_out_who_has_no_id(scores):
    speakers = speaker_codes(scores)
    found = sums_of_speakers(scores, speakers)
    assert found.shape == (2, 10)
    assert found[1].sum() == _words(scores)[speakers >= 0].sum()


def test_only_what_needs_every_speaker_in_every_slice_is_refused_for_its_size(scores, monkeypatch):
    monkeypatch.setattr(module, "MOST_CELLS", 20)
    part, speakers = membership(scores, "room"), speaker_codes(scores)
    assert slice_sums(scores, part, speakers).slices.n_speakers == 11
    found = comparisons(scores, "room", policy_of())
    with pytest.raises(UsageError, match=r"room has 2 slices of 12 speakers: more than fits in memory\. Slice by"):
        _ = found.sides
    assert found.named.shape == (2, 2)
