"""Rows in, the tables that exporters write out: those of a manifest file, or of pairs of texts as a run scored them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness.corpus import Manifest
from harness.corpus.datasheet import absent_datasheet
from harness.results.exporters.table import COUNTS, ExportTable, export_table
from harness.scoring import word_counts
from tests.corpus.builders import write_datasheet, write_manifest


def table_of(folder: Path, rows: Sequence[Mapping], attributes: Mapping | None = None, **sheet) -> ExportTable:
    """Return the table of a manifest with these rows, and of its datasheet."""
    folder.mkdir(parents=True, exist_ok=True)
    write_datasheet(folder, attributes or {}, **sheet)
    path = write_manifest(folder, list(rows))
    return export_table(Manifest.load(path, require_audio=False), {}, audio_root=folder)


def scored(
    pairs: Sequence[tuple[str, str | None]],
    *,
    ids: Sequence[str] | None = None,
    speakers: Sequence[str | None] | None = None,
    condition: str = "clean",
) -> ExportTable:
    """Return the table of a run: normalised references and hypotheses (None: it failed) with the harness's counts."""
    references = [" ".join(reference.split()) for reference, _ in pairs]
    heard = [None if hypothesis is None else " ".join(hypothesis.split()) for _, hypothesis in pairs]
    counts = word_counts(references, [hypothesis or "" for hypothesis in heard])
    columns = {
        "utterance_id": list(ids or (f"u{number}" for number in range(len(pairs)))),
        "audio_filepath": None,
        "offset": 0.0,
        "duration": 1.0,
        "text": references,
        "speaker_id": list(speakers or ["s"] * len(pairs)),
        "language": None,
        "condition": condition,
        "pred_text": heard,
        "error": ["out of memory" if hypothesis is None else None for hypothesis in heard],
        "reference": references,
        "hypothesis": [hypothesis or "" for hypothesis in heard],
        **{name: getattr(counts, name) for name in COUNTS},
    }
    frame = pd.DataFrame(columns).assign(wer=float("nan"))
    for name in ("audio_filepath", "speaker_id", "language", "pred_text", "error"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return ExportTable("toy", frame, absent_datasheet("toy"), (), has_run=True, audio_root=None)
