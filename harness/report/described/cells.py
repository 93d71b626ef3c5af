"""A frame of a description in, its rows out; a number of one in, what is read and what it is sorted by out."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.report.charts.drawing import finite
from harness.report.pages import count
from harness.report.wording import figure, percent

Row = Mapping[str, Any]
Cell = tuple[str, float | None]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame, by name of column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def counted(number: object) -> Cell:
    """Return a count; – where it is not known or withheld."""
    known = finite(number)
    return ("–", None) if known is None else (count(round(known)), known)


def measured(number: object) -> Cell:
    """Return a figure with about three digits; – where it is not known."""
    known = finite(number)
    return figure(known), known


def shared(fraction: object) -> Cell:
    """Return a share in percent; – where it is not known."""
    known = finite(fraction)
    return percent(known), known


def in_points(fraction: object) -> Cell:
    """Return a gap in points, without its sign; – where there is none."""
    known = finite(fraction)
    return ("–" if known is None else f"{100 * known:.1f}"), known


def edge(number: float) -> Cell:
    """Return where a bin begins or ends."""
    return ("no end", None) if math.isinf(number) else (f"{number:,g}", number)
