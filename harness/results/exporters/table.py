"""A manifest, and perhaps a run of it, in; the one table that every exporter writes in its own format out."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.corpus.attributes import Attribute
from harness.corpus.datasheet import Datasheet

CONTRACT = ("utterance_id", "audio_filepath", "offset", "duration", "text", "speaker_id", "language")
OF_A_RUN = (
    "condition", "pred_text", "error", "reference", "hypothesis",
    "hits", "substitutions", "deletions", "insertions", "wer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExportTable:
    """Is what an exporter writes.

    Attributes:
        name: Of the corpus.
        frame: One row an utterance, or an utterance and condition, in the order of the manifest. Columns of `CONTRACT`
            (audio_filepath absolute or None; offset in seconds; duration in seconds, NaN where unknown; texts or None),
            then a column an attribute, with the cells that the manifest's file has: a text, a number, a list, or None.
            With a run also those of `OF_A_RUN`: `pred_text` as the recogniser returned it, None where it failed;
            `reference` and `hypothesis` as they were scored, normalised; counts of words, integers; `wer` NaN where a
            reference has no words.
        datasheet: Of the corpus.
        attributes: Declarations of those columns that are attributes.
        has_run: Whether columns of a run are there.
        audio_root: The folder that audio paths of the manifest start from.
    """

    name: str
    frame: pd.DataFrame
    datasheet: Datasheet
    attributes: tuple[Attribute, ...]
    has_run: bool
    audio_root: Path | None
