"""The grid of conditions and slices in, a heatmap of WER out, in each cell the verdict of its gap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import OVERALL
from harness.report.charts import heat, theme
from harness.report.charts.drawing import Layers, Records, Told, drawn, either, finite, rounded
from harness.report.charts.labels import count_of, is_declared, label
from harness.report.charts.marks import told
from harness.report.wording import gap_interval, how_many, percent, points, rate_interval

if TYPE_CHECKING:
    import altair as alt

MOST_COLUMNS = 12
_EVERYBODY = ("", "everybody")  # the key and the name of the first column
_CLEAN = "clean"
_WORD = 76  # pixels of a column that has room for a verdict's word
_SHAPES = {
    "disparity": "▲ worse, a disparity", "advantage": "▼ better, an advantage", "within_margin": "■ within margin",
    "inconclusive": "○ inconclusive", "insufficient": "× outlined, too few people for a verdict",
}  # fmt: skip
_TOOLTIP = (
    ("condition", "condition"), ("label", "slice"), ("wer_text", "WER"), ("interval", "interval"),
    ("gap_text", "gap, points"), ("gap_interval", "interval of the gap"), ("word", "verdict"), ("speakers", "speakers"),
    ("utterances", "utterances"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Grid:
    """Says what is drawn where: conditions and slices, of which either may go down.

    Attributes:
        conditions: Drawn, clean first.
        slices: Drawn, everybody first.
        cells: The table's rows, by condition and slice.
        conditions_down: Whether conditions are the rows.
        left_out: How many conditions and how many slices are not drawn.
    """

    conditions: Sequence[str]
    slices: Sequence[str]
    cells: Mapping[tuple[str, str], Mapping[str, Any]]
    conditions_down: bool
    left_out: tuple[int, int]

    @property
    def rows(self) -> Sequence[str]:
        return self.conditions if self.conditions_down else self.slices

    @property
    def columns(self) -> Sequence[str]:
        return self.slices if self.conditions_down else self.conditions

    def at(self, row: str, column: str) -> Mapping[str, Any] | None:
        return self.cells.get((row, column) if self.conditions_down else (column, row))


def conditions_grid(conditions: pd.DataFrame, dimension: str, *, most: int = 40) -> "alt.LayerChart":
    """Draw the WER of every slice of a dimension under every condition, and what the gap there is judged to be.

    Args:
        conditions: Columns condition, dimension, slice, wer, wer_low, wer_high, n_speakers, n_utterances, gap, gap_low,
            gap_high, verdict, conditions in the order in which they are to stand. Rows of `overall` are everybody.
        dimension: Whose slices are drawn.
        most: Rows drawn; columns are twelve. Clean and everybody are always among them, the others are those with the
            largest gaps.

    Raises:
        UsageError: The dimension has no rows.
    """
    part = conditions[conditions["dimension"] == dimension]
    if part.empty:
        raise UsageError(f"{label(dimension)}: no slice to draw; expected a dimension of conditions.csv.")
    grid = _grid(conditions[conditions["dimension"] == OVERALL], part, most)
    judged = [float(row["wer"]) for row in grid.cells.values() if _kind(row) == heat.HEAT]
    edges = heat.edges(judged)
    cells = _cells(grid, edges)
    names = [_called(name) for name in grid.slices]
    across, down = (label(dimension), "condition") if grid.conditions_down else ("condition", label(dimension))
    data = {
        heat.CELLS: cells,
        heat.ROWS: [{"row": i, **_name(name, grid.conditions_down)} for i, name in enumerate(grid.rows)],
        heat.COLUMNS: [{"col": i, **_name(name, not grid.conditions_down)} for i, name in enumerate(grid.columns)],
        heat.ONE: [{"across": across, "down": down}],
    }
    said = Told(
        title=f"WER by condition and {label(dimension)}",
        finding=_finding(dimension, cells, n_slices=len(names)),
        notes=list(_notes(grid, cells)),
        n_left_out=sum(grid.left_out),
    )
    return drawn(_layers(grid, edges), data, said, height=heat.STEP * len(grid.rows))


def _grid(everybody: pd.DataFrame, part: pd.DataFrame, most: int) -> _Grid:
    conditions = [str(name) for name in dict.fromkeys(part["condition"])]
    slices = [str(name) for name in dict.fromkeys(part["slice"])]
    down = len(conditions) > MOST_COLUMNS or len(slices) < MOST_COLUMNS
    n_conditions, n_slices = (most, MOST_COLUMNS - 1) if down else (MOST_COLUMNS, most - 1)
    size = part["gap"].abs().fillna(-1.0)
    kept = _kept(conditions, size.groupby(part["condition"]).max(), n_conditions, first=_CLEAN)
    shown = _kept(slices, size.groupby(part["slice"]).max(), n_slices)
    cells = {(str(row["condition"]), str(row["slice"])): row for row in _records(part)}
    top = {(str(row["condition"]), _EVERYBODY[0]): row for row in _records(everybody)}
    drawn_cells = {
        key: row for key, row in (cells | top).items() if key[0] in set(kept) and key[1] in {*shown, _EVERYBODY[0]}
    }
    left_out = len(conditions) - len(kept), len(slices) - len(shown)
    return _Grid(kept, [_EVERYBODY[0], *shown] if top else shown, drawn_cells, down, left_out)


def _kept(names: Sequence[str], size: "pd.Series[float]", most: int, first: str | None = None) -> list[str]:
    """Return the names with the largest gaps in the order given, whatever must be first among them."""
    ranked = sorted(names, key=lambda name: (name != first, -float(size.get(name, -1.0))))
    kept = set(ranked[:most])
    return [name for name in names if name in kept]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _kind(row: Mapping[str, Any] | None) -> str:
    """Say what a cell is: coloured where its number says something, as everybody's does."""
    if row is None or finite(row["wer"]) is None:
        return heat.EMPTY
    return heat.HEAT if row["dimension"] == OVERALL or row["verdict"] in _judged() else heat.FEW


