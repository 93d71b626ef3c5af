"""Transcripts and the references of a half in, clipped word errors out, counted as those of the run were."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import DataError
from harness.results import Run
from harness.scoring.alignment import word_counts
from harness.scoring.profiles import PROFILES, SPELLED, profile
from harness.scoring.score import normalised_texts


def profile_of(normalizer_id: str) -> str | None:
    """Return the name of the profile whose rules these are; None where no profile has them."""
    names = (name + suffix for name in PROFILES for suffix in ("", SPELLED))
    return next((name for name in names if profile(name).id == normalizer_id), None)


def errors_of(texts: Mapping[str, str | None], half: pd.DataFrame, normalizer: str) -> npt.NDArray[np.int64]:
    """Return min(S + D + I, N) of each row of a half, (n_rows,).

    Args:
        texts: By utterance; None where recognition failed, which is as if nothing was heard.
        half: Sealed or published: utterance_id, language, reference (normalised).
        normalizer: The profile that the run was scored with.

    Raises:
        DataError: The profile fails on a text, or an utterance has none.
    """
    missing = [utterance for utterance in half["utterance_id"] if utterance not in texts]
    if missing:
        raise DataError(f"{len(missing):,} utterances were not heard, {missing[0]!r} first.")
    heard = [texts[utterance] or "" for utterance in half["utterance_id"]]
    languages = [each if isinstance(each, str) else None for each in half["language"]]
    references = half["reference"].tolist()
    counts = word_counts(references, normalised_texts(heard, languages, profile(normalizer)))
    errors = counts.substitutions + counts.deletions + counts.insertions
    words = counts.hits + counts.substitutions + counts.deletions
    clipped: npt.NDArray[np.int64] = np.minimum(errors, words).astype(np.int64)
    return clipped


def check_counts_alike(run: Run, half: pd.DataFrame, *, system: str, normalizer: str) -> None:
    """Refuse to score what hunters bring where the run's own transcripts would be counted otherwise.

    Raises:
        DataError: An utterance of the run has other errors now.
    """
    told = run.hypotheses.frame()
    texts = dict(zip(told["utterance_id"], told["text"], strict=True))
    counted = errors_of(texts, half, normalizer)
    other = np.flatnonzero(counted != half[f"errors:{system}"].to_numpy())
    if len(other):
        raise DataError(
            f"{run.path}: {len(other):,} utterances, {half['utterance_id'].iloc[other[0]]!r} first, would be counted "
            "otherwise than the run was; its languages or its normaliser cannot be told. Score it again with this "
            "manifest and a normalizer= of the harness's own."
        )
