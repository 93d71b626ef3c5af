"""What the units of a slice and of its comparator changed by in, the chance of changes as unlike as these out.

A sure change of everybody, or of the comparator alone, is no noise, so random signs reject it; it is the slice's loss
only if the slice changed otherwise than the others. Had it not, it would not matter whose units are which: who is in
the slice is exchanged among all units. The statistic is the studentised difference of what was added per word.
"""

import numpy as np
from scipy.special import ndtr

from harness.fairness.bootstrap import Floats
from harness.fairness.significance import permutation_p_values, studentised_gap
from harness.fairness.sparse_sums import moments
from harness.fairness.speaker_sums import Ints

_FEW = 100  # units of the smaller side; from here on the statistic's normal tail serves
_DRAWS = 199_999  # p-values from 1e-5: a thousand tests at .01
_FIRST_DRAWS, _PLAIN = 9_999, 0.05  # a chance that is plainly no small one needs no more
_SEED = 0  # the same night has the same verdict
_PER_WORD = 1.0  # errors given to every word: changes no difference, and keeps rates away from zero


def chance_of_labels(change: Ints, words: Ints, other_change: Ints, other_words: Ints) -> float:
    """Return the chance of so large a difference of changes per word, either way, were membership exchanged.

    Args:
        change: Word errors more than in the baseline of every unit of the slice, (n_units,).
        words: Their reference words, (n_units,).
        other_change: Of the comparator's units, (n_others,).
        other_words: Likewise.

    Returns:
        A two-sided p-value; NaN where a side has fewer than two units.
    """
    own, other = _rows(change, words), _rows(other_change, other_words)
    if min(len(change), len(other_change)) < 2:
        return np.nan
    if min(len(change), len(other_change)) >= _FEW:
        gap = studentised_gap(_sums(own), _sums(other), len(change), len(other_change))
        return float(2 * ndtr(-abs(gap)))
    errors, all_words = np.concatenate([own, other], axis=1)
    inside = np.arange(len(errors)) < len(change)
    for n_draws in (_FIRST_DRAWS, _DRAWS):
        chance = permutation_p_values(errors, all_words, inside[:, None], n_permutations=n_draws, seed=_SEED)[0]
        if chance > _PLAIN:
            break
    return float(chance)


def _rows(change: Ints, words: Ints) -> Floats:
    """Return errors, shifted away from below none, and words, (2, n_units)."""
    rows: Floats = np.stack([change + _PER_WORD * words, words.astype(np.float64)])
    return rows


def _sums(rows: Floats) -> Floats:
    sums: Floats = moments(np.stack([*rows, np.ones(rows.shape[1])]))[:5].sum(axis=1)
    return sums
