"""A manifest and its measured rows in, the distribution of every property over everybody and over every accent out."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from harness.corpus import AttributeKind, Manifest
from harness.pipelines.measured_attributes import PROPERTIES
from harness.pipelines.measured_rows import MeasuredRow

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
_ACCENTS = (AttributeKind.accent, AttributeKind.dialect)


def property_table(manifest: Manifest, rows: Sequence[MeasuredRow]) -> pd.DataFrame:
    """Returns a row a slice and property: everybody first, then every accent and dialect, undeclared people among them.

    Columns: dimension (`overall` for everybody), slice (`all`), n_utterances, n_speakers (with an id), property,
    n_told (utterances of which it could be told), and q05, q25, median, q75, q95 over these; NaN where there are none.
    It describes recordings: nothing is tested, and no speaker counts more or less than they recorded.
    """
    values = pd.DataFrame({name: [getattr(row, name) for row in rows] for name in PROPERTIES}, dtype=float)
    values["speaker_id"] = manifest.frame["speaker_id"].to_numpy()
    found = [*_rows("overall", "all", values)]
    for attribute in manifest.attributes:
        if attribute.kind in _ACCENTS:
            cells = manifest.frame[attribute.name].reset_index(drop=True).explode()
            found += _by(attribute.name, cells, values, attribute.order)
    return pd.DataFrame(found)


def _by(dimension: str, cells: pd.Series, values: pd.DataFrame, order: Sequence[str]) -> Iterator[dict[str, object]]:
    present = set(cells)
    for name in [*(name for name in order if name in present), *sorted(present - set(order))]:
        yield from _rows(dimension, name, values.loc[cells.index[cells == name]])


def _rows(dimension: str, name: str, values: pd.DataFrame) -> Iterator[dict[str, object]]:
    for each in PROPERTIES:
        told = values[each].dropna().to_numpy()
        quantiles = np.quantile(told, list(QUANTILES.values())) if len(told) else [np.nan] * len(QUANTILES)
        yield {
            "dimension": dimension,
            "slice": name,
            "n_utterances": len(values),
            "n_speakers": values["speaker_id"].nunique(),
            "property": each,
            "n_told": len(told),
            **dict(zip(QUANTILES, quantiles, strict=True)),
        }
