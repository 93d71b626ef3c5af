"""Scores under one normaliser and the names of others go in, the scores under each of them come out.

An error rate is a rate under a normaliser, and a gap can change sign with it. Ids are checked and texts gathered once;
where another profile leaves a pair of texts as the first one did, its counts are taken over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd

from harness.corpus import Manifest
from harness.errors import UsageError
from harness.scoring.alignment import CountArray, word_counts
from harness.scoring.beside import in_shares
from harness.scoring.normalization import (
    ByLanguage,
    LowercaseNoPunctuation,
    Normalizer,
    Verbatim,
    WhisperBasic,
    WhisperEnglish,
)
from harness.scoring.score import COUNTS, normalised_texts, with_all_columns, without_pattern
from harness.scoring.spellings import read_spellings, with_spellings
from harness.scoring.words import word_by_word

STRICT = "lowercase_no_punctuation"  # case and punctuation only: what other profiles edit is counted from it
DEFAULT = "auto"
SPELLED = "+dialect_spellings"  # after the name of a profile: spellings of the package's table are unified first
_BUILT_IN: Mapping[str, Callable[[], Normalizer | ByLanguage]] = {
    DEFAULT: ByLanguage,
    "whisper_english": WhisperEnglish,
    "whisper_basic": WhisperBasic,
    STRICT: LowercaseNoPunctuation,
    "verbatim": Verbatim,
}
PROFILES = tuple(_BUILT_IN)

_SHARED_COLUMNS = ("utterance_id", "speaker_id", "condition", "reference", "hypothesis", *COUNTS, "failed")


@cache
def profile(name: str) -> Normalizer | ByLanguage:
    """Return a built-in normaliser by the name that configurations give it.

    >>> profile("whisper_english+dialect_spellings")("He's tryna help")
    'he is trying to help'

    Raises:
        UsageError: There is none of that name.
    """
    made = _BUILT_IN.get(name.removesuffix(SPELLED))
    if made is None:
        raise UsageError(
            f"no normaliser {name!r}; expected one of {', '.join(PROFILES)}, each also with {SPELLED!r} behind it"
        )
    return with_spellings(made(), read_spellings()) if name.endswith(SPELLED) else made()


def profile_name(normalizer: Normalizer | ByLanguage) -> str:
    """Return the name of a built-in normaliser, or the id of another one."""
    names = (name + suffix for name in PROFILES for suffix in ("", SPELLED))
    return next((name for name in names if profile(name).id == normalizer.id), normalizer.id)


def profiles_beside(
    normalizer: Normalizer | ByLanguage, further: Sequence[str] = ()
) -> dict[str, Normalizer | ByLanguage]:
    """Return the profiles to score under beside a run's own: always the strict one, or `auto` where it is the run's.

    Args:
        normalizer: The run's own.
        further: Names of more profiles; the run's own is left out.

    Raises:
        UsageError: There is no profile of a name.
    """
    own = profile_name(normalizer)
    names = dict.fromkeys([DEFAULT if own == STRICT else STRICT, *further])
    return {name: profile(name) for name in names if name != own}


def score_beside(
    scores: pd.DataFrame,
    manifest: Manifest,
    hypotheses: pd.DataFrame,
    normalizers: Mapping[str, Normalizer | ByLanguage],
    *,
    reference_pattern: str | None = None,
) -> dict[str, pd.DataFrame]:
    """Count the word errors of rows that are scored already under further normalisers.

    Args:
        scores: As made by `score` of this manifest and these hypotheses.
        manifest: What was said.
        hypotheses: What was recognised.
        normalizers: The further rules, by the name of their profile.
        reference_pattern: As given to `score`.

    Returns:
        For each name a frame with the rows, ids and attributes of `scores`, whose reference, hypothesis, hits,
        substitutions, deletions and insertions are those under that normaliser. Characters and flags are not counted
        again and not there.
    """
    position = pd.Series(np.arange(len(manifest)), index=manifest.frame["utterance_id"])
    rows = position.loc[scores["utterance_id"]].to_numpy()
    said = without_pattern(reference_pattern, manifest.frame["text"].tolist())
    spoken_languages = manifest.frame["language"].tolist()
    recognised = _recognised(scores, hypotheses)
    languages = [spoken_languages[row] for row in rows]
    names = [attribute.name for attribute in manifest.attributes]
    kept = scores[[*dict.fromkeys([*_SHARED_COLUMNS, *names])]].reset_index(drop=True)
    before = (kept["reference"].tolist(), kept["hypothesis"].tolist())
    texts = ([said[row] for row in rows], recognised, languages)
    return {
        name: _replaced(kept, in_shares(partial(_other_texts, normalizer), *before, *texts))
        for name, normalizer in normalizers.items()
    }


def token_edits(before: Sequence[str], after: Sequence[str]) -> CountArray:
    """Count the words that a profile edits: those of each text less case and punctuation, against what it made of it.

    Case and punctuation are taken off its text too, so that a profile that keeps them edits nothing.

    Args:
        before: Texts under the strict profile.
        after: The same texts under another one.

    Returns:
        Word-level edit distances, (n_texts,).

    >>> token_edits(["twenty five colours", "she is home"], ["25 colors", "She is home."]).tolist()
    [3, 0]
    """
    strict = word_by_word(LowercaseNoPunctuation())
    changed = [row for row, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    pairs = [(before[row], after[row]) for row in changed]
    numbers = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
    counts = word_counts([old for old, _ in numbers], [strict(new) for _, new in numbers])
    distances = counts.substitutions + counts.deletions + counts.insertions  # (n_distinct_pairs,)
    edits = np.zeros(len(before), dtype=np.int64)
    edits[changed] = distances[[numbers[pair] for pair in pairs]]
    return edits


def _recognised(scores: pd.DataFrame, hypotheses: pd.DataFrame) -> list[str]:
    """Return the text of each row of the scores; a failure has none."""
    found = with_all_columns(hypotheses)
    texts = np.full(len(scores), "", dtype=object)
    heard = ~scores["failed"].to_numpy(bool)
    for condition, own in found.groupby("condition"):
        rows = np.flatnonzero(heard & (scores["condition"] == condition).to_numpy(bool))
        texts[rows] = own.set_index("utterance_id")["text"].reindex(scores["utterance_id"].iloc[rows])
    return list(texts)


@dataclass(frozen=True, slots=True)
class _OtherTexts:
    """Holds texts under another profile, and the counts of pairs of which one is another text."""

    references: list[str]
    hypotheses: list[str]
    other: list[int]  # positions of those pairs
    counts: CountArray  # (4, n_other) in the order of COUNTS


def _other_texts(
    normalizer: Normalizer | ByLanguage,
    old_references: Sequence[str],
    old_hypotheses: Sequence[str],
    said: Sequence[str],
    recognised: Sequence[str],
    languages: Sequence[str | None],
) -> _OtherTexts:
    """Normalise said and recognised; alignments are made only where a text is another one."""
    references, hypotheses = (normalised_texts(texts, languages, normalizer) for texts in (said, recognised))
    before = zip(old_references, old_hypotheses, strict=True)
    after = zip(references, hypotheses, strict=True)
    other = [row for row, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    words = word_counts([references[row] for row in other], [hypotheses[row] for row in other])
    counts = np.array([words.hits, words.substitutions, words.deletions, words.insertions])
    return _OtherTexts(references, hypotheses, other, counts)


def _replaced(kept: pd.DataFrame, shares: Sequence[_OtherTexts]) -> pd.DataFrame:
    """Replace texts and counts, share after share."""
    counts = kept[list(COUNTS)].to_numpy(np.int64).T.copy()  # (4, n_rows)
    first = 0
    for share in shares:
        counts[:, first + np.array(share.other, dtype=np.int64)] = share.counts
        first += len(share.references)
    texts = {
        name: pd.Series([text for share in shares for text in getattr(share, column)], dtype=object)
        for name, column in (("reference", "references"), ("hypothesis", "hypotheses"))
    }
    return kept.assign(**texts, **dict(zip(COUNTS, counts, strict=True)))
