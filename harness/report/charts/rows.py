"""Slices in, their places one beneath another out: grouped by dimension, with the names and numbers beside the plot."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import EVERYBODY, OVERALL
from harness.report.charts.drawing import Layers, Records, either
from harness.report.charts.labels import is_declared, label
from harness.report.charts.theme import HEADER, LABEL, NUMBER, QUIET
from harness.report.wording import how_many

if TYPE_CHECKING:
    import altair as alt

ROWS, HEADERS, ONE = "rows", "headers", "one"  # names of data
STEP = 22  # pixels of a row
_BETWEEN = 0.5  # rows of room between dimensions
TOP = 1.4  # rows of room for everybody, above the dimensions
_APART = 0.4  # rows of room between those who declared a value and those who did not
_LABEL_PIXELS = (112, 196)  # of a name, in a narrow container and in a wide one
_GUTTER = 10  # pixels between names and plot


@dataclass(frozen=True, slots=True)
class Rows:
    """Says which slices are drawn, and where.

    Attributes:
        frame: The slices drawn, in their order, with the columns row (place from the top), label and apart.
        headers: row and label of each dimension's heading.
        depth: Rows from the top to the bottom.
        n_left_out: Slices not drawn.
    """

    frame: pd.DataFrame
    headers: Records
    depth: float
    n_left_out: int

    def with_top(self, everybody: pd.DataFrame) -> pd.DataFrame:
        """Return the slices drawn and before them everybody, where there is such a row."""
        if everybody.empty:
            return self.frame
        return pd.concat([everybody.assign(row=0.0, label="everybody", apart=False), self.frame])

    @property
    def left_out_note(self) -> str:
        """Say that slices are not drawn; empty where all are."""
        if not self.n_left_out:
            return ""
        verb = "is" if self.n_left_out == 1 else "are"
        return f"{how_many(self.n_left_out, 'slice')} with the least support {verb} not drawn; the table has every one."


@dataclass(frozen=True, slots=True)
class Column:
    """Is a column of texts at the right of the plot.

    Attributes:
        field: Of the rows.
        heading: Above it.
        wide: Pixels it takes.
        narrow: Pixels it takes in a narrow container; 0: it is left out there.
        style: Of its texts.
    """

    field: str
    heading: str
    wide: int
    narrow: int = 0
    style: str = NUMBER


def everybody_of(slices: pd.DataFrame) -> pd.DataFrame:
    """Return the row of everybody, where there is one."""
    return slices[(slices["dimension"] == OVERALL) & (slices["slice"] == EVERYBODY)].head(1)


def others_of(slices: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the slices of dimensions."""
    return slices[slices["dimension"] != OVERALL]


def below_everybody(slices: pd.DataFrame, *, key: str, support: str, ordered: Collection[str] = (), most: int) -> Rows:
    """Place slices as `arranged` does, with room at the top for everybody where the table has such a row.

    Raises:
        UsageError: There is no slice beside the overall one.
    """
    first = 0 if everybody_of(slices).empty else TOP
    return arranged(others_of(slices), key=key, support=support, ordered=ordered, most=most, first=first)


def arranged(
    slices: pd.DataFrame,
    *,
    key: str,
    support: str | None,
    ordered: Collection[str] = (),
    most: int,
    apart: "pd.Series[bool] | None" = None,
    first: float = 0,
    step: float = STEP,
) -> Rows:
    """Place slices: dimensions in the file's order, in each the largest `key` first.

    Args:
        slices: With dimension and slice.
        key: What a dimension's slices are sorted by; those without it come last.
        support: Where there are more than `most`, those with most of it are drawn; None: the first.
        ordered: Dimensions whose slices keep the file's order.
        most: Slices drawn.
        apart: Which slices stand at the end of their dimension, quietly; None: the undeclared and the declined.
        first: Rows of room at the top.
        step: Pixels of a row; headings take no more than they need.

    Raises:
        UsageError: There is no slice.
    """
    if slices.empty:
        raise UsageError("no slice to draw; expected a table with at least one row.")
    silent = [not is_declared(name) for name in slices["slice"]] if apart is None else apart
    frame = slices.assign(apart=silent).reset_index(drop=True)
    ranked = frame if support is None else frame.sort_values(support, ascending=False, kind="stable")
    kept = frame.loc[ranked.index[:most].sort_values()]
    heading = STEP / step
    parts, headers, place = [], [], first
    for dimension, part in kept.groupby("dimension", sort=False, dropna=False):
        headers.append({"row": round(place, 2), "label": label(dimension)})
        sorted_part = part if dimension in ordered else part.sort_values(key, ascending=False, kind="stable")
        parts.append(_placed(sorted_part, place + (1 + heading) / 2))
        place = float(parts[-1]["row"].iloc[-1]) + (1 + heading) / 2 + _BETWEEN * heading
    drawn = pd.concat(parts)
    drawn = drawn.assign(label=[label(name) for name in drawn["slice"]])
    return Rows(drawn, headers, float(parts[-1]["row"].iloc[-1]) + 1, len(frame) - len(kept))


