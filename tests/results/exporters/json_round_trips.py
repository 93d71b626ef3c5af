"""Rows of manifests that any tool could write, and the table of an export before and after it is imported again."""

import dataclasses
import json

import pandas as pd
from hypothesis import strategies as st

from harness.corpus import Manifest
from harness.results.exporters.table import export_table
from tests.corpus.importers.builders import written

ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
ON_ONE_LINE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20)
IDS = ON_ONE_LINE.filter(lambda text: text and text == text.strip())
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ON_ONE_LINE


def table_of(manifest, audio_root=None):
    return export_table(manifest, {}, audio_root=audio_root)


def manifest_of(folder, rows):
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return Manifest.load(path, require_audio=False)


def again(format_name, folder, out):
    """Import what was exported, and return its table."""
    found = written(format_name, folder, out)
    manifest = Manifest.load(found.path / "manifest.jsonl", audio_root=found.audio_root, require_audio=False)
    return table_of(manifest, found.audio_root)


def cells(table):
    """Return every row by its id, with None for what nobody knows and without what nobody has."""
    rows = {}
    for row in table.frame.to_dict("records"):
        known = {name: None if value is None or value != value else value for name, value in row.items()}
        rows[row["utterance_id"]] = {name: value for name, value in known.items() if value is not None}
    return rows


def with_run(table, **columns):
    n = len(table.frame)
    about = {
        "condition": ["clean"] * n,
        "pred_text": ["go on"] * n,
        "error": [None] * n,
        "reference": ["go on"] * n,
        "hypothesis": ["go on"] * n,
        "hits": [2] * n,
        **dict.fromkeys(("substitutions", "deletions", "insertions"), [0] * n),
        "wer": [0.0] * n,
    }
    frame = table.frame.assign(**{name: pd.Series(values) for name, values in {**about, **columns}.items()})
    return dataclasses.replace(table, frame=frame, has_run=True)
