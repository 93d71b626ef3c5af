"""What the recordings of a manifest measure in, its tables and what to do next on screen out."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pandas as pd
from rich.console import Console

from harness.report.grids import Column, console_on, grid
from harness.report.sentences import say
from harness.report.sources import Sources
from harness.report.wording import percent, plain

PROPERTIES_CSV = "properties.csv"
MOST_SLICES, MOST_FAILED = 30, 10  # on screen; the files have all
_QUANTILES = {"q05": "5 %", "q25": "25 %", "median": "median", "q75": "75 %", "q95": "95 %"}
_SHOWN = {  # header in the table of slices; how much it is missed on a narrow terminal, least first
    "level_dbfs": ("level", 1),
    "speech_level_dbfs": ("speech", 6),
    "speech_share": ("speaking", 2),
    "snr_db": ("SNR", 7),
    "clipped_share": ("clipped", 3),
    "bandwidth_hz": ("band", 5),
    "words_per_s": ("words/s", 4),
}
_UNITS = {"level_dbfs": "dB", "speech_level_dbfs": "dB", "snr_db": "dB", "bandwidth_hz": "Hz", "words_per_s": "words/s"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Says what was measured, and where it is.

    Attributes:
        path: The folder.
        manifest: Name of its manifest.
        table: As `properties.csv` has it.
        n_utterances: Rows of the manifest.
        failed: Ids of those whose recording could not be heard, and why.
        notes: What else was noted, and of how many utterances.
        next_options: What other pipelines need beside the manifest's path, to find the audio.
        prefix: What the names of the new columns begin with.
        sources: Who says so of the attributes that the manifest had.
    """

    path: Path
    manifest: str
    table: pd.DataFrame
    n_utterances: int
    failed: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, int], ...]
    next_options: tuple[str, ...]
    prefix: str = ""
    sources: Sources = field(default_factory=Sources)

    @property
    def n_failed(self) -> int:
        """Return how many recordings could not be heard."""
        return len(self.failed)


def show_measured(measured: Measured, out: IO[str]) -> None:
    """Print the distribution of every property, medians by accent, what could not be told, and what to do next."""
    console = console_on(out)
    _show_properties(measured, console)
    for dimension in measured.table["dimension"].unique()[1:]:
        _show_slices(measured, str(dimension), console)
    n = measured.n_utterances
    say(console, f"{n - measured.n_failed:,} of {n:,} recordings measured, {measured.n_failed:,} could not be heard.")
    for name, reason in measured.failed[:MOST_FAILED]:
        say(console, plain(f"  {name}: {reason}"))
    if measured.n_failed > MOST_FAILED:
        say(console, f"  … and {measured.n_failed - MOST_FAILED:,} more in {measured.manifest}")
    for note, count in measured.notes:
        say(console, plain(f"Note, {count:,} recordings: {note}"))
    say(console, f"Folder: {measured.path}")
    say(console, f"Slice by it: {plain(_command(measured))}")


def _show_properties(measured: Measured, console: Console) -> None:
    overall = measured.table[measured.table["dimension"] == "overall"]
    columns = [
        Column("property", is_name=True, least=20),
        Column("told"),
        *(Column(shown, missed=1 if name in ("q25", "q75") else None) for name, shown in _QUANTILES.items()),
        Column("unit", is_word=True, missed=2),
    ]
    rows = [
        (
            plain(f"{measured.prefix}{row['property']}"),
            f"{row['n_told']:,}",
            *(_value(row["property"], row[name]) for name in _QUANTILES),
            _UNITS.get(row["property"], ""),
        )
        for row in overall.to_dict("records")
    ]
    console.print(grid("What the recordings measure: quantiles", columns, rows, width=console.width))


def _show_slices(measured: Measured, dimension: str, console: Console) -> None:
    table = measured.table[measured.table["dimension"] == dimension]
    slices = list(dict.fromkeys(table["slice"]))
    columns = [
        Column(dimension, is_name=True),
        Column("people"),
        Column("clips"),
        *(Column(name, missed=missed) for name, missed in _SHOWN.values()),
    ]
    rows = [_slice_cells(table[table["slice"] == name]) for name in slices[:MOST_SLICES]]
    title = f"Medians by {measured.sources.named(dimension)}; described, not tested"
    console.print(grid(title, columns, rows, width=console.width))
    if len(slices) > MOST_SLICES:
        say(console, f"… and {len(slices) - MOST_SLICES} more in {PROPERTIES_CSV}")


def _slice_cells(table: pd.DataFrame) -> tuple[str, ...]:
    rows: dict[str, Any] = {row["property"]: row for row in table.to_dict("records")}
    first = next(iter(rows.values()))
    medians = (_value(name, rows[name]["median"]) for name in _SHOWN)
    return (plain(first["slice"]), f"{first['n_speakers']:,}", f"{first['n_utterances']:,}", *medians)


def _value(name: str, value: float) -> str:
    if pd.isna(value):
        return "–"
    if name == "clipped_share":
        return f"{100 * value:.2f} %"
    if name.endswith("_share"):
        return percent(value)
    digits = {"bandwidth_hz": 0, "words_per_s": 2}.get(name, 1)
    return f"{value:,.{digits}f}".replace("-", "−")


def _command(measured: Measured) -> str:
    path = f"manifest.path={measured.path / measured.manifest}"
    told = measured.table.query("dimension == 'overall' and n_told > 0")["property"].tolist()
    name = "snr_db" if "snr_db" in told or not told else told[0]
    return shlex.join(["harness", "benchmark", path, *measured.next_options, f"slices.by=[{measured.prefix}{name}]"])