def _placed(part: pd.DataFrame, place: float) -> pd.DataFrame:
    """Give the slices of a dimension their places from `place` on, those that stand apart last."""
    near, far = part[~part["apart"]], part[part["apart"]]
    room = _APART if len(near) and len(far) else 0
    places = [place + i + (room if i >= len(near) else 0) for i in range(len(part))]
    return pd.concat([near, far]).assign(row=[round(each, 2) for each in places])


def highest(frame: pd.DataFrame, column: str) -> "pd.Series[Any]":
    """Return the row with the highest number in a column, the first of several; every cell must have one."""
    return frame.iloc[int(frame[column].to_numpy(dtype=float).argmax())]


def lowest(frame: pd.DataFrame, column: str) -> "pd.Series[Any]":
    """Return the row with the lowest number in a column, the first of several; every cell must have one."""
    return frame.iloc[int(frame[column].to_numpy(dtype=float).argmin())]


def y_axis(depth: float, field: str = "row") -> "alt.Y":
    """Return the encoding of a place, the first row on top."""
    import altair as alt

    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[round(depth - 0.5, 2), -0.6], nice=False, zero=False), axis=None)


def height(depth: float, step: float = STEP) -> float:
    """Return the pixels of a chart of so many rows."""
    return step * (depth + 0.1)


def names(y: "alt.Y") -> "Layers":
    """Return the layers of the rows' names and the dimensions' headings, left of the plot."""
    import altair as alt

    return [
        _name(alt.NamedData(ROWS), y, LABEL).transform_filter("!datum.apart"),
        _name(alt.NamedData(ROWS), y, QUIET).transform_filter("datum.apart"),
        _name(alt.NamedData(HEADERS), y, HEADER),
    ]


def columns(y: "alt.Y", told: Sequence[Column]) -> "Layers":
    """Return the layers of the columns right of the plot, and their headings."""
    import altair as alt

    layers, wide, narrow = [], 0, 0
    for column in told:
        wide, narrow = wide + column.wide, narrow + column.narrow
        dx = either(narrow if column.narrow else 0, wide)
        field = f"datum.{column.field}"
        layers += [
            alt.Chart(alt.NamedData(ROWS))
            .mark_text(style=column.style, align="right", dx=dx, text=_unless_narrow(column, field))
            .encode(x=alt.value("width"), y=y),
            alt.Chart(alt.NamedData(ONE))
            .mark_text(style=QUIET, align="right", dx=dx, text=_unless_narrow(column, f"'{column.heading}'"))
            .encode(x=alt.value("width"), y=alt.value(-12)),
        ]
    return layers


def _name(data: "alt.NamedData", y: "alt.Y", style: str) -> "alt.Chart":
    import altair as alt

    chart: alt.Chart = alt.Chart(data).mark_text(style=style, align="right", dx=-_GUTTER, limit=either(*_LABEL_PIXELS))
    named: alt.Chart = chart.encode(x=alt.value(0), y=y, text="label:N")
    return named


def _unless_narrow(column: Column, expression: str) -> dict[str, str]:
    return {"expr": expression if column.narrow else f"narrow ? '' : {expression}"}
