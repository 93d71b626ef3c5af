"""What is known of one metric in, a row of the metrics table out."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np
import pandas as pd

METRIC_COLUMNS = (
    "dimension", "slice", "comparator", "metric", "value", "value_low", "value_high", "p_value", "n_speakers", "source",
    "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MetricRow:
    """Is one row: a metric of a slice, of a slice against its comparator, or of a dimension.

    NaN where there is no number; the note says why.
    """

    dimension: str
    slice_name: str  # "" for a metric of the whole dimension
    comparator: str  # "" for a metric of one slice or of the dimension
    metric: str
    value: float
    value_low: float = np.nan
    value_high: float = np.nan
    p_value: float = np.nan
    n_speakers: int = 0  # with an id, of the slice or of the dimension
    source: str = ""
    note: str = ""


def metric_frame(rows: Iterable[MetricRow]) -> pd.DataFrame:
    """Return the rows as a frame with METRIC_COLUMNS."""
    values = attrgetter(*(field.name for field in fields(MetricRow)))  # six times as fast as astuple
    return pd.DataFrame([values(row) for row in rows], columns=list(METRIC_COLUMNS))


def joined(*notes: str) -> str:
    """Join what there is to say.

    >>> joined("", "p uncorrected", "12 speakers against 40")
    'p uncorrected; 12 speakers against 40'
    """
    return "; ".join(note for note in notes if note)
