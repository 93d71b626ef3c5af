"""Small score frames whose counts are what the test says, and simulated corpora whose truth is known."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.fairness import Policy

WORD_COUNTS = ["hits", "substitutions", "deletions", "insertions"]
LENIENT = {"min_utterances": 1, "min_words": 1, "min_speakers": 2}  # floors out of the way


def policy_of(**options: object) -> Policy:
    """Return a policy without floors and with few draws; the tests of floors and defaults set their own."""
    return Policy(**(LENIENT | {"n_resamples": 400, "n_permutations": 999} | options))  # type: ignore[arg-type]


def scores_of(
    errors: Sequence[int], words: Sequence[int], speakers: Sequence[object] | None = None, **columns: Sequence[object]
) -> pd.DataFrame:
    """Return one row an utterance; errors beyond the words are insertions, each row a new speaker by default."""
    wrong, said = np.asarray(errors, dtype=np.int64), np.asarray(words, dtype=np.int64)
    substituted = np.minimum(wrong, said)
    return pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(len(wrong))],
            "speaker_id": [f"s{i:03d}" for i in range(len(wrong))] if speakers is None else speakers,
            **columns,
            "hits": said - substituted,
            "substitutions": substituted,
            "deletions": np.zeros_like(said),
            "insertions": wrong - substituted,
        }
    )


def speakers_of(errors: Mapping[str, Sequence[int]], words: int = 100) -> pd.DataFrame:
    """Return one row a speaker with `words` words each; the slices of `accent` are the keys."""
    accents = [accent for accent, each in errors.items() for _ in each]
    flat = [count for each in errors.values() for count in each]
    return scores_of(flat, [words] * len(flat), accent=accents)


def simulated(
    rng: np.random.Generator,
    wers: Sequence[float],
    *,
    n_speakers: int | Sequence[int] = 12,
    spread: float | Sequence[float] = 0.5,
    n_utterances: int = 20,
) -> pd.DataFrame:
    """Return scores of slices a0, a1, ... whose expected WER is exactly `wers`.

    Speakers differ (log-normal, standard deviation `spread` of the logarithm) and so do their utterances (gamma), so
    that word errors are far from binomial.
    """
    sizes = np.broadcast_to(n_speakers, len(wers))
    spreads, means = np.repeat(np.broadcast_to(spread, len(wers)), sizes), np.repeat(wers, sizes)
    rates = means * np.exp(rng.normal(0, spreads) - spreads**2 / 2)  # (n_speakers,)
    words = rng.integers(5, 20, (len(rates), n_utterances))  # (n_speakers, n_utterances)
    errors = rng.poisson(rates[:, None] * words * rng.gamma(2, 0.5, words.shape))
    accents = np.repeat([f"a{k}" for k in range(len(wers))], sizes)
    return scores_of(
        errors.ravel(),
        words.ravel(),
        np.repeat([f"s{i:03d}" for i in range(len(rates))], n_utterances),
        accent=np.repeat(accents, n_utterances),
    )


def row_of(table: pd.DataFrame, name: str, dimension: str | None = None) -> pd.Series:
    """Return the one row of a slice."""
    found = table[(table["slice"] == name) & ((table["dimension"] == dimension) | (dimension is None))]
    assert len(found) == 1, table
    return found.iloc[0]
