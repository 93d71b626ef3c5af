"""A slice table's intersections of two attributes in, a heatmap of their WER out, empty cells in their places."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from harness.corpus.attributes import INTERSECTION_SEPARATOR
from harness.errors import UsageError
from harness.report.charts import heat, theme
from harness.report.charts.drawing import Layers, Records, Told, drawn, either, finite, rounded
from harness.report.charts.labels import count_of, is_declared, label
from harness.report.wording import how_many, percent, rate_interval

if TYPE_CHECKING:
    import altair as alt

MOST_COLUMNS = 12
_TOOLTIP = (
    ("label", "slice"), ("wer_text", "WER"), ("interval", "interval"), ("speakers", "speakers"),
    ("utterances", "utterances"), ("kind", "cell"),
)  # fmt: skip
_MEANING = {heat.HEAT: "WER", heat.FEW: "too few people for a verdict", heat.EMPTY: "nobody"}


@dataclass(frozen=True, slots=True)
class Grid:
    """Says what is drawn where.

    Attributes:
        down: Attribute of the rows.
        across: Attribute of the columns, of which there are no more than of rows.
        rows: Values drawn, from the top.
        columns: Values drawn, from the left.
        cells: The table's rows that are drawn, by row and column.
        few: Places of cells of which nothing is drawn but that few people are in them.
        n_left_out: Cells with people that are not drawn.
    """

    down: str
    across: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: dict[tuple[str, str], pd.Series]
    few: frozenset[tuple[str, str]]
    n_left_out: int


def pairs(slices: pd.DataFrame) -> list[str]:
    """Return the dimensions that are intersections of two attributes, in the table's order."""
    names = dict.fromkeys(str(name) for name in slices["dimension"])
    return [name for name in names if len(name.split(INTERSECTION_SEPARATOR)) == 2]


def heatmap(
    slices: pd.DataFrame,
    dimension: str,
    *,
    disparities: pd.DataFrame | None = None,
    few: Collection[str] | None = (),
    floor: int = 0,
    most: int = 40,
) -> "alt.LayerChart":
    """Draw the WER of every intersection as a cell's colour and number, its speakers beneath, nobody as `empty`.

    Args:
        slices: Columns dimension, slice, wer, wer_low, wer_high, n_speakers, n_utterances. Rows of the two attributes
            alone, where there are any, give the order of values.
        dimension: One of `pairs(slices)`.
        disparities: disparities.csv; without it cells are coloured that have an interval, with it those judged.
        few: Slices of the intersection that are not in the table, for fewer people than `floor` are in them: that is
            all that their cells say; None where not even that is to be told: their cells are as those of nobody.
        floor: Number of people.
        most: Rows drawn, those of most utterances; of columns, twelve.

    Raises:
        UsageError: The table has no such intersection.
    """
    part = slices[slices["dimension"] == dimension]
    if part.empty or dimension not in pairs(part):
        raise UsageError(
            f"{label(dimension)}: no intersection of two attributes here; expected one of {pairs(slices)}."
        )
    grid = _grid(part, slices, few or (), most)
    judged = _judged(part, disparities)
    edges = heat.edges([float(cell["wer"]) for cell in grid.cells.values() if cell["slice"] in judged])
    cells = _cells(grid, judged, edges, floor=None if few is None else floor)
    data = {
        heat.CELLS: cells,
        heat.ROWS: _names(grid.rows, "row"),
        heat.COLUMNS: _names(grid.columns, "col"),
        heat.ONE: [{"across": label(grid.across), "down": label(grid.down)}],
    }
    told = Told(
        title=f"WER by {label(grid.down)} and {label(grid.across)}",
        finding=_finding(grid, cells),
        notes=list(_notes(grid, cells, None if few is None else floor)),
        n_left_out=grid.n_left_out,
    )
    return drawn(_layers(grid, edges), data, told, height=heat.STEP * len(grid.rows))


