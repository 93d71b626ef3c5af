"""What speakers said and what was misheard in, whole numbers to add noise to out: what each statistic counts, and how.

Of a cell, with word errors E and reference words W of every speaker and a cap c on a rate, the statistics are:
ratio of sums, sum of E / sum of W, both with noise; mean of speakers, sum of min(E / W, c) / number of speakers, both
with noise; public words, sum of E with noise / sum of W as it is.
"""

from dataclasses import dataclass, field

import numpy as np

from harness.fairness.privacy.contributions import Floats, Pairs, bounded, bounded_shares, per_speaker
from harness.fairness.privacy.mechanisms import UNIT
from harness.fairness.privacy.options import PrivacyOptions, Statistic
from harness.fairness.speaker_sums import Ints

HIGHEST_RATIO = 1.0  # a ratio of sums above it is released as this


@dataclass(frozen=True, slots=True)
class Counted:
    """Holds what every speaker contributes to every cell, in steps; exact, so never shown."""

    pairs: Pairs
    above: Ints = field(repr=False)  # (n_pairs,) of the numerator
    below: Ints = field(repr=False)  # (n_pairs,) of the denominator


@dataclass(frozen=True, slots=True)
class Deviations:
    """Holds squared deviations of speakers from the rates of their cells, in steps; exact, so never shown."""

    steps: Ints = field(repr=False)  # (n_pairs,)
    largest: Floats  # (n_cells,) what a full share is


def counted(pairs: Pairs, options: PrivacyOptions, *, n_cells: int) -> Counted:
    """Count numerator and denominator; where speakers are counted, each counts in full in up to `n_cells` cells."""
    if options.counted is Statistic.mean_of_speakers:
        heard = pairs.those(pairs.words > 0)  # without words there is no rate
        shares = heard.errors / heard.words / options.caps.rate
        above = bounded_shares(shares, heard, n_cells=n_cells, method=options.method)
        return Counted(
            heard, above, bounded_shares(np.ones(len(shares)), heard, n_cells=n_cells, method=options.method)
        )
    most_words, most_errors = options.caps.words * n_cells, options.caps.errors * n_cells
    counts_as = np.minimum(1, most_words / np.maximum(1, per_speaker(pairs.words, pairs)))  # 1 unless they read more
    above = bounded(pairs.errors * counts_as / most_errors, pairs)
    below = bounded(pairs.words * counts_as / most_words, pairs)
    return Counted(pairs, _within_words(above, pairs, options), below)


def deviations(told: Counted, rates: Floats, options: PrivacyOptions, *, n_cells: int) -> Deviations:
    """Count how far speakers lie from rates that were released before, (n_cells,), squared."""
    pairs, caps = told.pairs, options.caps
    if options.counted is Statistic.mean_of_speakers:
        most = np.maximum(rates, caps.rate - rates) ** 2
        apart = (np.minimum(pairs.errors / pairs.words, caps.rate) - rates[pairs.cells]) ** 2
        steps = bounded_shares(apart / most[pairs.cells], pairs, n_cells=n_cells, method=options.method)
        return Deviations(steps, most)
    most_words, most_errors = caps.words * n_cells, caps.errors * n_cells
    largest = max(float(most_errors), most_words * float(rates.max(initial=0))) ** 2
    errors, words = told.above * (most_errors / UNIT), told.below * (most_words / UNIT)
    steps = bounded((errors - words * rates[pairs.cells]) ** 2 / largest, pairs)
    return Deviations(_within_words(steps, pairs, options), np.full(len(rates), largest))


def _within_words(steps: Ints, pairs: Pairs, options: PrivacyOptions) -> Ints:
    """Return steps of which, where words are public, each cell of a speaker has no more than its share of their words.

    There the errors of a speaker may become any others while the words stay: without this, errors that move from one
    cell to another would change the sums by twice as much as errors that appear.
    """
    if options.counted is not Statistic.public_words:
        return steps
    return np.minimum(steps, UNIT * pairs.words // np.maximum(1, per_speaker(pairs.words, pairs)))
