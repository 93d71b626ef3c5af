"""Folders of nights in, the rows of the board's table of nights out: how each ended, what got worse or is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report.board_trends import name_of, short
from harness.report.links import link
from harness.report.wording import percent, plain, points
from harness.results.headlines import LeftOutError, moment, read_json
from harness.results.history import NIGHT

_MOST_SENTENCES = 6
_LONGEST = 300  # characters of a sentence
_SUMMARIES = ("nightly.html", "nightly.md")  # the better one first
_WORSE, _TOO_MANY_FAILED = 3, 4  # exit statuses; 0 is a night in which nothing got worse, others are incomplete
_OUTCOMES = {0: "passed", _WORSE: "worse", _TOO_MANY_FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class NightRow:
    """Is a night as the table shows it.

    Attributes:
        name: Of its folder.
        moment: When it ended, in seconds.
        outcome: passed, worse, violated (a policy, nothing got worse), failed (too many clips), not_judged (no cell has
            a baseline), incomplete or unreadable.
        worse: What got worse, a sentence each.
        broken: What else fails the night: policies, and clips that failed.
        missing: What could not be measured or compared.
        n_cells: Of its matrix.
        href: Of its summary.
    """

    name: str
    moment: float
    outcome: str
    worse: tuple[str, ...]
    broken: tuple[str, ...]
    missing: tuple[str, ...]
    n_cells: int
    href: str


def night_rows(nights: Sequence[Path], folder: Path) -> list[NightRow]:
    """Return the nights, newest first; links lead from `folder`."""
    rows = [_row(night, folder) for night in nights]
    return sorted(rows, key=lambda row: (row.moment, row.name), reverse=True)


def _row(night: Path, folder: Path) -> NightRow:
    try:
        facts = read_json(night / NIGHT)
        return NightRow(
            name=short(facts["night"]),
            moment=moment(facts["finished"]).timestamp(),
            outcome=_outcome(facts),
            worse=_some([_worse(row) for row in facts["changes"] if row["verdict"] == "regression"]),
            broken=_some([told for cell in facts["cells"] if (told := _broken(cell, facts))]),
            missing=_some([told for cell in facts["cells"] if (told := _missing(cell))]),
            n_cells=len(facts["cells"]),
            href=next((link(night / name, folder) for name in _SUMMARIES if (night / name).is_file()), ""),
        )
    except (LeftOutError, AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        said = (f"{NIGHT} cannot be read ({_cut(error)})",)
        return NightRow(short(night.name), 0.0, "unreadable", (), (), said, 0, "")


def _outcome(facts: Mapping[str, Any]) -> str:
    """Say how a night ended; one that had nothing to compare with has not found that nothing got worse."""
    outcome = _OUTCOMES.get(facts["exit_status"], "incomplete")
    if outcome == "worse" and all(row["verdict"] != "regression" for row in facts["changes"]):
        return "violated"
    compared = any(cell.get("standing") == "compared" for cell in facts["cells"])
    return "not_judged" if outcome == "passed" and not compared else outcome


def _worse(change: Mapping[str, Any]) -> str:
    """Say what got worse, from what to what, and why that is believed."""
    name = name_of(change["dimension"], change["slice"])
    what = "WER of everybody" if change["measure"] == "wer" else f"WER of {short(change['dimension'])} {name}"
    written = percent
    if change["measure"] == "gap":
        what, written = f"gap of {short(change['dimension'])} {name}", points
    numbers = f"{written(change['baseline'])} to {written(change['tonight'])}"
    return _cut(f"{short(change['cell'])}, {what}: {numbers}; {change['reason']}")


def _broken(cell: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Say whether a cell broke its policy, where that fails a night, or too many of its clips failed."""
    status = cell.get("exit_status")
    if status == _WORSE and facts.get("gate", {}).get("fail_on_policy"):
        return _cut(f"{short(cell['name'])} violates its policy {cell['policy']}")
    if status == _TOO_MANY_FAILED:
        return _cut(f"{short(cell['name'])}: {cell['n_failed']:,} clips failed, more than allowed")
    return ""


def _missing(cell: Mapping[str, Any]) -> str:
    """Say why a cell was not measured or compared; nothing where it was, or where there is no baseline yet."""
    if not cell["measured"]:
        return _cut(f"{short(cell['name'])} was not measured: {cell['reason']}")
    if cell.get("standing") == "not_comparable":
        return _cut(f"{short(cell['name'])} is not comparable with its baseline: {cell['comparison']}")
    return ""


def _some(sentences: Sequence[str]) -> tuple[str, ...]:
    more = len(sentences) - _MOST_SENTENCES
    return (*sentences[:_MOST_SENTENCES], *([f"and {more} more"] if more > 0 else []))


def _cut(text: object) -> str:
    told = plain(text)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"
