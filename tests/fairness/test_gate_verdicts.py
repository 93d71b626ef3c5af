"""A verdict's reason says what would have been seen, in the words and figures that people read."""

import numpy as np

from tests.fairness.test_gate import corpus, every, night, row_of, worse


def test_the_reason_says_what_would_have_been_seen():
    scores = corpus()
    told = row_of(night(scores, scores), "slice_wer", "south")
    assert 0.005 < told["detectable"] < 0.03
    assert (
        f"(a loss of {100 * told['detectable']:.1f} points over all utterances would have been seen" in told["reason"]
    )
    few = corpus([("north", 6), ("south", 1)], n_utterances=6)
    told = row_of(night(few, few), "slice_wer", "south")
    assert np.isnan(told["detectable"])
    assert "(so few utterances cannot show any loss among so many tests)" in told["reason"]


def test_a_reason_counts_in_the_words_and_figures_that_people_read():
    scores = corpus([("north", 2), ("south", 2)], n_utterances=600)
    table = night(scores, worse(scores, every(scores, 2, accent="south")))
    told = row_of(table, "slice_wer", "south")
    assert told["unit"] == "clips"  # of the file
    assert told["reason"].endswith(" over 1,200 utterances")
