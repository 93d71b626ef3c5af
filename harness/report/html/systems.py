"""A run and others on the same utterances in, the systems beside one another out; differences are not tested here."""

from collections.abc import Mapping, Sequence

import pandas as pd

from harness.errors import UsageError
from harness.fairness.membership import OVERALL
from harness.report import charts
from harness.report.html.measured import Measured, Row, records, system_name
from harness.report.html.parts import Part, Section, Words, drawing, table
from harness.report.pages import verdict
from harness.report.shown import ShownRun
from harness.report.wording import gap_interval, mapping, percent, plain, points, rate_interval
from harness.results import Run
from harness.results.run import SCORES, SLICES

_KEYS = ["utterance_id", "condition", "reference"]
_HEADERS = (
    "system",
    "WER",
    "interval",
    "largest gap",
    "slice",
    "interval",
    "verdict",
    "disparities",
    "policy",
)


def systems_section(measured: Measured, others: Sequence[ShownRun]) -> Section | None:
    """Return this system and the others; None where there is no other."""
    if not others:
        return None
    runs = [measured.run, *others]
    systems = {name: Measured(run) for name, run in zip(_names(runs), runs, strict=True)}
    dimensions = [OVERALL, *measured.dimensions]
    shown = {name: system.of(dimensions) for name, system in systems.items()}
    summaries = [_cells(name, system) for name, system in systems.items()]
    caption = "Largest gap: of the slices with enough people for a test."
    parts: list[Part] = [
        Words(
            f"{len(runs)} systems on the same utterances, each by its own run. Differences between them are not tested "
            "here; harness compare tests them on pairs of utterances."
        ),
        table("systems-table", _HEADERS, summaries, caption=caption, file="summary.json"),
    ]
    if measured.dimensions and measured.has_words:
        parts += [
            drawing("systems", charts.spec(charts.systems(shown, ordered=measured.ordered)), table="systems-slices"),
            _by_slice(shown),
        ]
    return Section("systems", "Systems compared", "Systems", parts)


def checked_beside(run: Run, others: Sequence[Run]) -> None:
    """Refuse runs of other utterances: their rates would stand side by side and mean different things.

    Raises:
        UsageError: Utterances or their references differ, or one of them is the run itself.
    """
    for other in others:
        if other.path.resolve() == run.path.resolve():
            raise UsageError(f"report.beside={other.path}: is the run itself. Give others, of the same utterances.")
    ours = _utterances(run) if others else None
    for other in others:
        theirs = _utterances(other)
        if ours is not None and not ours.equals(theirs):
            raise UsageError(
                f"report.beside={other.path}: not of the same utterances as {run.path}. It has {len(theirs):,}, this "
                f"has {len(ours):,}, and their ids, conditions or normalised references differ. Give runs of one "
                "manifest and one normaliser."
            )


def _utterances(run: Run) -> pd.DataFrame:
    """Return what was said in which utterance, in an order that does not depend on the run."""
    try:
        read = pd.read_parquet(run.path / SCORES, columns=_KEYS)
    except (OSError, ValueError):
        read = run.scores[_KEYS]  # says what is wrong
    return read.sort_values(_KEYS).reset_index(drop=True)


def _names(runs: Sequence[Run]) -> list[str]:
    """Return what to call the systems; where two are called the same, with the names of their folders."""
    names = [system_name(run) for run in runs]
    return [
        name if names.count(name) == 1 else f"{name} ({plain(run.path.resolve().name)})"
        for name, run in zip(names, runs, strict=True)
    ]


def _cells(name: str, system: Measured) -> tuple[object, ...]:
    summary = system.summary
    gap = mapping(summary["max_gap"])
    n_found = int(mapping(summary["verdicts"]).get("disparity", 0))
    return (
        name,
        (percent(summary["wer"]), summary["wer"]),
        rate_interval(summary["wer_low"], summary["wer_high"]),
        (points(gap.get("gap")), gap.get("gap")),
        f"{plain(gap['slice'])} ({plain(gap['dimension'])})" if gap else "–",
        gap_interval(gap.get("gap_low"), gap.get("gap_high")),
        (verdict(gap["verdict"]), gap["verdict"]) if gap else "–",
        n_found,
        f"{plain(summary['policy'])}: {'held' if summary['passed'] else 'violated'}",
    )


def _by_slice(shown: Mapping[str, pd.DataFrame]) -> Part:
    """Return the WER of every slice under every system, in the order of the first."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for name, slices in shown.items():
        for row in records(slices):
            found.setdefault((row["dimension"], row["slice"]), {})[name] = row
    rows = [
        (
            *key,
            max(int(row["n_speakers"]) for row in by_system.values()),
            *(_wer(by_system.get(name)) for name in shown),
        )
        for key, by_system in found.items()
    ]
    headers = ("dimension", "slice", "speakers", *shown)
    return table("systems-slices", headers, rows, caption="WER of every slice by system.", file=SLICES, folded=True)


def _wer(row: Row | None) -> tuple[str, float | None]:
    return ("–", None) if row is None else (percent(row["wer"]), row["wer"])