def _grid(part: pd.DataFrame, slices: pd.DataFrame, few: Collection[str], most: int) -> Grid:
    down, across = str(part["dimension"].iloc[0]).split(INTERSECTION_SEPARATOR)
    cells = {
        place: row for name, (_, row) in zip(part["slice"], part.iterrows(), strict=True) for place in _place(name)
    }
    withheld = {place for name in few for place in _place(name)} - cells.keys()
    rows, columns = (
        _values(slices, attribute, [place[side] for place in (*cells, *sorted(withheld))])
        for side, attribute in enumerate((down, across))
    )
    if len(columns) > len(rows):
        down, across, rows, columns = across, down, columns, rows
        cells, withheld = {(key[1], key[0]): row for key, row in cells.items()}, {(b, a) for a, b in withheld}
    rows, columns = _largest(rows, cells, 0, most), _largest(columns, cells, 1, MOST_COLUMNS)
    shown = {key: row for key, row in cells.items() if key[0] in rows and key[1] in columns}
    seen = frozenset(key for key in withheld if key[0] in rows and key[1] in columns)
    return Grid(down, across, rows, columns, shown, seen, len(cells) + len(withheld) - len(shown) - len(seen))


def _place(name: object) -> list[tuple[str, str]]:
    """Return the row and the column of an intersection's cell; nothing where its name is not of two values."""
    values = str(name).split(INTERSECTION_SEPARATOR, 1)
    return [(values[0], values[1])] if len(values) == 2 else []


def _values(slices: pd.DataFrame, attribute: str, found: Sequence[str]) -> list[str]:
    """Return an attribute's values in the order of its own slices, those without one after them, the silent last."""
    own = [str(name) for name in slices.loc[slices["dimension"] == attribute, "slice"]]
    order = {name: place for place, name in enumerate(dict.fromkeys([*own, *found]))}
    return sorted(dict.fromkeys(found), key=lambda name: (not is_declared(name), order[name]))


def _largest(values: list[str], cells: dict[tuple[str, str], pd.Series], side: int, most: int) -> list[str]:
    """Return the values that most utterances have, in their order."""
    n_utterances = dict.fromkeys(values, 0.0)
    for key, row in cells.items():
        n_utterances[key[side]] += finite(row["n_utterances"]) or 0
    kept = set(sorted(values, key=lambda name: -n_utterances[name])[:most])
    return [name for name in values if name in kept]


def _judged(part: pd.DataFrame, disparities: pd.DataFrame | None) -> set[object]:
    """Return the slices whose number says something."""
    if disparities is None:
        return set(part.loc[part["wer_low"].notna() & part["wer"].notna(), "slice"])
    mine = disparities[disparities["dimension"] == part["dimension"].iloc[0]]
    judged = set(mine.loc[mine["verdict"] != "insufficient", "slice"])
    return {name for name, wer in zip(part["slice"], part["wer"], strict=True) if name in judged and pd.notna(wer)}


def _cells(grid: Grid, judged: set[object], edges: Sequence[float], *, floor: int | None) -> Records:
    """Return the cells; without a floor those without a row are all alike, whoever is in them."""
    cells: Records = []
    untold = {"kind": heat.FEW, "number": "–", "wer_text": "–", "interval": "–"}
    few = untold | {"speakers": f"< {floor}"}
    nobody = untold | {"speakers": ""} if floor is None else {"kind": heat.EMPTY, "wer_text": heat.EMPTY}
    for place, row in enumerate(grid.rows):
        for position, column in enumerate(grid.columns):
            where = {"row": place, "col": position}
            found = grid.cells.get((row, column))
            if found is None:
                told = few if (row, column) in grid.few else nobody
                cells.append({**where, **told, "label": f"{label(row)} & {label(column)}"})
                continue
            wer = finite(found["wer"])
            kind = heat.HEAT if found["slice"] in judged else heat.FEW
            cells.append(
                where
                | {
                    "kind": kind,
                    "label": label(found["slice"]),
                    "wer": None if wer is None else rounded(wer),
                    "number": "–" if wer is None else f"{100 * wer:.1f}",
                    "wer_text": percent(wer),
                    "interval": rate_interval(finite(found["wer_low"]), finite(found["wer_high"])),
                    "speakers": count_of(found["n_speakers"]),
                    "utterances": count_of(found["n_utterances"]),
                }
                | (heat.heat_of(wer, edges) if kind == heat.HEAT else {})
            )
    return cells


