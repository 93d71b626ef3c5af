"""A last-mile run in, its sections of `report.md` out: who is hurt, the grid, crossings, what was done, terms."""

import pandas as pd

from harness.fairness.membership import AND, OVERALL
from harness.report.applied import applied, at_level, configured
from harness.report.conditions import Row, UnderConditions, extremes, hurt_most, rows_of, under_conditions, unshown
from harness.report.crossings import crossing_interval, crossing_text
from harness.report.placed import placed_sentences, there
from harness.report.tables import escape, table
from harness.report.terms import (
    CALLED,
    FIRST,
    WordsThatMatter,
    finding_text,
    opening,
    rate_cell,
    words_that_matter,
)
from harness.report.wording import gap_interval, percent, plain, points, times
from harness.results import Run
from harness.results.run import CONDITIONS, CROSSINGS, EXTRA_HARM, LEVELS, PLACED, TERMS

MOST_ROWS, MOST_CONDITIONS, MOST_SLICES = 24, 30, 12  # more than is read in a document; the files have all
_SHAPES = {"disparity": "▲", "advantage": "▼", "within_margin": "■", "inconclusive": "○", "insufficient": "×"}


def conditions_sections(run: Run) -> list[str]:
    """Return what `report.md` says of conditions and of terms; nothing where a run has neither."""
    under, terms = under_conditions(run), words_that_matter(run)
    found = [] if under is None else [_opening(under), _grids(under), _harms(under), _crossings(under), _placed(under)]
    found += [] if terms is None else [_terms(terms)]
    found += [] if under is None else [_applied(run, under), "*From here on: the recordings as they are, clean.*"]
    return [section for section in found if section]


def _opening(under: UnderConditions) -> str:
    notes = [note for note in (unshown(under), extremes(under)) if note]
    listed = "\n".join(f"- {escape(note)}" for note in notes)
    return f"## Under these conditions\n\n**{escape(hurt_most(under))}**\n\n{listed}"


def _grids(under: UnderConditions) -> str:
    """Return a table a dimension: conditions down, slices across, the verdict of each gap as a shape."""
    names = [name for name in dict.fromkeys(under.grid["dimension"]) if name != OVERALL and AND not in name]
    top = under.grid[under.grid["dimension"] == OVERALL].set_index("condition")["wer"]
    tables = [_grid(under.grid[under.grid["dimension"] == name], top) for name in names]
    key = ", ".join(f"{shape} {name.replace('_', ' ')}" for name, shape in _SHAPES.items())
    told = f"WER in percent, and the verdict of the slice's gap: {key}. Every row: {CONDITIONS}."
    return "\n\n".join([f"### WER by condition and slice\n\n{told}", *tables]) if tables else ""


def _grid(part: pd.DataFrame, top: "pd.Series[float]") -> str:
    conditions, slices = (list(dict.fromkeys(part[name])) for name in ("condition", "slice"))
    cells = {(row["condition"], row["slice"]): row for row in rows_of(part)}
    shown = slices[:MOST_SLICES]
    rows = [
        (name, _rate(top.get(name)), *(_cell(cells.get((name, each))) for each in shown))
        for name in conditions[:MOST_CONDITIONS]
    ]
    more = [
        f"{len(names) - most} {what} more"
        for names, most, what in ((conditions, MOST_CONDITIONS, "conditions"), (slices, MOST_SLICES, "slices"))
        if len(names) > most
    ]
    header = (escape(part["dimension"].iloc[0]), "everybody", *map(escape, shown))
    return table(header, rows) + (f"\n\nNot here: {' and '.join(more)}." if more else "")


def _cell(row: Row | None) -> str:
    return "–" if row is None else f"{_rate(row['wer'])} {_SHAPES.get(str(row['verdict']), '')}".strip()


def _rate(rate: float | None) -> str:
    return percent(rate).removesuffix(" %")