def _judged() -> list[str]:
    return [name for name in theme.VERDICTS if name != "insufficient"]


def _cells(grid: _Grid, edges: Sequence[float]) -> Records:
    return [
        {"row": i, "col": j} | _cell(grid.at(row, column), row if grid.conditions_down else column, edges)
        for i, row in enumerate(grid.rows)
        for j, column in enumerate(grid.columns)
    ]


def _cell(row: Mapping[str, Any] | None, condition: str, edges: Sequence[float]) -> dict[str, Any]:
    kind = _kind(row)
    if row is None or kind == heat.EMPTY:
        return {"kind": heat.EMPTY, "condition": label(condition), "word": "no words"}
    rate = float(row["wer"])
    verdict = str(row["verdict"]) if row["verdict"] in theme.VERDICTS else ""
    return {
        "kind": kind,
        "condition": label(condition),
        "label": _EVERYBODY[1] if row["dimension"] == OVERALL else label(row["slice"]),
        "wer": rounded(rate),
        "number": f"{100 * rate:.1f}",
        "wer_text": percent(rate),
        "interval": rate_interval(finite(row["wer_low"]), finite(row["wer_high"])),
        "gap_text": points(finite(row["gap"])),
        "gap_interval": gap_interval(finite(row["gap_low"]), finite(row["gap_high"])),
        "verdict": verdict,
        "word": verdict.replace("_", " ").replace("insufficient", "too few"),
        "speakers": count_of(row["n_speakers"]),
        "utterances": count_of(row["n_utterances"]),
    } | (heat.heat_of(rate, edges) if kind == heat.HEAT and edges else {})


def _called(name: str) -> str:
    return _EVERYBODY[1] if name == _EVERYBODY[0] else name


def _name(name: str, is_condition: bool) -> dict[str, object]:
    return {"label": label(_called(name)), "apart": not is_condition and not is_declared(name)}


