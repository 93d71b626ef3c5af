"""Transcripts as people have them in, a row an utterance out: read, then given to the utterances they are of."""

from harness.scoring.transcripts.formats import Format
from harness.scoring.transcripts.matching import Matched, MatchOptions, match
from harness.scoring.transcripts.reading import read_hypotheses

__all__ = ["Format", "MatchOptions", "Matched", "match", "read_hypotheses"]
