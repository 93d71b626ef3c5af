"""A manifest, and perhaps a run of it, in; the one table that every exporter writes in its own format out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from harness.corpus import Manifest
from harness.corpus.attributes import Attribute
from harness.corpus.datasheet import Datasheet
from harness.corpus.extending import manifest_columns
from harness.errors import UsageError
from harness.results.run import Run

CONTRACT = ("utterance_id", "audio_filepath", "offset", "duration", "text", "speaker_id", "language")
COUNTS = ("hits", "substitutions", "deletions", "insertions")
OF_A_RUN = ("condition", "pred_text", "error", "reference", "hypothesis", *COUNTS, "wer")


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


def export_table(
    manifest: Manifest, mapping: Mapping[str, str], *, run: Run | None = None, audio_root: Path | None = None
) -> ExportTable:
    """Puts a manifest and what a run says of it into one table.

    Args:
        manifest: What was said, by whom.
        mapping: The file's column for a contract column or attribute, as the manifest was loaded with.
        run: A finished run of this manifest; None: the manifest alone.
        audio_root: The folder that its audio paths start from.

    Raises:
        UsageError: The run is of another manifest, or the manifest's file has changed since it was read.
    """
    cells = manifest_columns(manifest, mapping)
    names = [attribute.name for attribute in manifest.attributes]
    frame = manifest.frame[list(CONTRACT)].assign(
        **{name: pd.Series(list(cells[name]), index=manifest.frame.index, dtype=object) for name in names}
    )
    if run is not None:
        frame = _with_run(frame, manifest, run)
    return ExportTable(manifest.name, frame, manifest.datasheet, manifest.attributes, run is not None, audio_root)


def _with_run(frame: pd.DataFrame, manifest: Manifest, run: Run) -> pd.DataFrame:
    known = run.facts["manifest"].get("digest")
    if known != manifest.digest:
        raise UsageError(
            f"{run.path}: is a run of another manifest than {manifest.path}, or that has changed since. Give the one "
            "it was made of: manifest.path=FILE."
        )
    heard = run.hypotheses.frame()[["utterance_id", "condition", "text", "error"]]
    heard = heard.rename(columns={"text": "pred_text"})
    counts = run.scores[["utterance_id", "condition", "reference", "hypothesis", *COUNTS]]
    words = counts["hits"] + counts["substitutions"] + counts["deletions"]
    errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    scored = counts.assign(wer=(errors / words).where(words > 0))
    scored = scored.merge(heard, on=["utterance_id", "condition"], how="left", validate="one_to_one")
    frame = frame.drop(columns=[name for name in OF_A_RUN if name in frame])  # what another recogniser said
    key = _key(frame, scored)
    joined = frame.assign(_key=key).merge(scored, left_on="_key", right_on="utterance_id", suffixes=("", "_scored"))
    if len(joined) != len(scored):
        raise UsageError(f"{run.path}: scores {len(scored)} utterances, of which {len(joined)} are in {manifest.path}.")
    return joined.drop(columns=["_key", "utterance_id_scored"])[[*frame.columns, *OF_A_RUN]]


def _key(frame: pd.DataFrame, scored: pd.DataFrame) -> pd.Series:
    """Returns what the run calls each utterance: its id, or that without folder and extension (`stem_ids`)."""
    ids = frame["utterance_id"]
    if scored["utterance_id"].isin(ids).all():
        return ids
    return ids.map(lambda name: PurePosixPath(name).stem)
