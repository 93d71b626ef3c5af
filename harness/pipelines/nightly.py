"""A matrix of runs in, a night's folder out: every cell made or resumed, compared with its blessed baseline, judged.

Every cell is `harness benchmark` or `harness rescore` in a process of its own: what ends one ends no other. The same
command on the same night goes on where it was; two at once take turns.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import HarnessError, UsageError
from harness.fairness.gate import GateOptions
from harness.fairness.gate_verdicts import Change, judged
from harness.fairness.membership import AND
from harness.fairness.systems.paired_verdicts import SLICE_WER
from harness.pipelines.child_runs import MEASURED, locked, run_apart
from harness.pipelines.evaluation import EXIT_TOO_MANY_FAILED, EXIT_VIOLATED, EXIT_WITHIN_POLICY
from harness.pipelines.matrix import Cell, read_matrix
from harness.pipelines.night_gate import Compared, compared
from harness.provenance import version
from harness.report.board import write_board
from harness.report.junit import junit_xml
from harness.report.nightly import NIGHT_FILES, Night, nightly_markdown
from harness.results import Run
from harness.results.few import floor_of
from harness.results.history import read_history
from harness.results.night_cells import CELL
from harness.results.run import make_folder

log = logging.getLogger(__name__)

EXIT_NOT_MEASURED = 1
JSON, MARKDOWN, JUNIT, CHANGES = NIGHT_FILES
_TOLD_OF_FEW = ("cell", "measure", "dimension", "verdict", "unit")  # of a change
_TOLD = {each.value for each in (Change.regression, Change.slightly_worse, Change.better)}


@dataclass(frozen=True, kw_only=True)
class NightlyJob:
    """Holds what `harness nightly` needs, as ordinary objects.

    Attributes:
        matrix: The YAML file of the night's runs.
        nights: Folder of all nights.
        night: Name of this one; None: today's date.
        baselines: Folder of the blessed runs.
        board: Folder of the board; None: `board` in that of the nights.
        gate: What fails a night.
        fail_on_policy: Whether a policy that a cell breaks by itself fails the night, too.
        cell_timeout_s: After which a cell is ended; None: never.
    """

    matrix: Path
    nights: Path
    night: str | None = None
    baselines: Path
    board: Path | None = None
    gate: GateOptions = field(default_factory=GateOptions)
    fail_on_policy: bool = False
    cell_timeout_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse a night that would lie elsewhere.

        Raises:
            UsageError: `night` is no name of a folder in `nights`.
        """
        if self.night is not None and (self.night in ("", ".", "..") or Path(self.night).name != self.night):
            raise UsageError(f"night={self.night}: expected the name of a folder in nights={self.nights}.")


@dataclass(frozen=True, slots=True)
class Made:
    """Says how a cell's run ended."""

    cell: Cell
    exit_status: int
    seconds: float
    reason: str  # why it was not measured; empty where it was
    reused: bool  # made earlier on the same night


@dataclass(frozen=True, slots=True)
class NightOutcome:
    """Says where a night is, and how its command ends."""

    answer: Night
    exit_status: int


def nightly(job: NightlyJob) -> NightOutcome:
    """Make every cell, compare it with its baseline, write what was found.

    The command ends with 3 where something got worse by the gate's measure (or, if asked, a policy is broken), else
    with 4 where a cell failed on more clips than allowed, else with 1 where a cell could not be measured or compared.

    Raises:
        UsageError: The matrix or an option is wrong; nothing was run.
        StorageError: Something cannot be written.
    """
    cells = read_matrix(job.matrix)
    folder = job.nights / (job.night or f"{datetime.now():%Y-%m-%d}")
    make_folder(folder, "nights")
    with _alone(folder):
        started = datetime.now().astimezone()
        made = [_ended(cell, folder, job, (number, len(cells))) for number, cell in enumerate(cells, start=1)]
        found = [
            compared(each.cell.name, folder, job.baselines, job.gate) for each in made if each.exit_status in MEASURED
        ]
        changes = _judged([each.changes for each in found], job.gate)
        facts = _facts(job, made, found, changes) | {"started": f"{started:%Y-%m-%d %H:%M:%S %z}", "night": folder.name}
        status = _exit_status(facts)
        night = Run(folder)
        night.write_table(CHANGES, changes)
        night.write_json(JSON, facts | {"exit_status": status})
        told = json.loads((folder / JSON).read_text(encoding="utf-8"))
        night.write_text(MARKDOWN, nightly_markdown(told))
        night.write_text(JUNIT, junit_xml(told))
    _board(job)
    return NightOutcome(Night(folder), status)


def _ended(cell: Cell, folder: Path, job: NightlyJob, place: tuple[int, int]) -> Made:
    """Make the run of a cell, or take the one that the night has already."""
    record = folder / f"{cell.name}{CELL}"
    wanted: dict[str, object] = {
        "pipeline": cell.pipeline,
        "system": cell.system,
        "manifest": cell.manifest,
        "condition": cell.condition,
        "overrides": list(cell.overrides),
        "harness": version("asr-fairness-harness"),
    }
    known = _known(record, wanted)
    if known is not None and Run(folder / cell.name).finished:
        log.info("%d of %d, %s: made already", *place, cell.name)
        return Made(cell, known, 0.0, "", reused=True)
    log.info("%d of %d, %s: harness %s %s", *place, cell.name, cell.pipeline, " ".join(cell.overrides))
    started = time.monotonic()
    exit_status, reason = _run(cell, folder, job.cell_timeout_s)
    seconds = time.monotonic() - started
    if exit_status in MEASURED:
        Run(folder).write_json(record.name, wanted | {"exit_status": exit_status})
    log.info("%d of %d, %s: ended with %d in %.0f s", *place, cell.name, exit_status, seconds)
    return Made(cell, exit_status, seconds, reason, reused=False)


