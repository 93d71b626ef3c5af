"""A line of text in, which of NIST's formats it may be out."""

from harness.scoring.transcripts.ctm import ctm_word
from harness.scoring.transcripts.line_files import LineError
from harness.scoring.transcripts.stm import stm_stretch
from harness.scoring.transcripts.trn import split


def is_trn(line: str) -> bool:
    """Say whether a line ends with an id in parentheses."""
    try:
        return bool(split(line))
    except LineError:
        return False


def is_ctm(line: str) -> bool:
    """Say whether a line is a word with its times."""
    try:
        return bool(ctm_word(0, line))
    except LineError:
        return False


def is_stm(line: str) -> bool:
    """Say whether a line is a stretch with its times."""
    try:
        return bool(stm_stretch(0, line))
    except LineError:
        return False
