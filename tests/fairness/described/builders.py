"""Small corpora as frames, and the same as plain rows for oracles that loop over them."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from hypothesis import strategies as st

from harness.corpus import Attribute, AttributeKind, Provenance

TEXTS = ("", "…", "Yes.", "yes", "open the gate now", "Open the gate, NOW!", "close the gate again", "no")
FOLDED = {"": "", "…": "", "Yes.": "yes", "Open the gate, NOW!": "open the gate now"}  # else as it is
ATTRIBUTES = (
    Attribute("accent", AttributeKind.accent, Provenance.self_reported),
    Attribute("gender", AttributeKind.demographic, Provenance.self_reported),
    Attribute("device", AttributeKind.acoustic, Provenance.annotated, multivalued=True),
)
BY = ["accent", "gender", "device", "accent & gender", "language"]

Row = Mapping[str, object]

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "audio_filepath": st.sampled_from([None, "/a.wav", "/b.wav", "/c.wav"]),
            "offset": st.sampled_from([0.0, 1.5]),
            "duration": st.sampled_from([math.nan, 1.0, 2.5]),
            "text": st.sampled_from(TEXTS),
            "speaker_id": st.sampled_from([None, "s1", "s2", "s3"]),
            "language": st.sampled_from(["en", "cy", None]),
            "accent": st.sampled_from(["north", "south", "undeclared", "declined"]),
            "gender": st.sampled_from(["female", "male", "undeclared"]),
            "device": st.sampled_from([("phone",), ("phone", "laptop"), ("undeclared",)]),
        }
    ),
    min_size=1,
    max_size=25,
)


def row(**cells: object) -> dict[str, object]:
    """Return a row that is good unless a cell says otherwise."""
    return {
        "audio_filepath": None,
        "offset": 0.0,
        "duration": math.nan,
        "text": "yes",
        "speaker_id": "s1",
        "language": "en",
        "accent": "north",
        "gender": "female",
        "device": ("phone",),
        **cells,
    }


def frame_of(rows: Sequence[Row]) -> pd.DataFrame:
    """Return rows as `Manifest.frame` has them, ids counted from u0."""
    texts = ("audio_filepath", "text", "speaker_id", "language", "accent", "gender", "device")
    columns = {name: pd.Series([cells[name] for cells in rows], dtype=object) for name in texts}
    numbers = {name: pd.Series([cells[name] for cells in rows], dtype=float) for name in ("offset", "duration")}
    ids = pd.Series([f"u{number}" for number in range(len(rows))], dtype=object)
    return pd.DataFrame({"utterance_id": ids, **columns, **numbers})


def values(cells: Row, dimension: str) -> list[str]:
    """Return the slices of a dimension that a row is in."""
    found = [""]
    for place, name in enumerate(dimension.split(" & ")):
        cell = cells[name]
        parts = cell if isinstance(cell, tuple) else (cell or "undeclared",)
        found = [f"{before} & {part}" if place else str(part) for before in found for part in parts]
    return found


def fold(text: object) -> str:
    """Return a text of TEXTS without case and punctuation, as somebody wrote it down by hand."""
    return FOLDED.get(str(text), str(text))
