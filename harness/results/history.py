"""Folders with run directories in; their runs, slices and gaps over time out, and which folders are left out and why.

The run directories are the only store: DuckDB reads their tables where they lie, and nothing is kept between two calls.
A run that cannot be read is left out with its reason and hides no other.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import AND
from harness.results.headlines import TRACK, Headline, LeftOut, LeftOutError, Reason, columns_of, headline
from harness.results.run import DISPARITIES, FACTS, SCORES, SLICES

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)

NIGHT = "nightly.json"  # what `harness nightly` writes into the folder of a night
TEXT, _COUNT, _RATE = "VARCHAR", "BIGINT", "DOUBLE"
_SLICE_COLUMNS = {
    **dict.fromkeys(("dimension", "slice"), TEXT),
    **dict.fromkeys(("n_utterances", "n_speakers", "n_failed"), _COUNT),
    **dict.fromkeys(("wer", "wer_low", "wer_high"), _RATE),
}
_GAP_COLUMNS = {
    **dict.fromkeys(("dimension", "slice", "comparator"), TEXT),
    **dict.fromkeys(("gap", "gap_low", "gap_high"), _RATE),
    "verdict": TEXT,
}
TABLES = {SLICES: _SLICE_COLUMNS, DISPARITIES: _GAP_COLUMNS}
_SERIES = ("manifest_digest", "normalizer", "failures_count_as", "reference_pattern")  # one changes: another measure
_CHANGED = dict(zip(_SERIES, ("manifest", "normaliser", "how failures count", "reference pattern"), strict=True))
_SETTINGS = (  # what a file or the network could do to the process that reads
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET temp_directory = ''",
)
_READ_CSV = (
    "read_csv($files, columns = $columns, auto_detect = false, header = true, delim = ',', quote = '\"', "
    "escape = '\"', nullstr = '', comment = '', filename = true, hive_partitioning = false)"
)
_KEY = ["run", "dimension", "slice"]
_CONDITIONS = (
    "SELECT filename, string_agg(DISTINCT condition, ' + ' ORDER BY condition) AS condition "
    "FROM read_parquet($files, filename = true, hive_partitioning = false) GROUP BY filename"
)


@dataclass(kw_only=True)
class Where:
    """Says which part of a history is wanted; a name may be a shell pattern, as in `whisper*`; None: all.

    Attributes:
        manifest: What was heard.
        system: Which recogniser, or the file of transcripts made elsewhere.
        dimension: Attribute of the slices.
        slice: Its value.
    """

    manifest: str | None = None
    system: str | None = None
    dimension: str | None = None
    slice: str | None = None

    @property
    def of_slices(self) -> bool:
        """Say whether slices are asked for, and not runs."""
        return self.dimension is not None or self.slice is not None


@dataclass(frozen=True, slots=True)
class History:
    """Is what the run directories under some folders say, oldest first.

    A track is a manifest, a condition and a system; a series is a part of it whose numbers can be compared: the same
    digest of the manifest, normaliser, treatment of failures and reference pattern.

    Attributes:
        roots: The folders that were searched.
        runs: run (its place in time), the fields of `Headline`, condition, track, series (numbers), and changed: what
            is not as in the track's run before, where a series begins that is not the track's first; else empty.
        slices: run, dimension, slice, n_utterances, n_speakers, n_failed, wer, wer_low, wer_high, in the files' order;
            no intersection of fewer speakers than its run's policy asks for.
        gaps: run, dimension, slice, comparator, gap, gap_low, gap_high, verdict, in the files' order.
        left_out: Run directories that are not in the frames.
        nights: Folders of nights of `harness nightly`.
    """

    roots: tuple[Path, ...]
    runs: pd.DataFrame
    slices: pd.DataFrame
    gaps: pd.DataFrame
    left_out: tuple[LeftOut, ...]
    nights: tuple[Path, ...]

    def of_runs(self, runs: pd.DataFrame) -> "History":
        """Return the history of some of its runs; they keep their numbers."""
        kept = set(runs["run"])
        return replace(
            self,
            runs=runs.reset_index(drop=True),
            slices=self.slices[self.slices["run"].isin(kept)].reset_index(drop=True),
            gaps=self.gaps[self.gaps["run"].isin(kept)].reset_index(drop=True),
        )

    def where(self, where: Where) -> "History":
        """Return the part that is asked for.

        Raises:
            UsageError: A name fits nothing; the message says which there are.
        """
        history = self
        for name in ("manifest", "system"):
            history = history.of_runs(_fitting(history.runs, name, getattr(where, name)))
        slices, gaps = history.slices, history.gaps
        for name in ("dimension", "slice"):
            wanted = getattr(where, name)
            slices, gaps = _fitting(slices, name, wanted), _fitting(gaps, name, wanted, some=False)
        return replace(history, slices=slices.reset_index(drop=True), gaps=gaps.reset_index(drop=True))


@dataclass(frozen=True, slots=True)
class _Readable:
    """Is a run whose tables can be read: its headline, and the columns of each table by the table's name."""

    headline: Headline
    columns: dict[str, tuple[str, ...]]


