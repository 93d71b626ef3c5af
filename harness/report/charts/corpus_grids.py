"""Pairs of slices in, heatmaps out: how many people are where two attributes meet, and which texts two slices share."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.corpus.attributes import INTERSECTION_SEPARATOR
from harness.errors import UsageError
from harness.report.charts import heat, theme
from harness.report.charts.drawing import Layers, Records, Told, drawn, either
from harness.report.charts.labels import is_declared, label
from harness.report.charts.marks import told
from harness.report.wording import how_many

if TYPE_CHECKING:
    import altair as alt

MOST_COLUMNS = 12
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # where the colours of shares begin and end, in every chart
_TOOLTIP = (("label", "slice"), ("told", "said"))

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Cell:
    """Is what a cell says: its colour's band and number, and the same in words."""

    band: str
    deep: bool
    number: str
    told: str


@dataclass(frozen=True, slots=True)
class _Grid:
    """Says what is drawn where.

    Attributes:
        down: What the rows are.
        across: What the columns are.
        rows: Their names, from the top.
        columns: Their names, from the left.
        cells: By row and column; what is not among them is empty.
        bands: What colours mean, from pale to deep.
        legend: What all of them are.
        empty: What is said of an empty cell.
        n_left_out: Names not drawn.
        is_wordy: Whether cells say more than a narrow chart of many columns has room for.
    """

    down: str
    across: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[Key, _Cell]
    bands: Sequence[str]
    legend: str
    empty: str
    n_left_out: int
    is_wordy: bool = False


def people_grid(people: pd.DataFrame, dimension: str, *, bands: Sequence[str], most: int = 40) -> "alt.LayerChart":
    """Draw how many people are in every crossing of two attributes; nobody is dotted.

    Args:
        people: people.csv: dimension, slice, size (utterances), and of crossings band (one of `bands`) and people_text.
        dimension: Two attributes.
        bands: How many people a colour means, from few to many, at most as many as there are heats.
        most: Rows drawn; of columns, twelve: those of most utterances.

    Raises:
        UsageError: Nobody is in any crossing.
    """
    part = people[people["dimension"] == dimension]
    if part.empty:
        raise UsageError(f"{label(dimension)}: no intersection of two attributes here; expected one that is crossed.")
    down, across = dimension.split(INTERSECTION_SEPARATOR)
    found = {_key(row["slice"]): row for row in part.to_dict("records")}
    rows, columns = (_values(people, name, [key[i] for key in found]) for i, name in enumerate((down, across)))
    if len(columns) > len(rows):
        down, across, rows, columns = across, down, columns, rows
        found = {(key[1], key[0]): row for key, row in found.items()}
    n_names = len(rows) + len(columns)
    rows, columns = (
        _largest(names, found, i, n) for i, (names, n) in enumerate(((rows, most), (columns, MOST_COLUMNS)))
    )
    cells = {
        key: _Cell(
            row["band"], bands.index(row["band"]) >= theme.N_PALE, row["people_text"], f"{row['people_text']} people"
        )
        for key, row in found.items()
        if key[0] in rows and key[1] in columns
    }
    left = n_names - len(rows) - len(columns)
    grid = _Grid(down, across, rows, columns, cells, bands, "people", "nobody", left, is_wordy=True)
    n_empty = len(rows) * len(columns) - len(cells)
    title = f"People by {label(down)} and {label(across)}"
    finding = f"{title}: {how_many(len(cells), 'cell')} with people, {n_empty} with nobody."
    return _drawn(grid, title, finding, ["In a cell: people."])


def shared_texts(
    pairs: pd.DataFrame, dimension: str, *, n_unpaired: int = 0, most: int = MOST_COLUMNS
) -> "alt.LayerChart":
    """Draw for every two slices which share of the one's utterances has a text that the other says, too.

    Args:
        pairs: overlap_pairs.csv: dimension, slice, other, n_utterances, share.
        dimension: Whose slices.
        n_unpaired: Its slices that are in no pair; they are not drawn, either.
        most: Slices drawn, those of most utterances.

    Raises:
        UsageError: There are no two slices.
    """
    part = pairs[pairs["dimension"] == dimension]
    if part.empty:
        raise UsageError(f"{label(dimension)}: no two slices say anything; expected at least two.")
    sizes = part.drop_duplicates("slice").set_index("slice")["n_utterances"]
    kept = set(sizes.sort_values(ascending=False, kind="stable").index[:most])
    names = [str(name) for name in sizes.index if name in kept]
    part = part[part["slice"].isin(kept) & part["other"].isin(kept) & part["share"].notna()]
    cells = {}
    for one, other, share in zip(part["slice"], part["other"], part["share"].map(float), strict=True):
        colour, number = heat.heat_of(share, _SHARES), f"{100 * share:.0f}"
        said = f"{number} % of its utterances have a text that {label(other)} says"
        cells[(str(one), str(other))] = _Cell(str(colour["band"]), bool(colour["deep"]), number, said)
    legend = "share of the row's utterances"
    grid = _Grid(
        f"of {label(dimension, 30)}",
        "is also said by",
        names,
        names,
        cells,
        heat.bands(_SHARES),
        legend,
        "itself",
        len(sizes) - len(names) + n_unpaired,
    )
    shares = [float(share) for share in part["share"]] or [0.0]
    finding = (
        f"Texts shared by two slices of {label(dimension)}: from {100 * min(shares):.0f} % to "
        f"{100 * max(shares):.0f} % of the utterances of one are also said in the other."
    )
    notes = ["In a cell: percent of the row's utterances whose text somebody in the column says, too."]
    return _drawn(grid, f"Texts that slices of {label(dimension)} share", finding, notes)