def _known(record: Path, wanted: dict[str, object]) -> int | None:
    """Return how a cell ended earlier, if it is still the same cell."""
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(told, dict) and all(told.get(key) == value for key, value in wanted.items())
    return told["exit_status"] if same and told.get("exit_status") in MEASURED else None


def _run(cell: Cell, folder: Path, timeout_s: float | None) -> tuple[int, str]:
    """Run a cell in a process of its own; return its exit status, and its last words where it measured nothing."""
    ended = run_apart(
        [cell.pipeline, *cell.overrides],
        run_dir=folder / cell.name,
        log_file=folder / f"{cell.name}.log",
        timeout_s=timeout_s,
    )
    if ended.exit_status is None:
        return EXIT_NOT_MEASURED, f"{ended.reason}{' (cell_timeout_s)' if ended.timed_out else ''}"
    return ended.exit_status, "" if ended.exit_status in MEASURED else ended.reason


def _judged(changes: Sequence[pd.DataFrame], options: GateOptions) -> pd.DataFrame:
    """Judge the changes of all cells together: a false alarm is one of the whole night."""
    some = [each for each in changes if len(each)]
    return judged(pd.concat(some, ignore_index=True), options) if some else pd.DataFrame()


def _facts(job: NightlyJob, made: Sequence[Made], found: Sequence[Compared], changes: pd.DataFrame) -> dict[str, Any]:
    of = {each.name: each for each in found}
    rows = changes.astype(object).where(changes.notna(), None).to_dict("records")
    told = sorted((row for row in rows if row["verdict"] in _TOLD), key=lambda row: -abs(row["difference"]))
    floors = {name: floor_of(each.run.facts) for name, each in of.items()}
    return {
        "finished": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "matrix": job.matrix.name,
        "gate": asdict(job.gate) | {"changed": job.gate.changed.value, "fail_on_policy": job.fail_on_policy},
        "cells": [
            _cell_facts(each, of.get(each.cell.name)) | _sight(each.cell.name, changes, floors.get(each.cell.name, 0))
            for each in made
        ],
        "n_tests": int(changes["p_worse"].notna().sum()) if len(changes) else 0,
        "changes": [_told(row, floors[row["cell"]]) for row in told],
    }


def _told(row: Mapping[Hashable, Any], floor: int) -> dict[Hashable, Any]:
    """Return a change as it is told: of an intersection of few speakers that there is one, and no number."""
    if AND not in row["dimension"] or row["n_speakers"] >= floor:
        return dict(row)
    kept = dict.fromkeys(row) | {name: row[name] for name in _TOLD_OF_FEW if name in row}
    reason = f"an intersection of fewer than {floor} speakers, whose numbers would be of persons: see {CHANGES}"
    return kept | {"slice": f"of fewer than {floor} speakers", "reason": reason}


def _cell_facts(made: Made, found: Compared | None) -> dict[str, object]:
    cell = {
        "name": made.cell.name,
        "pipeline": made.cell.pipeline,
        "overrides": list(made.cell.overrides),
        "exit_status": made.exit_status,
        "measured": made.exit_status in MEASURED,
        "reason": made.reason,
        "seconds": made.seconds,
        "reused": made.reused,
    }
    return cell | ({} if found is None else found.facts())


def _sight(name: str, changes: pd.DataFrame, floor: int) -> dict[str, object]:
    """Say in which slices of a cell a loss as large as the gap that its policy allows would have been seen."""
    if not len(changes):
        return {}
    slices = changes[(changes["cell"] == name) & (changes["measure"] == SLICE_WER)]
    blind = slices[~(slices["detectable"] <= slices["promised"])]
    crossed = blind["dimension"].str.contains(AND, regex=False)
    named = blind[~(crossed & (blind["n_speakers"] < floor))]
    return {"n_slices": len(slices), "n_blind": len(blind), "blind": named[["dimension", "slice"]].values.tolist()}


def _exit_status(facts: Mapping[str, Any]) -> int:
    cells = facts["cells"]
    statuses = [cell["exit_status"] for cell in cells]
    if any(change["verdict"] == Change.regression.value for change in facts["changes"]):
        return EXIT_VIOLATED
    if facts["gate"]["fail_on_policy"] and EXIT_VIOLATED in statuses:
        return EXIT_VIOLATED
    if EXIT_TOO_MANY_FAILED in statuses:
        return EXIT_TOO_MANY_FAILED
    incomplete = any(not cell["measured"] or cell.get("standing") == "not_comparable" for cell in cells)
    return EXIT_NOT_MEASURED if incomplete else EXIT_WITHIN_POLICY


def _board(job: NightlyJob) -> None:
    """Write the board of all nights; what goes wrong is said, and changes no verdict."""
    try:
        page = write_board(read_history([job.nights]), job.board or job.nights / "board")
    except HarnessError as error:
        log.warning("no board: %s", error)
    else:
        log.info("board: %s", page)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a night's folder; who comes second waits, and then finds every cell made."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        if not locked(handle):
            log.info("another process makes %s; waiting for it", folder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