def _names(values: Sequence[str], place: str) -> Records:
    return [{place: i, "label": label(name), "apart": not is_declared(name)} for i, name in enumerate(values)]


def _layers(grid: Grid, edges: Sequence[float]) -> Layers:
    import altair as alt

    from harness.report.charts.marks import told

    x, y = heat.places(len(grid.columns), len(grid.rows))
    cells = alt.Chart(alt.NamedData(heat.CELLS)).encode(x=x, y=y)
    hot = cells.transform_filter(f"datum.kind == '{heat.HEAT}'")
    few = cells.transform_filter(f"datum.kind == '{heat.FEW}'")
    empty = cells.transform_filter(f"datum.kind == '{heat.EMPTY}'")
    size = 12 if len(grid.columns) < heat.TILTED else 10 if len(grid.columns) < heat.CROWDED else 9
    return [
        hot.mark_rect(style=theme.CELL).encode(color=heat.colour(edges, "WER"), **told(_TOOLTIP)),
        few.mark_rect(style=theme.CELL_FEW).encode(**told(_TOOLTIP)),
        empty.mark_rect(style=theme.CELL_EMPTY).encode(**told(_TOOLTIP)),
        *_numbers(hot.transform_filter("!datum.deep"), theme.ON_PALE, theme.ON_PALE_SMALL, size),
        *_numbers(hot.transform_filter("datum.deep"), theme.ON_DEEP, theme.ON_DEEP_SMALL, size),
        *_numbers(few, theme.QUIET, theme.NOTE, size),
        empty.mark_text(
            style=theme.NOTE,
            text=either("–" if len(grid.columns) >= heat.CROWDED else heat.EMPTY, heat.EMPTY),
            fontSize=10,
        ),
        *heat.headings(len(grid.columns), x, y),
    ]


def _numbers(cells: "alt.Chart", style: str, small: str, narrow_size: int) -> Layers:
    """Return the WER and beneath it the speakers, smaller where many columns share a narrow chart."""
    return [
        cells.mark_text(style=style, dy=-6, fontSize=either(narrow_size, 12)).encode(text="number:N"),
        cells.mark_text(style=small, dy=9, fontSize=either(_small(narrow_size), 10)).encode(text="speakers:N"),
    ]


def _small(size: int) -> int:
    return min(size - 1, 10)


def _finding(grid: Grid, cells: Records) -> str:
    """Name the intersections with the highest and the lowest WER among those with enough people."""
    seen = [cell for cell in cells if cell["kind"] == heat.HEAT]
    n_empty = sum(cell["kind"] == heat.EMPTY for cell in cells)
    n_untold = len(cells) - n_empty - len(grid.cells) - len(grid.few)
    count = f"{how_many(n_empty, 'cell is', 'cells are')} empty"
    if n_untold:
        count = f"{how_many(n_untold, 'cell says', 'cells say')} nothing"
    opening = f"WER by {label(grid.down)} and {label(grid.across)}"
    if not seen:
        return f"{opening}: no cell has enough people for a number to mean something; {count}."
    low, high = min(seen, key=lambda cell: float(cell["wer"])), max(seen, key=lambda cell: float(cell["wer"]))
    named = f"highest {high['label']} {high['wer_text']}, lowest {low['label']} {low['wer_text']}"
    return f"{opening}: {named}, of {how_many(len(seen), 'cell')} with enough people; {count}."


def _notes(grid: Grid, cells: Records, floor: int | None) -> Iterator[str]:
    yield "In a cell: WER in percent, beneath it the number of speakers."
    if floor is None:
        yield "A cell without a number is of nobody, or of people of whom nothing is printed; so are rows not drawn."
    if grid.few:
        yield f"A cell of fewer than {floor} speakers says that alone: its number would be of persons."
    if any(cell["kind"] == heat.FEW for cell in cells):
        yield "Outlined: too few people for a verdict, or a value not declared."
    if any(cell["kind"] == heat.EMPTY for cell in cells):
        yield "Dotted: empty, for nobody is in it."
    if grid.n_left_out:
        verb = "is" if grid.n_left_out == 1 else "are"
        yield f"{how_many(grid.n_left_out, 'cell')} with the least support {verb} not drawn; the table has every one."
