"""Rates in, what heatmaps share out: where colours begin and end, their legend, the names around the cells."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.report.charts import theme
from harness.report.charts.drawing import Layers, either, rounded

if TYPE_CHECKING:
    import altair as alt

HEAT, FEW, EMPTY = "heat", "few", "empty"  # kinds of cells: coloured, outlined, dotted
CELLS, ROWS, COLUMNS, ONE = "cells", "rows", "columns", "one"  # names of data
STEP = 40  # pixels of a row
TILTED = 5  # columns from which on a narrow chart writes their names at an angle
CROWDED = 7  # columns from which on a narrow chart has no room for a word in a cell
_LEAST_STEP = 0.01  # of a rate, between two colours
_NICE = (1, 2, 2.5, 5, 10)  # steps of the colours' edges, times a power of ten


def edges(rates: Sequence[float]) -> list[float]:
    """Return where the colours begin and end, in round numbers: at most as many as there are heats.

    >>> edges([0.08, 0.31])
    [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35]
    """
    if not rates:
        return []
    low, high = min(rates), max(rates)
    least = max((high - low) / theme.N_HEATS, _LEAST_STEP)
    power = 10.0 ** math.floor(math.log10(least))
    for step in (power * nice for nice in (*_NICE, 20, 25, 50)):
        first, last = math.floor(low / step + 1e-9), math.floor(high / step + 1e-9) + 1
        if step >= _LEAST_STEP and last - first <= theme.N_HEATS:
            return [rounded(step * place) for place in range(first, last + 1)]
    return [rounded(low), rounded(high)]


def bands(edges: Sequence[float]) -> list[str]:
    """Return what the legend calls the colours between edges."""
    return [f"{100 * low:g}–{100 * high:g} %" for low, high in pairwise(edges)]


def heat_of(rate: float | None, edges: Sequence[float]) -> dict[str, object]:
    """Return the band of a rate, and whether its colour is so deep that text on it is of the paper's."""
    heat = sum((rate or 0) >= edge for edge in edges[1:-1])
    return {"band": bands(edges)[heat], "deep": heat >= theme.N_PALE}


def colour(edges: Sequence[float], title: str) -> "alt.Color":
    """Return the encoding of `band` as a colour, with its legend where anything has a colour."""
    import altair as alt

    legend = alt.Legend(
        title=title, orient="bottom", symbolType="square", symbolSize=180, columns=either(3, theme.N_HEATS)
    )
    scale = alt.Scale(domain=bands(edges), range="heatmap")
    return alt.Color("band:N", scale=scale, legend=legend if edges else None)


def places(n_columns: int, n_rows: int) -> "tuple[alt.X, alt.Y]":
    """Return the encodings of a cell's place."""
    import altair as alt

    return (
        alt.X("col:O", axis=None, scale=alt.Scale(domain=list(range(n_columns)), padding=0.03)),
        alt.Y("row:O", axis=None, scale=alt.Scale(domain=list(range(n_rows)), padding=0.05)),
    )


def headings(n_columns: int, x: "alt.X", y: "alt.Y") -> Layers:
    """Return the names of columns and rows, and in the corner what both are: `across` and `down` of ONE."""
    import altair as alt

    tilted = n_columns >= TILTED
    angle, align, dx = either(-45 if tilted else 0, 0), either("left" if tilted else "center", "center"), -4
    across = alt.Chart(alt.NamedData(COLUMNS)).encode(x=x, y=alt.value(-10), text="label:N")
    down = alt.Chart(alt.NamedData(ROWS)).encode(x=alt.value(0), y=y, text="label:N")
    corner = alt.Chart(alt.NamedData(ONE))
    limit = {"expr": f"narrow ? 70 : width / {n_columns} - 4"}
    return [
        *(
            across.mark_text(style=style, angle=angle, align=align, limit=limit).transform_filter(where)
            for style, where in ((theme.LABEL, "!datum.apart"), (theme.QUIET, "datum.apart"))
        ),
        *(
            down.mark_text(style=style, align="right", dx=dx, limit=either(100, 196)).transform_filter(where)
            for style, where in ((theme.LABEL, "!datum.apart"), (theme.QUIET, "datum.apart"))
        ),
        corner.mark_text(style=theme.HEADER, align="left", dy=either(-66 if tilted else -30, -30)).encode(
            x=alt.value(0), y=alt.value(0), text="across:N"
        ),
        corner.mark_text(style=theme.HEADER, align="right", dx=dx, limit=either(100, 196)).encode(
            x=alt.value(0), y=alt.value(-10), text="down:N"
        ),
    ]