def read_history(roots: Sequence[Path]) -> History:
    """Read every finished run under some folders.

    Raises:
        UsageError: A folder is not there.
    """
    for root in roots:
        if not root.is_dir():
            raise UsageError(f"runs={root}: no such folder; expected one with run directories, e.g. runs=runs")
    left_out: list[LeftOut] = []
    folders = list(_folders(roots, left_out))
    found = _readable((folder for folder in folders if (folder / FACTS).is_file()), left_out)
    nights = tuple(folder for folder in folders if (folder / NIGHT).is_file())
    with _database([str(path / name) for path in found for name in (SLICES, DISPARITIES, SCORES)]) as database:
        slices, bad_slices = _table(database, found, SLICES)
        gaps, bad_gaps = _table(database, found, DISPARITIES)
        rows, bad_scores = _read(database, _CONDITIONS, {path / SCORES: path for path in found})
        conditions = _together([rows], ["path", "condition"])
    bad = bad_slices | bad_gaps | bad_scores
    left_out += [LeftOut(path, Reason.damaged, told) for path, told in bad.items()]
    runs = _runs([each.headline for path, each in found.items() if path not in bad], conditions)
    log.info("%d runs read, %d folders left out", len(runs), len(left_out))
    ordered = tuple(sorted(left_out, key=lambda each: str(each.path)))
    slices, gaps = _of_runs(slices, runs), _of_runs(gaps, runs)
    few = _few(slices, runs)
    slices, gaps = (
        part[~pd.MultiIndex.from_frame(part[_KEY]).isin(few)].reset_index(drop=True) for part in (slices, gaps)
    )
    return History(tuple(roots), runs, slices, gaps, ordered, nights)


def _few(slices: pd.DataFrame, runs: pd.DataFrame) -> pd.MultiIndex:
    """Name the intersections of fewer speakers than the policy of their run asks for: numbers of persons."""
    floors = slices["run"].map(runs.set_index("run")["min_speakers"]).to_numpy(float)
    crossed = slices["dimension"].astype(str).str.contains(AND, regex=False).to_numpy(bool)
    return pd.MultiIndex.from_frame(slices.loc[crossed & (slices["n_speakers"].to_numpy(float) < floors), _KEY])


def _folders(roots: Sequence[Path], left_out: list[LeftOut]) -> Iterator[Path]:
    """Yield every folder once, however many links lead to it; a run directory holds no others."""
    seen: set[tuple[int, int]] = set()
    waiting = [root.absolute() for root in reversed(roots)]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            inside = [] if (folder / FACTS).is_file() else _subfolders(folder)
        except OSError as error:
            left_out.append(LeftOut(folder, Reason.unreadable, f"cannot be read ({error.strerror})"))
            continue
        yield folder
        waiting += reversed(inside)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir())


def _readable(folders: Iterator[Path], left_out: list[LeftOut]) -> dict[Path, _Readable]:
    """Return every run that can be read, by its folder; a copied run counts once."""
    found: dict[Path, _Readable] = {}
    digests: dict[str, Path] = {}
    for folder in folders:
        try:
            told = headline(folder)
            columns = {name: columns_of(folder / name, list(needed)) for name, needed in TABLES.items()}
        except LeftOutError as error:
            left_out.append(LeftOut(folder, error.kind, str(error)))
            continue
        first = digests.setdefault(told.facts_digest, folder)
        if first == folder:
            found[folder] = _Readable(told, columns)
        else:
            left_out.append(LeftOut(folder, Reason.copy, f"a copy of {first}"))
    return found


