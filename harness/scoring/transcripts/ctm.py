"""A NIST CTM file in, what was heard in each recording out: a word a line, with its times.

Source of the layout: SCTK, `infmts.htm`: recording, channel, start and length in seconds, word, and sometimes a
confidence (kept where it is in [0, 1]), the word's type and its speaker. A recording in which nothing was heard is in
no line, so it counts as missing.
"""

import math
from pathlib import Path

from harness.scoring.transcripts.line_files import LineError, by_recording, time_of
from harness.scoring.transcripts.records import Heard, Piece, in_time_order, joined

_FIELDS = range(5, 9)


def read_ctm(path: Path) -> list[Heard]:
    """Return what was heard, a recording each, in the order of the file; channels are joined in the order of time.

    Raises:
        HypothesesError: Lines cannot be read; every one is named.
    """
    return by_recording(path, ctm_word, _heard)


def ctm_word(line: int, text: str) -> tuple[str, Piece]:
    """Return the recording and the word of a line.

    Raises:
        LineError: It is no such line.
    """
    fields = text.split()
    if len(fields) not in _FIELDS:
        raise LineError(f"has {len(fields)} fields; expected recording, channel, start, length, word and confidence")
    name, channel, start, length, word = fields[:5]
    if start == "*":
        raise LineError(f"has {word[:20]!r}, a mark of alternatives, as references may; expected what was heard")
    start_s = time_of(start, "start")
    end_s = start_s + time_of(length, "length")
    if end_s == math.inf:
        raise LineError(f"has the length {length[:40]!r} from {start[:40]!r}; expected an end that is a number, too")
    confidence = None if len(fields) == 5 else _confidence(fields[5])
    spoken = "" if word == "@" else word
    return name, Piece(spoken, start_s, end_s, confidence, channel, line)


def _confidence(field: str) -> float | None:
    try:
        found = float(field)
    except ValueError as error:
        if field.upper() in ("NA", "<NA>", "N/A", "-"):
            return None
        raise LineError(f"has the confidence {field[:40]!r}; expected a number, or NA") from error
    return found if 0 <= found <= 1 else None  # others are logarithms of something


def _heard(name: str, words: list[Piece]) -> Heard:
    pieces = in_time_order([word for word in words if word.text])
    return Heard(name, joined(pieces), pieces=pieces, line=words[0].line)
