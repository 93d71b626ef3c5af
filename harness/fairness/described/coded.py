"""A manifest's table in, numbers for what its utterances may have in common out: people, texts, recordings.

Keys are 64-bit hashes that are the same in every manifest; two million texts meet by chance in one of ten million
corpora. Texts are compared without regard to case and punctuation, and are not kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.fairness.described.recordings import Contents
from harness.fairness.speaker_sums import Ints, speaker_codes
from harness.scoring import LowercaseNoPunctuation
from harness.scoring.words import word_by_word

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Texts = npt.NDArray[np.object_]

NOTHING = np.uint64(0)  # the key of what an utterance does not have
_AT_ONCE = 100_000  # folded texts that are held together


@dataclass(frozen=True, slots=True)
class Coded:
    """Holds what utterances may have in common, (n_utterances,) each, in the manifest's order.

    Attributes:
        speakers: Number of the speaker in `speaker_ids`; -1 without an id.
        speaker_ids: (n_speakers,) sorted.
        ids: Key of the utterance's id.
        texts: Key of its text without case and punctuation; NOTHING where no word is left.
        words: Of its reference, separated by blanks.
        duration_s: NaN where it is not stated.
        offset_s: Start in the recording.
        paths: Key of the recording's path; NOTHING without one.
        contents: Key of the recording's bytes, NOTHING where there are none to read; None: not looked at.
    """

    speakers: Ints
    speaker_ids: Texts
    ids: Keys
    texts: Keys
    words: Ints
    duration_s: Floats
    offset_s: Floats
    paths: Keys
    contents: Keys | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def people(self) -> Keys:
        """Return the key of each utterance's speaker; NOTHING without an id."""
        keys = np.append(hashes(self.speaker_ids), NOTHING)
        return keys[self.speakers]

    @property
    def recordings(self) -> Keys:
        """Return the key of each utterance's recording: of its bytes where those were looked at, else of its path."""
        return self.paths if self.contents is None else self.contents

    def segments(self, recordings: Keys) -> Keys:
        """Return the key of the part of a recording that each utterance is; NOTHING where there is no recording."""
        parts = pd.DataFrame({"recording": recordings, "offset": self.offset_s, "duration": self.duration_s})
        keys = pd.util.hash_pandas_object(parts, index=False).to_numpy().astype(np.uint64)
        return np.where(recordings == NOTHING, NOTHING, keys)

    def numbered_texts(self) -> Ints:
        """Return a number for each text, from 0; -1 where no word is left."""
        numbers, distinct = pd.factorize(self.texts)
        is_text = distinct != NOTHING
        number_of = np.where(is_text, np.cumsum(is_text) - 1, -1)
        return number_of[numbers].astype(np.int64)


def coded(frame: pd.DataFrame) -> Coded:
    """Number what utterances may have in common.

    Args:
        frame: As `Manifest.frame`.
    """
    speakers = speaker_codes(frame)
    named = np.flatnonzero(speakers >= 0)
    speaker_ids = np.empty(int(speakers.max(initial=-1)) + 1, dtype=object)
    speaker_ids[speakers[named]] = frame["speaker_id"].to_numpy(dtype=object)[named]
    texts, words = _texts(frame["text"])
    return Coded(
        speakers=speakers,
        speaker_ids=speaker_ids,
        ids=hashes(frame["utterance_id"].to_numpy(dtype=object)),
        texts=texts,
        words=words,
        duration_s=frame["duration"].to_numpy(np.float64),
        offset_s=frame["offset"].to_numpy(np.float64),
        paths=_of_distinct(frame["audio_filepath"]),
    )


def with_contents(them: Coded, frame: pd.DataFrame, found: Contents) -> Coded:
    """Return the same with the keys of the recordings' bytes."""
    contents = frame["audio_filepath"].map(found.digests).astype(object)
    return replace(them, contents=_of_distinct(contents.where(contents.notna(), None)))


def hashes(texts: Texts) -> Keys:
    """Return the keys of texts, (n,)."""
    if not len(texts):
        return np.empty(0, dtype=np.uint64)
    return pd.util.hash_array(texts, categorize=False).astype(np.uint64)


def _of_distinct(column: "pd.Series[str]") -> Keys:
    """Return the keys of texts that come up many times each; NOTHING where there is none."""
    numbers, distinct = pd.factorize(column.astype(object))
    keys = np.append(hashes(np.asarray(distinct, dtype=object)), NOTHING)
    return keys[numbers]


def _texts(column: "pd.Series[str]") -> tuple[Keys, Ints]:
    """Return the key of each folded text and its number of words, looked at once where it comes up many times."""
    numbers, distinct = pd.factorize(column.astype(object), use_na_sentinel=False)
    fold = word_by_word(LowercaseNoPunctuation())
    parts = [_folded(list(distinct[start : start + _AT_ONCE]), fold) for start in range(0, len(distinct), _AT_ONCE)]
    keys, words = (np.concatenate(each) for each in zip(*parts, strict=True)) if parts else (np.empty(0), np.empty(0))
    return keys.astype(np.uint64)[numbers], words.astype(np.int64)[numbers]


def _folded(texts: Sequence[str], fold: Callable[[str], str]) -> tuple[Keys, Ints]:
    folded = [fold(text) for text in texts]
    keys = hashes(np.array(folded, dtype=object))
    empty = np.fromiter((not text for text in folded), dtype=bool, count=len(folded))
    return np.where(empty, NOTHING, keys), np.fromiter((len(text.split()) for text in texts), np.int64, len(folded))
