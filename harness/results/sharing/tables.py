"""A run's tables and the cells that may be published in, the tables to share out: named columns of named rows only.

What is not listed here does not leave: a table or a column that is added to runs later is left out until it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.fairness import Verdict
from harness.fairness.membership import OVERALL
from harness.fairness.policy import REST as REST_COMPARATOR
from harness.fairness.speaker_sums import WORD_COUNTS
from harness.results.run import DISPARITIES, METRICS, NORMALIZERS, SLICES, SPEED
from harness.results.sharing.attack import known_exactly
from harness.results.sharing.cells import EMPTY, HALLUCINATION, REST, SLICE, WORDS, Cells, Key
from harness.results.sharing.suppression import Suppressed, small_cells

CONDITIONS, EXTRA_HARM, CROSSINGS, TERMS = "conditions.csv", "extra_harm.csv", "crossings.csv", "terms.csv"
DIGITS = 3  # of rates, seconds and p-values
GAP = ("gap", "gap_low", "gap_high", "ratio", "ratio_low", "ratio_high", "p_value", "p_adjusted")
_KIND_OF_METRIC = {
    **dict.fromkeys(
        ("word_recall", "word_precision", "word_f1", "substitution_rate", "deletion_rate", "insertion_rate"), WORDS
    ),
    "hallucination_rate": HALLUCINATION,
    "empty_output_rate": EMPTY,
}
_COUNTED = ("n_utterances", "reference_words", "n_spans")
_ERRORS = ("substitutions", "deletions", "insertions")
# Shown of everybody only: one clip that failed would else be found where the slices that have it cross.
_OF_EVERYBODY = frozenset(("n_failed", "n_recognised", "n_cached", "n_untimed"))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+(),=-]{0,200}")
_CROSSING_NOTE = re.compile(r"(?:the monotone curve is )?(?:never|always) above|no crossing")  # of the slice itself
_VERDICTS = frozenset(verdict.value for verdict in Verdict)
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![0-9])")  # what a spreadsheet program would calculate


@dataclass(frozen=True, slots=True)
class Shape:
    """Says what of a table is shared.

    Attributes:
        named_by: Columns that, beside dimension and slice, say what a row is; names that configurations make.
        own: Columns that a slice's own utterances settle.
        compared: Columns that its comparator's settle too.
    """

    named_by: tuple[str, ...]
    own: tuple[str, ...]
    compared: tuple[str, ...] = ()


SHAPES = {
    SLICES: Shape(
        (),
        ("n_utterances", "n_speakers", "n_failed", "reference_words", *WORD_COUNTS, "wer", "wer_low", "wer_high", "cer",
         "speaker_mean_wer", "hallucination_rate", "rtfx"),
    ),
    DISPARITIES: Shape((), ("wer",), ("comparator_wer", *GAP, "minimum_detectable_gap")),
    METRICS: Shape(("metric",), ("value", "value_low", "value_high", "n_speakers"), ("p_value",)),
    NORMALIZERS: Shape(
        ("normalizer",),
        ("reference_words", "substitutions", "deletions", "insertions", "wer"),
        ("comparator_wer", "gap", "gap_low", "gap_high", "p_adjusted"),
    ),
    SPEED: Shape(
        (),
        ("n_utterances", "n_recognised", "n_cached", "n_failed", "n_untimed", "audio_s", "processing_s", "rtfx"),
    ),
    CONDITIONS: Shape(
        ("condition",),
        ("n_utterances", "n_speakers", "n_failed", "reference_words", *WORD_COUNTS, "wer", "wer_low", "wer_high"),
        ("comparator_wer", *GAP),
    ),
    EXTRA_HARM: Shape(
        ("condition", "sweep"),
        ("level", "n_utterances", "n_speakers", "clean_wer", "wer", "harm", "harm_low", "harm_high"),
        ("comparator_harm", "extra_harm", "extra_harm_low", "extra_harm_high", "p_value", "p_adjusted", "harm_ratio",
         "harm_ratio_low", "harm_ratio_high", "harm_ratio_p_value", "minimum_detectable_extra_harm"),
    ),
    CROSSINGS: Shape(("sweep", "parameter"), ("wer", "crossing", "crossing_low", "crossing_high", "n_speakers")),
    TERMS: Shape(
        ("measure", "condition"),
        ("n_utterances", "n_speakers", "n_failed", "n_spans", *WORD_COUNTS, "rate", "low", "high"),
        ("comparator_rate", *GAP, "minimum_detectable_gap"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SharedTable:
    """Is a table as it is shared.

    Attributes:
        text: CSV.
        n_rows: Rows in it.
        n_rows_left_out: Rows of the run's table that are not.
        n_compared_left_out: Rows in it whose comparison is blank.
    """

    text: str
    n_rows: int
    n_rows_left_out: int
    n_compared_left_out: int


def shared_table(name: str, table: pd.DataFrame, cells: Cells, allowed: Suppressed) -> SharedTable:
    """Keep the rows of published cells, and of these the columns that published cells settle.

    Args:
        name: The table's file, one of SHAPES.
        table: As the run has it.
        cells: All cells of the run.
        allowed: Which of them may be published.
    """
    shape = SHAPES[name]
    kept = _without_given_away(table, shape, cells, allowed)
    if HALLUCINATION not in allowed.kinds and "hallucination_rate" in kept:
        kept = kept.assign(hallucination_rate=np.nan)
    columns = _columns(table, shape, name)
    rows, n_blank = [], 0
    names = [str(column) for column in kept.columns]
    for values in kept.itertuples(index=False, name=None):
        row: dict[str, object] = dict(zip(names, values, strict=True))
        if not _is_shown(row, name, shape, allowed):
            continue
        compared = _is_compared(row, allowed)
        n_blank += bool(row.get("comparator")) and not compared
        rows.append([_cell(column, row, shape, compared=compared) for column in columns])
    text = "".join(",".join(map(_quoted, row)) + "\n" for row in [columns, *rows])
    return SharedTable(text, len(rows), len(table) - len(rows), n_blank)


def _columns(table: pd.DataFrame, shape: Shape, name: str) -> list[str]:
    wanted = [*shape.named_by, "dimension", "slice", "comparator", *shape.own, *shape.compared, "verdict"]
    return [column for column in (*wanted, *(("note",) if name == CROSSINGS else ())) if column in table]


def _is_shown(row: Mapping[str, object], name: str, shape: Shape, allowed: Suppressed) -> bool:
    if Key(str(row.get("dimension")), str(row.get("slice"))) not in allowed.published:
        return False
    if not all(_NAME.fullmatch(_text(row.get(column))) or not _text(row.get(column)) for column in shape.named_by):
        return False
    if name != METRICS:
        return True
    is_gap = bool(_text(row.get("comparator")))
    kind = _KIND_OF_METRIC.get(_text(row.get("metric")).removesuffix("_gap"))
    return kind in allowed.kinds and (not is_gap or _is_compared(row, allowed))


def _is_compared(row: Mapping[str, object], allowed: Suppressed) -> bool:
    """Say whether a row's comparator may be published: the rest beside this slice, or another slice by its name."""
    comparator, dimension = _text(row.get("comparator")), str(row.get("dimension"))
    if not comparator:
        return False
    if comparator == REST_COMPARATOR and Key(dimension, str(row.get("slice")), REST) not in allowed.published:
        return False
    return comparator == REST_COMPARATOR or Key(dimension, comparator) in allowed.published


