"""A NIST STM file of what was heard in, its stretches by recording out, each with its times and no times of words.

Source of the layout: SCTK, `infmts.htm`: recording, channel, speaker, start and end in seconds, perhaps labels in angle
brackets, words.
"""

import re
from pathlib import Path

from harness.scoring.transcripts.line_files import LineError, by_recording, spoken, time_of
from harness.scoring.transcripts.records import Heard, Piece, in_time_order, joined

_LABELS = re.compile(r"<[^<>\s]*>(?:\s|$)")
_NOT_SCORED = "IGNORE_TIME_SEGMENT_IN_SCORING"


def read_stm(path: Path) -> list[Heard]:
    """Return what was heard, a recording each, in the order of the file; channels are joined in the order of time.

    Raises:
        HypothesesError: Lines cannot be read; every one is named.
    """
    return by_recording(path, stm_stretch, _heard)


def stm_stretch(line: int, text: str) -> tuple[str, Piece]:
    """Return the recording and the stretch of a line.

    Raises:
        LineError: It is no such line.
    """
    fields = text.split(maxsplit=5)
    if len(fields) < 5:
        raise LineError(f"has {len(fields)} fields; expected recording, channel, speaker, start, end and words")
    name, channel, _, start, end = fields[:5]
    words = fields[5].strip() if len(fields) == 6 else ""
    words = words[label.end() :] if (label := _LABELS.match(words)) else words
    if words.strip().upper() == _NOT_SCORED:
        raise LineError(f"has {_NOT_SCORED}, as references may; expected what was heard")
    start_s, end_s = time_of(start, "start"), time_of(end, "end")
    if end_s < start_s:
        raise LineError(f"ends at {end} before it starts at {start}; expected a later end")
    return name, Piece(spoken(words), start_s, end_s, None, channel, line)


def _heard(name: str, stretches: list[Piece]) -> Heard:
    pieces = in_time_order(stretches)
    return Heard(name, joined(pieces), pieces=pieces, are_words=False, line=stretches[0].line)
