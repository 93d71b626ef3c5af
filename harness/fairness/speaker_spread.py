"""Per-speaker sums in, how much speakers differ out: what the power of a comparison rests on.

A speaker's errors vary with variance dispersion x expected errors around their own rate, and the rates of speakers
around the WER with standard deviation speaker_cv x WER. Both are moment estimates (Pearson's for the dispersion).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness.fairness.bootstrap import Bools, Floats, divide
from harness.fairness.power import Group
from harness.fairness.sparse_sums import moments
from harness.fairness.speaker_sums import WORD_COUNTS, Ints, speaker_codes

ENOUGH_SPEAKERS = 10  # fewer say too little of how speakers differ: of 9 the estimate has a standard error of a third
ENOUGH_FREEDOM = 30  # utterances beyond each speaker's first, for the dispersion


@dataclass(frozen=True, slots=True)
class Spread:
    """Says how the speakers of a corpus vary, and how much each says."""

    wer: float  # fraction
    speaker_cv: float  # standard deviation of speakers' expected WER over its mean
    dispersion: float  # variance of a speaker's errors over their expected number
    words_per_speaker: float
    notes: tuple[str, ...] = ()  # what is assumed because the scores do not tell


def spread_of_scores(scores: pd.DataFrame, assumed: Spread) -> Spread:
    """Estimate the spread of everybody with an id; what cannot be estimated stays as assumed, and a note says so.

    The dispersion is never below 1 / errors, where a standard error is that of one word error.

    Args:
        scores: As returned by `checked_scores`.
        assumed: For what the scores do not tell.
    """
    codes = speaker_codes(scores)
    named = codes >= 0
    hits, substitutions, deletions, insertions = (scores[name].to_numpy(np.float64)[named] for name in WORD_COUNTS)
    errors, words, people = substitutions + deletions + insertions, hits + substitutions + deletions, codes[named]
    n_speakers = int(codes.max(initial=-1)) + 1
    totals = [np.bincount(people, weights=each, minlength=n_speakers) for each in (errors, words)]
    of_speakers = np.stack(totals).astype(np.float64)
    sums = moments(np.vstack([of_speakers, of_speakers.sum(axis=0) > 0])).sum(axis=1)[:, None]
    total_errors, total_words, n_heard = sums[[0, 1, 5], 0]
    if total_words <= 0 or total_errors <= 0:
        return replace(assumed, notes=("no errors by speakers with an id: everything is assumed, nothing estimated",))
    found = replace(assumed, wer=float(total_errors / total_words), words_per_speaker=float(total_words / n_heard))
    dispersion = _dispersion(errors, words, people, of_speakers)
    if np.isnan(dispersion):
        found = replace(found, notes=("too few utterances per speaker for their dispersion: it is assumed",))
    else:  # no smaller than what one word error among all of them makes it: no difference in sight is not certainty
        found = replace(found, dispersion=max(dispersion, float(1 / total_errors)))
    if n_heard < ENOUGH_SPEAKERS:
        told = f"{n_heard:.0f} speakers are too few to tell how speakers differ: speaker_cv is assumed"
        return replace(found, notes=(*found.notes, told))
    return replace(found, speaker_cv=float(speaker_cvs(sums, found.dispersion)[0]))


def speaker_cvs(sums: Floats, dispersion: float) -> Floats:
    """Estimate how much the rates of speakers differ, (n_slices,); 0 where no more than chance makes them.

    Args:
        sums: Of `moments` over the speakers, (6, n_slices).
        dispersion: Of their errors.
    """
    errors, words, errors2, products, words2, n_speakers = sums
    rate = divide(errors, words)
    squares = errors2 - 2 * rate * products + rate**2 * words2
    between = divide(n_speakers, n_speakers - 1) * squares - dispersion * errors
    estimate: Floats = np.sqrt(np.maximum(divide(between, rate**2 * words2), 0))
    return estimate


def group_of(sums: Floats, spread: Spread) -> Group:
    """Return the speakers of every slice, who differ as assumed.

    Args:
        sums: Of `moments` over the speakers, (6, n_slices).
        spread: Theirs.
    """
    _, words, _, _, words2, n_speakers = sums
    heard = words > 0
    return Group(
        n_speakers=n_speakers,
        words_per_speaker=np.where(heard, divide(words, n_speakers), spread.words_per_speaker),
        speaker_cv=np.full(len(words), spread.speaker_cv),
        dispersion=np.full(len(words), spread.dispersion),
        inequality=np.where(heard, divide(n_speakers * words2, words**2), 1.0),
    )


def estimated_group(sums: Floats, spread: Spread) -> Group:
    """Return the speakers of every slice, who differ as they were found to; where they are too few, as everybody."""
    group = group_of(sums, spread)
    found = speaker_cvs(sums, spread.dispersion)
    return replace(group, speaker_cv=np.where(told_apart(sums) & ~np.isnan(found), found, group.speaker_cv))


def told_apart(sums: Floats) -> Bools:
    """Say which slices have enough speakers to tell how they differ, (n_slices,)."""
    enough: Bools = sums[5] >= ENOUGH_SPEAKERS
    return enough


def _dispersion(errors: Floats, words: Floats, people: Ints, of_speakers: Floats) -> float:
    """Return Pearson's moment estimate over utterances within speakers; NaN where these are too few."""
    rate = divide(of_speakers[0], of_speakers[1])  # (n_speakers,)
    heard = words > 0
    per_speaker = np.bincount(people[heard], minlength=len(rate))
    rest = of_speakers[1] - divide(np.bincount(people, weights=words**2, minlength=len(rate)), of_speakers[1])
    expected = float(np.nansum(rate * rest))
    if np.maximum(per_speaker - 1, 0).sum() < ENOUGH_FREEDOM or expected <= 0:
        return float("nan")
    residuals = errors[heard] - rate[people[heard]] * words[heard]
    return float((residuals**2).sum() / expected)
