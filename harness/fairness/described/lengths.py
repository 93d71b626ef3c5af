"""A coded manifest in; how long utterances are, and how much each speaker says, out."""

import math

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import divide
from harness.fairness.described.coded import Coded, Floats

SPEAKER_COLUMNS = ("speaker_id", "n_utterances", "hours", "words", "share_of_words")
LENGTH_COLUMNS = ("measure", "low", "high", "n")
DURATION, WORDS, WORDS_PER_SPEAKER = "duration_s", "words", "words_per_speaker"
_BINS = 20  # about; then comes one without an end
_OF_ALL = 0.98  # of the values lie below that one


def speakers_table(them: Coded) -> pd.DataFrame:
    """Return one row a speaker with an id, SPEAKER_COLUMNS, who says most first; hours are of stated lengths."""
    named, n_people = them.speakers >= 0, len(them.speaker_ids)
    people = them.speakers[named]
    words = np.bincount(people, weights=them.words[named], minlength=n_people)
    seconds = np.bincount(people, weights=np.nan_to_num(them.duration_s[named]), minlength=n_people)
    stated = np.bincount(people[~np.isnan(them.duration_s[named])], minlength=n_people) > 0
    table = pd.DataFrame(
        {
            "speaker_id": them.speaker_ids,
            "n_utterances": np.bincount(people, minlength=n_people),
            "hours": np.where(stated, seconds / 3600, np.nan),
            "words": words.astype(np.int64),
            "share_of_words": divide(words, np.full(n_people, float(them.words.sum()))),
        }
    )
    return table.sort_values("words", ascending=False, kind="stable", ignore_index=True)[list(SPEAKER_COLUMNS)]


def effective_number(words: Floats) -> float:
    """Return how many people with as many words each would tell as much (Kish 1965); NaN where nobody says anything.

    >>> effective_number(np.array([100.0, 100.0, 0.0]))
    2.0
    """
    squares = float((words**2).sum())
    return float(words.sum()) ** 2 / squares if squares else math.nan


def lengths_table(them: Coded, speakers: pd.DataFrame) -> pd.DataFrame:
    """Count utterances by their length in seconds and in words, and speakers by their words.

    Returns:
        LENGTH_COLUMNS, one row a measure and bin: how many are at least `low` and below `high` (infinite: no end).
    """
    measures = {
        DURATION: them.duration_s[~np.isnan(them.duration_s)],
        WORDS: them.words.astype(np.float64),
        WORDS_PER_SPEAKER: speakers["words"].to_numpy(np.float64),
    }
    least_widths = {DURATION: 0.0, WORDS: 1.0, WORDS_PER_SPEAKER: 1.0}
    rows = [(name, *row) for name, values in measures.items() for row in _histogram(values, least_widths[name])]
    return pd.DataFrame(rows, columns=list(LENGTH_COLUMNS))


def _histogram(values: Floats, least_width: float) -> list[tuple[float, float, int]]:
    """Return bins of one round width from 0, and one without an end where values lie beyond."""
    if not len(values):
        return []
    most = float(np.quantile(values, _OF_ALL))
    width = _round_width(max(most / _BINS, least_width))
    n_bins = int(most // width) + 1
    place = np.minimum(values // width, n_bins).astype(np.int64)
    counts = np.bincount(place, minlength=n_bins + 1)
    bins = [(k * width, (k + 1) * width, int(counts[k])) for k in range(n_bins)]
    return [*bins, (n_bins * width, math.inf, int(counts[n_bins]))] if counts[n_bins] else bins


def _round_width(least: float) -> float:
    """Return the next of 1, 2, 5, 10, … (times a power of ten) from a width on.

    >>> _round_width(0.3), _round_width(7)
    (0.5, 10.0)
    """
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= least * (1 - 1e-9))