def _layers(grid: _Grid, edges: Sequence[float]) -> Layers:
    import altair as alt

    n_columns = len(grid.columns)
    x, y = heat.places(n_columns, len(grid.rows))
    cells = alt.Chart(alt.NamedData(heat.CELLS)).encode(x=x, y=y)
    by_kind = {kind: cells.transform_filter(f"datum.kind == '{kind}'") for kind in (heat.HEAT, heat.FEW, heat.EMPTY)}
    deep = "datum.deep === true"
    return [
        by_kind[heat.HEAT].mark_rect(style=theme.CELL).encode(color=heat.colour(edges, "WER"), **told(_TOOLTIP)),
        by_kind[heat.FEW].mark_rect(style=theme.CELL_FEW).encode(**told(_TOOLTIP)),
        by_kind[heat.EMPTY].mark_rect(style=theme.CELL_EMPTY).encode(**told(_TOOLTIP[:1])),
        *_texts(by_kind[heat.HEAT].transform_filter(f"!({deep})"), (theme.ON_PALE, theme.ON_PALE_SMALL), n_columns),
        *_texts(by_kind[heat.HEAT].transform_filter(deep), (theme.ON_DEEP, theme.ON_DEEP_SMALL), n_columns),
        *_texts(by_kind[heat.FEW], (theme.QUIET, theme.NOTE), n_columns),
        by_kind[heat.EMPTY].mark_text(style=theme.NOTE, fontSize=10, text=either("–", "no words")),
        *heat.headings(n_columns, x, y),
    ]


def _texts(cells: "alt.Chart", styles: tuple[str, str], n_columns: int) -> Layers:
    """Return a cell's WER, and beneath it the verdict: a shape, and its word where there is room."""
    size = 12 if n_columns < heat.TILTED else 10 if n_columns < heat.CROWDED else 9
    roomy = f"width / {n_columns} >= {_WORD}"
    shapes = [
        cells.transform_filter(f"datum.verdict == '{verdict}'").mark_point(
            style=styles[0],
            shape=shape,
            filled=verdict not in ("inconclusive", "insufficient"),
            size=34,
            strokeWidth=1.3,
            opacity=1,
            yOffset={"expr": f"{roomy} ? -6 : 9"},
            xOffset={"expr": f"{roomy} ? 27 : 0"},
        )
        for verdict, (shape, _) in theme.VERDICTS.items()
    ]
    number = cells.mark_text(style=styles[0], dy=-6, fontSize=either(size, 12)).encode(text="number:N")
    word = cells.mark_text(style=styles[1], dy=9, text={"expr": f"{roomy} ? datum.word : ''"})
    return [number, *shapes, word]


def _finding(dimension: str, cells: Records, *, n_slices: int) -> str:
    """Name the cells with the highest and the lowest WER, and count what is judged."""
    seen = [cell for cell in cells if cell["kind"] == heat.HEAT and cell["label"] != _EVERYBODY[1]]
    opening = f"WER by condition and {label(dimension)}"
    if not seen:
        return f"{opening}: none of {n_slices} slices has enough people for a verdict under any condition."
    low, high = (pick(seen, key=lambda cell: float(cell["wer"])) for pick in (min, max))
    named = [f"{cell['label']} under {cell['condition']} {cell['wer_text']}" for cell in (high, low)]
    counts = {name: sum(cell["verdict"] == name for cell in cells if "verdict" in cell) for name in theme.VERDICTS}
    judged = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    return f"{opening}: highest {named[0]}, lowest {named[1]}. Gaps: {judged}."


def _notes(grid: _Grid, cells: Records) -> Iterator[str]:
    yield "In a cell: WER in percent, and the verdict of the slice's gap under that condition."
    found = {str(cell.get("verdict", "")) for cell in cells}
    yield "; ".join(told for name, told in _SHAPES.items() if name in found) + ("." if found - {""} else "")
    if any(cell["kind"] == heat.EMPTY for cell in cells):
        yield "Dotted: no words were said there."
    n_conditions, n_slices = grid.left_out
    more = [how_many(n, what) for n, what in ((n_conditions, "condition"), (n_slices, "slice")) if n]
    if more:
        yield f"Drawn are clean and the largest gaps; {' and '.join(more)} more are in the table and in conditions.csv."
