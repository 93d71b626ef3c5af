"""Scores whose references are public in, what noise will do to every slice out, before anything is spent.

Read are reference words, speakers and attributes, which the owner says are published anyway, and no errors: what is
foreseen, and a refusal for it, tells of nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import OVERALL
from harness.fairness.privacy.contributions import named_speakers, pairs_of
from harness.fairness.privacy.counting import counted
from harness.fairness.privacy.declared import cells_of
from harness.fairness.privacy.expected import ABOVE, noises
from harness.fairness.privacy.mechanisms import UNIT
from harness.fairness.privacy.options import Caps, PrivacyOptions, Statistic

_MOST_PEOPLE = 0.9  # of all, whose words a cap should hold in full


def foreseen_errors(
    scores: pd.DataFrame, *, dimensions: Mapping[str, Sequence[str]], options: PrivacyOptions
) -> pd.DataFrame:
    """Return the expected error of every declared slice; nothing is spent.

    Columns: dimension, slice, expected_error (fraction; infinite where nobody spoke), worth (at most `largest_error`).

    Raises:
        UsageError: The release counts what is not public.
        DataError: An utterance has no speaker id.
    """
    if options.counted is not Statistic.public_words:
        raise UsageError("what noise will do to a slice is only foreseen where its reference words are public.")
    speakers, tables = named_speakers(scores), []
    for name, noise in noises(options, dimensions).items():
        cells, n_cells = cells_of(scores, name, dimensions[name]), options.cells.get(name, 1)
        told = counted(pairs_of(scores, cells, speakers), options, n_cells=n_cells)
        words = np.array(told.pairs.sums(told.below)) * (options.caps.words * n_cells / UNIT)
        errors = np.divide(noise[ABOVE].error, words, out=np.full(len(words), np.inf), where=words > 0)
        tables.append(pd.DataFrame({"dimension": name, "slice": cells.names, "expected_error": errors}))
    frame = pd.concat(tables, ignore_index=True)
    return frame.assign(worth=frame["expected_error"] <= options.largest_error)


def fitting_caps(scores: pd.DataFrame, caps: Caps) -> Caps:
    """Return caps that hold all words of nine in ten people, and of their errors as many as the highest rate allows."""
    everybody = pairs_of(scores, cells_of(scores, OVERALL, ()), named_speakers(scores))
    words = ceil(np.quantile(everybody.words, _MOST_PEOPLE)) if len(everybody.words) else caps.words
    return replace(caps, words=max(1, words), errors=max(1, ceil(caps.rate * words)))