def _drawn(grid: _Grid, title: str, finding: str, notes: Sequence[str]) -> "alt.LayerChart":
    data = {
        heat.CELLS: list(_cells(grid)),
        heat.ROWS: _names(grid.rows, "row"),
        heat.COLUMNS: _names(grid.columns, "col"),
        heat.ONE: [{"across": label(grid.across), "down": label(grid.down)}],
    }
    left = (
        f"{how_many(grid.n_left_out, 'slice')} of fewest utterances not drawn; the table has every one."
        if grid.n_left_out
        else ""
    )
    said = Told(title=title, finding=finding, notes=[*notes, left], n_left_out=grid.n_left_out)
    return drawn(_layers(grid), data, said, height=heat.STEP * len(grid.rows))


def _cells(grid: _Grid) -> Iterator[dict[str, object]]:
    for place, row in enumerate(grid.rows):
        for position, column in enumerate(grid.columns):
            cell = grid.cells.get((row, column))
            where = {"row": place, "col": position, "label": f"{label(row)} & {label(column)}"}
            if cell is None:
                yield {**where, "kind": heat.EMPTY, "number": grid.empty, "told": grid.empty}
            else:
                yield {
                    **where,
                    "kind": heat.HEAT,
                    "band": cell.band,
                    "deep": cell.deep,
                    "number": cell.number,
                    "told": cell.told,
                }


def _layers(grid: _Grid) -> Layers:
    import altair as alt

    n_columns = len(grid.columns)
    x, y = heat.places(n_columns, len(grid.rows))
    cells = alt.Chart(alt.NamedData(heat.CELLS)).encode(x=x, y=y)
    hot, empty = (cells.transform_filter(f"datum.kind == '{kind}'") for kind in (heat.HEAT, heat.EMPTY))
    legend = alt.Legend(
        title=grid.legend, orient="bottom", symbolType="square", symbolSize=180, columns=either(3, theme.N_HEATS)
    )
    scale = alt.Scale(domain=list(grid.bands), range="heatmap")
    colour = alt.Color("band:N", scale=scale, legend=legend if grid.bands else None)
    crowded = grid.is_wordy and n_columns >= heat.TILTED
    number = {"expr": "narrow ? '' : datum.number" if crowded else "datum.number"}
    size = either(12 if n_columns < heat.TILTED else 10 if n_columns < heat.CROWDED else 8, 12)
    return [
        hot.mark_rect(style=theme.CELL).encode(color=colour, **told(_TOOLTIP)),
        empty.mark_rect(style=theme.CELL_EMPTY).encode(**told(_TOOLTIP)),
        hot.transform_filter("!datum.deep").mark_text(style=theme.ON_PALE, fontSize=size, text=number),
        hot.transform_filter("datum.deep").mark_text(style=theme.ON_DEEP, fontSize=size, text=number),
        *heat.headings(n_columns, x, y),
    ]


def _key(name: object) -> Key:
    one, _, other = str(name).partition(INTERSECTION_SEPARATOR)
    return one, other


def _values(people: pd.DataFrame, attribute: str, found: Sequence[str]) -> list[str]:
    """Return an attribute's values in the order of its own slices, those without one after them, the silent last."""
    own = [str(name) for name in people.loc[people["dimension"] == attribute, "slice"]]
    order = {name: place for place, name in enumerate(dict.fromkeys([*own, *found]))}
    return sorted(dict.fromkeys(found), key=lambda name: (not is_declared(name), order[name]))


def _largest(names: Sequence[str], found: Mapping[Key, Mapping[Hashable, Any]], side: int, most: int) -> list[str]:
    """Return the names that most utterances have, in their order."""
    n_utterances = dict.fromkeys(names, 0)
    for key, row in found.items():
        n_utterances[key[side]] += int(row["size"])
    kept = set(sorted(names, key=lambda name: -n_utterances[name])[:most])
    return [name for name in names if name in kept]


def _names(names: Sequence[str], place: str) -> Records:
    return [{place: i, "label": label(name), "apart": not is_declared(name)} for i, name in enumerate(names)]