def _harms(under: UnderConditions) -> str:
    if under.judged.empty:
        return ""
    header = (
        *("condition", "dimension", "slice", "clean WER", "adds", "adds to others", "more", "interval", "ratio"),
        *("verdict", "reason"),
    )
    rows = [_harm_cells(row) for row in rows_of(under.judged.head(MOST_ROWS))]
    return (
        "### Who is hurt more than others\n\nWhat a condition adds to a slice's WER, and to everybody else's, in "
        f"points; the most evident first.\n\n{table(header, rows)}{_rest(len(under.judged), EXTRA_HARM)}"
    )


def _harm_cells(row: Row) -> tuple[object, ...]:
    return (
        row["condition"],
        row["dimension"],
        row["slice"],
        percent(row["clean_wer"]),
        points(row["harm"]),
        points(row["comparator_harm"]),
        points(row["extra_harm"]),
        gap_interval(row["extra_harm_low"], row["extra_harm_high"]),
        times(row["harm_ratio"]),
        row["verdict"].replace("_", " "),
        row["reason"],
    )


def _crossings(under: UnderConditions) -> str:
    if under.crossings.empty:
        return ""
    rows = [
        (
            row["sweep"],
            row["dimension"],
            row["slice"],
            crossing_text(row),
            crossing_interval(row, under.levels),
            int(row["n_speakers"]),
        )
        for row in rows_of(under.crossings.head(MOST_ROWS))
    ]
    wer = 100 * float(under.crossings["wer"].iloc[0])
    header = ("sweep", "dimension", "slice", "crosses it at", "interval", "speakers")
    return (
        f"### How far it stays of use\n\nWhere each slice's WER reaches {wer:g} %.\n\n{table(header, rows)}"
        f"{_rest(len(under.crossings), CROSSINGS)}"
    )


def _placed(under: UnderConditions) -> str:
    if under.placed.empty:
        return ""
    other, sentences = escape(there(under)), placed_sentences(under)
    told = "\n".join(f"- {escape(each)}" for each in sentences) or f"No gap is larger here than on {other}."
    return f"### Beside {other}\n\nTwo gaps side by side; nothing is tested. Every gap: {PLACED}.\n\n{told}"


def _applied(run: Run, under: UnderConditions) -> str:
    levels = {row["condition"]: row for row in rows_of(under.levels)}
    rows = [
        (
            each.condition,
            each.what,
            each.options or "–",
            at_level(levels[each.condition]["parameter"], float(levels[each.condition]["level"])) or "–",
            "–"
            if (top := under.everybody.get(each.condition)) is None
            else f"{int(top['n_failed'])} of {int(top['n_utterances'])}",
            each.digest,
        )
        for each in applied(under.levels, configured(run))[:MOST_ROWS]
    ]
    header = ("condition", "what", "options", "level", "clips failed", "digest")
    return f"### What was done to the audio\n\n{table(header, rows)}{_rest(len(under.levels), LEVELS)}"


def _terms(found: WordsThatMatter) -> str:
    worse = [f"- {escape(plain(row['slice']))} {escape(finding_text(row))}" for row in found.found[:6]]
    keys = found.rates[["condition", "dimension", "slice"]].drop_duplicates().head(MOST_ROWS)
    rows = [
        (*key, *(rate_cell(found.rate(measure, key[0], (key[1], key[2]))) for measure in FIRST))
        for key in keys.itertuples(index=False, name=None)
    ]
    header = ("condition", "dimension", "slice", *(CALLED[name] for name in FIRST))
    n_rows = len(found.rates[["condition", "dimension", "slice"]].drop_duplicates())
    parts = [
        "## Words that matter",
        escape(opening(found)),
        "\n".join(worse),
        table(header, rows) + _rest(n_rows, TERMS),
    ]
    return "\n\n".join(part for part in parts if part)


def _rest(n_rows: int, file: str) -> str:
    return f"\n\n{n_rows - MOST_ROWS} more rows: {file}." if n_rows > MOST_ROWS else ""
