import pandas as pd

from harness.fairness.bounty import clipped_errors


def test_an_utterance_loses_at_most_the_words_that_were_said_and_silence_loses_none():
    scores = pd.DataFrame(
        {
            "hits": [7, 0, 2, 0],
            "substitutions": [1, 3, 1, 0],
            "deletions": [2, 1, 0, 0],
            "insertions": [4, 9, 1, 5],
        },
        index=["some", "goes on and on", "two of three", "nothing said"],
    )
    clipped = clipped_errors(scores)
    assert clipped.to_dict() == {"some": 7, "goes on and on": 4, "two of three": 2, "nothing said": 0}
    assert clipped.dtype == "int64"
