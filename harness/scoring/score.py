"""A manifest and its hypotheses go in, one row of counts per utterance and condition comes out; no row is lost."""

import itertools
import logging
import re
import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.corpus import Manifest
from harness.errors import DataError, HypothesesError, UsageError
from harness.scoring.alignment import CountArray, UtteranceCounts, character_counts, word_counts
from harness.scoring.beside import in_shares
from harness.scoring.hallucination import hallucination_flags
from harness.scoring.normalization import ByLanguage, LowercaseNoPunctuation, Normalizer, Verbatim
from harness.scoring.words import word_by_word
from harness.transcription.store import CLEAN

log = logging.getLogger(__name__)

MANY, FIRST_FEW = 10, 5  # ids, from which on their number is told first; and those that are told with it
MOST_NAMED = 1_000  # problems of a kind; a line before them tells how many there are
COUNTS = ("hits", "substitutions", "deletions", "insertions")
COLUMNS_BEFORE_ATTRIBUTES = ("utterance_id", "speaker_id", "condition")
COLUMNS_AFTER_ATTRIBUTES = (
    "reference",
    "hypothesis",
    *COUNTS,
    *(f"character_{count}" for count in COUNTS),
    "failed",
    "reference_emptied",
    "hallucination_non_speech_insertion",
    "hallucination_insertion_run",
    "hallucination_length_ratio",
    "hallucination_loop",
    "hallucination",
    "empty_output",
    "audio_s",
    "processing_s",
)


def score(
    manifest: Manifest,
    hypotheses: pd.DataFrame,
    normalizer: Normalizer | ByLanguage,
    *,
    allow_missing: bool = False,
    reference_pattern: str | None = None,
) -> pd.DataFrame:
    """Count the errors of every utterance of the manifest under every condition that the hypotheses name.

    Rows stand by condition (`clean` first, then by name), within it in the manifest's order. Columns: utterance_id,
    speaker_id, condition, the manifest's attributes, reference and hypothesis (normalised, single spaces), int64 hits,
    substitutions, deletions, insertions of words and the same of characters (`character_hits`...), bool failed,
    reference_emptied and the flags of `hallucination_flags`, float audio_s and processing_s (NaN: not measured).

    A failed utterance has an empty hypothesis, so that all its words are deletions, and `failed` says so. An empty
    reference stays and its insertions count. `reference_emptied` marks a reference that had text and no words.

    Args:
        manifest: What was said.
        hypotheses: Columns utterance_id and text (missing where recognition failed), and if there condition (else
            `clean`), audio_s, processing_s, and file and line for messages.
        normalizer: Rules applied to references and hypotheses alike.
        allow_missing: Counts utterances without a hypothesis as failed, where otherwise they are an error.
        reference_pattern: A regular expression for what is not words in references, such as event tags; what it
            matches becomes a space before normalising.

    Raises:
        UsageError: `reference_pattern` is no regular expression, or the hypotheses lack a column.
        HypothesesError: Ids that the manifest does not have, that are missing or that appear twice; the first thousand
            of a kind are named.
    """
    started_s = time.perf_counter()
    hypotheses = with_all_columns(hypotheses)
    conditions = _conditions(hypotheses)
    _check_ids(manifest, hypotheses, conditions, allow_missing=allow_missing)
    utterances = _utterances(manifest, normalizer, reference_pattern)
    scores = pd.concat(
        [
            _score_condition(utterances, hypotheses[hypotheses["condition"] == condition], normalizer, condition)
            for condition in conditions
        ],
        ignore_index=True,
    )
    if len(scores) != len(manifest) * len(conditions):
        raise DataError(
            f"{len(manifest)} utterances × {len(conditions)} conditions became {len(scores)} rows of scores"
        )
    n_failed = int(scores["failed"].sum())
    log.info("scored %d rows, %d of them failed, in %.1f s", len(scores), n_failed, time.perf_counter() - started_s)
    names = [attribute.name for attribute in manifest.attributes]
    return scores[[*COLUMNS_BEFORE_ATTRIBUTES, *names, *COLUMNS_AFTER_ATTRIBUTES]]


def checked_pattern(reference_pattern: str) -> re.Pattern[str]:
    """Compile a pattern.

    Raises:
        UsageError: It is no regular expression.
    """
    try:
        return re.compile(reference_pattern)
    except re.error as error:
        raise UsageError(
            f"reference_pattern={reference_pattern!r} is no regular expression: {error}; correct it"
        ) from error


