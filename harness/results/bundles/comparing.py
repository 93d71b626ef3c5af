"""The tables that are claimed and those that were made anew in; how many cells are the same, and which are not, out.

Cells are compared as they are written. Counts and words are the same or not. Other numbers that differ by a millionth
or less are told as such: other processors and versions of numpy add in another order, and a fit ends a little
elsewhere (5e-10 of a number between scipy 1.17 and 1.18).
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf, isfinite
from pathlib import Path

from harness.results.bundles.archive import BundleError
from harness.results.bundles.contents import CLAIMED, kept_summary
from harness.results.run import SUMMARY

VALUE = "value"  # the column of summary.json
_KEYS = (  # columns that say which row it is
    "condition", "sweep", "parameter", "measure", "term", "dimension", "slice", "comparator", "metric", "normalizer",
    "covariates", "covariate", "unit",
)  # fmt: skip
_NO_NUMBER = 1e-12  # a rate or a gap that is as small is 0
_LONGEST = 200  # characters of a cell in a message

Row = Mapping[str, str]
Table = Mapping[str, Row]  # rows by what says which they are


@dataclass(frozen=True, slots=True)
class Difference:
    """Is a cell that is not as it was claimed; an empty column stands for the whole row, an empty row for the table."""

    file: str
    row: str
    column: str
    claimed: str
    found: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Says what a table was found to be.

    Attributes:
        file: Its name.
        n_cells: Cells that were compared.
        n_rounded: Those that differ in their last digits only.
        furthest: The largest such difference, as a share of the number.
        differences: All others that differ.
    """

    file: str
    n_cells: int = 0
    n_rounded: int = 0
    furthest: float = 0.0
    differences: tuple[Difference, ...] = ()


def compare_tables(claims: Path, found: Path, *, tolerance: float) -> list[Compared]:
    """Compare every table that is claimed with that of a run directory.

    Args:
        claims: A folder of tables.
        found: The run directory.
        tolerance: Largest difference of two numbers that are the same, as a share of the larger one; 0: every digit.

    Raises:
        BundleError: A table that is claimed cannot be read.
    """
    names = [name for name in CLAIMED if (claims / name).is_file()]
    compared = [_compared(name, _table(claims / name), _table_of_run(found / name), tolerance) for name in names]
    return [*compared, _compared(SUMMARY, _summary(claims), _summary(found), tolerance)]


def _table_of_run(path: Path) -> Table | None:
    return _table(path) if path.is_file() else None


def _compared(name: str, claimed: Table, found: Table | None, tolerance: float) -> Compared:
    if found is None:
        return Compared(name, differences=(Difference(name, "", "", f"{len(claimed)} rows", "no such table"),))
    n_cells, apart, differences = 0, list[float](), list[Difference]()
    for key, row in claimed.items():
        if key not in found:
            differences.append(Difference(name, key, "", "a row", "no such row"))
            continue
        for column, one, two in _cells(row, found[key]):
            n_cells += 1
            if one == two:
                continue
            if tolerance > 0 and (far := _apart(one, two)) <= tolerance:
                apart.append(far)
            else:
                differences.append(Difference(name, key, column, one[:_LONGEST], two[:_LONGEST]))
    differences += [Difference(name, key, "", "no such row", "a row") for key in found if key not in claimed]
    if not differences and list(claimed) != list(found):
        differences.append(Difference(name, "", "", "rows in one order", "rows in another"))
    return Compared(name, n_cells, len(apart), max(apart, default=0.0), tuple(differences))


def _cells(claimed: Row, found: Row) -> Iterator[tuple[str, str, str]]:
    """Yield the cells of one row side by side."""
    for column in dict.fromkeys([*claimed, *found]):
        yield column, claimed.get(column, "no such column"), found.get(column, "no such column")


def _apart(one: str, two: str) -> float:
    """Return how far two numbers are from one another, as a share of the larger; infinite where one is none.

    Counts are exact: two of them are the same, or not.

    >>> _apart("0.5", "0.25"), _apart("0.0", "1e-17"), _apart("12", "13"), _apart("disparity", "0.5")
    (0.5, 0.0, inf, inf)
    """
    try:
        first, second = float(one), float(two)
    except ValueError:
        return inf
    if not isfinite(first) or not isfinite(second) or (_is_whole(one) and _is_whole(two)):
        return inf
    difference = abs(first - second)
    return 0.0 if difference < _NO_NUMBER else difference / max(abs(first), abs(second))


def _is_whole(text: str) -> bool:
    return text.lstrip("-").isdecimal()


def _table(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            return _keyed(path.name, header, reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BundleError(f"{path.name}: no table ({error}).") from error


def _keyed(name: str, header: Sequence[str], lines: Iterator[list[str]]) -> Table:
    """Return rows by the cells that say which they are; where several have the same, numbered."""
    keys = [place for place, column in enumerate(header) if column in _KEYS]
    rows: dict[str, Row] = {}
    times: dict[str, int] = {}
    for cells in lines:
        if len(cells) != len(header) or len(set(header)) < len(header):
            raise BundleError(f"{name}: a row has {len(cells)} cells under {len(set(header))} names of columns.")
        key = ", ".join(f"{header[place]}={cells[place]}" for place in keys if cells[place])
        times[key] = times.get(key, 0) + 1
        rows[f"{key} (row {times[key]})" if times[key] > 1 else key] = dict(zip(header, cells, strict=True))
    return rows


def _summary(folder: Path) -> Table:
    """Return the headline as a table: a row a value, called by the keys that lead to it."""
    try:
        content = json.loads((folder / SUMMARY).read_bytes())
        told = kept_summary(content, coded=False)
        return {key: {VALUE: json.dumps(value, ensure_ascii=False)} for key, value in _leaves(told, "")}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{SUMMARY}: no headline ({error}).") from error


def _leaves(node: object, prefix: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from _leaves(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(node, list) and node:
        for place, value in zip(count(1), node, strict=False):
            yield from _leaves(value, f"{prefix}[{place}]")
    else:
        yield prefix, node