@contextmanager
def _database(files: Sequence[str]) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open a database in memory that can read these files, and reach nothing else of disk and network."""
    import duckdb

    with duckdb.connect(":memory:") as database:
        for setting in _SETTINGS:
            database.execute(setting)
        database.execute("SET allowed_paths = ?", [[*files, *(_literal(file) for file in files)]])
        database.execute("SET enable_external_access = false")
        database.execute("SET lock_configuration = true")
        yield database


def _literal(path: str) -> str:
    """Return the pattern that only this path fits: DuckDB takes every path for a pattern.

    >>> _literal("runs/[1]*/slices.csv")
    'runs/[[]1][*]/slices.csv'
    """
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _table(
    database: "duckdb.DuckDBPyConnection", found: Mapping[Path, _Readable], name: str
) -> tuple[pd.DataFrame, dict[Path, str]]:
    """Read a CSV table of every run, files of the same columns at once."""
    wanted = TABLES[name]
    bad_cell = " OR ".join(
        f"({cell} IS NOT NULL AND TRY_CAST({cell} AS {kind}) IS NULL)" for cell, kind in wanted.items()
    )
    cells = ", ".join(f"TRY_CAST({cell} AS {kind}) AS {cell}" for cell, kind in wanted.items())
    select = f"SELECT filename, {cells}, {bad_cell} AS bad FROM {_READ_CSV}"  # names of this module, none of a file
    by_columns: dict[tuple[str, ...], dict[Path, Path]] = {}
    for path, each in found.items():
        by_columns.setdefault(each.columns[name], {})[path / name] = path
    tables: list[pd.DataFrame] = []
    bad: dict[Path, str] = {}
    for columns, files in by_columns.items():
        table, told = _read(database, select, files, columns=dict.fromkeys(columns, "VARCHAR"))
        tables.append(table)
        wrong = table.loc[table["bad"].astype(bool), "path"].tolist() if len(table) else []
        bad |= told | dict.fromkeys(wrong, f"{name}: a cell that should be a number is none")
    return _together(tables, ["path", *wanted]), bad


def _read(
    database: "duckdb.DuckDBPyConnection", select: str, files: Mapping[Path, Path], **parameters: object
) -> tuple[pd.DataFrame, dict[Path, str]]:
    """Read files at once, or in halves where one cannot be read.

    Returns:
        The rows, with the run's folder as `path`; and why a folder's file could not be read.
    """
    import duckdb

    names = {str(file): path for file, path in files.items()}
    if not names:
        return pd.DataFrame(), {}
    try:
        rows = database.execute(select, {"files": list(map(_literal, names)), **parameters}).df()
    except duckdb.Error as error:
        if len(files) == 1:
            ((file, path),) = files.items()
            return pd.DataFrame(), {path: f"{file.name}: {str(error).splitlines()[0]}"}
        listed = list(files.items())
        halves = (dict(listed[: len(listed) // 2]), dict(listed[len(listed) // 2 :]))
        (one, bad_one), (other, bad_other) = (_read(database, select, half, **parameters) for half in halves)
        return _together([one, other], None), bad_one | bad_other
    return rows.assign(path=rows["filename"].map(names)).drop(columns="filename"), {}


def _together(tables: Sequence[pd.DataFrame], columns: Sequence[str] | None) -> pd.DataFrame:
    """Return the rows of all tables, with these columns though there be no row."""
    rows = [table for table in tables if len(table)]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return table if columns is None else table.reindex(columns=list(columns))


def _runs(headlines: Sequence[Headline], conditions: pd.DataFrame) -> pd.DataFrame:
    """Return a row a run by time, with the track and the series it belongs to."""
    fields: list[str] = [*Headline.__dataclass_fields__]
    ordered = sorted(headlines, key=lambda each: (each.finished, str(each.path)))
    runs = pd.DataFrame([[getattr(each, name) for name in fields] for each in ordered], columns=fields)
    by_path = dict(zip(conditions["path"], conditions["condition"], strict=True))
    runs.insert(0, "run", range(len(runs)))
    runs["condition"] = [by_path.get(path) or "none" for path in runs["path"]]
    runs["finished"] = pd.to_datetime(runs["finished"], utc=True)
    runs["track"] = runs.groupby(list(TRACK), dropna=False, sort=False).ngroup()
    runs["series"] = runs.groupby(["track", *_SERIES], dropna=False, sort=False).ngroup()
    return runs.assign(changed=_changes(runs))


def _changes(runs: pd.DataFrame) -> list[str]:
    """Say for every run that begins a series what differs from the run before it in the track."""
    told, last, known = [], dict[int, Any](), set[int]()
    for row in runs.to_dict("records"):
        before = last.get(row["track"])
        changed = [_CHANGED[name] for name in _SERIES if before is not None and row[name] != before[name]]
        told.append("" if row["series"] in known else ", ".join(changed))
        known.add(row["series"])
        last[row["track"]] = row
    return told


def _of_runs(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table that belong to a run, with the run's number first and by it."""
    numbers = dict(zip(runs["path"], runs["run"], strict=True))
    kept = table[table["path"].isin(list(numbers))].copy()
    kept.insert(0, "run", kept["path"].map(numbers).astype("int64"))
    return kept.drop(columns="path").sort_values("run", kind="stable").reset_index(drop=True)


def _fitting(table: pd.DataFrame, column: str, wanted: str | None, *, some: bool = True) -> pd.DataFrame:
    """Return the rows whose name is the wanted one or fits it as a pattern.

    Raises:
        UsageError: No row does, and some must.
    """
    if wanted is None:
        return table
    names = sorted(table[column].dropna().unique())
    fitting = [name for name in names if name == wanted or fnmatchcase(name, wanted)]
    if some and not fitting:
        shown = ", ".join(repr(name) for name in names[:20]) + (" …" if len(names) > 20 else "")
        raise UsageError(
            f"where.{column}={wanted!r} fits nothing; expected one of {shown or 'none: there are no runs'}."
        )
    return table[table[column].isin(fitting)]
