"""A run in, its verdict and the worst things first in words out."""

from harness.report.html.gaps import detectable
from harness.report.html.measured import INSUFFICIENT, Measured, Row, records, several
from harness.report.html.parts import Finding, Findings, Listing, Part, Section, Words
from harness.report.shown import withheld
from harness.report.wording import gap_interval, percent, plain, points, remarks

MOST_FOUND, MOST_UNSHOWN, MOST_BETTER = 6, 3, 3  # named here; the table of gaps has all
_UNSEEN = "An unflagged gap was not detected at this sample size, which is not the same as none."


def findings_section(measured: Measured) -> Section:
    """Return what was found, worst first, then what could not be shown, then what to know before believing it."""
    found = _found(measured)
    parts: list[Part] = [Findings(found)] if found else []
    if not _with(measured, "disparity"):
        parts.insert(0, Words(f"No slice is shown to be worse than its comparator by the margin. {_UNSEEN}"))
    notes = [*_too_few(measured), *withheld(measured.run), *remarks(measured.run)]
    if notes:
        parts.append(Listing(notes))
    return Section("findings", "The worst first", "Findings", parts)


def _found(measured: Measured) -> list[Finding]:
    worse, better, unshown = (_with(measured, name) for name in ("disparity", "advantage", "inconclusive"))
    unshown = [row for row in unshown if row["gap"] >= measured.summary["margin"]]
    return [
        *(_finding(measured, row, "") for row in worse[:MOST_FOUND]),
        *_rest(worse, MOST_FOUND, "disparity", "worse"),
        *(_finding(measured, row, _unshown(row)) for row in unshown[:MOST_UNSHOWN]),
        *_rest(
            unshown,
            MOST_UNSHOWN,
            "inconclusive",
            "worse by more than the margin, which is not shown to be more than chance",
        ),
        *(_finding(measured, row, "") for row in better[::-1][:MOST_BETTER]),
        *_rest(better, MOST_BETTER, "advantage", "better served"),
    ]


def _with(measured: Measured, verdict: str) -> list[Row]:
    """Return the rows with a verdict, the largest gap first."""
    rows = measured.disparities[measured.disparities["verdict"] == verdict]
    return records(rows.sort_values("gap", ascending=False, kind="stable"))


def _finding(measured: Measured, row: Row, addition: str) -> Finding:
    people = measured.people.get((row["dimension"], row["slice"]), 0)
    interval = gap_interval(row["gap_low"], row["gap_high"])
    return Finding(
        row["verdict"],
        f"{plain(row['slice'])}",
        f"({plain(row['dimension'])}): WER {percent(row['wer'])} against {percent(row['comparator_wer'])} of "
        f"{plain(row['comparator'])}, {points(row['gap'])} points"
        f"{'' if interval == '–' else f' ({interval})'}; {several(people, 'speaker', 'speakers')}{addition}.",
    )


def _unshown(row: Row) -> str:
    least = detectable(row)
    return f", who would have shown a gap of about {least} points" if least != "–" else ""


def _rest(rows: list[Row], shown: int, verdict: str, what: str) -> list[Finding]:
    more = len(rows) - shown
    return [Finding(verdict, f"{more:,} more", f"{what}: see the gaps below.")] if more > 0 else []


def _too_few(measured: Measured) -> list[str]:
    n_few = int((measured.disparities["verdict"] == INSUFFICIENT).sum())
    if not n_few:
        return []
    whole = several(len(measured.disparities), "slice", "slices")
    return [f"{n_few:,} of {whole} with too few speakers, utterances or words for a verdict: nothing is said of them."]