def with_all_columns(hypotheses: pd.DataFrame) -> pd.DataFrame:
    """Return utterance_id, condition, text (None: failed), audio_s, processing_s, and file and line if known."""
    if absent := [column for column in ("utterance_id", "text") if column not in hypotheses.columns]:
        raise UsageError(f"hypotheses have no column {', '.join(absent)}; found {', '.join(map(str, hypotheses))}")
    rows = hypotheses.reset_index(drop=True)
    table = rows[["utterance_id", "text"]].astype(object)
    table["condition"] = CLEAN
    if "condition" in rows:
        table["condition"] = rows["condition"].astype(object).where(rows["condition"].notna(), CLEAN)
    for column in ("audio_s", "processing_s"):
        table[column] = rows[column].astype(float) if column in rows else np.nan
    if {"file", "line"} <= set(rows):
        table = table.join(rows[["file", "line"]])
    no_texts = table[table["text"].notna() & ~table["text"].map(lambda text: isinstance(text, str))]
    if len(no_texts):
        raise HypothesesError(
            [
                f"{where}utterance {utterance_id!r} has the text {text!r}; expected a text, or none where it failed"
                for where, utterance_id, text in zip(
                    _where(no_texts), no_texts["utterance_id"], no_texts["text"], strict=True
                )
            ]
        )
    return table


def _where(rows: pd.DataFrame) -> list[str]:
    """Return the beginning of a message on each row; empty where none says where it stands."""
    if "file" not in rows:
        return [""] * len(rows)
    return [f"{file}:{line}: " for file, line in zip(rows["file"], rows["line"], strict=True)]


def _conditions(hypotheses: pd.DataFrame) -> list[str]:
    conditions = sorted(hypotheses["condition"].unique(), key=lambda condition: (condition != CLEAN, condition))
    return conditions or [CLEAN]


def _check_ids(manifest: Manifest, hypotheses: pd.DataFrame, conditions: Sequence[str], *, allow_missing: bool) -> None:
    expected = manifest.frame["utterance_id"]
    if len(conditions) == 1 and np.array_equal(expected.to_numpy(), hypotheses["utterance_id"].to_numpy()):
        return
    kinds = [_unknown(manifest, hypotheses, expected), _repeated(hypotheses)]
    if not allow_missing:
        kinds.append(_missing(manifest, hypotheses, expected, conditions))
    problems = [problem for kind in kinds for problem in _first(kind)]
    if problems:
        raise HypothesesError(problems)


def _first(problems: Iterator[str]) -> Iterator[str]:
    """Yield the first problems of a kind, and say where there are more."""
    yield from itertools.islice(problems, MOST_NAMED)
    if next(problems, None) is not None:
        yield f"… and more of that kind: the first {MOST_NAMED:,} are named"


def _unknown(manifest: Manifest, hypotheses: pd.DataFrame, expected: pd.Series) -> Iterator[str]:
    unknown = hypotheses[~hypotheses["utterance_id"].isin(expected)]
    if len(unknown) and len(unknown) == len(hypotheses) and len(expected):
        yield (
            f"no id of the hypotheses ({unknown['utterance_id'].iloc[0]!r}...) is one of manifest {manifest.name!r} "
            f"({expected.iloc[0]!r}...); name the column that holds them, or write ids as the manifest does; CTM "
            "and STM name recordings, as their files are called"
        )
    yield from _counted(
        unknown["utterance_id"],
        f"transcripts are of no utterance of manifest {manifest.name!r}",
        "allow_extra=true lists them",
    )
    for where, utterance_id in zip(_where(unknown), unknown["utterance_id"], strict=True):
        yield (
            f"{where}utterance {utterance_id!r} is not in manifest {manifest.name!r}; correct or remove it, or leave "
            "it out with allow_extra=true"
        )


def _repeated(hypotheses: pd.DataFrame) -> Iterator[str]:
    keys = ["utterance_id", "condition"]
    repeated = hypotheses[hypotheses.duplicated(keys)]
    for where, utterance_id, condition in zip(
        _where(repeated), repeated["utterance_id"], repeated["condition"], strict=True
    ):
        yield f"{where}utterance {utterance_id!r} appears again under condition {condition!r}; keep one of its rows"


def _missing(
    manifest: Manifest, hypotheses: pd.DataFrame, expected: pd.Series, conditions: Sequence[str]
) -> Iterator[str]:
    for condition in conditions:
        found = hypotheses.loc[hypotheses["condition"] == condition, "utterance_id"]
        missing = expected[~expected.isin(found)]
        yield from _counted(
            missing,
            f"utterances of manifest {manifest.name!r} have no hypothesis",
            "allow_missing=true counts them as failed",
        )
        for utterance_id in missing:
            yield (
                f"utterance {utterance_id!r} of manifest {manifest.name!r} has no hypothesis under condition "
                f"{condition!r}; add it, or count it as failed with allow_missing=true"
            )


def _counted(ids: pd.Series, what: str, remedy: str) -> Iterator[str]:
    """Yield a line for many ids, before the lines of each."""
    if len(ids) > MANY:
        shown = ", ".join(f"{each!r:.60}" for each in ids.head(FIRST_FEW))
        yield f"{len(ids)} {what}: {shown}, … ({remedy})"


