"""Layers and their records in, an Altair chart out, and from a chart its Vega-Lite spec, notes, SVG and PNG.

A chart is one view: the width is its container's, the height grows with its rows. What a picture alone would not tell
(its finding in words, what its marks mean, what is left out) travels in `description` and `usermeta`.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from harness.report.charts.theme import LIGHT, LIGHT_COLOURS, VARIABLES

if TYPE_CHECKING:
    import altair as alt

Records: TypeAlias = list[dict[str, Any]]
Layers: TypeAlias = "list[alt.Chart]"

WIDTH = 760  # pixels of a picture that stands alone
NARROW = 520  # pixels of a container in which charts leave columns of numbers to the table
_DIGITS = 5  # significant, of numbers in the data
_NARROW_PARAMETER = "narrow"
_SEED = "isValid(width) && containerSize()[0] < "  # read anew whenever the width changes
_LETTER, _TITLE_LETTER = 6.1, 8.5  # pixels of a letter of a note, and of a title, about


@dataclass(frozen=True, slots=True)
class Told:
    """Is what a chart says in words.

    Attributes:
        title: What is shown, as a heading.
        finding: The same as a sentence with its figures.
        notes: What the marks mean, what is clipped, what is not drawn.
        n_left_out: Slices, or what a chart has instead, that are not drawn.
    """

    title: str
    finding: str
    notes: Sequence[str] = ()
    n_left_out: int = 0


def drawn(layers: "Layers", data: Mapping[str, Records], told: Told, *, height: float) -> "alt.LayerChart":
    """Return the chart of layers whose data have names; `height` is in pixels."""
    import altair as alt

    return alt.LayerChart(layer=layers).properties(
        width="container",
        height=round(height),
        datasets=dict(data),
        description=told.finding,
        params=[alt.VariableParameter(name=_NARROW_PARAMETER, expr=f"{_SEED}{NARROW}")],
        usermeta={"title": told.title, "notes": [note for note in told.notes if note], "left_out": told.n_left_out},
    )


def spec(chart: "alt.LayerChart") -> dict[str, Any]:
    """Return a chart as Vega-Lite: the same bytes for the same input, colours as the page's CSS variables."""
    plain: dict[str, Any] = chart.to_dict()
    return {**plain, "config": _used(VARIABLES, plain["layer"])}


def description(chart: "alt.LayerChart") -> str:
    """Return what a chart finds, in words, for those who do not see it."""
    return str(chart.description)


def notes(chart: "alt.LayerChart") -> list[str]:
    """Return what belongs in a chart's caption: what its marks mean, what is clipped, what is not drawn."""
    return list(_told(chart)["notes"])


def left_out(chart: "alt.LayerChart") -> int:
    """Return how many slices, or speakers, or systems, a chart does not draw for want of room."""
    return int(_told(chart)["left_out"])


def svg(
    chart: "alt.LayerChart", *, width: int = WIDTH, config: Mapping[str, Any] = LIGHT, ground: str = "transparent"
) -> str:
    """Draw a chart as an SVG picture that stands alone, its title above it and its notes beneath that.

    Args:
        chart: As made by a function of this package.
        width: In pixels.
        config: LIGHT or DARK.
        ground: Colour behind it.
    """
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(_standing(chart, width, {**config, "background": ground}))
    return drawing


def png(
    chart: "alt.LayerChart",
    scale: float = 2,
    *,
    width: int = WIDTH,
    config: Mapping[str, Any] = LIGHT,
    ground: str = LIGHT_COLOURS["paper"],
) -> bytes:
    """Draw a chart as a PNG picture that stands alone; `scale` is pixels of it per pixel of its width."""
    import vl_convert

    standing = _standing(chart, width, {**config, "background": ground})
    picture: bytes = vl_convert.vegalite_to_png(standing, scale=scale)
    return picture


def records(frame: pd.DataFrame, columns: Sequence[str]) -> Records:
    """Return the columns as records of plain Python: five significant digits, None for what is no finite number."""
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        for row in frame[list(columns)].itertuples(index=False, name=None)
    ]


def rounded(number: float) -> float:
    """Return a number to the five significant digits that a picture can show.

    >>> rounded(0.123456789)
    0.12346
    """
    return float(f"{number:.{_DIGITS}g}")


def finite(value: object) -> float | None:
    """Return a finite number, None for anything else."""
    number = float(value) if isinstance(value, Real) else math.nan
    return number if math.isfinite(number) else None


def cells(values: Iterable[object]) -> list[Any]:
    """Return the cells of a column of a chart's rows, None where there is nothing."""
    return list(values)


def either(narrow: object, wide: object) -> dict[str, str]:
    """Return an expression that is one constant in a narrow container and another in a wide one."""
    return {"expr": f"{_NARROW_PARAMETER} ? {_literal(narrow)} : {_literal(wide)}"}


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _plain(value: object) -> object:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return rounded(value) if math.isfinite(value) else None
    return None if value is pd.NA or value is pd.NaT else value


def _used(config: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a config without the styles that no layer names."""
    named = {layer["mark"].get("style") for layer in layers}
    return {**config, "style": {name: style for name, style in config["style"].items() if name in named}}


def _told(chart: "alt.LayerChart") -> dict[str, Any]:
    meta: dict[str, Any] = dict(chart.usermeta)
    return meta


def _standing(chart: "alt.LayerChart", width: int, config: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of a picture: its width in pixels, the notes that a page would have in its caption."""
    told = _told(chart)
    lines = textwrap.wrap(" ".join(told["notes"]), max(20, int(width / _LETTER)))
    return {
        **chart.to_dict(),
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 12,
        "title": {"text": textwrap.wrap(told["title"], max(16, int(width / _TITLE_LETTER))), "subtitle": lines},
        "params": [{"name": _NARROW_PARAMETER, "value": width < NARROW}],
        "config": config,
    }
