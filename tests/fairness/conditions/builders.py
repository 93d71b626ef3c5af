"""Score frames under conditions: from counts that the test names, or drawn with a truth that it knows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tests.fairness.builders import scores_of

A = [(200, 10, 22), (180, 9, 15), (220, 12, 25), (150, 6, 14), (190, 11, 20)]  # words, clean errors, noisy errors
B = [(210, 22, 45), (170, 15, 38), (200, 25, 41), (160, 14, 30), (180, 20, 44)]


def under(counts: Mapping[str, Sequence[int]], words: Sequence[int], speakers=None, **columns) -> pd.DataFrame:
    """Return the scores of every condition by its word errors, one row an utterance."""
    frames = [
        scores_of(errors, words, speakers, **columns).assign(condition=name, failed=False)
        for name, errors in counts.items()
    ]
    return pd.concat(frames, ignore_index=True)


def example(**columns: Sequence[object]) -> pd.DataFrame:
    """Return the example of METHODS: five speakers against five, who each said one long thing."""
    words, clean, noisy = (list(each) for each in zip(*A, *B, strict=True))
    return under({"clean": clean, "noisy": noisy}, words, **{"accent": ["a"] * 5 + ["b"] * 5} | columns)


def tones(rng, accents, *, planted=0.0, n_conditions=20, n_utterances=8, added=0.1, **columns) -> pd.DataFrame:
    """Return a sweep whose eighth tone adds `planted` more to accent a than to others.

    Speakers differ in their clean rate and, over all tones, in their susceptibility; utterances that are hard under one
    tone are hard under all; counts are overdispersed.
    """
    n, speaker = len(accents), np.repeat(np.arange(len(accents)), n_utterances)
    words = rng.integers(5, 16, len(speaker))
    rate, common = (np.exp(rng.normal(0, spread, n) - spread**2 / 2)[speaker] for spread in (0.5, 0.6))
    clean = rng.poisson(0.1 * rate * words * rng.gamma(2, 0.5, len(words)))
    hard = rng.gamma(2, 0.5, len(words)) * common * words
    inside = np.asarray(accents)[speaker] == "a"
    counts = {"clean": clean} | {
        name_of(k): clean + rng.poisson(hard * (added + planted * inside * (k == 7)) * rng.gamma(2, 0.5, len(words)))
        for k in range(n_conditions)
    }
    told = {
        "accent": np.asarray(accents)[speaker],
        **{name: np.asarray(each)[speaker] for name, each in columns.items()},
    }
    return under(counts, words, [f"s{k:03d}" for k in speaker], **told)


def name_of(k: int) -> str:
    """Name a tone."""
    return f"tone_{k:02d}"


def levels_of_tones(n_conditions=20) -> pd.DataFrame:
    """Return their levels: third octaves from 125 Hz."""
    return levels({name_of(k): round(125 * 2 ** (k / 3)) for k in range(n_conditions)}, "tone", "frequency_hz")


def levels(values: Mapping[str, float], sweep: str, parameter: str = "snr_db") -> pd.DataFrame:
    """Return the levels of one sweep."""
    return pd.DataFrame(
        {"condition": list(values), "sweep": sweep, "parameter": parameter, "level": list(values.values())}
    ).assign(digest="0123456789abcdef")


def one(table: pd.DataFrame, **values: object) -> pd.Series:
    """Return the one row with these values."""
    found = table[np.all([table[name] == value for name, value in values.items()], axis=0)]
    assert len(found) == 1, table
    return found.iloc[0]