def _cell(column: str, row: Mapping[str, object], shape: Shape, *, compared: bool) -> str:
    value = row[column]
    if column in ("dimension", "slice"):
        return defused(str(value))
    if column == "comparator":
        return defused(_text(value)) if compared else ""
    if column in shape.named_by:
        return _text(value)
    if column == "verdict":
        return str(value) if value in _VERDICTS else ""
    if column == "note":
        return "; ".join(found[0] for part in _text(value).split("; ") if (found := _CROSSING_NOTE.match(part)))
    is_hidden = column in _OF_EVERYBODY and row["dimension"] != OVERALL
    return "" if is_hidden or (column in shape.compared and not compared) else _number(value)


def _number(value: object) -> str:
    """Return a number: counts whole, all else rounded; "" where it is none."""
    if not isinstance(value, int | float | np.number) or isinstance(value, bool) or not np.isfinite(float(value)):
        return ""
    number = float(value)
    return str(int(number)) if number == int(number) else f"{round(number, DIGITS):.{DIGITS}f}"


def defused(text: str) -> str:
    """Return a name that no spreadsheet program takes for a formula.

    >>> defused("=1+1"), defused("-10 to 0")
    ("'=1+1", '-10 to 0')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _without_given_away(table: pd.DataFrame, shape: Shape, cells: Cells, allowed: Suppressed) -> pd.DataFrame:
    """Leave out the rows of one condition or measure whose published counts tell a small cell's exactly.

    What cells are published was chosen by words and errors; counts of something rarer, as of terms, can have zeros that
    those have not. Where only the kinds of errors tell, they are blank and the rows stay.
    """
    kept = []
    for part in _parts(table, shape):
        counted = [part[column] for column in _COUNTED if column in part and column in shape.own]
        kinds = [part[column] for column in WORD_COUNTS if column in part and column in shape.own]
        errors = [name for name in _ERRORS if name in part and name in shape.own]
        counted += [part[errors].sum(axis=1)] if errors else []
        if any(_gives_away(_counts(part, each), cells, allowed) for each in counted):
            continue
        tells = any(_gives_away(_counts(part, each), cells, allowed) for each in kinds)
        kept.append(part.assign(**dict.fromkeys((str(each.name) for each in kinds), np.nan)) if tells else part)
    return pd.concat(kept) if kept else table.iloc[:0]


def _parts(table: pd.DataFrame, shape: Shape) -> Iterator[pd.DataFrame]:
    names = [column for column in shape.named_by if column in table]
    if not names:
        yield table
        return
    for _, part in table.groupby(names, dropna=False, sort=False):
        yield part


def _counts(part: pd.DataFrame, column: pd.Series) -> dict[tuple[str, str], int]:
    """Return counts by dimension and slice; what is no number is none."""
    numbers = pd.to_numeric(column, errors="coerce").fillna(0).astype(np.int64)
    return dict(zip(zip(part["dimension"].astype(str), part["slice"].astype(str), strict=True), numbers, strict=True))


def _gives_away(counts: Mapping[tuple[str, str], int], cells: Cells, allowed: Suppressed) -> bool:
    """Say whether a small cell's count follows from those of published slices, unless it is that there are none."""
    places = [
        place
        for place, key in enumerate(cells.keys)
        if key.side == SLICE and key in allowed.published and (key.dimension, key.slice_name) in counts
    ]
    totals = [counts[cells.keys[place].dimension, cells.keys[place].slice_name] for place in places]
    small = np.flatnonzero(small_cells(cells, allowed.min_speakers)).tolist()
    told = known_exactly(cells.utterances, np.array(totals, dtype=np.int64), small, np.array(places, dtype=np.int64))
    return any(found.value != 0 for found in told.values())
