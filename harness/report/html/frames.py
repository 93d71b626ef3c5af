"""A table of a run and what a row of it shows in, the table of a section out, as long as a page can carry."""

from collections.abc import Callable, Sequence

import pandas as pd

from harness.report.conditions import Row, rows_of
from harness.report.html.parts import Table, table

MOST_ROWS = 200  # of a wide table, of which a run of many conditions has thousands of rows


def frame_table(
    id: str,
    headers: Sequence[str],
    frame: pd.DataFrame,
    cells: Callable[[Row], tuple[object, ...]],
    *,
    caption: str,
    file: str,
    first_by: str = "",
    folded: bool = True,
) -> Table:
    """Return a table of at most MOST_ROWS rows that says which they are, and in which file the others.

    Args:
        id: Of its element.
        headers: Of its columns.
        frame: What it shows, in order.
        cells: What is shown of a row.
        caption: What it is.
        file: That has every row.
        first_by: Column whose largest sizes are shown where not all can be; empty: the first rows.
        folded: Whether it is folded away at first.
    """
    n_rows, which = len(frame), f"The first {MOST_ROWS}"
    if n_rows > MOST_ROWS and first_by:
        largest = frame[first_by].abs().sort_values(ascending=False, kind="stable", na_position="last")
        frame, which = (
            frame.loc[largest.index[:MOST_ROWS].sort_values()],
            f"The {MOST_ROWS} with the largest {first_by}",
        )
    more = f" {which} of {n_rows:,} rows; all are in {file}." if n_rows > MOST_ROWS else ""
    rows = [cells(row) for row in rows_of(frame.head(MOST_ROWS))]
    return table(id, headers, rows, caption=caption + more, file=file, folded=folded)
