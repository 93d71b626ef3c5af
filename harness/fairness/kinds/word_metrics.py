"""Checked scores in, the events and chances of every rate beside WER out, an entry an utterance.

A rate is a ratio of sums: events over chances, both summed over utterances before they are divided. All are counted as
harm (words missed, sentences not usable, text invented), because harm is the rarer side and its intervals are taken on
the logarithm; recall, precision, F1 and the usable rate are one less their harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from math import inf, isfinite

import numpy as np
import pandas as pd

from harness.errors import UsageError
from harness.fairness.bootstrap import Bools, Floats, divide

USABLE_WER = 0.5  # of an utterance, at most; Koenecke et al. 2020 count those above
SPOKEN_WORDS = 3  # of the reference, at least: an empty output or a length ratio means something

_NIST = "NIST SCTK"
_WORDS = "Hardt et al. 2016, of words"
_F1 = "AWS AI Service Cards, 2023"
_USABLE = "Koenecke et al. 2020"
_INVENTED = "Koenecke et al. 2024"
_NO_SILENCE = "no utterance has an empty reference: no rate"
_NO_TIMED_SILENCE = "no utterance has an empty reference and a duration: no rate"
_NO_SPEECH = f"no utterance of {SPOKEN_WORDS} reference words or more: no rate"
_NOTHING_HEARD = "every utterance failed: no rate"


class Sense(Enum):
    """Says whether a rate is reported as the harm that was counted or as what the harm leaves of one."""

    harm = "harm"
    kept = "kept"


@dataclass(frozen=True, slots=True)
class Rate:
    """Is one rate of a run: how often something went wrong, of how many chances."""

    name: str
    source: str
    events: Floats  # (n_utterances,) >= 0
    chances: Floats  # (n_utterances,) >= 0, utterances, words or minutes
    without: str  # why there is no rate where there are no chances
    sense: Sense = Sense.harm
    most: float = 1.0  # largest harm per chance; infinite where it is not a share

    def reported(self, harm: float) -> float:
        """Return what is reported of a harm rate."""
        return harm if self.sense is Sense.harm else 1 - harm


def rates(scores: pd.DataFrame, *, usable_wer: float = USABLE_WER) -> tuple[Rate, ...]:
    """Return every rate that the scores allow; the first is the word error rate itself.

    Failed utterances count in the word rates and the usable rate as `checked_scores` counted them, and never in the
    rates of invented or empty text: nothing was recognised. A rate whose columns are absent has no chances, and says
    why. A reference is empty when no word of it is left after normalising.

    Args:
        scores: As returned by `checked_scores`; optionally hallucination flags, empty_output and audio_s.
        usable_wer: The largest WER of an utterance that is still of use, a fraction >= 0.

    Raises:
        UsageError: `usable_wer` is no such number.
    """
    if not (isfinite(usable_wer) and usable_wer >= 0):
        raise UsageError(f"usable_wer={usable_wer!r}; expected a WER >= 0, a fraction: 0.5 is every second word.")
    return (*_word_rates(scores), _usable(scores, usable_wer), *_invented(scores))


def _word_rates(scores: pd.DataFrame) -> Iterator[Rate]:
    hits, substitutions, deletions, insertions = (
        scores[name].to_numpy(np.float64) for name in ("hits", "substitutions", "deletions", "insertions")
    )
    words = hits + substitutions + deletions
    none, silent = "no reference words: no rate", "no words recognised: no rate"
    yield Rate("wer", _NIST, substitutions + deletions + insertions, words, none, most=inf)
    yield Rate("word_recall", _WORDS, substitutions + deletions, words, none, Sense.kept)
    yield Rate(
        "word_precision", _WORDS, substitutions + insertions, hits + substitutions + insertions, silent, Sense.kept
    )
    wrong = 2 * substitutions + deletions + insertions
    yield Rate("word_f1", _F1, wrong, 2 * hits + wrong, "no words said or recognised: no rate", Sense.kept)
    yield Rate("deletion_rate", _WORDS, deletions, words, none)
    yield Rate("substitution_rate", _WORDS, substitutions, words, none)
    yield Rate("insertion_rate", _WORDS, insertions, words, none, most=inf)


def _usable(scores: pd.DataFrame, usable_wer: float) -> Rate:
    words = _reference_words(scores)
    errors = (scores["substitutions"] + scores["deletions"] + scores["insertions"]).to_numpy(np.float64)
    spoken = words > 0
    lost = spoken & (divide(errors, words) > usable_wer + 1e-12)
    events, chances = lost.astype(np.float64), spoken.astype(np.float64)
    return Rate("usable_rate", _USABLE, events, chances, "no reference words: no rate", Sense.kept)


def _invented(scores: pd.DataFrame) -> Iterator[Rate]:
    heard = ~scores["failed"].to_numpy(bool)
    words = _reference_words(scores)
    silent, spoken = heard & (words == 0), heard & (words >= SPOKEN_WORDS)
    yield _flagged(scores, "non_speech_hallucination_rate", "hallucination_non_speech_insertion", silent, _NO_SILENCE)
    yield from _words_on_silence(scores, silent)
    yield _flagged(scores, "insertion_run_rate", "hallucination_insertion_run", heard, _NOTHING_HEARD)
    yield _flagged(scores, "loop_rate", "hallucination_loop", heard, _NOTHING_HEARD)
    yield _flagged(scores, "length_ratio_rate", "hallucination_length_ratio", spoken, _NO_SPEECH)
    yield _flagged(scores, "hallucination_rate", "hallucination", heard, _NOTHING_HEARD)
    yield _flagged(scores, "empty_output_rate", "empty_output", spoken, _NO_SPEECH)


def _words_on_silence(scores: pd.DataFrame, silent: Bools) -> Iterator[Rate]:
    inserted = scores["insertions"].to_numpy(np.float64)
    by_clip, by_minute = "words_per_non_speech_utterance", "words_per_non_speech_minute"
    yield Rate(by_clip, _INVENTED, inserted * silent, silent.astype(np.float64), _NO_SILENCE, most=inf)
    if "audio_s" not in scores:
        yield _absent(by_minute, "audio_s", len(scores))
        return
    audio_s = scores["audio_s"].to_numpy(np.float64, na_value=np.nan)
    timed = silent & (audio_s > 0)
    minutes = np.where(timed, audio_s, 0) / 60
    yield Rate(by_minute, _INVENTED, inserted * timed, minutes, _NO_TIMED_SILENCE, most=inf)


def _flagged(scores: pd.DataFrame, name: str, column: str, among: Bools, without: str) -> Rate:
    if column not in scores:
        return _absent(name, column, len(scores))
    flagged = scores[column].to_numpy(bool) & among
    return Rate(name, _INVENTED, flagged.astype(np.float64), among.astype(np.float64), without)


def _absent(name: str, column: str, n_utterances: int) -> Rate:
    nothing = np.zeros(n_utterances)
    return Rate(name, _INVENTED, nothing, nothing, f"the scores have no column {column}: no rate")


def _reference_words(scores: pd.DataFrame) -> Floats:
    words: Floats = (scores["hits"] + scores["substitutions"] + scores["deletions"]).to_numpy(np.float64)
    return words