def _utterances(manifest: Manifest, normalizer: Normalizer | ByLanguage, reference_pattern: str | None) -> pd.DataFrame:
    """Return the manifest's ids, speakers, languages and attributes with normalised references."""
    said = without_pattern(reference_pattern, manifest.frame["text"].tolist())
    references = _all_normalised(said, manifest.frame["language"].tolist(), normalizer)
    names = [attribute.name for attribute in manifest.attributes]
    utterances = manifest.frame[["utterance_id", "speaker_id", "language", *names]].reset_index(drop=True)
    utterances["reference"] = pd.Series(references, dtype=object)
    utterances["reference_emptied"] = pd.Series(
        [not reference and bool(text.strip()) for reference, text in zip(references, said, strict=True)], dtype=bool
    )
    return utterances


def _score_condition(
    utterances: pd.DataFrame, hypotheses: pd.DataFrame, normalizer: Normalizer | ByLanguage, condition: str
) -> pd.DataFrame:
    recognised = hypotheses.set_index("utterance_id").reindex(utterances["utterance_id"])
    failed = recognised["text"].isna().to_numpy(dtype=bool)  # (n_utterances,)
    texts = ["" if is_failed else text for text, is_failed in zip(recognised["text"], failed, strict=True)]
    columns = (utterances["reference"].tolist(), texts, utterances["language"].tolist(), failed)
    shares: list[pd.DataFrame] = in_shares(partial(_heard, normalizer), *columns)
    heard = pd.concat(shares, ignore_index=True)
    return utterances.assign(
        condition=pd.Series(condition, index=utterances.index, dtype=object),
        **{str(name): heard[name] for name in heard},
        failed=failed,
        audio_s=recognised["audio_s"].to_numpy(dtype=float),
        processing_s=recognised["processing_s"].to_numpy(dtype=float),
    )


def _heard(
    normalizer: Normalizer | ByLanguage,
    references: Sequence[str],
    texts: Sequence[str],
    languages: Sequence[str | None],
    failed: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    """Return the normalised hypotheses with their counts and flags."""
    normalised = normalised_texts(texts, languages, normalizer)
    words = word_counts(references, normalised)
    flags = hallucination_flags(references, normalised, words, failed)
    counts = _count_columns(words, "") | _count_columns(character_counts(references, normalised), "character_")
    return flags.assign(hypothesis=pd.Series(normalised, dtype=object), **counts)


def _all_normalised(
    texts: Sequence[str], languages: Sequence[str | None], normalizer: Normalizer | ByLanguage
) -> list[str]:
    shares = in_shares(partial(normalised_texts, normalizer=normalizer), texts, languages)
    return list(itertools.chain.from_iterable(shares))


def _count_columns(counts: UtteranceCounts, prefix: str) -> dict[str, CountArray]:
    arrays = (counts.hits, counts.substitutions, counts.deletions, counts.insertions)
    return {prefix + name: array for name, array in zip(COUNTS, arrays, strict=True)}


def without_pattern(pattern: str | None, references: Sequence[str]) -> Sequence[str]:
    """Replace what matches by a space; None matches nothing."""
    if pattern is None:
        return references
    replace = checked_pattern(pattern).sub
    # A pattern that also matches nothing must not put a space between all letters.
    return [replace(lambda match: " " if match[0] else "", reference) for reference in references]


def normalised_texts(
    texts: Sequence[str], languages: Sequence[str | None], normalizer: Normalizer | ByLanguage
) -> list[str]:
    """Normalise each text once by the rules of its language, words apart by single spaces."""
    if not isinstance(normalizer, ByLanguage):
        return _normalised_by(normalizer, texts)
    rows_by_language: dict[str | None, list[int]] = {}
    for row, language in enumerate(languages):
        rows_by_language.setdefault(language, []).append(row)
    normalised = [""] * len(texts)
    for language, rows in rows_by_language.items():
        own_texts = _normalised_by(normalizer.for_language(language), [texts[row] for row in rows])
        for row, text in zip(rows, own_texts, strict=True):
            normalised[row] = text
    return normalised


def _normalised_by(normalizer: Normalizer, texts: Sequence[str]) -> list[str]:
    """Normalise texts, equal ones once.

    Raises:
        DataError: The rules fail on one, as openai-whisper's do on a number of 4,301 digits.
    """
    rules = word_by_word(normalizer) if isinstance(normalizer, LowercaseNoPunctuation | Verbatim) else normalizer
    known: dict[str, str] = {}
    normalised = []
    for text in texts:
        found = known.get(text)
        if found is None:
            try:
                found = known[text] = " ".join(rules(text).split())
            except Exception as error:
                raise DataError(
                    f"{normalizer.id} fails with {type(error).__name__} on a text of {len(text)} characters that "
                    f"begins {text[:80]!r}. Score with another normalizer=, or correct the text."
                ) from error
        normalised.append(found)
    return normalised
