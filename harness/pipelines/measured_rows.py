"""Utterances in, a row of measured properties for each out, as they are done: on threads, in order, kept on disk.

What is done is never redone: rows are appended to a file as they are made, and read back by the same command.
"""

import json
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.audio.measurements import Measurements, measure_recording
from harness.corpus import Utterance
from harness.corpus.audio_paths import AudioFolder
from harness.corpus.cells import CellError
from harness.errors import AudioError, StorageError
from harness.transcription.words import in_words, on_one_line

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 64  # written together: the most that a kill can cost
ROWS_AHEAD = 256  # that may wait to be written

NO_AUDIO = "the manifest names no recording"
NO_WORDS = "nothing was said: no reference words to count"
NO_SPEECH_TIME = "no speaking rate: the time in which somebody speaks cannot be told"
WORD = re.compile(r"\w")  # what a word has at least one letter or digit of


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """Is what was measured of an utterance; None where it cannot be told, and the note says why.

    Attributes:
        utterance_id: Which.
        level_dbfs: As all but the last, rounded, what `harness.audio.measurements` says.
        speech_level_dbfs: Level while somebody speaks.
        speech_share: Share of the time in which somebody speaks.
        snr_db: Speech over noise.
        clipped_share: Share of samples in flat tops.
        bandwidth_hz: Upper edge of the band.
        words_per_s: Words of the reference by seconds in which somebody speaks.
        note: In words, parts apart by `; `; empty: nothing to say.
        failed: Whether the recording could not be heard at all.
    """

    utterance_id: str
    level_dbfs: float | None = None
    speech_level_dbfs: float | None = None
    speech_share: float | None = None
    snr_db: float | None = None
    clipped_share: float | None = None
    bandwidth_hz: float | None = None
    words_per_s: float | None = None
    note: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """Is an utterance with its reference."""

    utterance: Utterance
    text: str


def measured_rows(
    spoken: Sequence[Spoken], folder: AudioFolder, path: Path, *, threads: int
) -> Iterator[Sequence[MeasuredRow]]:
    """Yields the rows of all utterances in order, some at a time: those that the file has first, then the others.

    Args:
        spoken: What is measured.
        folder: That recordings have to lie in.
        path: The file that keeps rows, JSON Lines; a torn last line is dropped.
        threads: That decode and measure.

    Raises:
        StorageError: The file cannot be written.
    """
    kept, n_bytes = _kept(path, spoken)
    if kept:
        log.info("%d utterances are measured, %d are left", len(kept), len(spoken) - len(kept))
        yield kept
    try:
        with path.open("ab") as file:
            os.truncate(path, n_bytes)
            for rows in _some(_in_order(lambda each: measured(each, folder), spoken[len(kept) :], threads)):
                file.write("".join(f"{_line(row)}\n" for row in rows).encode())
                file.flush()
                yield rows
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write ({error.strerror or error}). What is measured is kept; make room, then give the "
            "same command again."
        ) from error


def measured(spoken: Spoken, folder: AudioFolder) -> MeasuredRow:
    """Measures an utterance; a recording that cannot be heard becomes a failed row that says why."""
    utterance = spoken.utterance
    path = utterance.audio_filepath
    if path is None:
        return MeasuredRow(utterance.utterance_id, note=NO_AUDIO, failed=True)
    try:
        if os.path.lexists(path):
            folder.absolute(str(path))  # again, since a link may lead out of the folder
        found = measure_recording(path, offset_s=utterance.offset_s, duration_s=utterance.duration_s)
    except CellError as error:
        return MeasuredRow(utterance.utterance_id, note=on_one_line(f"expected {error}"), failed=True)
    except AudioError as error:
        reason = str(error).removeprefix(f"{path}: ")
        return MeasuredRow(utterance.utterance_id, note=on_one_line(reason), failed=True)
    except Exception as error:  # an untrusted file: whatever its decoding raises is this utterance's failure
        return MeasuredRow(utterance.utterance_id, note=in_words(error), failed=True)
    return _row(utterance.utterance_id, spoken.text, found)


def _row(utterance_id: str, text: str, found: Measurements) -> MeasuredRow:
    n_words = sum(WORD.search(word) is not None for word in text.split())
    active_s = None if found.speech_share is None else found.speech_share * found.audio_s
    rate = n_words / active_s if n_words and active_s else None
    unknown = "" if rate is not None else NO_SPEECH_TIME if n_words else NO_WORDS
    return MeasuredRow(
        utterance_id,
        level_dbfs=_rounded(found.level_dbfs, 2),
        speech_level_dbfs=_rounded(found.speech_level_dbfs, 2),
        speech_share=_rounded(found.speech_share, 4),
        snr_db=_rounded(found.snr_db, 1),
        clipped_share=_rounded(found.clipped_share, 6),
        bandwidth_hz=_rounded(found.bandwidth_hz, 0),
        words_per_s=_rounded(rate, 2),
        note="; ".join(note for note in (*found.notes, unknown) if note),
    )


def _rounded(value: float | None, n_digits: int) -> float | None:
    """Returns what is significant, without a minus before nought."""
    return None if value is None else round(value, n_digits) + 0.0


def _in_order(work: Callable[[Spoken], MeasuredRow], spoken: Sequence[Spoken], threads: int) -> Iterator[MeasuredRow]:
    """Yields what threads make, in order, while they work ahead."""
    with ThreadPoolExecutor(threads, thread_name_prefix="measure") as pool:
        waiting: deque[Future[MeasuredRow]] = deque()
        try:
            for each in spoken:
                waiting.append(pool.submit(work, each))
                if len(waiting) > ROWS_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _some(rows: Iterator[MeasuredRow]) -> Iterator[list[MeasuredRow]]:
    some: list[MeasuredRow] = []
    for row in rows:
        some.append(row)
        if len(some) == ROWS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _kept(path: Path, spoken: Sequence[Spoken]) -> tuple[list[MeasuredRow], int]:
    """Returns the rows of a file as far as they are whole and those of the utterances, and how many bytes they are."""
    rows: list[MeasuredRow] = []
    n_bytes = 0
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    for line, each in zip(lines, spoken, strict=False):
        row = _parsed(line)
        if row is None or row.utterance_id != each.utterance.utterance_id:
            break
        rows.append(row)
        n_bytes += len(line)
    return rows, n_bytes


def _line(row: MeasuredRow) -> str:
    return json.dumps(asdict(row), ensure_ascii=False, allow_nan=False)


def _parsed(line: bytes) -> MeasuredRow | None:
    if not line.endswith(b"\n"):
        return None
    try:
        cells: Mapping[str, object] = json.loads(line)
        return MeasuredRow(**cells)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None
